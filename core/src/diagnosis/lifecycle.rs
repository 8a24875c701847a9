//! The life of a finding, one for all kinds: it begins when it is found, is held for a moment so that it does not flicker, and
//! ends. One that begins again and again stands between its episodes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::thresholds::{bounds, lifecycle};
use crate::finding::{Consequence, Finding, FindingKind, Recurrence};
use crate::ids::BrokerId;
use crate::time::Time;

use super::precedence::{explains, family};
use super::rules::{diagnose, prober_stalled};

/// The active findings of one cluster, and those that ended lately.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings {
    remembered: Vec<Remembered>,
}

#[derive(Clone, Debug)]
struct Remembered {
    finding: Finding,
    last_found: Time,
    is_active: bool,
    /// When its newest episodes began.
    episodes: VecDeque<Time>,
}

impl ActiveFindings {
    /// Evaluates the evidence of one moment. While the prober is stalled no finding about others begins or ends.
    pub fn follow(&mut self, facts: &Facts) {
        let now = facts.now;
        for found in diagnose(facts) {
            let is_cause =
                |one: &&mut Remembered| explains(&one.finding, now.since(one.last_found), one.is_active, &found);
            match self.remembered.iter_mut().find(is_cause) {
                Some(cause) => cause.add_consequence(&found),
                None => self.found(found, now),
            }
        }
        if prober_stalled::is_stalled(facts) {
            let others = self.remembered.iter_mut().filter(|one| one.is_active && !is_about_prober(one.finding.kind));
            others.for_each(|one| one.last_found = now);
        }
        self.remembered.iter_mut().for_each(|one| one.end_if_over(now));
        self.remembered.retain(|one| one.is_active || now.since(one.last_found) < lifecycle::EPISODES_WITHIN.get());
        while bounds::FINDINGS_MAX.get() < self.remembered.len()
            && let Some(oldest) = (0..self.remembered.len()).min_by_key(|at| self.remembered[*at].last_found)
        {
            self.remembered.remove(oldest);
        }
    }

    /// The active findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.remembered.iter().filter(|one| one.is_active).map(|one| &one.finding)
    }

    fn found(&mut self, found: Finding, now: Time) {
        match self.remembered.iter_mut().find(|one| is_same(&one.finding, &found)) {
            Some(one) => one.found_again(found, now),
            None => self.remembered.push(Remembered {
                episodes: VecDeque::from([now]),
                finding: found,
                last_found: now,
                is_active: true,
            }),
        }
    }
}

impl Remembered {
    fn found_again(&mut self, found: Finding, now: Time) {
        // What was not found at the evaluation before begins a new episode.
        if lifecycle::END_AFTER.get() <= now.since(self.last_found) {
            self.episodes.push_back(now);
        }
        while self.episodes.front().is_some_and(|began| lifecycle::EPISODES_WITHIN.get() <= now.since(*began))
            && 1 < self.episodes.len()
        {
            self.episodes.pop_front();
        }
        // A stalled broker that turns out to be frozen keeps its start: it is the same failure.
        let since = if self.is_active { self.finding.since.min(found.since) } else { found.since };
        let mut consequences = if self.is_active { std::mem::take(&mut self.finding.consequences) } else { Vec::new() };
        let new: Vec<Consequence> =
            found.consequences.iter().filter(|new| !consequences.contains(new)).copied().collect();
        consequences.extend(new);
        let recurrence = (lifecycle::RECURRING_FROM.get() <= self.episodes.len()).then(|| Recurrence {
            count: self.episodes.len(),
            began: self.episodes.iter().rev().take(lifecycle::RECURRING_FROM.get()).rev().copied().collect(),
            is_between: false,
        });
        self.finding = Finding { since, consequences, recurrence, ..found };
        self.last_found = now;
        self.is_active = true;
    }

    fn add_consequence(&mut self, found: &Finding) {
        let consequence = Consequence { kind: found.kind, broker: found.broker };
        if self.is_active && !self.finding.consequences.contains(&consequence) {
            self.finding.consequences.push(consequence);
        }
    }

    fn end_if_over(&mut self, now: Time) {
        self.is_active &= now.since(self.last_found) < self.hold();
        if let Some(recurrence) = &mut self.finding.recurrence {
            recurrence.is_between = lifecycle::END_AFTER.get() <= now.since(self.last_found);
        }
    }

    /// How long it stands after it was last found: one that recurs for twice its longest interval.
    fn hold(&self) -> Duration {
        if self.finding.recurrence.is_none() {
            return lifecycle::END_AFTER.get();
        }
        let intervals = self.episodes.iter().zip(self.episodes.iter().skip(1)).map(|(one, next)| next.since(*one));
        (lifecycle::RECURRING_INTERVALS.get() * intervals.max().unwrap_or_default())
            .clamp(lifecycle::RECURRING_HOLD_MIN.get(), lifecycle::EPISODES_WITHIN.get())
    }
}

/// Whether two findings are the same failure: about the same broker, or about brokers in common, and of the same family of kinds.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let has_common = |members: &[BrokerId]| members.iter().any(|id| other.members.contains(id));
    let is_both_without = one.members.is_empty() && other.members.is_empty();
    one.broker == other.broker
        && family(one.kind) == family(other.kind)
        && (is_both_without || has_common(&one.members))
}

/// Whether it is about the prober's own process, which is known even while the prober is stalled.
fn is_about_prober(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::ProberStalled | FindingKind::ProberStarved)
}
