//! Observes every snapshot, and records when the condition of each row changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prober_core::finding::FindingKind;
use prober_core::ids::{BrokerId, View};
use prober_core::snapshot::{SUSPECT_AFTER, Snapshot};
use prober_core::time::Time;

use super::brokers::FROZEN;
use super::rows::{Row, rows};

pub(super) use super::rows::Condition;

/// What was observed so far.
#[derive(Debug, Default)]
pub(super) struct Observer {
    /// When the newest snapshot was taken.
    now: Time,
    /// When each step began.
    steps: Vec<Time>,
    /// The changes of each row; the demo takes a minute, so they are few.
    changes: BTreeMap<(View, BrokerId), Vec<Change>>,
    /// The active findings of the newest snapshot.
    found: BTreeSet<(FindingKind, Option<BrokerId>)>,
}

/// The condition of a row changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: Time,
    pub(super) to: Condition,
}

impl Observer {
    /// A step begins.
    pub(super) fn step(&mut self) {
        self.steps.push(self.now);
    }

    /// Takes a snapshot. Returns a line for each row that got worse or recovered, and for each new finding.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) -> Vec<(Condition, String)> {
        self.now = snapshot.at;
        let mut lines = Vec::new();
        let before = std::mem::take(&mut self.found);
        for finding in &snapshot.findings {
            let key = (finding.kind, finding.broker);
            if !before.contains(&key) {
                lines.push((Condition::Failing, format!("finding {}: {}", finding.kind.as_str(), finding.summary)));
            }
            self.found.insert(key);
        }
        for row in [View::Broker, View::Client].into_iter().flat_map(|view| rows(snapshot, view)) {
            let changes = self.changes.entry((row.view, row.broker)).or_default();
            let before = changes.last().map_or(Condition::Unknown, |change| change.to);
            // A failing row that waits has not recovered.
            let same = before == row.condition || (before, row.condition) == (Condition::Failing, Condition::Waiting);
            if same {
                continue;
            }
            changes.push(Change { at: self.now, to: row.condition });
            if (before, row.condition) != (Condition::Unknown, Condition::Healthy) {
                lines.push((row.condition, sentence(&row)));
            }
        }
        lines
    }

    /// Time from the start of the prober to the newest snapshot.
    pub(super) fn elapsed(&self) -> Duration {
        self.now.since(Time::ORIGIN)
    }

    /// When each step began.
    pub(super) fn steps(&self) -> &[Time] {
        &self.steps
    }

    /// The condition of a row now.
    pub(super) fn condition(&self, view: View, broker: BrokerId) -> Condition {
        self.condition_at(view, broker, Time::NEVER)
    }

    /// The condition of a row at a time.
    pub(super) fn condition_at(&self, view: View, broker: BrokerId, at: Time) -> Condition {
        let before = self.changes(view, broker).iter().rfind(|change| change.at <= at);
        before.map_or(Condition::Unknown, |change| change.to)
    }

    /// The worst condition of a row between two times, the first inclusive.
    pub(super) fn worst(&self, view: View, broker: BrokerId, from: Time, to: Time) -> Condition {
        let within = self.changes(view, broker).iter().filter(|change| from < change.at && change.at < to);
        within.map(|change| change.to).fold(self.condition_at(view, broker, from), Condition::max)
    }

    /// When a row first changed to this condition, after a time.
    pub(super) fn first(&self, view: View, broker: BrokerId, to: Condition, after: Time) -> Option<Time> {
        self.changes(view, broker).iter().find(|change| after < change.at && change.to == to).map(|change| change.at)
    }

    /// The condition of a broker.
    pub(super) fn broker(&self, broker: BrokerId) -> Condition {
        self.condition(View::Broker, broker)
    }

    /// The condition of the partition whose preferred leader freezes, in the client view.
    pub(super) fn partition(&self) -> Condition {
        self.condition(View::Client, FROZEN)
    }

    fn changes(&self, view: View, broker: BrokerId) -> &[Change] {
        self.changes.get(&(view, broker)).map_or(&[], Vec::as_slice)
    }
}

fn sentence(row: &Row) -> String {
    let view = row.view.as_str();
    match (row.view, row.condition) {
        (View::Broker, Condition::Waiting) => {
            let waited = row.waiting.unwrap_or(SUSPECT_AFTER).as_secs_f64();
            format!("broker view: {} is suspect: no answer for {waited:.1} s", row.name())
        }
        (_, Condition::Healthy) => format!("{view} view: {} is ok again", row.name()),
        _ => format!("{view} view: {} is {}", row.name(), row.word),
    }
}
