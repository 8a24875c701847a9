//! Kafka, behind the ports of `prober-probes`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`wire`] | the raw protocol: one connection, one request at a time from us to one broker |
//! | [`pinned`] | the pinned lane over the wire: the broker view |
//!
//! The client view (librdkafka) gets a module of its own beside them, and is the only place for `use rdkafka` apart
//! from [`mock`], librdkafka's in-process cluster for the demo.

pub mod mock;
pub mod pinned;
pub mod wire;

use std::sync::Arc;

use prober_core::topology::Topology;
use prober_probes::port::LaneInput;

/// What Kafka's side reports to the engine.
#[derive(Clone, Debug)]
pub enum Report {
    /// Of a lane.
    Lane(LaneInput),
    /// The cluster's brokers, as they are known now.
    Topology(Topology),
    /// Something was done to a topic of ours.
    Action {
        /// What.
        action: &'static str,
        /// With what result.
        result: &'static str,
    },
}

/// Takes reports in, from any thread, without ever waiting.
pub type Reporter = Arc<dyn Fn(Report) + Send + Sync>;
