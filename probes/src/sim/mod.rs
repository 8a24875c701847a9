//! A simulated Kafka for tests, on the prober's own (usually paused) clock: no socket, no thread, deterministic.
//!
//! | module | holds |
//! | --- | --- |
//! | [`lane`] | a monitor topic whose brokers fail by a timeline, behind the [`Lane`](crate::port::Lane) port |
//! | [`cluster`] | brokers, coordinators and a controller, behind the [`ClusterClient`](crate::port::ClusterClient) port |
//! | [`tasks`] | tasks without a supervisor |

pub mod cluster;
pub mod lane;
#[cfg(test)]
pub(crate) mod prober;
pub mod tasks;
