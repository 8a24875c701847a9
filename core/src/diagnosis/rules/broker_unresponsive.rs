//! `broker_stalled`, `broker_frozen`, `broker_unreachable`: a broker has stopped answering. Its host acknowledges bytes or does
//! not, but no response comes back on at least two pooled connections and on a fresh one.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::ConnectionRole;
use crate::tcp_state::TcpState;

use super::peers::{another_answers, others_answer};
use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, ConnectChecks, Facts};
use crate::diagnosis::thresholds::liveness;

/// The finding about one broker. The caller has made sure that no other broker failed with it.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let now = facts.now;
    if !broker.is_unresponsive(now) || !another_answers(facts, broker) {
        return None;
    }
    let overdue: Vec<_> = broker.overdue_for(now, liveness::OVERDUE_FOR.get()).collect();
    let longest = overdue.iter().map(|(_, length)| *length).max()?;
    let (kind, blame, what) = classify(broker, longest);
    let mut evidence: Vec<Arc<str>> = overdue
        .iter()
        .map(|(role, length)| {
            format!("no response on its {} connection for {}", role.as_str(), seconds(*length)).into()
        })
        .collect();
    if let Some(unanswered) = broker.unanswered_for(now) {
        evidence.push(format!("no response on a fresh connection for {}", seconds(unanswered)).into());
    }
    evidence.extend(broker.tcp_states.iter().filter_map(|(role, state)| tcp_evidence(*role, *state)));
    evidence.push(others_answer(facts, broker).into());
    let id = broker.id;
    // Until a fresh connection or the kernel tells, a host that is down looks like a process that hangs.
    let is_undecided =
        kind == FindingKind::BrokerStalled && !broker.connect_checks.is_some_and(|checks| checks.tcp_accepted);
    Some(Finding {
        kind,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame,
        since: now - longest,
        confidence: if liveness::FROZEN_AFTER.get() <= longest { Confidence::Certain } else { Confidence::Likely },
        summary: format!("broker {id} has not answered for {}: {what}", seconds(longest)).into(),
        evidence,
        runner_up: (is_undecided && broker.tcp_states.is_empty()).then_some(FindingKind::BrokerUnreachable),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn classify(broker: &BrokerEvidence, longest: Duration) -> (FindingKind, Blame, &'static str) {
    let is_no_host = |fault| matches!(fault, Fault::ConnectTimeout | Fault::Unreachable);
    let no_host = |checks: ConnectChecks| !checks.tcp_accepted && checks.fault.is_some_and(is_no_host);
    if broker.connect_checks.is_some_and(no_host) || is_cut_off(broker) {
        let what = "not even its host answers; the host is down, or the network path to it is closed";
        (FindingKind::BrokerUnreachable, Blame::Unclear, what)
    } else if liveness::FROZEN_AFTER.get() <= longest {
        (FindingKind::BrokerFrozen, Blame::Cluster, "its process hangs; restart it if it does not come back")
    } else {
        (FindingKind::BrokerStalled, Blame::Cluster, "its process pauses or hangs")
    }
}

/// Whether retransmits fail on every connection whose TCP state is known, and no connect check reached the host.
fn is_cut_off(broker: &BrokerEvidence) -> bool {
    // The last fetch request may have been acknowledged long before the path was closed, so the fetch connection does not count.
    let is_sending = |role: &ConnectionRole| *role != ConnectionRole::Fetch;
    let mut states = broker.tcp_states.iter().filter(|(role, _)| is_sending(role)).map(|(_, state)| state).peekable();
    let is_accepted = broker.connect_checks.is_some_and(|checks| checks.tcp_accepted);
    !is_accepted && states.peek().is_some() && states.all(|state| state.is_cut_off())
}

/// What the TCP state of an overdue connection shows, as a sentence of evidence.
fn tcp_evidence(role: ConnectionRole, state: TcpState) -> Option<Arc<str>> {
    let name = role.as_str();
    if state.is_cut_off() {
        let TcpState { unacked_bytes, retransmits } = state;
        let sentence = format!(
            "{unacked_bytes} bytes on its {name} connection were retransmitted {retransmits} times without an ack"
        );
        return Some(sentence.into());
    }
    let is_acknowledged = state.is_acknowledged() && role != ConnectionRole::Fetch;
    is_acknowledged.then(|| {
        format!("its kernel has acknowledged every byte on its {name} connection: only the process does not answer")
            .into()
    })
}
