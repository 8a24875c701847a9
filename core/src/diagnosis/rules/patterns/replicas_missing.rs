//! `replicas_missing`: replicas stay out of sync. A steady count over many leaders has one steady cause: the broker that should have
//! those replicas is away, or does not replicate.

use std::sync::Arc;
use std::time::Duration;

use crate::diagnosis::thresholds::patterns;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::{NAMED_MAX, Observed};
use crate::time::Time;

use super::history::{History, PartitionSample};
use super::{brokers, is_no_reassignment_running, length, reassignments_unknown, some_of};

/// A broker whose replicas are missing.
struct Missing {
    broker: BrokerId,
    replicas: u64,
    since: Time,
    is_away: bool,
}

/// The finding about the brokers that lack replicas.
pub fn find(observed: &Observed, history: &History) -> Option<Finding> {
    let newest = history.newest()?;
    let mut missing: Vec<Missing> = newest.lacking.keys().filter_map(|id| lasting(history, newest, *id)).collect();
    // The broker that lacks most is named first.
    missing.sort_by_key(|one| std::cmp::Reverse(one.replicas));
    let since = missing.iter().map(|one| one.since).min()?;
    let all_away = missing.iter().all(|one| one.is_away);
    let confidence = match (all_away, is_no_reassignment_running(observed)) {
        (true, _) => Confidence::Certain,
        (false, true) => Confidence::Likely,
        (false, false) => Confidence::Possible,
    };
    Some(Finding {
        kind: FindingKind::ReplicasMissing,
        cluster: observed.cluster.clone(),
        broker: if let [one] = missing.as_slice() { Some(one.broker) } else { None },
        blame: Blame::Cluster,
        since,
        confidence,
        summary: summary(&missing, newest.at.since(since)).into(),
        evidence: evidence(observed, history, newest, &missing),
        runner_up: (!all_away && !is_no_reassignment_running(observed)).then_some(FindingKind::ReassignmentRunning),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// Whether this broker has lacked replicas for long enough. One that is away cannot catch up, even if its count changes as topics are
/// deleted; for a registered one, its own count and the cluster's must be steady.
fn lasting(history: &History, newest: &PartitionSample, broker: BrokerId) -> Option<Missing> {
    let replicas = *newest.lacking.get(&broker)?;
    let is_away = newest.away.contains(&broker);
    let is_still = |then: u64, now: u64| patterns::STEADY_PERCENT.get() * then.max(now) <= 100 * then.min(now);
    let total_is_still = |sample: &PartitionSample| is_still(sample.under_replicated, newest.under_replicated);
    let lacked = |sample: &&PartitionSample| {
        let then = sample.lacking.get(&broker).copied();
        then.is_some_and(|then| is_away || is_still(then, replicas) && total_is_still(sample))
    };
    let samples: Vec<&PartitionSample> = history.since_reassignment().take_while(lacked).collect();
    let since = samples.last()?.at;
    let is_lasting =
        patterns::MISSING_SAMPLES_MIN.get() <= samples.len() && patterns::MISSING_FOR.get() <= newest.at.since(since);
    is_lasting.then_some(Missing { broker, replicas, since, is_away })
}

fn summary(missing: &[Missing], lasted: Duration) -> String {
    let replicas: u64 = missing.iter().map(|one| one.replicas).sum();
    let (who, lasted) = (brokers(&missing.iter().map(|one| one.broker).collect::<Vec<_>>()), length(lasted));
    match missing {
        [one] if one.is_away => format!(
            "broker {who} with {replicas} replicas has been away for {lasted}: bring it back, or move its replicas"
        ),
        [_] => format!(
            "{replicas} replicas on broker {who} have not been in sync for {lasted}, although it is registered: look at its \
             disks and its replica fetchers"
        ),
        _ => format!(
            "{replicas} replicas on brokers {who} have not been in sync for {lasted}: look at those that are away first"
        ),
    }
}

fn evidence(observed: &Observed, history: &History, newest: &PartitionSample, missing: &[Missing]) -> Vec<Arc<str>> {
    let mut counts: Vec<String> = history
        .since_reassignment()
        .take(patterns::MISSING_SAMPLES_MIN.get() + 1)
        .map(|sample| sample.under_replicated.to_string())
        .collect();
    counts.reverse();
    let mut evidence: Vec<Arc<str>> = vec![
        format!("under-replicated partitions, sample by sample: {}", counts.join(", ")).into(),
        format!("brokers that lead some of these partitions: {}", newest.reporting_leaders).into(),
    ];
    for Missing { broker, replicas, since, is_away } in missing.iter().take(NAMED_MAX) {
        let (there, lasted) = (if *is_away { "is away" } else { "is registered" }, length(newest.at.since(*since)));
        evidence.push(format!("broker {broker} {there} and has lacked {replicas} replicas for {lasted}").into());
    }
    if let Some(partitions) = &observed.partitions {
        evidence.push(format!("the partitions: {}", some_of(&partitions.under_replicated)).into());
        let (at, under) = (partitions.at_min_isr.count, partitions.under_min_isr.count);
        evidence.push(
            format!("{under} partitions refuse writes with acks=all, and {at} will if one more replica is lost").into(),
        );
    }
    if observed.reassignments.is_none() {
        evidence.push(reassignments_unknown());
    }
    evidence
}
