//! `replicas_behind`: replicas fall out of sync and catch up, again and again, while every broker is registered: something is too
//! slow. One broker, if no other ever lacks a replica; the cluster, if several do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnosis::thresholds::{bounds, patterns};
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::Observed;

use super::history::{History, PartitionSample};
use super::{brokers, is_no_reassignment_running, length, reassignments_unknown, some_of};

/// The finding about a broker or the cluster.
pub fn find(observed: &Observed, history: &History) -> Option<Finding> {
    let mut samples: Vec<&PartitionSample> = history.since_membership_change().collect();
    let is_quiet = samples.iter().take(patterns::QUIET_SAMPLES.get()).all(|sample| sample.under_replicated == 0);
    // A broker that is away explains more than a slow one, and its load is on the others.
    if is_quiet || samples.iter().any(|sample| !sample.away.is_empty()) {
        return None;
    }
    samples.reverse();
    let lacking: BTreeSet<BrokerId> = samples.iter().flat_map(|sample| sample.lacking.keys().copied()).collect();
    let slow: Vec<BrokerId> =
        lacking.iter().copied().filter(|id| patterns::PEAKS_MIN.get() <= peaks(&samples, *id)).collect();
    let (first, newest) = (samples.iter().find(|sample| 0 < sample.under_replicated)?, samples.last()?);
    let alone = match slow.as_slice() {
        [] => return None,
        [one] if lacking.len() == 1 => Some(*one),
        _ => None,
    };
    let lasted = length(newest.at.since(first.at));
    let summary = match alone {
        Some(broker) => format!(
            "broker {broker} alone has fallen behind and caught up repeatedly for {lasted}: look at its \
             disks, its network and its load"
        ),
        None => format!(
            "replicas on brokers {} have fallen behind and caught up repeatedly for {lasted}: the cluster is too slow for its load, or \
             its network is",
            brokers(&lacking.iter().copied().collect::<Vec<_>>())
        ),
    };
    Some(Finding {
        kind: FindingKind::ReplicasBehind,
        cluster: observed.cluster.clone(),
        broker: alone,
        blame: Blame::Cluster,
        since: first.at,
        confidence: if alone.is_some() { Confidence::Likely } else { Confidence::Possible },
        summary: summary.into(),
        evidence: evidence(observed, &samples, &slow),
        runner_up: (!is_no_reassignment_running(observed)).then_some(FindingKind::ReassignmentRunning),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// How often the count of replicas that a broker lacks fell after it had risen.
fn peaks(samples: &[&PartitionSample], broker: BrokerId) -> usize {
    let mut counts = samples.iter().map(|sample| sample.lacking.get(&broker).copied().unwrap_or(0));
    let Some(mut before) = counts.next() else { return 0 };
    let (mut rising, mut peaks) = (false, 0);
    for count in counts {
        if count < before && rising {
            peaks += 1;
        }
        if count != before {
            rising = before < count;
        }
        before = count;
    }
    peaks
}

fn evidence(observed: &Observed, samples: &[&PartitionSample], slow: &[BrokerId]) -> Vec<Arc<str>> {
    let newest = &samples[samples.len().saturating_sub(bounds::SAMPLES_LISTED_MAX.get())..];
    let counts: Vec<String> = newest.iter().map(|sample| sample.under_replicated.to_string()).collect();
    let mut evidence: Vec<Arc<str>> = vec![
        format!("under-replicated partitions, sample by sample: {}", counts.join(", ")).into(),
        "every broker that lacked a replica was registered all the time".into(),
    ];
    for broker in slow.iter().take(crate::observed::NAMED_MAX) {
        evidence.push(format!("broker {broker} fell behind {} times", peaks(samples, *broker)).into());
    }
    if let Some(partitions) = observed.partitions.as_ref().filter(|sums| 0 < sums.under_replicated.count) {
        evidence.push(format!("the partitions now: {}", some_of(&partitions.under_replicated)).into());
    }
    if observed.reassignments.is_none() {
        evidence.push(reassignments_unknown());
    }
    evidence
}
