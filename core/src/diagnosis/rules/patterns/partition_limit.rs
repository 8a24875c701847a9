//! `partition_limit`: replica counts near or above a limit. Beyond it Kafka works, but starts, elections and failovers are slow, and at
//! some point a broker runs out of file descriptors or memory maps.

use std::sync::Arc;

use crate::diagnosis::thresholds::patterns;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::parts::Part;
use crate::observed::{NAMED_MAX, Observed};
use crate::time::Time;

use super::{brokers, is_fresh};

/// The finding about the brokers or the cluster with too many replicas.
pub fn find(observed: &Observed, now: Time) -> Option<Finding> {
    let partitions = observed.partitions.as_ref().filter(|_| is_fresh(observed, Part::Partitions, now))?;
    let limits = observed.limits;
    let full =
        |count: u64, limit: u64| limit.saturating_mul(patterns::NEAR_LIMIT_PERCENT.get()) <= count.saturating_mul(100);
    let mut near: Vec<(BrokerId, u64)> = partitions
        .brokers
        .iter()
        .map(|(id, sums)| (*id, sums.replicas))
        .filter(|(_, replicas)| full(*replicas, limits.per_broker))
        .collect();
    near.sort_by_key(|(_, replicas)| std::cmp::Reverse(*replicas));
    let whole = full(partitions.replicas, limits.per_cluster);
    if near.is_empty() && !whole {
        return None;
    }
    let over = match whole {
        true => limits.per_cluster < partitions.replicas,
        false => near.iter().any(|(_, replicas)| limits.per_broker < *replicas),
    };
    let ids: Vec<BrokerId> = near.iter().map(|(id, _)| *id).collect();
    let who = match (whole, ids.as_slice()) {
        (true, _) => "the cluster".to_owned(),
        (false, [one]) => format!("broker {one}"),
        (false, several) => format!("brokers {}", brokers(several)),
    };
    let state = if over { "over its limit" } else { "near its limit" };
    let remedy = "delete unused topics, or add brokers and move partitions there";
    let mut evidence: Vec<Arc<str>> = near
        .iter()
        .take(NAMED_MAX)
        .map(|(id, replicas)| format!("broker {id} has {replicas} replicas of {}", limits.per_broker).into())
        .collect();
    evidence.push(format!("the cluster has {} replicas of {}", partitions.replicas, limits.per_cluster).into());
    Some(Finding {
        kind: FindingKind::PartitionLimit,
        cluster: observed.cluster.clone(),
        broker: match (whole, ids.as_slice()) {
            (false, [one]) => Some(*one),
            _ => None,
        },
        blame: Blame::Cluster,
        since: now,
        confidence: Confidence::Certain,
        summary: format!("{who} is {state} of partition replicas: {remedy}").into(),
        evidence,
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
