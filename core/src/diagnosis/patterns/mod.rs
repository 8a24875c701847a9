//! Patterns in what a cluster says of itself, after the rules of those who run Kafka: evidence from metadata, which is read
//! once a minute, where the other engines go by what a probe is owed, which takes them seconds.
//!
//! | file | finds |
//! | --- | --- |
//! | [`replicas_missing`] | replicas that stay out of sync: a steady count, so a broker is away, or does not follow |
//! | [`replicas_behind`] | replicas that fall out of sync again and again: a count that rises and falls, so something is too slow |
//! | [`leaders_imbalanced`] | leaders that are not where they should be, for longer than Kafka leaves them there |
//! | [`partition_limit`] | nearly too many partitions, or more |
//! | [`internal_topic_growth`] | an internal partition that is large and goes on growing |
//! | [`reassignment_running`] | partitions being moved: expected trouble, which is said, and which hides the first three |
//! | [`history`] | what of the last half an hour is kept for all of them |
//!
//! They rest on the cluster's own answers alone. A stall of the prober takes nothing from those, and a broker that is named
//! by what it owes neither hides them nor is hidden by them: the two say different things. What an operator does in good
//! order is no pattern: a restart is over before its count has stood long enough, and each broker of a roll falls behind
//! once.

pub mod history;
pub mod internal_topic_growth;
pub mod leaders_imbalanced;
pub mod partition_limit;
pub mod reassignment_running;
pub mod replicas_behind;
pub mod replicas_missing;

#[cfg(test)]
mod scenarios;

use std::sync::Arc;
use std::time::Duration;

use crate::finding::Finding;
use crate::ids::BrokerId;
use crate::observed::parts::{Part, PartState};
use crate::observed::{NAMED_MAX, Named, Observed};
use crate::time::Time;

use history::History;
use internal_topic_growth::Growth;

/// A part that has not been answered for so long, although it was asked, says nothing about now.
pub const FRESH_FOR: Duration = Duration::from_secs(600);

/// What is remembered of one cluster, and what stands there.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    history: History,
    growth: Growth,
    active: Vec<Finding>,
}

impl Patterns {
    /// Takes in what a cluster says of itself, whenever a part of it has been asked for.
    pub fn follow(&mut self, observed: &Observed, now: Time) {
        self.history.follow(observed, now);
        self.growth.follow(observed, now);
        let mut found = Vec::new();
        match reassignment_running::find(observed, now) {
            Some(moving) => found.push(moving),
            None => {
                let missing = replicas_missing::find(observed, &self.history);
                found.extend(missing.or_else(|| replicas_behind::find(observed, &self.history)));
                found.extend(leaders_imbalanced::find(observed, &self.history));
            }
        }
        found.extend(partition_limit::find(observed, now));
        found.extend(self.growth.find(observed, now));
        for finding in &mut found {
            let same = |stands: &&Finding| (stands.kind, stands.broker) == (finding.kind, finding.broker);
            if let Some(stands) = self.active.iter().find(same) {
                finding.since = finding.since.min(stands.since);
            }
        }
        self.active = found;
    }

    /// What stands since the newest word of the cluster.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.active.iter()
    }
}

/// Whether a part's last answer still says something about now: it is newer than [`FRESH_FOR`], or nobody has asked since.
fn is_fresh(observed: &Observed, part: Part, now: Time) -> bool {
    observed.parts.get(&part).is_some_and(|status| match (status.state, status.last_answer) {
        (PartState::On, _) => true,
        (PartState::Failing, Some(seen)) => now.since(seen) < FRESH_FOR,
        _ => false,
    })
}

/// Whether it is known that no partition is being moved.
fn is_nothing_moving(observed: &Observed) -> bool {
    observed.reassignments.as_ref().is_some_and(|moving| moving.count == 0)
}

/// What whoever cannot list reassignments should know when reading a finding about replicas or leaders.
fn unknown_moves() -> Arc<str> {
    "whether partitions are being moved is not known: the prober may not list reassignments".into()
}

/// As in `a-0, b-1 and 12 more`.
fn some_of(named: &Named) -> String {
    let first: Vec<String> = named.first.iter().map(ToString::to_string).collect();
    and_more(&first, named.count)
}

/// As in `2, 5 and 12 more`, or `none`.
fn brokers(ids: &[BrokerId]) -> String {
    let first: Vec<String> = ids.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if first.is_empty() { "none".to_owned() } else { and_more(&first, ids.len() as u64) }
}

fn and_more(first: &[String], count: u64) -> String {
    match count.saturating_sub(first.len() as u64) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// As in `12 min`, and `90 s` below two minutes.
fn length(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
