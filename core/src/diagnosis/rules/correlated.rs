//! `cluster_unreachable` and `brokers_together`: several brokers fail at the same time. Their common cause is none of them.

use std::sync::Arc;

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::time::Time;

use super::peers::answering;
use super::sentences::listed;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};
use crate::diagnosis::thresholds::liveness;

/// No broker answers: the cluster is down, or the network to it; only a reference can tell which.
pub fn no_broker_answers(facts: &Facts) -> Option<Finding> {
    let now = facts.now;
    let is_quiet = |broker: &BrokerEvidence| {
        broker.is_failing(now) || !broker.answered_within(now, liveness::QUIET_TIMEOUTS.get() * facts.liveness_timeout)
    };
    let failing: Vec<&BrokerEvidence> = facts.brokers.iter().filter(|broker| broker.is_failing(now)).collect();
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
        confidence: Confidence::Likely,
        summary: format!("{who}: the cluster is down, or the network between it and this prober").into(),
        evidence: facts.brokers.iter().map(|broker| last_answer(broker, now)).collect(),
        runner_up: Some(FindingKind::ProberNetwork),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// That no broker answers, as the beginning of a sentence.
pub(super) fn nobody(facts: &Facts) -> String {
    match facts.brokers.len() {
        1 => "the only broker does not answer".to_owned(),
        count => format!("none of {count} brokers answers"),
    }
}

/// The groups of at least two brokers that stopped within [`liveness::SAME_START`] of each other while others answer. One that has never
/// answered this prober is in none: its failure began before the prober did, and nobody knows when.
pub fn groups<'a>(facts: &Facts, suspects: &[&'a BrokerEvidence]) -> Vec<Vec<&'a BrokerEvidence>> {
    // If no broker answers, `no_broker_answers` finds that a moment later.
    if answering(facts).next().is_none() {
        return Vec::new();
    }
    let known = suspects.iter().filter(|broker| broker.last_answer.is_some());
    let mut started: Vec<(Time, &BrokerEvidence)> =
        known.filter_map(|broker| Some((started_at(broker)?, *broker))).collect();
    started.sort_by_key(|(start, broker)| (*start, broker.id));
    let mut groups: Vec<(Time, Vec<&BrokerEvidence>)> = Vec::new();
    for (start, broker) in started {
        match groups.last_mut().filter(|(first, _)| start.since(*first) <= liveness::SAME_START.get()) {
            Some((_, members)) => members.push(broker),
            None => groups.push((start, vec![broker])),
        }
    }
    groups.into_iter().map(|(_, members)| members).filter(|members| 2 <= members.len()).collect()
}

/// The finding about brokers that stopped at the same time: it names none of them as the cause.
pub fn together(facts: &Facts, members: &[&BrokerEvidence]) -> Option<Finding> {
    let now = facts.now;
    let answering = answering(facts).count();
    Some(Finding {
        kind: FindingKind::BrokersTogether,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: members.iter().filter_map(|broker| started_at(broker)).min()?,
        confidence: Confidence::Likely,
        summary: format!(
            "brokers {} stopped answering at the same time, {answering} of {} answer: look for what the failed ones share, \
             such as a rack, a host or a switch",
            listed(members.iter().map(|broker| broker.id)),
            facts.brokers.len()
        )
        .into(),
        evidence: members.iter().map(|broker| last_answer(broker, now)).collect(),
        runner_up: None,
        members: members.iter().map(|broker| broker.id).collect(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// Whether another broker failed at the same time as `suspect`: it is certainly failing, even if the cluster does not list it
/// any more, or it does not answer and nothing is certain yet. An uncertain one is waited for, but for at most three seconds, so
/// that a broker does not go unnamed because another one is slow.
pub fn may_be_shared(facts: &Facts, suspect: &BrokerEvidence) -> bool {
    let now = facts.now;
    let Some(since) = started_at(suspect).filter(|_| suspect.last_answer.is_some()) else { return false };
    let is_near = |other: Time| other.since(since).max(since.since(other)) <= liveness::SAME_START.get();
    let is_waiting = now.since(since) < liveness::SHARED_WITHIN.get();
    let shares = |other: &BrokerEvidence| {
        let is_quiet = other.listed.is_some() && !other.answered_within(now, facts.liveness_timeout);
        (other.is_failing(now) || is_waiting && is_quiet)
            && other.last_answer.is_some()
            && started_at(other).is_some_and(is_near)
    };
    facts.brokers.iter().any(|other| other.id != suspect.id && shares(other))
}

/// When a broker began to fail.
fn started_at(broker: &BrokerEvidence) -> Option<Time> {
    broker.overdue.values().copied().chain(broker.connect_checks.map(|checks| checks.began)).min()
}

fn last_answer(broker: &BrokerEvidence, now: Time) -> Arc<str> {
    let id = broker.id;
    match broker.last_answer {
        Some(at) => format!("broker {id} last answered {:.1} s ago", now.since(at).as_secs_f64()).into(),
        None => format!("broker {id} has not answered since this prober began").into(),
    }
}
