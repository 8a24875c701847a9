//! Kafka, behind the ports of `prober-probes`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`wire`] | the raw protocol: one connection, one request at a time from us to one broker |
//! | [`session`] | connections that are kept, their back-off, and the monitor of overdue responses |
//! | [`cluster`] | the metadata of a cluster, and the client that requests them |
//! | [`lanes`] | the topic of each lane; the pinned lane over the wire, the replicated lane through librdkafka |
//! | [`cluster_client`] | the broker verbs of the direct probes, over the wire |
//! | [`observe`] | what the cluster says of itself, read beside the probes |
//! | [`group_cleanup`] | deletes the consumer groups that the commit probe has left |
//! | [`security`] | TLS and SASL, the same for both clients |
//! | [`mock`] | librdkafka's in-process cluster, for the demo |
//!
//! [`lanes::client`] and [`mock`] are the only places for `use rdkafka`.

mod cluster;
pub mod cluster_client;
pub mod group_cleanup;
pub mod lanes;
pub mod mock;
pub mod observe;
pub mod security;
mod session;
pub mod wire;

use std::sync::Arc;

use prober_core::snapshot::ClientVitals;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::port::{LaneInput, OverdueConnection};

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
    Silence(OverdueConnection),
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
