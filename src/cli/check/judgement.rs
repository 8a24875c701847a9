//! From a snapshot to the answer of `check`: which brokers can be written to and read from, and who is to blame if not.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{Broker, Lane};
use prober_core::snapshot::{LaneState, Snapshot};

use crate::cli::exit::{Exit, Responsible, exit_for};

use super::rows::{self, Row, Subject};

/// Share of void events above which this machine is too busy to judge Kafka.
const VOID_SHARE_MAX: f64 = 0.05;

/// Number of void events up to which their share is not evaluated.
const VOID_FEW: u64 = 3;

/// The answer so far.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) exit: Exit,
    /// The answer in one sentence.
    pub(super) summary: String,
    /// The broker view: which brokers can be written to and read from.
    pub(super) brokers: Vec<Row>,
    /// The client view: what applications experience, one row a cluster.
    pub(super) applications: Vec<Row>,
    /// Whether more events would not change it.
    pub(super) is_final: bool,
}

impl Judgement {
    /// The prober itself failed.
    pub(super) fn unhealthy(cause: &str) -> Judgement {
        Judgement {
            exit: Exit::Unhealthy,
            summary: format!("the prober is unhealthy: {cause}"),
            brokers: Vec::new(),
            applications: Vec::new(),
            is_final: true,
        }
    }

    /// The same answer as an error in the command line.
    pub(super) fn into_usage(self, problem: String) -> Judgement {
        Judgement { exit: Exit::Usage, summary: problem, ..self }
    }

    /// The time limit has passed, which an inconclusive answer mentions.
    pub(super) fn at_timeout(mut self, timeout: Duration) -> Judgement {
        if self.exit == Exit::Inconclusive {
            let seconds = timeout.as_secs_f64();
            self.summary = format!("{} (gave up after {seconds} s)", self.summary);
        }
        self
    }

    /// Takes the percentiles of the last snapshot, in which they are of all events.
    pub(super) fn take_latencies(&mut self, last: &Snapshot) {
        self.brokers.iter_mut().chain(&mut self.applications).for_each(|row| row.take_latencies(last));
    }
}

/// Judges what has been counted and found so far.
pub(super) fn judge(snapshot: &Snapshot) -> Judgement {
    let (brokers, applications) = (rows::brokers(snapshot), rows::applications(snapshot));
    let answer = answer(snapshot, &brokers, &applications);
    let (exit, is_final, summary) = answer;
    Judgement { exit, summary, brokers, applications, is_final }
}

/// Exit code, whether it is final, and the sentence.
fn answer(snapshot: &Snapshot, brokers: &[Row], applications: &[Row]) -> (Exit, bool, String) {
    if let Some(share) = void_share(snapshot) {
        let percent = 100.0 * share;
        return (
            Exit::Unhealthy,
            true,
            format!("{percent:.0} % of the events are void: this machine is too busy to judge Kafka"),
        );
    }
    let rows: Vec<&Row> = brokers.iter().chain(applications).collect();
    let message = snapshot.lanes.iter().find_map(|lane| lane.message.as_deref());
    let because = message.map(|message| format!(": {message}")).unwrap_or_default();
    let obstacle = obstacle(snapshot);

    let blamed = snapshot.findings.iter().filter_map(|finding| Some((finding, responsible(finding)?)));
    let blamed: Vec<(&Finding, Responsible)> = blamed.collect();
    let explained = blamed.iter().any(|(finding, _)| explains_every_row(finding.kind));
    let is_failing = |row: &&&Row| row.verdict == Exit::Fail && !explained;
    let failing: Vec<&Row> = rows.iter().filter(is_failing).copied().collect();
    let is_open = |row: &&&Row| row.verdict == Exit::Inconclusive || (row.verdict == Exit::Fail && explained);
    let open: Vec<&Row> = rows.iter().filter(is_open).copied().collect();

    let of_rows = failing.iter().map(|_| Responsible::Cluster);
    let doubt = (!open.is_empty() || rows.is_empty() || obstacle.is_some()).then_some(Responsible::Unclear);
    let exit = exit_for(blamed.iter().map(|(_, who)| *who).chain(of_rows).chain(doubt));
    // Without metadata the cause is known once a lane has named it.
    let is_decided = |row: &&Row| row.is_final && (!row.has_no_metadata() || message.is_some());
    let is_complete = !rows.is_empty() && rows.iter().all(is_decided);
    let found = |who: Responsible| {
        let first = blamed.iter().find(|(_, responsible)| *responsible == who);
        first.map(|(finding, _)| format!("{}: {}", finding.kind.as_str(), finding.summary))
    };

    match exit {
        Exit::Fail if failing.is_empty() => (exit, is_complete, found(Responsible::Cluster).unwrap_or_default()),
        Exit::Fail => (exit, is_complete, format!("failing: {}{because}", names(&failing))),
        Exit::Unhealthy => (exit, true, found(Responsible::Prober).unwrap_or_default()),
        Exit::Pass => (exit, true, all_good(brokers, applications)),
        Exit::Inconclusive | Exit::Usage => {
            if let Some(obstacle) = obstacle {
                return (exit, true, obstacle.to_owned());
            }
            if let Some(found) = found(Responsible::Unclear) {
                return (exit, is_complete, found);
            }
            if is_complete && open.iter().all(|row| row.has_no_metadata()) {
                return (exit, true, format!("{}{because}", names(&open)));
            }
            if is_complete && open.iter().all(|row| row.has_no_partition) {
                return (exit, true, not_probed(snapshot, brokers, &open));
            }
            let doubt = if is_complete { "it is unclear who is to blame" } else { "too few events to judge" };
            let about = if open.is_empty() { "no broker is known".to_owned() } else { names(&open) };
            (exit, is_complete, format!("{doubt}: {about}{because}"))
        }
    }
}

fn responsible(finding: &Finding) -> Option<Responsible> {
    Responsible::for_finding(finding.kind.as_str(), finding.blame.as_str())
}

/// Whether the finding is the reason why every broker fails, so that no row blames its broker.
fn explains_every_row(kind: FindingKind) -> bool {
    use FindingKind::{ClusterUnreachable, ProberNetwork, ProberStalled, ProberStarved};
    matches!(kind, ClusterUnreachable | ProberNetwork | ProberStalled | ProberStarved)
}

/// Why something enabled is not probed, if waiting would not help: a lane that is refused, or a missing permission.
fn obstacle(snapshot: &Snapshot) -> Option<&str> {
    let refused = snapshot.lanes.iter().find(|lane| lane.state == LaneState::Refused);
    let refused = refused.map(|lane| lane.message.as_deref().unwrap_or("a lane is refused"));
    let of_lanes = snapshot.lanes.iter().filter_map(|lane| lane.message.as_deref());
    let of_probes = snapshot.blocked_probes.iter().map(|blocked| &*blocked.message);
    refused.or_else(|| of_lanes.chain(of_probes).find(|message| message.contains("grant ")))
}

fn all_good(brokers: &[Row], applications: &[Row]) -> String {
    let count = brokers.len();
    match (brokers.is_empty(), applications.is_empty()) {
        (true, _) => "applications can write and read".to_owned(),
        (false, true) => format!("{count} of {count} brokers can be written to and read from"),
        (false, false) => {
            format!("{count} of {count} brokers can be written to and read from, and applications can write and read")
        }
    }
}

fn not_probed(snapshot: &Snapshot, brokers: &[Row], open: &[&Row]) -> String {
    let written = brokers.iter().filter(|row| row.verdict == Exit::Pass).count();
    let pinned = snapshot.lanes.iter().find(|lane| lane.lane == Lane::Pinned);
    let topic = pinned.map_or("of the pinned lane", |lane| &*lane.topic);
    format!(
        "{written} of {} brokers can be written to and read from; not probed: {} (no partition of topic {topic})",
        brokers.len(),
        names(open)
    )
}

/// The share of void events, if it is too large and they are more than a few.
fn void_share(snapshot: &Snapshot) -> Option<f64> {
    let all = |outcome| snapshot.series.iter().map(|row| row.counts.of(outcome)).sum::<u64>();
    let void = all(Outcome::Void);
    let total: u64 = Outcome::ALL.into_iter().map(all).sum();
    let share = void as f64 / total.max(1) as f64;
    (VOID_FEW < void && VOID_SHARE_MAX < share).then_some(share)
}

fn names(rows: &[&Row]) -> String {
    let mut names: Vec<String> = rows.iter().map(|row| name(row)).collect();
    // Without metadata both views have the same sentence.
    names.dedup();
    names.join(", ")
}

fn name(row: &Row) -> String {
    let subject = match row.subject {
        Subject::Broker(Broker::Unknown | Broker::Cluster) => {
            return format!("cluster {}: no broker answered", row.cluster);
        }
        Subject::Broker(Broker::Id(id)) => format!("broker {id}"),
        Subject::Applications if row.has_no_metadata() => {
            return format!("cluster {}: no broker answered", row.cluster);
        }
        Subject::Applications => "applications".to_owned(),
    };
    match row.probes.iter().find(|probe| !probe.errors.is_empty()) {
        Some(probe) => format!("{subject} ({}: {})", probe.probe.as_str(), probe.errors.join(", ")),
        None => subject,
    }
}
