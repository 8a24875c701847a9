//! `clusters[].observation` of the status page: what the cluster reports about itself.
//!
//! - `cluster_id`, `flavour` (kafka, redpanda, or null where the cluster does not say it), `active_controller` (a node id)
//! - `brokers`: `registered`, `fenced` (null where the cluster does not report it)
//! - `partitions`: `topics`, `total`, `replicas`, `limit_per_broker`, `limit_per_cluster` (of replicas), `unknown_min_isr`
//!   and, without the monitor topics, `under_replicated`, `at_min_isr`, `under_min_isr`, `offline`, each with `count` and
//!   `first[]` (at most ten as `topic-partition`)
//! - `reassignments`: `count`, `first[]`
//! - `name_collisions`: `count`, `first[][]` (groups of topics)
//! - `by_broker[]`: `broker`, `partitions` (`replica`, `leader`, `preferred_leader`, `out_of_sync`, `under_replicated`,
//!   `leader_imbalance`), `log_dirs` (`count`, `failed`, `total_bytes`, `usable_bytes`), `internal_topics[]` (`topic`,
//!   `bytes`, `growth_bytes_per_second`), `versions` (a fingerprint of the API versions it offers)
//! - `largest_internal_partitions[]`, largest first, at most ten: `topic`, `partition`, `broker`, `bytes`,
//!   `growth_bytes_per_second` (null where it shrank or was measured once)
//! - `quorum`: `epoch`, `nodes[]` (`node`, `role`, `lag`)
//! - `versions`: `common` (what most brokers offer), `differing[]` (the brokers that offer something else)
//! - `parts[]`: `part`, `state` (pending, on, off, failing), `message`, `seen_ms_ago`, `took_ms`, `requests`
//!
//! Fields of a part that has not answered yet are null; of a failing part the last answer is shown, with its age.

use std::collections::BTreeSet;
use std::sync::Arc;

use prober_core::ids::BrokerId;
use prober_core::observed::flavour::Flavour;
use prober_core::observed::partitions::{BrokerPartitions, Partitions};
use prober_core::observed::parts::{Part, PartStatus};
use prober_core::observed::sizes::{BrokerSizes, LargePartition};
use prober_core::observed::{self as observation, Named, Observed};
use prober_core::time::Time;
use serde::Serialize;

use super::format::millis;

/// The JSON object.
#[derive(Debug, Serialize)]
pub(super) struct Observation {
    cluster_id: Option<Arc<str>>,
    flavour: Option<&'static str>,
    active_controller: Option<i32>,
    brokers: Option<BrokerCounts>,
    partitions: Option<PartitionCounts>,
    reassignments: Option<NamedRow>,
    name_collisions: Option<CollisionsRow>,
    by_broker: Vec<BrokerRow>,
    largest_internal_partitions: Option<Vec<LargeRow>>,
    quorum: Option<QuorumRow>,
    versions: Option<VersionsRow>,
    parts: Vec<PartRow>,
}

#[derive(Debug, Serialize)]
struct BrokerCounts {
    registered: u64,
    fenced: Option<u64>,
}

#[derive(Debug, Serialize)]
struct PartitionCounts {
    topics: u64,
    total: u64,
    replicas: u64,
    limit_per_broker: u64,
    limit_per_cluster: u64,
    under_replicated: NamedRow,
    at_min_isr: NamedRow,
    under_min_isr: NamedRow,
    offline: NamedRow,
    unknown_min_isr: u64,
}

#[derive(Debug, Serialize)]
struct NamedRow {
    count: u64,
    first: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CollisionsRow {
    count: u64,
    first: Vec<Vec<Arc<str>>>,
}

#[derive(Debug, Serialize)]
struct BrokerRow {
    broker: i32,
    partitions: Option<BrokerPartitionsRow>,
    log_dirs: Option<LogDirsRow>,
    internal_topics: Option<Vec<TopicRow>>,
    versions: Option<String>,
}

#[derive(Debug, Serialize)]
struct BrokerPartitionsRow {
    replica: u64,
    leader: u64,
    preferred_leader: u64,
    out_of_sync: u64,
    under_replicated: u64,
    leader_imbalance: f64,
}

#[derive(Debug, Serialize)]
struct LogDirsRow {
    count: u64,
    failed: u64,
    total_bytes: Option<u64>,
    usable_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct TopicRow {
    topic: Arc<str>,
    bytes: u64,
    growth_bytes_per_second: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LargeRow {
    topic: Arc<str>,
    partition: i32,
    broker: i32,
    bytes: u64,
    growth_bytes_per_second: Option<f64>,
}

#[derive(Debug, Serialize)]
struct QuorumRow {
    epoch: i32,
    nodes: Vec<NodeRow>,
}

#[derive(Debug, Serialize)]
struct NodeRow {
    node: i32,
    role: &'static str,
    lag: Option<u64>,
}

#[derive(Debug, Serialize)]
struct VersionsRow {
    common: Option<String>,
    differing: Vec<i32>,
}

#[derive(Debug, Serialize)]
struct PartRow {
    part: &'static str,
    state: &'static str,
    message: Option<Arc<str>>,
    seen_ms_ago: Option<f64>,
    took_ms: f64,
    requests: u64,
}

impl Observation {
    /// The object at `now`.
    pub(super) fn of(observed: &Observed, now: Time) -> Observation {
        let counts = observed.registrations.as_ref().map(|seen| seen.counts());
        Observation {
            cluster_id: observed.cluster_id.clone(),
            flavour: observed.flavour.map(Flavour::as_str),
            active_controller: observed.controller().map(|controller| controller.0),
            brokers: counts.map(|(registered, fenced)| BrokerCounts { registered, fenced }),
            partitions: observed.partitions.as_ref().map(|sums| PartitionCounts::of(sums, observed.limits)),
            reassignments: observed.reassignments.as_ref().map(NamedRow::of),
            name_collisions: observed
                .collisions
                .as_ref()
                .map(|collisions| CollisionsRow { count: collisions.count, first: collisions.first.clone() }),
            by_broker: BrokerRow::all(observed),
            largest_internal_partitions: observed
                .sizes
                .as_ref()
                .map(|sizes| sizes.largest.iter().map(LargeRow::of).collect()),
            quorum: observed.quorum.as_deref().map(QuorumRow::of),
            versions: observed.versions.as_ref().map(|versions| VersionsRow {
                common: versions.common().map(|common| common.to_string()),
                differing: versions.differing().iter().map(|broker| broker.0).collect(),
            }),
            parts: observed.parts.iter().map(|(part, status)| PartRow::of(*part, status, now)).collect(),
        }
    }
}

impl PartitionCounts {
    fn of(sums: &Partitions, limits: observation::PartitionLimits) -> PartitionCounts {
        PartitionCounts {
            topics: sums.topics,
            total: sums.partitions,
            replicas: sums.replicas,
            limit_per_broker: limits.per_broker,
            limit_per_cluster: limits.per_cluster,
            under_replicated: NamedRow::of(&sums.under_replicated),
            at_min_isr: NamedRow::of(&sums.at_min_isr),
            under_min_isr: NamedRow::of(&sums.under_min_isr),
            offline: NamedRow::of(&sums.offline),
            unknown_min_isr: sums.unknown_min_isr,
        }
    }
}

impl NamedRow {
    fn of(named: &Named) -> NamedRow {
        NamedRow { count: named.count, first: named.first.iter().map(ToString::to_string).collect() }
    }
}

impl BrokerRow {
    /// Every broker that any part names, in order.
    fn all(observed: &Observed) -> Vec<BrokerRow> {
        let partitions = observed.partitions.as_ref().map(|sums| &sums.brokers);
        let sizes = observed.sizes.as_ref().map(|sizes| &sizes.brokers);
        let versions = observed.versions.as_ref().map(|versions| &versions.brokers);
        let listed = observed.registrations.iter().flat_map(|seen| seen.brokers.keys());
        let named = partitions.iter().flat_map(|brokers| brokers.keys());
        let measured = sizes.iter().flat_map(|brokers| brokers.keys());
        let ids: BTreeSet<BrokerId> = listed.chain(named).chain(measured).copied().collect();
        let row = |id: BrokerId| {
            let sizes = sizes.and_then(|brokers| brokers.get(&id));
            BrokerRow {
                broker: id.0,
                partitions: partitions.map(|brokers| brokers.get(&id).copied().unwrap_or_default()).map(Into::into),
                log_dirs: sizes.map(LogDirsRow::of),
                internal_topics: sizes.map(TopicRow::all),
                versions: versions.and_then(|brokers| brokers.get(&id)).map(ToString::to_string),
            }
        };
        ids.into_iter().map(row).collect()
    }
}

impl From<BrokerPartitions> for BrokerPartitionsRow {
    fn from(sums: BrokerPartitions) -> BrokerPartitionsRow {
        BrokerPartitionsRow {
            replica: sums.replicas,
            leader: sums.leaders,
            preferred_leader: sums.preferred,
            out_of_sync: sums.out_of_sync,
            under_replicated: sums.under_replicated,
            leader_imbalance: sums.imbalance(),
        }
    }
}

impl LogDirsRow {
    fn of(sizes: &BrokerSizes) -> LogDirsRow {
        LogDirsRow {
            count: sizes.directories,
            failed: sizes.failed,
            total_bytes: sizes.total,
            usable_bytes: sizes.usable,
        }
    }
}

impl TopicRow {
    fn all(sizes: &BrokerSizes) -> Vec<TopicRow> {
        let topics = sizes.topics.iter();
        let row = |(topic, size): (&Arc<str>, &observation::sizes::TopicSize)| TopicRow {
            topic: Arc::clone(topic),
            bytes: size.bytes,
            growth_bytes_per_second: size.growth,
        };
        topics.map(row).collect()
    }
}

impl LargeRow {
    fn of(large: &LargePartition) -> LargeRow {
        LargeRow {
            topic: Arc::clone(&large.name.topic),
            partition: large.name.partition.0,
            broker: large.broker.0,
            bytes: large.bytes,
            growth_bytes_per_second: large.growth,
        }
    }
}

impl QuorumRow {
    fn of(quorum: &observation::Quorum) -> QuorumRow {
        let row =
            |node: &observation::QuorumNode| NodeRow { node: node.node.0, role: node.role.as_str(), lag: node.lag };
        QuorumRow { epoch: quorum.epoch, nodes: quorum.nodes.iter().map(row).collect() }
    }
}

impl PartRow {
    fn of(part: Part, status: &PartStatus, now: Time) -> PartRow {
        PartRow {
            part: part.as_str(),
            state: status.state.as_str(),
            message: status.message.clone(),
            seen_ms_ago: status.last_answer.map(|seen| millis(now.since(seen))),
            took_ms: millis(status.took),
            requests: status.requests,
        }
    }
}
