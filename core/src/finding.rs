//! A finding: what is wrong, and whose fault it is. The diagnosis makes most kinds; a few come from a single probe.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::Blame;
use crate::ids::{BrokerId, ClusterName};
use crate::time::Time;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A broker has not answered anything for 1.5 s while others do.
    BrokerStalled,
    /// The same, for ten seconds.
    BrokerFrozen,
    /// A broker refuses connections while the cluster lists it.
    BrokerDown,
    /// Not even the host of a broker answers.
    BrokerUnreachable,
    /// A broker is registered, or named by replica lists, and has been out of the cluster for a while.
    BrokerAbsent,
    /// A broker is cut off from the controllers and still answers.
    BrokerStale,
    /// Clients and controllers reach a broker, and the other brokers do not.
    BrokerCutOffFromPeers,
    /// Several brokers stopped answering at the same time.
    BrokersTogether,
    /// No broker answers.
    ClusterUnreachable,
    /// The active controller does not answer.
    ControllerUnresponsive,
    /// Commits or transactions fail at a coordinator while the brokers are well.
    CoordinatorFailing,
    /// One partition of an internal topic fails at its coordinator while the others of that broker are well.
    CoordinatorPartitionFailing,
    /// Fewer replicas are in sync than the replicated topic demands.
    NotEnoughReplicas,
    /// Acked records of the replicated topic are gone.
    AckedRecordsLost,
    /// A broker is slow in everything.
    BrokerSlow,
    /// The network path from the prober to a broker is slow or loses packets; the other brokers do not notice.
    PathDegraded,
    /// A broker writes slowly and answers everything else in time.
    DiskSlow,
    /// Writes with acks=all wait for one follower.
    FollowerSlow,
    /// A broker serves existing connections and accepts no new ones.
    NewConnectionsFailing,
    /// Most brokers are slow at the same time.
    ClusterOverloaded,
    /// A broker answers but has lost the log directory of its pinned partition.
    StorageFailed,
    /// The cluster throttles the prober.
    QuotaThrottled,
    /// The prober's credentials, or a broker's certificate, are refused.
    CredentialsRefused,
    /// Replicas have been out of sync for minutes and do not catch up.
    ReplicasMissing,
    /// Replicas fall out of sync and catch up, again and again.
    ReplicasBehind,
    /// Partitions have been led by other than their preferred brokers for longer than Kafka's automatic election takes.
    LeadersImbalanced,
    /// The number of partition replicas is near a limit, or above it.
    PartitionLimit,
    /// A partition of an internal topic is large and keeps growing.
    InternalTopicGrowing,
    /// Partitions are being reassigned: an intended operation with side effects.
    ReassignmentRunning,
    /// The prober lacks an ACL.
    PermissionMissing,
    /// The prober itself was stalled.
    ProberStalled,
    /// Another prober runs with the same vantage name: the two fence each other's transactions and share groups and metrics.
    DuplicateVantage,
    /// The prober is short of CPU, memory, file descriptors or ports.
    ProberStarved,
    /// The prober's own network is down.
    ProberNetwork,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [FindingKind; 34] = [
        FindingKind::BrokerStalled,
        FindingKind::BrokerFrozen,
        FindingKind::BrokerDown,
        FindingKind::BrokerUnreachable,
        FindingKind::BrokerAbsent,
        FindingKind::BrokerStale,
        FindingKind::BrokerCutOffFromPeers,
        FindingKind::BrokersTogether,
        FindingKind::ClusterUnreachable,
        FindingKind::ControllerUnresponsive,
        FindingKind::CoordinatorFailing,
        FindingKind::CoordinatorPartitionFailing,
        FindingKind::NotEnoughReplicas,
        FindingKind::AckedRecordsLost,
        FindingKind::BrokerSlow,
        FindingKind::PathDegraded,
        FindingKind::DiskSlow,
        FindingKind::FollowerSlow,
        FindingKind::NewConnectionsFailing,
        FindingKind::ClusterOverloaded,
        FindingKind::StorageFailed,
        FindingKind::QuotaThrottled,
        FindingKind::CredentialsRefused,
        FindingKind::ReplicasMissing,
        FindingKind::ReplicasBehind,
        FindingKind::LeadersImbalanced,
        FindingKind::PartitionLimit,
        FindingKind::InternalTopicGrowing,
        FindingKind::ReassignmentRunning,
        FindingKind::PermissionMissing,
        FindingKind::ProberStalled,
        FindingKind::DuplicateVantage,
        FindingKind::ProberStarved,
        FindingKind::ProberNetwork,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingKind::BrokerStalled => "broker_stalled",
            FindingKind::BrokerFrozen => "broker_frozen",
            FindingKind::BrokerDown => "broker_down",
            FindingKind::BrokerUnreachable => "broker_unreachable",
            FindingKind::BrokerAbsent => "broker_absent",
            FindingKind::BrokerStale => "broker_stale",
            FindingKind::BrokerCutOffFromPeers => "broker_cut_off_from_peers",
            FindingKind::BrokersTogether => "brokers_together",
            FindingKind::ClusterUnreachable => "cluster_unreachable",
            FindingKind::ControllerUnresponsive => "controller_unresponsive",
            FindingKind::CoordinatorFailing => "coordinator_failing",
            FindingKind::CoordinatorPartitionFailing => "coordinator_partition_failing",
            FindingKind::NotEnoughReplicas => "not_enough_replicas",
            FindingKind::AckedRecordsLost => "acked_records_lost",
            FindingKind::BrokerSlow => "broker_slow",
            FindingKind::PathDegraded => "path_degraded",
            FindingKind::DiskSlow => "disk_slow",
            FindingKind::FollowerSlow => "follower_slow",
            FindingKind::NewConnectionsFailing => "new_connections_failing",
            FindingKind::ClusterOverloaded => "cluster_overloaded",
            FindingKind::StorageFailed => "storage_failed",
            FindingKind::QuotaThrottled => "quota_throttled",
            FindingKind::CredentialsRefused => "credentials_refused",
            FindingKind::ReplicasMissing => "replicas_missing",
            FindingKind::ReplicasBehind => "replicas_behind",
            FindingKind::LeadersImbalanced => "leaders_imbalanced",
            FindingKind::PartitionLimit => "partition_limit",
            FindingKind::InternalTopicGrowing => "internal_topic_growing",
            FindingKind::ReassignmentRunning => "reassignment_running",
            FindingKind::PermissionMissing => "permission_missing",
            FindingKind::ProberStalled => "prober_stalled",
            FindingKind::DuplicateVantage => "duplicate_vantage",
            FindingKind::ProberStarved => "prober_starved",
            FindingKind::ProberNetwork => "prober_network",
        }
    }
}

/// One finding, while it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The cluster.
    pub cluster: ClusterName,
    /// The broker it is about, if it is about one.
    pub broker: Option<BrokerId>,
    /// Whose fault it is.
    pub blame: Blame,
    /// Since when.
    pub since: Time,
    /// How sure it is.
    pub confidence: Confidence,
    /// One sentence: what is wrong and what to do.
    pub summary: Arc<str>,
    /// The supporting facts, one sentence each.
    pub evidence: Vec<Arc<str>>,
    /// The likeliest alternative, if the evidence allows one.
    pub runner_up: Option<FindingKind>,
    /// The brokers that it is about together; empty if it is about one, or about none.
    pub members: Vec<BrokerId>,
    /// What was found besides and needs no cause of its own, because this finding explains it.
    pub consequences: Vec<Consequence>,
    /// How often it was found lately, if that was again and again.
    pub recurrence: Option<Recurrence>,
}

/// How sure a finding is. The share of findings that were right is measured over the recorded incidents (docs/incidents.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence allows another cause that is not much less likely.
    Possible,
    /// Another cause is possible and unlikely.
    Likely,
    /// Absolute evidence: a refusal, missing answers, or the cluster's own statement.
    Certain,
}

impl Confidence {
    /// The value in pages and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// A finding that another one explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Consequence {
    /// What was found.
    pub kind: FindingKind,
    /// About which broker, if about one.
    pub broker: Option<BrokerId>,
}

/// The same finding, begun again and again. It stands between its episodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// Episodes within the last ten minutes.
    pub count: usize,
    /// When each of the newest of them began, oldest first.
    pub began: Vec<Time>,
    /// Whether it stands only because it recurs: at this moment nothing of it is found.
    #[serde(default)]
    pub is_between: bool,
}
