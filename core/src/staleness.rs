//! Which broker shows outdated metadata. A broker that is cut off from the controllers still answers and may accept writes that
//! will be lost (K4); its own metadata, compared with those of the other brokers, show it.
//!
//! Two signs count. A leader epoch only grows (KIP-320), so a broker that shows a lower one than most others is behind. A set of
//! brokers has no such order: a broker is behind only if more than half of all brokers agree on another set, so that of two brokers
//! that disagree none is stale.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::ids::{BrokerId, Partition};
use crate::time::Time;

/// A broker that is behind for longer than this is stale: a change takes a moment to reach every broker.
pub const STALE_AFTER: Duration = Duration::from_secs(5);

/// Digests older than this are not compared: their broker may have newer metadata by now.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// A partition by the id of its topic, so that a recreated topic starts over.
pub type EpochKey = ([u8; 16], Partition);

/// What one broker shows of the cluster, reduced to what is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataDigest {
    /// The brokers that it lists.
    pub brokers: BTreeSet<BrokerId>,
    /// The leader epoch of each partition of our topics.
    pub epochs: BTreeMap<EpochKey, i32>,
}

/// The newest digest of every broker, and since when each has been behind.
#[derive(Clone, Debug, Default)]
pub struct Staleness {
    /// Brokers that show the same share one digest. Nearly always all do, so that comparing one with a hundred others costs one
    /// comparison.
    digests: BTreeMap<BrokerId, (Time, Arc<MetadataDigest>)>,
    behind_since: BTreeMap<BrokerId, Time>,
}

/// The distinct digests of the other brokers, and how many show each.
type OtherDigests<'a> = Vec<(&'a MetadataDigest, usize)>;

impl Staleness {
    /// Takes in what `broker` shows; true if it is stale.
    pub fn observe(&mut self, broker: BrokerId, at: Time, digest: MetadataDigest) -> bool {
        let digest = self.shared(digest);
        let behind = is_behind(&digest, &self.shown_by_others(broker, at));
        self.digests.insert(broker, (at, digest));
        if !behind {
            self.behind_since.remove(&broker);
            return false;
        }
        let since = *self.behind_since.entry(broker).or_insert(at);
        STALE_AFTER < at.since(since)
    }

    /// Forgets brokers that are not asked any more.
    pub fn retain(&mut self, asked: &BTreeSet<BrokerId>) {
        self.digests.retain(|broker, _| asked.contains(broker));
        self.behind_since.retain(|broker, _| asked.contains(broker));
    }

    /// The shared copy of a digest, if another broker shows the same.
    fn shared(&self, digest: MetadataDigest) -> Arc<MetadataDigest> {
        let different = distinct(self.digests.values().map(|(_, known)| known));
        let known = different.into_iter().find(|(known, _)| ***known == digest).map(|(known, _)| Arc::clone(known));
        known.unwrap_or_else(|| Arc::new(digest))
    }

    fn shown_by_others(&self, broker: BrokerId, at: Time) -> OtherDigests<'_> {
        let fresh = |(id, (when, _)): &(&BrokerId, &(Time, Arc<MetadataDigest>))| {
            **id != broker && at.since(*when) <= FRESH_FOR
        };
        let others = self.digests.iter().filter(fresh).map(|(_, (_, digest))| digest);
        distinct(others).into_iter().map(|(digest, count)| (&**digest, count)).collect()
    }
}

/// Each digest once, and how many brokers show it.
fn distinct<'a>(digests: impl Iterator<Item = &'a Arc<MetadataDigest>>) -> Vec<(&'a Arc<MetadataDigest>, usize)> {
    let mut distinct: Vec<(&Arc<MetadataDigest>, usize)> = Vec::new();
    for digest in digests {
        match distinct.iter_mut().find(|(known, _)| Arc::ptr_eq(known, digest)) {
            Some((_, count)) => *count += 1,
            None => distinct.push((digest, 1)),
        }
    }
    distinct
}

fn is_behind(digest: &MetadataDigest, others: &OtherDigests<'_>) -> bool {
    // If all show the same, none is behind.
    let agreed = others.iter().all(|(other, _)| std::ptr::eq(*other, digest));
    !agreed && (has_lower_epochs(digest, others) || has_other_brokers(digest, others))
}

/// Whether more than half of the others show a newer leader epoch of some partition.
fn has_lower_epochs(digest: &MetadataDigest, others: &OtherDigests<'_>) -> bool {
    let all: usize = others.iter().map(|(_, count)| count).sum();
    digest.epochs.iter().any(|(key, epoch)| {
        let newer = others.iter().filter(|(other, _)| other.epochs.get(key).is_some_and(|theirs| epoch < theirs));
        all < 2 * newer.map(|(_, count)| count).sum::<usize>()
    })
}

/// Whether more than half of all brokers, this one included, agree on another broker set than this one shows.
fn has_other_brokers(digest: &MetadataDigest, others: &OtherDigests<'_>) -> bool {
    let all = 1 + others.iter().map(|(_, count)| count).sum::<usize>();
    let as_new = || others.iter().filter(|(other, _)| !knows_an_older_leader(other, digest));
    let agreeing = |set: &BTreeSet<BrokerId>| {
        as_new().filter(|(other, _)| other.brokers == *set).map(|(_, count)| count).sum::<usize>()
    };
    others.iter().any(|(other, _)| other.brokers != digest.brokers && all < 2 * agreeing(&other.brokers))
}

fn knows_an_older_leader(one: &MetadataDigest, than: &MetadataDigest) -> bool {
    one.epochs.iter().any(|(key, epoch)| than.epochs.get(key).is_some_and(|theirs| epoch < theirs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: EpochKey = ([1; 16], Partition(0));

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    fn digest(brokers: &[i32], epoch: i32) -> MetadataDigest {
        let brokers = brokers.iter().map(|id| BrokerId(*id)).collect();
        MetadataDigest { brokers, epochs: BTreeMap::from([(KEY, epoch)]) }
    }

    /// The brokers that became stale, and when. Each of three brokers is asked once a second and answers with `show`.
    fn first_stale(last: u64, show: impl Fn(i32, u64) -> MetadataDigest) -> Vec<(i32, u64)> {
        let mut staleness = Staleness::default();
        let mut first: Vec<(i32, u64)> = Vec::new();
        for second in 0..last {
            for broker in 1..=3 {
                let stale = staleness.observe(BrokerId(broker), at(second), show(broker, second));
                if stale && first.iter().all(|(known, _)| *known != broker) {
                    first.push((broker, second));
                }
            }
        }
        first
    }

    #[test]
    fn only_the_broker_cut_off_from_the_controllers_is_stale_after_five_seconds() {
        let found =
            first_stale(
                30,
                |broker, second| {
                    if 10 <= second && broker != 2 { digest(&[1, 3], 8) } else { digest(&[1, 2, 3], 7) }
                },
            );
        assert_eq!(found, [(2, 17)], "behind is known once both others have shown it");
    }

    #[test]
    fn change_that_reaches_all_brokers_within_seconds_makes_none_stale() {
        let found = first_stale(30, |broker, second| {
            let fresh = 10 + 2 * u64::from(broker.unsigned_abs());
            if fresh <= second { digest(&[1, 3], 8) } else { digest(&[1, 2, 3], 7) }
        });
        assert_eq!(found, []);
    }

    #[test]
    fn of_two_brokers_with_different_broker_sets_none_is_stale() {
        let mut staleness = Staleness::default();
        for second in 0..30 {
            assert!(!staleness.observe(BrokerId(1), at(second), digest(&[1], 7)));
            assert!(!staleness.observe(BrokerId(2), at(second), digest(&[1, 2], 7)));
        }
    }

    #[test]
    fn of_two_brokers_the_one_with_the_older_leader_is_behind() {
        let mut staleness = Staleness::default();
        let mut stale = (false, false);
        for second in 0..30 {
            stale.0 |= staleness.observe(BrokerId(1), at(second), digest(&[1, 2], 8));
            stale.1 |= staleness.observe(BrokerId(2), at(second), digest(&[1, 2], 7));
        }
        assert_eq!(stale, (false, true));
    }

    #[test]
    fn majority_that_is_cut_off_does_not_make_the_other_broker_stale() {
        let found = first_stale(
            30,
            |broker, second| {
                if 10 <= second && broker == 2 { digest(&[2], 8) } else { digest(&[1, 2, 3], 7) }
            },
        );
        assert_eq!(found, []);
    }

    #[test]
    fn recreated_topic_starts_over() {
        let mut staleness = Staleness::default();
        let recreated =
            MetadataDigest { epochs: BTreeMap::from([(([2; 16], Partition(0)), 0)]), ..digest(&[1, 2, 3], 0) };
        for second in 0..30 {
            for broker in 1..=3 {
                let shown = if 10 <= second { recreated.clone() } else { digest(&[1, 2, 3], 7) };
                assert!(!staleness.observe(BrokerId(broker), at(second), shown));
            }
        }
    }

    #[test]
    fn old_digest_of_an_unresponsive_broker_makes_no_other_stale() {
        let mut staleness = Staleness::default();
        staleness.observe(BrokerId(2), at(0), digest(&[1, 2, 3], 9));
        for second in 6..30 {
            assert!(!staleness.observe(BrokerId(1), at(second), digest(&[1, 3], 8)));
        }
    }

    proptest! {
        /// Brokers that all show the same digest are not stale, however it changes.
        #[test]
        fn brokers_that_agree_are_never_stale(epochs in prop::collection::vec(0i32..5, 1..40)) {
            let mut staleness = Staleness::default();
            for (second, epoch) in (0..).zip(&epochs) {
                for broker in 1..=3 {
                    let shown = digest(&[1, 2, 3], second as i32 * 10 + epoch);
                    let stale = staleness.observe(BrokerId(broker), at(second), shown);
                    prop_assert!(!stale);
                }
            }
        }
    }
}
