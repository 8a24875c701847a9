//! Many brokers at once. Three brokers that fail in the same two seconds have one cause, and it is none of them.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::time::Time;

use super::input::{BrokerEvidence, Input};
use super::{connection_refused, unresponsive};

/// Troubles that began within this time of each other have one cause.
pub const SAME_START: Duration = Duration::from_secs(2);

/// So long after its trouble began a broker is named, whatever may be said of others soon.
const WAITED_FOR: Duration = Duration::from_secs(3);

/// So many times its rhythm without an answer, a broker does not speak for the way being open, whatever its own trouble is.
const QUIET_FOR: u32 = 3;

/// Nobody answers: the cluster, or the network to it, and without a reference nothing tells which.
pub fn no_broker_answers(input: &Input) -> Option<Finding> {
    let now = input.now;
    let is_quiet = |seen: &BrokerEvidence| !seen.answered_within(now, QUIET_FOR * input.liveness_timeout);
    let is_troubled =
        |seen: &&BrokerEvidence| unresponsive::is_unresponsive(seen, now) || connection_refused::is_refusing(seen, now);
    let troubled: Vec<&BrokerEvidence> = input.brokers.iter().filter(is_troubled).collect();
    if troubled.is_empty() || !input.brokers.iter().all(is_quiet) {
        return None;
    }
    let who = nobody(input);
    Some(Finding {
        kind: FindingKind::ClusterUnreachable,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: troubled.iter().filter_map(|seen| started_at(seen)).min()?,
        confidence: 0.9,
        summary: format!("{who}: the cluster is down, or the network between it and this prober").into(),
        evidence: input.brokers.iter().map(|seen| said(seen, now)).collect(),
        runner_up: Some(FindingKind::ProberNetwork),
        ruled_out: vec![FindingKind::ProberStalled],
    })
}

/// That nobody answers, in words.
pub(super) fn nobody(input: &Input) -> String {
    match input.brokers.len() {
        1 => "the only broker does not answer".to_owned(),
        count => format!("none of {count} brokers answers"),
    }
}

/// Some answer, and others stopped at the same time: what do these have in common?
pub fn same_start(input: &Input, suspects: &[&BrokerEvidence]) -> Option<Finding> {
    let now = input.now;
    let since = suspects.iter().filter_map(|seen| started_at(seen)).min()?;
    let together =
        suspects.iter().filter(|seen| started_at(seen).is_some_and(|start| start.since(since) <= SAME_START));
    let together: Vec<&BrokerEvidence> = together.copied().collect();
    if together.len() < 2 {
        return None;
    }
    let answering = input.brokers.iter().filter(|seen| seen.answered_within(now, input.liveness_timeout)).count();
    // Soon it will be clear whether it is everybody.
    if answering == 0 {
        return None;
    }
    let names: Vec<String> = together.iter().map(|seen| seen.id.to_string()).collect();
    Some(Finding {
        kind: FindingKind::BrokersTogether,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since,
        confidence: 0.8,
        summary: format!(
            "brokers {} stopped answering together, {answering} of {} answer: look for what those have in common, as a \
             rack, a host or a switch",
            names.join(", "),
            input.brokers.len()
        )
        .into(),
        evidence: together.iter().map(|seen| said(seen, now)).collect(),
        runner_up: None,
        ruled_out: vec![FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}

/// Whether another broker fell quiet at the same time: one that is in as much trouble, though the cluster may know of that by
/// now; or one about which nothing is certain yet. The latter is waited for, but not for long: a broker must not go unnamed
/// because another one is slow.
pub fn may_be_shared(input: &Input, suspect: &BrokerEvidence) -> bool {
    let now = input.now;
    let Some(since) = started_at(suspect) else { return false };
    let near = |other: Time| other.since(since).max(since.since(other)) <= SAME_START;
    let waits = now.since(since) < WAITED_FOR;
    let shares = |other: &BrokerEvidence| {
        let is_certain = unresponsive::is_unresponsive(other, now) || connection_refused::is_refusing(other, now);
        let is_open = waits && other.listed.is_some() && !other.answered_within(now, input.liveness_timeout);
        (is_certain || is_open) && started_at(other).is_some_and(near)
    };
    input.brokers.iter().any(|other| other.id != suspect.id && shares(other))
}

/// When a broker's trouble began.
fn started_at(seen: &BrokerEvidence) -> Option<Time> {
    seen.overdue.values().copied().chain(seen.connect_checks.map(|checks| checks.began)).min()
}

fn said(seen: &BrokerEvidence, now: Time) -> Arc<str> {
    match seen.last_answer {
        Some(at) => format!("broker {} last answered {:.1} s ago", seen.id, now.since(at).as_secs_f64()).into(),
        None => format!("broker {} has never answered", seen.id).into(),
    }
}
