//! Nobody answers: is it the cluster, or the way from here? What answered until then, and is not Kafka, tells.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::time::Time;
use crate::vitals::Control;

use super::correlated;
use super::input::Input;
use super::unresponsive::seconds;

/// What went away so much before or after the brokers went away with them: a reference is asked every two seconds, and
/// a second goes by until it counts as lost.
pub const SAME_LOSS: Duration = Duration::from_secs(4);

/// What the reference says of a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It went away with the brokers.
    Lost,
    /// It was called after the trouble began, and answered.
    Answers,
    /// It has been called, or is about to be: soon it will tell.
    Soon,
    /// Nothing: there is none, or it was away before, or it was never there.
    Nothing,
}

/// Not even a byte to ourselves comes back: whatever else does not come back says nothing.
pub fn loopback(input: &Input) -> Option<Finding> {
    let control = input.prober.loopback;
    let missed = control.missed.filter(|missed| control.is_lost() && missed.since < missed.last)?;
    let lost = seconds(input.now.since(missed.since));
    Some(Finding {
        kind: FindingKind::ProberNetwork,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: missed.since,
        confidence: 0.95,
        summary:
            "this prober's host cannot even talk to itself: look at its loopback interface and its firewall, nobody \
                  else is judged meanwhile"
                .into(),
        evidence: vec![format!("no byte from the prober to itself has come back for {lost}").into()],
        runner_up: None,
        ruled_out: vec![FindingKind::ClusterUnreachable],
    })
}

/// What is to be said when no broker answers: `unclear`, which blames nobody, unless a control knows more. `None`: in a moment.
pub fn judge(input: &Input, unclear: Finding) -> Option<Finding> {
    // The last that any broker said is the begin of the silence; what is owed may begin anew when connections do.
    let start = input.brokers.iter().filter_map(|seen| seen.last_answer).max().unwrap_or(unclear.since);
    let Some((address, control)) = &input.prober.reference else { return Some(unclear) };
    match says(control, start, input.now) {
        Says::Lost => Some(network(input, unclear, address, control)),
        Says::Answers => Some(cluster(input, unclear, address, control)),
        Says::Soon => None,
        Says::Nothing => Some(unclear),
    }
}

fn says(control: &Control, start: Time, now: Time) -> Says {
    let near = |at: Time| at.since(start).max(start.since(at)) <= SAME_LOSS;
    // Also when it answers again by now: the brokers' connections take longer to come back.
    if control.missed.is_some_and(|missed| near(missed.since) && start <= missed.last) {
        return Says::Lost;
    }
    match control.answered {
        Some(answered) if start < answered => Says::Answers,
        Some(_) if !control.is_lost() && now.since(start) < SAME_LOSS => Says::Soon,
        _ => Says::Nothing,
    }
}

fn network(input: &Input, unclear: Finding, address: &str, control: &Control) -> Finding {
    let answered = control.answered.map_or(Duration::ZERO, |at| input.now.since(at));
    let said = format!("the reference {address} went away with them; it last answered {} ago", seconds(answered));
    Finding {
        kind: FindingKind::ProberNetwork,
        blame: Blame::Prober,
        confidence: 0.95,
        summary: format!(
            "no broker answers, and neither did {address}: the network of this prober's own host is down, and nothing is \
             known of the cluster"
        )
        .into(),
        evidence: with(said, unclear.evidence),
        runner_up: None,
        ruled_out: vec![FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
        ..unclear
    }
}

fn cluster(input: &Input, unclear: Finding, address: &str, control: &Control) -> Finding {
    let answered = control.answered.map_or(Duration::ZERO, |at| input.now.since(at));
    let said = format!("the reference {address} answered while the brokers did not, {} ago at last", seconds(answered));
    let who = correlated::nobody(input);
    Finding {
        blame: Blame::Cluster,
        confidence: 0.95,
        summary: format!("{who}, while {address} does: the cluster is down, or its own network").into(),
        evidence: with(said, unclear.evidence),
        runner_up: None,
        ruled_out: vec![FindingKind::ProberNetwork, FindingKind::ProberStalled],
        ..unclear
    }
}

fn with(first: String, rest: Vec<Arc<str>>) -> Vec<Arc<str>> {
    [Arc::from(first)].into_iter().chain(rest).collect()
}
