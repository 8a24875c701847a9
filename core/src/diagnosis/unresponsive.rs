//! A broker that has stopped answering: its machine takes bytes, or does not, and nothing comes back (design §11).

use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::ids::ConnectionRole;
use crate::time::Time;

use super::input::{BrokerEvidence, ConnectChecks, Input};
use crate::tcp_state::TcpState;

/// Nothing came for so long, on each of [`CONNECTIONS`]: longer than an ordinary pause of a garbage collector.
pub const OVERDUE_FOR: Duration = Duration::from_millis(1500);

/// One connection may hang by itself; two do not.
pub const CONNECTIONS_MIN: usize = 2;

/// A fresh connection was left unanswered for so long.
pub const CHECK_UNANSWERED_FOR: Duration = Duration::from_secs(1);

/// From then on it is no pause any more.
pub const FROZEN_AFTER: Duration = Duration::from_secs(10);

/// Whether this broker owes bytes on enough connections, a fresh one among them.
pub fn is_unresponsive(seen: &BrokerEvidence, now: Time) -> bool {
    CONNECTIONS_MIN <= seen.overdue_for(now, OVERDUE_FOR).count()
        && seen.unanswered_for(now).is_some_and(|looked| CHECK_UNANSWERED_FOR <= looked)
}

/// The finding about one broker, if it is the only one that is silent.
pub fn find(input: &Input, seen: &BrokerEvidence) -> Option<Finding> {
    let now = input.now;
    if !is_unresponsive(seen, now) || !another_answers(input, seen) {
        return None;
    }
    let silences: Vec<_> = seen.overdue_for(now, OVERDUE_FOR).collect();
    let longest = silences.iter().map(|(_, length)| *length).max()?;
    let is_nobody = |fault| matches!(fault, Fault::ConnectTimeout | Fault::Unreachable);
    let unreachable = |checks: ConnectChecks| !checks.tcp_accepted && checks.fault.is_some_and(is_nobody);
    let unreachable = seen.connect_checks.is_some_and(unreachable) || is_cut_off(seen);
    let (kind, blame, what) = if unreachable {
        let what = "not even its machine answers: its host is down, or the way to it is closed";
        (FindingKind::BrokerUnreachable, Blame::Unclear, what)
    } else if FROZEN_AFTER <= longest {
        (FindingKind::BrokerFrozen, Blame::Cluster, "its process hangs; restart it if it does not come back")
    } else {
        (FindingKind::BrokerStalled, Blame::Cluster, "its process pauses or hangs")
    };
    let mut evidence: Vec<Arc<str>> = silences
        .iter()
        .map(|(role, length)| {
            format!("its {} connection has been owed an answer for {}", role.as_str(), seconds(*length))
        })
        .map(Arc::from)
        .collect();
    if let Some(looked) = seen.unanswered_for(now) {
        evidence.push(format!("a fresh connection was left unanswered for {}", seconds(looked)).into());
    }
    evidence.extend(seen.tcp_states.iter().filter_map(|(role, state)| kernels(*role, *state)));
    evidence.push(others(input, seen).into());
    let broker = seen.id;
    // Until a fresh connection or our kernel tells, a host that is gone looks like a process that hangs.
    let is_undecided =
        kind == FindingKind::BrokerStalled && !seen.connect_checks.is_some_and(|checks| checks.tcp_accepted);
    Some(Finding {
        kind,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame,
        since: now - longest,
        confidence: if FROZEN_AFTER <= longest { 0.99 } else { 0.9 },
        summary: format!("broker {broker} has not answered for {}: {what}", seconds(longest)).into(),
        evidence,
        runner_up: (is_undecided && seen.tcp_states.is_empty()).then_some(FindingKind::BrokerUnreachable),
        ruled_out: vec![FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}

/// Whether bytes get lost on every connection whose way is known, and nothing speaks for its machine being there.
fn is_cut_off(seen: &BrokerEvidence) -> bool {
    // What was read last may have been acknowledged long before the way was closed.
    let mut tcp_states =
        seen.tcp_states.iter().filter(|(role, _)| **role != ConnectionRole::Fetch).map(|(_, state)| state).peekable();
    let is_accepted = seen.connect_checks.is_some_and(|checks| checks.tcp_accepted);
    !is_accepted && tcp_states.peek().is_some() && tcp_states.all(|state| state.is_cut_off())
}

/// What the kernels at both ends know of a silent connection, in a sentence.
fn kernels(role: ConnectionRole, state: TcpState) -> Option<Arc<str>> {
    let name = role.as_str();
    if state.is_cut_off() {
        let TcpState { unacked_bytes: unacked, retransmits } = state;
        return Some(
            format!("{unacked} bytes on its {name} connection were sent again {retransmits} times in vain").into(),
        );
    }
    let is_open = state.is_acknowledged() && role != ConnectionRole::Fetch;
    is_open.then(|| {
        format!("its kernel has acknowledged every byte on its {name} connection: only the process is silent").into()
    })
}

/// Whether the way from here to the cluster is open.
pub(super) fn another_answers(input: &Input, seen: &BrokerEvidence) -> bool {
    let others = input.brokers.iter().filter(|other| other.id != seen.id);
    others.into_iter().any(|other| other.answered_within(input.now, input.liveness_timeout))
}

/// Who answers meanwhile, in a sentence.
pub(super) fn others(input: &Input, seen: &BrokerEvidence) -> String {
    let others = input.brokers.iter().filter(|other| other.id != seen.id);
    let answer = others.filter(|other| other.answered_within(input.now, input.liveness_timeout)).count();
    let (count, within) = (input.brokers.len() - 1, seconds(input.liveness_timeout));
    format!("{answer} of {count} other brokers answered within the last {within}")
}

pub(super) fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}
