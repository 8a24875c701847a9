//! What kafka-prober does to Kafka: when to try, what to write, and how responses become events.
//!
//! | module | holds |
//! | --- | --- |
//! | [`clock`] | the only reader of time |
//! | [`backoff`] | waits that double, with jitter |
//! | [`schedule`] | open-loop, phase-spread ticks |
//! | [`port`] | Kafka as the probes see it, as traits |
//! | [`record`] | the bytes of a probe record |
//! | [`round_trip`] | `produce`, `consume` and `end_to_end`: one record for all three |
//! | [`direct`] | what the direct probes share: scheduler, runtime, targets, back-off |
//! | [`fetch`], [`metadata`], [`connect`], [`commit`], [`transaction`], [`controller`] | the direct probes, one folder each |
//! | [`coordinators`] | what `commit` and `transaction` share |
//! | [`spec`] | how each direct probe is built |
//! | `sim` | a simulated cluster with a fault timeline, for tests (feature `sim`) |
//!
//! **Invariant:** no rdkafka, no socket. Only [`clock`] reads time, so everything runs under a paused clock.

pub mod backoff;
pub mod clock;
pub mod commit;
pub mod connect;
pub mod controller;
pub mod coordinators;
pub mod direct;
pub mod fetch;
pub mod metadata;
pub mod port;
pub mod record;
pub mod round_trip;
pub mod schedule;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod spec;
pub mod transaction;
