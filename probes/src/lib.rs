//! What kafka-prober does to Kafka: when to try, what to write, and how answers become events.
//!
//! | module | holds |
//! | --- | --- |
//! | [`backoff`] | the wait before a failed operation is tried again: exponential, with jitter |
//! | [`clock`] | the one reader of time |
//! | [`schedule`] | open-loop, phase-spread ticks |
//! | [`port`] | the two shapes of Kafka as probes see it: `Lane` and `Ask` |
//! | [`record`] | the bytes of a probe record |
//! | [`round_trip`] | `produce`, `consume` and `end_to_end`, one record for all three |
//! | [`direct`] | direct probes: one question, one answer, one event |
//! | [`sim`] | a simulated cluster with a fault timeline, for tests |
//!
//! **Invariant:** no rdkafka, no socket. Time is read in [`clock`] alone, so that all of it runs under a paused clock.

pub mod backoff;
pub mod clock;
pub mod direct;
pub mod port;
pub mod record;
pub mod round_trip;
pub mod schedule;
pub mod sim;
