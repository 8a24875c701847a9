//! `cluster_unreachable` and `brokers_together`: several brokers fail at the same time. Their common cause is none of them.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::time::Time;

use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// Failures that began within this time of each other count as one.
pub const SAME_START: Duration = Duration::from_secs(2);

/// Time after which a failing broker is named even if another broker may turn out to fail with it.
const WAITED_FOR: Duration = Duration::from_secs(3);

/// Liveness time-outs without an answer after which a broker no longer shows that the network path is open.
const QUIET_FOR: u32 = 3;

/// No broker answers: the cluster is down, or the network to it; only a reference can tell which.
pub fn no_broker_answers(facts: &Facts) -> Option<Finding> {
    let now = facts.now;
    let is_quiet = |broker: &BrokerEvidence| !broker.answered_within(now, QUIET_FOR * facts.liveness_timeout);
    let failing: Vec<&BrokerEvidence> = facts.brokers.iter().filter(|broker| is_failing(broker, now)).collect();
    if failing.is_empty() || !facts.brokers.iter().all(is_quiet) {
        return None;
    }
    let who = nobody(facts);
    Some(Finding {
        kind: FindingKind::ClusterUnreachable,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: failing.iter().filter_map(|broker| started_at(broker)).min()?,
        confidence: 0.9,
        summary: format!("{who}: the cluster is down, or the network between it and this prober").into(),
        evidence: facts.brokers.iter().map(|broker| last_answer(broker, now)).collect(),
        runner_up: Some(FindingKind::ProberNetwork),
        ruled_out: vec![FindingKind::ProberStalled],
    })
}

/// That no broker answers, as the beginning of a sentence.
pub(super) fn nobody(facts: &Facts) -> String {
    match facts.brokers.len() {
        1 => "the only broker does not answer".to_owned(),
        count => format!("none of {count} brokers answers"),
    }
}

/// Some brokers answer, and at least two others stopped within [`SAME_START`] of each other.
pub fn same_start(facts: &Facts, suspects: &[&BrokerEvidence]) -> Option<Finding> {
    let now = facts.now;
    let since = suspects.iter().filter_map(|broker| started_at(broker)).min()?;
    let is_near = |broker: &BrokerEvidence| started_at(broker).is_some_and(|start| start.since(since) <= SAME_START);
    let together: Vec<&BrokerEvidence> = suspects.iter().copied().filter(|broker| is_near(broker)).collect();
    if together.len() < 2 {
        return None;
    }
    let answering = facts.brokers.iter().filter(|broker| broker.answered_within(now, facts.liveness_timeout)).count();
    // If no broker answers, `no_broker_answers` finds that a moment later.
    if answering == 0 {
        return None;
    }
    let names: Vec<String> = together.iter().map(|broker| broker.id.to_string()).collect();
    Some(Finding {
        kind: FindingKind::BrokersTogether,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since,
        confidence: 0.8,
        summary: format!(
            "brokers {} stopped answering at the same time, {answering} of {} answer: look for what the failed ones share, \
             such as a rack, a host or a switch",
            names.join(", "),
            facts.brokers.len()
        )
        .into(),
        evidence: together.iter().map(|broker| last_answer(broker, now)).collect(),
        runner_up: None,
        ruled_out: vec![FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}

/// Whether another broker failed at the same time as `suspect`: it is certainly failing, even if the cluster does not list it
/// any more, or it does not answer and nothing is certain yet. An uncertain one is waited for, but for at most three seconds, so
/// that a broker does not go unnamed because another one is slow.
pub fn may_be_shared(facts: &Facts, suspect: &BrokerEvidence) -> bool {
    let now = facts.now;
    let Some(since) = started_at(suspect) else { return false };
    let is_near = |other: Time| other.since(since).max(since.since(other)) <= SAME_START;
    let is_waiting = now.since(since) < WAITED_FOR;
    let shares = |other: &BrokerEvidence| {
        let is_quiet = other.listed.is_some() && !other.answered_within(now, facts.liveness_timeout);
        (is_failing(other, now) || is_waiting && is_quiet) && started_at(other).is_some_and(is_near)
    };
    facts.brokers.iter().any(|other| other.id != suspect.id && shares(other))
}

fn is_failing(broker: &BrokerEvidence, now: Time) -> bool {
    broker.is_unresponsive(now) || broker.is_refusing(now)
}

/// When a broker began to fail.
fn started_at(broker: &BrokerEvidence) -> Option<Time> {
    broker.overdue.values().copied().chain(broker.connect_checks.map(|checks| checks.began)).min()
}

fn last_answer(broker: &BrokerEvidence, now: Time) -> Arc<str> {
    let id = broker.id;
    match broker.last_answer {
        Some(at) => format!("broker {id} last answered {:.1} s ago", now.since(at).as_secs_f64()).into(),
        None => format!("broker {id} has never answered").into(),
    }
}
