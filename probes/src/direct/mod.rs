//! Direct probes: every attempt is one request (or a few) to one broker, outside the lanes.
//!
//! | module | holds |
//! | --- | --- |
//! | [`scheduler`] | when each target is due, and the event that each attempt becomes |
//! | [`runtime`] | runs the attempts: the [`ProbeClient`](crate::port::ProbeClient) of a cluster |
//! | [`probe`] | what a probe kind implements |
//! | [`context`] | what every probe kind is built from |
//! | [`targets`] | chooses the brokers that each probe asks, as the metadata changes |
//! | [`backoff`] | pauses a probe that the cluster refuses permanently |
//! | [`log_end_offsets`] | where the pinned partitions end, as the lane's readers know it |

pub mod backoff;
pub mod context;
pub mod log_end_offsets;
pub mod probe;
pub mod runtime;
pub mod scheduler;
pub mod targets;
