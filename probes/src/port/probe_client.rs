//! The port of the direct probes: one request, at most one response.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::coordinator::{InternalPartition, InternalTopic};
use prober_core::diagnosis::input::OverdueConnection;
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Phase, Probe};
use prober_core::time::Time;
use prober_core::topology::TopicSeen;

/// Runs attempts of direct probes.
pub trait ProbeClient {
    /// Starts one attempt and returns immediately. Its result is a [`ProbeInput::Response`] that may come late or never: the
    /// caller keeps the deadline. A response later than `within` is of no use.
    fn start(&mut self, request: ProbeRequest, within: Duration);

    /// Opens a fresh connection to a suspected broker, outside the schedule and the counts. The result is a
    /// [`ProbeInput::ConnectChecked`]; there is none if the broker's address is unknown.
    fn connect_check(&mut self, broker: BrokerId);
}

/// One attempt of a direct probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRequest {
    /// Its number, unique within its cluster and run.
    pub id: RequestId,
    /// The probe.
    pub probe: Probe,
    /// The broker to ask, or the cluster.
    pub broker: Broker,
}

/// The number of a [`ProbeRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What the direct probes of a cluster report.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeInput {
    /// The brokers that a probe can ask from now on.
    Targets {
        /// The probe.
        probe: Probe,
        /// Since when.
        at: Time,
        /// The brokers.
        brokers: BTreeSet<Broker>,
    },
    /// An attempt at a coordinator has chosen the partition of an internal topic that it is about.
    Chosen {
        /// The attempt's request.
        id: RequestId,
        /// The partition.
        partition: InternalPartition,
    },
    /// An attempt has ended.
    Response {
        /// The attempt's request.
        id: RequestId,
        /// Its result.
        response: ProbeResponse,
    },
    /// A phase of an attempt succeeded.
    Phase {
        /// The broker, or the cluster.
        broker: Broker,
        /// The phase.
        phase: Phase,
        /// How long it took.
        took: Duration,
    },
    /// A probe cannot run, or can again.
    Blocked {
        /// The probe.
        probe: Probe,
        /// Why, and what to do about it; `None`: it can run.
        message: Option<Arc<str>>,
    },
    /// A broker did not answer a controller request that another broker did (K17).
    ChannelFailed {
        /// The broker.
        broker: BrokerId,
    },
    /// A monitor topic was created or deleted, or could not be.
    Action {
        /// The action: the label value of `kafka_prober.topic.actions`.
        action: &'static str,
        /// The result: `done`, `timeout` or a Kafka error name.
        result: &'static str,
    },
    /// A pooled connection has become overdue, or answers again.
    Overdue(OverdueConnection),
    /// Result of a [`ProbeClient::connect_check`].
    ConnectChecked {
        /// The broker.
        broker: BrokerId,
        /// When it ended.
        at: Time,
        /// Why ApiVersions was not answered; `None`: it was.
        fault: Option<Fault>,
    },
    /// The brokers in a metadata response.
    MetadataBrokers {
        /// When the metadata was requested.
        asked: Time,
        /// The brokers.
        brokers: BTreeSet<BrokerId>,
    },
    /// The leaders and in-sync replicas of an internal topic have changed.
    InternalTopic {
        /// The topic.
        topic: InternalTopic,
        /// When the metadata was requested.
        asked: Time,
        /// Its partitions.
        seen: TopicSeen,
    },
    /// Another prober uses this prober's vantage name.
    DuplicateVantage {
        /// When that was noticed.
        at: Time,
        /// A sentence about what was noticed.
        evidence: Arc<str>,
    },
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeResponse {
    /// Where the latency of a success begins, if later than the start of the attempt.
    pub sent: Option<Time>,
    /// When the attempt ended.
    pub at: Time,
    /// Success, or the cause of failure.
    pub result: Result<(), Fault>,
}
