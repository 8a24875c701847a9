//! Patterns in the metadata of a cluster, by rules that Kafka operators use. The metadata are read once a minute, so these findings
//! take minutes, whereas the other rules need seconds.
//!
//! | file | finds |
//! | --- | --- |
//! | [`replicas_missing`] | replicas that stay out of sync: a steady count means that a broker is away or does not replicate |
//! | [`replicas_behind`] | replicas that fall out of sync again and again: a count that rises and falls means that something is too slow |
//! | [`leaders_imbalanced`] | partitions not led by their preferred broker for longer than automatic election takes |
//! | [`partition_limit`] | replica counts near or above a limit |
//! | [`internal_topic_growth`] | an internal partition that is large and keeps growing |
//! | [`reassignment_running`] | running reassignments: an intended operation, which suppresses the first three |
//! | [`history`] | samples of the last half hour |
//!
//! They use the cluster's own answers alone, so a stall of the prober does not affect them, and findings about unresponsive brokers
//! and these do not suppress each other. Planned operations match no pattern: a restart ends before its count has lasted long enough,
//! and each broker of a rolling restart falls behind once.

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

use crate::diagnosis::thresholds::patterns;
use crate::finding::Finding;
use crate::ids::BrokerId;
use crate::observed::parts::{Part, PartState};
use crate::observed::{NAMED_MAX, Named, Observed};
use crate::time::Time;

use history::History;
use internal_topic_growth::Growth;

/// History and active findings of one cluster.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    history: History,
    growth: Growth,
    active: Vec<Finding>,
}

impl Patterns {
    /// Takes in a new observation; called whenever a part of it was requested.
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
            let same = |active: &&Finding| (active.kind, active.broker) == (finding.kind, finding.broker);
            if let Some(active) = self.active.iter().find(same) {
                finding.since = finding.since.min(active.since);
            }
        }
        self.active = found;
    }

    /// The findings by the newest observation.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.active.iter()
    }
}

/// Whether the last answer of a part is usable: its newest request was answered, or the answer is newer than [`patterns::FRESH_FOR`].
fn is_fresh(observed: &Observed, part: Part, now: Time) -> bool {
    observed.parts.get(&part).is_some_and(|status| match (status.state, status.last_answer) {
        (PartState::On, _) => true,
        (PartState::Failing, Some(seen)) => now.since(seen) < patterns::FRESH_FOR.get(),
        _ => false,
    })
}

/// Whether it is known that no reassignment is running.
fn is_no_reassignment_running(observed: &Observed) -> bool {
    observed.reassignments.as_ref().is_some_and(|moving| moving.count == 0)
}

/// The caveat of findings about replicas or leaders when reassignments cannot be listed.
fn reassignments_unknown() -> Arc<str> {
    "whether partitions are being reassigned is unknown: the prober lacks the permission to list reassignments".into()
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
