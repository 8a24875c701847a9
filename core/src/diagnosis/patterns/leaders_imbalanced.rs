//! Leaders that are not where they should be. Kafka looks at them every five minutes and moves them back where a broker
//! leads less than nine tenths of what prefers it, unless it is told not to.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::{NAMED_MAX, Observed};
use crate::time::Time;

use super::history::{History, PartitionSample};
use super::{brokers, is_nothing_moving, length, unknown_moves};

/// The default of `leader.imbalance.per.broker.percentage`, as a share.
pub const SHARE: f64 = 0.1;

/// Twice the default of `leader.imbalance.check.interval.seconds`: Kafka has looked, and has not mended it.
pub const LASTS_FOR: Duration = Duration::from_secs(600);

/// The finding about the brokers that should lead more.
pub fn find(observed: &Observed, history: &History) -> Option<Finding> {
    let newest = history.newest()?;
    let since = |id: &BrokerId| Some((*id, stands(history, *id)?));
    let lasting: Vec<(BrokerId, Time)> = newest.led_elsewhere.keys().filter_map(since).collect();
    let since = lasting.iter().map(|(_, since)| *since).min()?;
    let ids: Vec<BrokerId> = lasting.iter().map(|(id, _)| *id).collect();
    let (who, stood) = (brokers(&ids), length(newest.at.since(since)));
    let plural = if ids.len() == 1 { "broker" } else { "brokers" };
    let mut evidence: Vec<Arc<str>> = lasting
        .iter()
        .take(NAMED_MAX)
        .map(|(id, _)| (id, newest.led_elsewhere.get(id).copied().unwrap_or(0.0)))
        .map(|(id, share)| format!("broker {id} does not lead {:.0} % of what prefers it", 100.0 * share).into())
        .collect();
    evidence.push("it is there, in sync, and could lead it".into());
    if observed.reassignments.is_none() {
        evidence.push(unknown_moves());
    }
    Some(Finding {
        kind: FindingKind::LeadersImbalanced,
        cluster: observed.cluster.clone(),
        broker: if let [one] = ids.as_slice() { Some(*one) } else { None },
        blame: Blame::Cluster,
        since,
        confidence: if is_nothing_moving(observed) { 0.9 } else { 0.7 },
        summary: format!(
            "leaders that prefer {plural} {who} have been led_elsewhere for {stood}, and Kafka does not move them back: elect \
             the preferred leaders"
        )
        .into(),
        evidence,
        runner_up: (!is_nothing_moving(observed)).then_some(FindingKind::ReassignmentRunning),
        ruled_out: vec![FindingKind::ReplicasMissing],
    })
}

/// Since when too much of what prefers this broker has been led by others, if for long enough.
fn stands(history: &History, broker: BrokerId) -> Option<Time> {
    let too_much = |sample: &&PartitionSample| sample.led_elsewhere.get(&broker).is_some_and(|share| SHARE < *share);
    let mut samples = history.since_last_move().take_while(too_much);
    let newest = samples.next()?;
    let oldest = samples.last()?;
    (LASTS_FOR <= newest.at.since(oldest.at)).then_some(oldest.at)
}
