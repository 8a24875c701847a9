//! `leaders_imbalanced`: partitions are not led by their preferred broker. Unless `auto.leader.rebalance.enable` is off, Kafka checks
//! every five minutes and elects preferred leaders for brokers that lead less than nine tenths of the partitions that prefer them.

use std::sync::Arc;
use std::time::Duration;

use crate::diagnosis::thresholds::patterns;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::{NAMED_MAX, Observed};
use crate::time::Time;

use super::history::{History, PartitionSample};
use super::{brokers, is_no_reassignment_running, length, reassignments_unknown};

/// The finding about the brokers that should lead more.
pub fn find(observed: &Observed, history: &History) -> Option<Finding> {
    let newest = history.newest()?;
    let lasts_for = patterns::LEADER_CHECKS.get() * observed.limits.leader_check_interval;
    let since = |id: &BrokerId| Some((*id, lasting_since(history, *id, lasts_for)?));
    let lasting: Vec<(BrokerId, Time)> = newest.led_elsewhere.keys().filter_map(since).collect();
    let since = lasting.iter().map(|(_, since)| *since).min()?;
    let ids: Vec<BrokerId> = lasting.iter().map(|(id, _)| *id).collect();
    let (who, lasted) = (brokers(&ids), length(newest.at.since(since)));
    let plural = if ids.len() == 1 { "broker" } else { "brokers" };
    let mut evidence: Vec<Arc<str>> = lasting
        .iter()
        .take(NAMED_MAX)
        .map(|(id, _)| (id, newest.led_elsewhere.get(id).copied().unwrap_or(0.0)))
        .map(|(id, share)| {
            format!("broker {id} does not lead {:.0} % of the partitions that prefer it", 100.0 * share).into()
        })
        .collect();
    evidence.push("it is registered and in sync, and could lead them".into());
    if observed.reassignments.is_none() {
        evidence.push(reassignments_unknown());
    }
    Some(Finding {
        kind: FindingKind::LeadersImbalanced,
        cluster: observed.cluster.clone(),
        broker: if let [one] = ids.as_slice() { Some(*one) } else { None },
        blame: Blame::Cluster,
        since,
        confidence: if is_no_reassignment_running(observed) { Confidence::Likely } else { Confidence::Possible },
        summary: format!(
            "partitions that prefer {plural} {who} have been led by others for {lasted}, and Kafka does not move them back: elect \
             the preferred leaders"
        )
        .into(),
        evidence,
        runner_up: (!is_no_reassignment_running(observed)).then_some(FindingKind::ReassignmentRunning),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// Since when too many partitions that prefer this broker have been led by others, if for long enough.
fn lasting_since(history: &History, broker: BrokerId, lasts_for: Duration) -> Option<Time> {
    let too_much = |sample: &&PartitionSample| {
        sample.led_elsewhere.get(&broker).is_some_and(|share| patterns::IMBALANCE_SHARE.get() < *share)
    };
    let mut samples = history.since_reassignment().take_while(too_much);
    let newest = samples.next()?;
    let oldest = samples.last()?;
    (lasts_for <= newest.at.since(oldest.at)).then_some(oldest.at)
}
