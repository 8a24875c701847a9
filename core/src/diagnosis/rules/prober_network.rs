//! `prober_network`, or `cluster_unreachable` with a blame: no broker answers. A reference host, which is not Kafka's, tells
//! whether the cluster or the prober's own network is down.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::time::Time;
use crate::vitals::Control;

use super::correlated;
use super::sentences::seconds;
use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::thresholds::prober_health;

/// What the reference shows about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It was lost with the brokers.
    Lost,
    /// It was asked after the failure began, and answered.
    Answers,
    /// Its next answer, or time-out, is due within [`prober_health::SAME_LOSS`].
    Pending,
    /// Nothing: it never answered, or it was lost long before.
    Unknown,
}

/// The loopback control is lost: not even a byte to the prober itself comes back, so missing answers accuse nobody.
pub fn loopback(facts: &Facts) -> Option<Finding> {
    let control = facts.prober.controls.loopback;
    let missed = control.missed.filter(|missed| control.is_lost() && missed.since < missed.last)?;
    let lost = seconds(facts.now.since(missed.since));
    Some(Finding {
        kind: FindingKind::ProberNetwork,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: missed.since,
        confidence: Confidence::Certain,
        summary: "this prober's host cannot connect to itself: look at its loopback interface and its firewall; until \
                  then no broker is accused"
            .into(),
        evidence: vec![format!("no byte from the prober to itself has come back for {lost}").into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

/// The finding when no broker answers: `unclear` as it is, unless the reference decides the blame. `None` while the reference is
/// about to answer.
pub fn judge(facts: &Facts, unclear: Finding) -> Option<Finding> {
    // The last answer of any broker is the start of the failure; overdue times begin anew when connections do.
    let start = facts.brokers.iter().filter_map(|broker| broker.last_answer).max().unwrap_or(unclear.since);
    let Some((address, control)) = &facts.prober.controls.reference else { return Some(unclear) };
    match verdict(control, start, facts.now) {
        Verdict::Lost => Some(network(facts, unclear, address, control)),
        Verdict::Answers => Some(cluster(facts, unclear, address, control)),
        Verdict::Pending => None,
        Verdict::Unknown => Some(unclear),
    }
}

fn verdict(control: &Control, start: Time, now: Time) -> Verdict {
    let is_near = |at: Time| at.since(start).max(start.since(at)) <= prober_health::SAME_LOSS.get();
    // Also if it answers again by now: the brokers' connections take longer to recover.
    if control.missed.is_some_and(|missed| is_near(missed.since) && start <= missed.last) {
        return Verdict::Lost;
    }
    match control.answered {
        Some(answered) if start < answered => Verdict::Answers,
        Some(_) if !control.is_lost() && now.since(start) < prober_health::SAME_LOSS.get() => Verdict::Pending,
        _ => Verdict::Unknown,
    }
}

fn network(facts: &Facts, unclear: Finding, address: &str, control: &Control) -> Finding {
    let answered = control.answered.map_or(Duration::ZERO, |at| facts.now.since(at));
    let evidence = format!("the reference {address} was lost with them; it last answered {} ago", seconds(answered));
    Finding {
        kind: FindingKind::ProberNetwork,
        blame: Blame::Prober,
        confidence: Confidence::Certain,
        summary: format!(
            "no broker answers, and neither did {address}: the network of this prober's own host is down, and nothing is \
             known about the cluster"
        )
        .into(),
        evidence: with(evidence, unclear.evidence),
        runner_up: None,
        ..unclear
    }
}

fn cluster(facts: &Facts, unclear: Finding, address: &str, control: &Control) -> Finding {
    let answered = control.answered.map_or(Duration::ZERO, |at| facts.now.since(at));
    let evidence =
        format!("the reference {address} answered while the brokers did not, last {} ago", seconds(answered));
    let who = correlated::nobody(facts);
    Finding {
        blame: Blame::Cluster,
        confidence: Confidence::Certain,
        summary: format!("{who}, while {address} does: the cluster is down, or its own network").into(),
        evidence: with(evidence, unclear.evidence),
        runner_up: None,
        ..unclear
    }
}

fn with(first: String, rest: Vec<Arc<str>>) -> Vec<Arc<str>> {
    [Arc::from(first)].into_iter().chain(rest).collect()
}
