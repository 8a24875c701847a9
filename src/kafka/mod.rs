//! Kafka, behind the ports of `prober-probes`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`wire`] | the Kafka protocol over TCP: connections to one broker, and one file for each kind of request |
//! | [`session`] | connections that are kept open, and the monitor of overdue responses |
//! | [`cluster`] | the metadata of a cluster, and how they are requested |
//! | [`lanes`] | the topic of each lane; the pinned lane over the wire, the replicated lane through librdkafka |
//! | [`cluster_client`] | the broker verbs of the direct probes, over the wire |
//! | [`observe`] | observation: state that the cluster reports about itself, such as under-replicated partitions |
//! | [`group_cleanup`] | deletes the consumer groups that the commit probe has left |
//! | [`security`] | TLS and SASL, the same for both clients |
//! | [`mock`] | librdkafka's in-process mock cluster, for the demo and the fast tests |
//!
//! Only [`lanes::client`] and [`mock`] use rdkafka.

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

/// What a lane reports to the engine.
#[derive(Clone, Debug)]
pub enum Report {
    /// An input of the lane's probes.
    Lane(LaneInput),
    /// The brokers of the cluster.
    Topology(Topology),
    /// The partitions of the lane's topic, with leaders and in-sync replicas.
    Topic(TopicSeen),
    /// State of one of the lane's librdkafka clients.
    Client {
        /// `producer` or `consumer`.
        role: &'static str,
        /// Its state.
        vitals: ClientVitals,
    },
    /// A response on a managed connection is overdue, or is not any more.
    Overdue(OverdueConnection),
    /// An action on the lane's topic.
    Action {
        /// The action, such as `create`.
        action: &'static str,
        /// Its result, such as `success`.
        result: &'static str,
    },
}

/// Receives reports, from any thread, without waiting.
pub type Reporter = Arc<dyn Fn(Report) + Send + Sync>;
