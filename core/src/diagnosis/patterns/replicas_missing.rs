//! Replicas that stay out of sync. A count that stands still over many leaders has one cause that stands still: the broker
//! that should have those replicas is away, or does not follow.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::{NAMED_MAX, Observed};
use crate::time::Time;

use super::history::{History, PartitionSample};
use super::{brokers, is_nothing_moving, length, some_of, unknown_moves};

/// Seen in so many looks in a row.
pub const SAMPLES_MIN: usize = 3;

/// Over at least this time: a restart takes a minute or two, and is nobody's finding.
pub const LASTS_FOR: Duration = Duration::from_secs(150);

/// A broker that is there stands still within a tenth; one that catches up does not.
const STILL_PERCENT: u64 = 90;

/// A broker whose replicas are missing.
struct Missing {
    broker: BrokerId,
    replicas: u64,
    since: Time,
    is_away: bool,
}

/// The finding about whoever lacks replicas.
pub fn find(observed: &Observed, history: &History) -> Option<Finding> {
    let newest = history.newest()?;
    let mut missing: Vec<Missing> = newest.lacking.keys().filter_map(|id| stands(history, newest, *id)).collect();
    // Who lacks most is named first.
    missing.sort_by_key(|one| std::cmp::Reverse(one.replicas));
    let since = missing.iter().map(|one| one.since).min()?;
    let all_away = missing.iter().all(|one| one.is_away);
    let confidence = match (all_away, is_nothing_moving(observed)) {
        (true, _) => 0.95,
        (false, true) => 0.7,
        (false, false) => 0.5,
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
        runner_up: (!all_away && !is_nothing_moving(observed)).then_some(FindingKind::ReassignmentRunning),
        ruled_out: if is_nothing_moving(observed) {
            vec![FindingKind::ReplicasBehind, FindingKind::ReassignmentRunning]
        } else {
            vec![FindingKind::ReplicasBehind]
        },
    })
}

/// Whether this broker has lacked replicas for long enough. One that is away cannot catch up, whatever becomes of the
/// count as topics are deleted; of one that is there its count has to stand still, and the cluster's.
fn stands(history: &History, newest: &PartitionSample, broker: BrokerId) -> Option<Missing> {
    let replicas = *newest.lacking.get(&broker)?;
    let is_away = newest.away.contains(&broker);
    let is_still = |then: u64, now: u64| STILL_PERCENT * then.max(now) <= 100 * then.min(now);
    let total_is_still = |sample: &PartitionSample| is_still(sample.under_replicated, newest.under_replicated);
    let lacked = |sample: &&PartitionSample| {
        let then = sample.lacking.get(&broker).copied();
        then.is_some_and(|then| is_away || is_still(then, replicas) && total_is_still(sample))
    };
    let samples: Vec<&PartitionSample> = history.since_last_move().take_while(lacked).collect();
    let since = samples.last()?.at;
    let stands = SAMPLES_MIN <= samples.len() && LASTS_FOR <= newest.at.since(since);
    stands.then_some(Missing { broker, replicas, since, is_away })
}

fn summary(missing: &[Missing], stood: Duration) -> String {
    let replicas: u64 = missing.iter().map(|one| one.replicas).sum();
    let (who, stood) = (brokers(&missing.iter().map(|one| one.broker).collect::<Vec<_>>()), length(stood));
    match missing {
        [one] if one.is_away => format!(
            "broker {who} has been away for {stood} and {replicas} replicas with it: bring it back, or move its replicas"
        ),
        [_] => format!(
            "{replicas} replicas on broker {who} have not been in sync for {stood}, although it is there: look at its \
             disks and its replica fetchers"
        ),
        _ => format!(
            "{replicas} replicas on brokers {who} have not been in sync for {stood}: look at those that are away first"
        ),
    }
}

fn evidence(observed: &Observed, history: &History, newest: &PartitionSample, missing: &[Missing]) -> Vec<Arc<str>> {
    let mut counts: Vec<String> =
        history.since_last_move().take(SAMPLES_MIN + 1).map(|sample| sample.under_replicated.to_string()).collect();
    counts.reverse();
    let mut evidence: Vec<Arc<str>> = vec![
        format!("under-replicated partitions, look by sample: {}", counts.join(", ")).into(),
        format!("brokers that lead some of them: {}", newest.reporting_leaders).into(),
    ];
    for Missing { broker, replicas, since, is_away } in missing.iter().take(NAMED_MAX) {
        let (there, stood) = (if *is_away { "is away" } else { "is registered" }, length(newest.at.since(*since)));
        evidence.push(format!("broker {broker} {there} and has lacked {replicas} replicas for {stood}").into());
    }
    if let Some(partitions) = &observed.partitions {
        evidence.push(format!("the partitions: {}", some_of(&partitions.under_replicated)).into());
        let (at, under) = (partitions.at_min_isr.count, partitions.under_min_isr.count);
        evidence
            .push(format!("{under} partitions refuse writes with acks=all, {at} will if one more replica goes").into());
    }
    if observed.reassignments.is_none() {
        evidence.push(unknown_moves());
    }
    evidence
}
