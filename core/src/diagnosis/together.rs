//! Many brokers at once. Three brokers that fail in the same two seconds have one cause, and it is none of them.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::time::Time;

use super::input::{Input, Seen};
use super::{refusal, silence};

/// Troubles that began within this time of each other have one cause.
pub const SAME_ONSET: Duration = Duration::from_secs(2);

/// So long after its trouble began a broker is named, whatever may be said of others soon.
const WAITED_FOR: Duration = Duration::from_secs(3);

/// So many times its rhythm without an answer, a broker does not speak for the way being open, whatever its own trouble is.
const QUIET_FOR: u32 = 3;

/// Nobody answers: the cluster, or the network to it, and without a reference nothing tells which.
pub fn nobody_answers(input: &Input) -> Option<Finding> {
    let now = input.now;
    let is_quiet = |seen: &Seen| !seen.answered_within(now, QUIET_FOR * input.rhythm);
    let is_troubled = |seen: &&Seen| silence::is_silent(seen, now) || refusal::is_refusing(seen, now);
    let troubled: Vec<&Seen> = input.brokers.iter().filter(is_troubled).collect();
    if troubled.is_empty() || !input.brokers.iter().all(is_quiet) {
        return None;
    }
    let who = nobody(input);
    Some(Finding {
        kind: FindingKind::ClusterUnreachable,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: troubled.iter().filter_map(|seen| onset(seen)).min()?,
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
pub fn same_onset(input: &Input, suspects: &[&Seen]) -> Option<Finding> {
    let now = input.now;
    let since = suspects.iter().filter_map(|seen| onset(seen)).min()?;
    let together = suspects.iter().filter(|seen| onset(seen).is_some_and(|onset| onset.since(since) <= SAME_ONSET));
    let together: Vec<&Seen> = together.copied().collect();
    if together.len() < 2 {
        return None;
    }
    let answering = input.brokers.iter().filter(|seen| seen.answered_within(now, input.rhythm)).count();
    // Soon it will be clear whether it is everybody.
    if answering == 0 {
        return None;
    }
    let names: Vec<String> = together.iter().map(|seen| seen.broker.to_string()).collect();
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
pub fn may_be_shared(input: &Input, suspect: &Seen) -> bool {
    let now = input.now;
    let Some(since) = onset(suspect) else { return false };
    let near = |other: Time| other.since(since).max(since.since(other)) <= SAME_ONSET;
    let waits = now.since(since) < WAITED_FOR;
    let shares = |other: &Seen| {
        let is_certain = silence::is_silent(other, now) || refusal::is_refusing(other, now);
        let is_open = waits && other.listed.is_some() && !other.answered_within(now, input.rhythm);
        (is_certain || is_open) && onset(other).is_some_and(near)
    };
    input.brokers.iter().any(|other| other.broker != suspect.broker && shares(other))
}

/// When a broker's trouble began.
fn onset(seen: &Seen) -> Option<Time> {
    seen.silent.values().copied().chain(seen.looks.map(|looks| looks.began)).min()
}

fn said(seen: &Seen, now: Time) -> Arc<str> {
    match seen.answered {
        Some(at) => format!("broker {} last answered {:.1} s ago", seen.broker, now.since(at).as_secs_f64()).into(),
        None => format!("broker {} has never answered", seen.broker).into(),
    }
}
