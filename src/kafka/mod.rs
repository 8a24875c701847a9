//! Kafka, behind the ports of `prober-probes`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`wire`] | the raw protocol: one connection, one request at a time from us to one broker |
//! | [`topic`] | a lane's topic, over the wire: found or created, known to be ours, and watched |
//! | [`pinned`] | the pinned lane over the wire: the broker view |
//! | [`direct`] | the direct probes over the wire: one question, one answer |
//! | [`client`] | the replicated lane through librdkafka: the client view |
//! | [`observe`] | what the cluster says of itself, read beside the probes |
//! | [`cleaning`] | the groups that the commit probe has left, deleted |
//! | [`security`] | TLS and SASL, the same for both clients |
//! | [`mock`] | librdkafka's in-process cluster, for the demo |
//!
//! [`client`] and [`mock`] are the only places for `use rdkafka`.

pub mod cleaning;
pub mod client;
pub mod direct;
pub mod mock;
pub mod observe;
pub mod pinned;
pub mod security;
pub mod topic;
pub mod wire;

use std::sync::Arc;

use prober_core::snapshot::ClientVitals;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::port::{LaneInput, Silence};

/// What Kafka's side reports to the engine.
#[derive(Clone, Debug)]
pub enum Report {
    /// Of a lane.
    Lane(LaneInput),
    /// The cluster's brokers, as they are known now.
    Topology(Topology),
    /// The lane's topic, as it is laid out now: who leads, and who is in sync.
    Topic(TopicSeen),
    /// Of one of the lane's Kafka clients.
    Client {
        /// `producer` or `consumer`.
        role: &'static str,
        /// What it says of itself.
        vitals: ClientVitals,
    },
    /// A kept connection has fallen silent, or speaks again.
    Silence(Silence),
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
