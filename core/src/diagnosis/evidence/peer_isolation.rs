//! Evidence from the in-sync replicas of several topics: brokers that no other broker follows, although the same brokers follow others.
//!
//! A follower that cannot reach a leader leaves the in-sync replicas of its partitions after `replica.lag.time.max.ms` (30 s), and
//! stays in sync wherever another broker leads. One that is down, slow or catching up is out of sync there, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::thresholds::cluster;
use super::facts::{BrokerEvidence, PeersCutOff};
use crate::coordinator::InternalTopic;
use crate::ids::{BrokerId, Partition};
use crate::time::Time;
use crate::topology::{PartitionSeen, TopicSeen};

/// A topic whose replicas are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WatchedTopic {
    /// That of the replicated lane.
    Monitor,
    /// An internal one.
    Internal(InternalTopic),
}

/// The newest metadata of the watched topics, and what they show.
#[derive(Clone, Debug, Default)]
pub(super) struct PeerIsolation {
    topics: BTreeMap<WatchedTopic, TopicSeen>,
    is_changed: bool,
    /// By leader, the followers that were in sync with it at any time. Others may be new replicas that have yet to catch up.
    reached_by: Peers,
    suspects: BTreeMap<BrokerId, Suspect>,
    cut_off: Arc<BTreeMap<BrokerId, PeersCutOff>>,
}

/// Brokers, by leader.
type Peers = BTreeMap<BrokerId, BTreeSet<BrokerId>>;

/// A broker that nobody follows.
#[derive(Clone, Debug)]
struct Suspect {
    shown: PeersCutOff,
    /// Since when nothing else explains it.
    counts_from: Time,
    is_confirmed: bool,
}

impl PeerIsolation {
    /// The leaders and in-sync replicas of a topic.
    pub(super) fn on_topic(&mut self, topic: WatchedTopic, seen: &TopicSeen) {
        for partition in &seen.partitions {
            let Some(leader) = partition.leader else { continue };
            let followers = partition.in_sync.iter().filter(|id| **id != leader);
            self.reached_by.entry(leader).or_default().extend(followers);
        }
        self.topics.insert(topic, seen.clone());
        self.is_changed = true;
    }

    /// The leader of a partition of the replicated lane.
    pub(super) fn leader(&self, partition: Partition) -> Option<BrokerId> {
        let topic = self.topics.get(&WatchedTopic::Monitor)?;
        topic.partitions.iter().find(|seen| seen.partition == partition)?.leader
    }

    /// Takes in at `now` what the newest metadata show. While brokers come and go, followers leave and join for other reasons.
    pub(super) fn follow(&mut self, now: Time, brokers: &[BrokerEvidence], is_churning: bool) {
        if std::mem::take(&mut self.is_changed) {
            let listed = brokers.iter().filter(|broker| broker.listed.is_some()).count();
            let unfollowed = unfollowed(&self.topics, &self.reached_by);
            self.take(now, unfollowed, listed);
        }
        if self.suspects.is_empty() && self.cut_off.is_empty() {
            return;
        }
        let asked = |id: BrokerId| Some(brokers.iter().find(|broker| broker.id == id)?.listed?.asked);
        for (id, suspect) in self.suspects.iter_mut().filter(|(_, suspect)| !suspect.is_confirmed) {
            if is_churning {
                suspect.counts_from = now;
            }
            suspect.is_confirmed =
                asked(*id).is_some_and(|asked| suspect.counts_from + cluster::CUT_OFF_FOR.get() <= asked);
        }
        let is_over = |shown: &PeersCutOff| {
            shown.ended.is_some_and(|ended| cluster::CUT_OFF_EXPLAINS_FOR.get() <= now.since(ended))
        };
        self.suspects.retain(|id, suspect| brokers.iter().any(|broker| broker.id == *id) && !is_over(&suspect.shown));
        let confirmed = self.suspects.iter().filter(|(_, suspect)| suspect.is_confirmed);
        self.cut_off = Arc::new(confirmed.map(|(id, suspect)| (*id, suspect.shown.clone())).collect());
    }

    /// The brokers that are cut off, and those that were until just now.
    pub(super) fn at_present(&self) -> Arc<BTreeMap<BrokerId, PeersCutOff>> {
        Arc::clone(&self.cut_off)
    }

    /// Takes in the leaders that nobody follows. One that is cut off stays so until somebody follows it, whoever else leaves.
    fn take(&mut self, now: Time, mut unfollowed: BTreeMap<BrokerId, Unfollowed>, listed: usize) {
        let is_known = |suspect: &Suspect| suspect.is_confirmed && suspect.shown.ended.is_none();
        unfollowed.retain(|id, one| one.is_enough(listed) || self.suspects.get(id).is_some_and(is_known));
        for (_, suspect) in self.suspects.iter_mut().filter(|(id, _)| !unfollowed.contains_key(id)) {
            suspect.shown.ended.get_or_insert(now);
        }
        self.suspects.retain(|_, suspect| suspect.is_confirmed || suspect.shown.ended.is_none());
        for (id, Unfollowed { partitions, peers, .. }) in unfollowed {
            let before = self.suspects.get_mut(&id).filter(|suspect| suspect.shown.ended.is_none());
            match before {
                Some(before) if before.is_confirmed => before.shown.partitions = partitions,
                Some(before) => (before.shown.partitions, before.shown.peers) = (partitions, peers),
                None => {
                    let shown = PeersCutOff { since: now, partitions, peers, ended: None };
                    self.suspects.insert(id, Suspect { shown, counts_from: now, is_confirmed: false });
                }
            }
        }
    }
}

/// What a leader shows that nobody follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unfollowed {
    /// Partitions that it leads and others have replicas of.
    partitions: usize,
    /// The other replicas that are in sync with another leader, and once were with this one.
    peers: BTreeSet<BrokerId>,
    /// The topics in which they are.
    topics: BTreeSet<WatchedTopic>,
}

impl Unfollowed {
    /// Whether most of the `listed` brokers, or at least several, would follow it: a few may have trouble of their own. It shows in
    /// the monitor topic and in an internal one, because one topic may be in the middle of a reassignment, and one partition damaged.
    fn is_enough(&self, listed: usize) -> bool {
        let most = listed.saturating_sub(1) / 2 + 1;
        let least = most.clamp(cluster::PEERS_CUT_OFF_MIN.get(), cluster::PEERS_CUT_OFF_ENOUGH.get());
        least <= self.peers.len() && self.topics.contains(&WatchedTopic::Monitor) && 1 < self.topics.len()
    }
}

/// The leaders that nobody follows in any partition that others have replicas of.
fn unfollowed(topics: &BTreeMap<WatchedTopic, TopicSeen>, reached_by: &Peers) -> BTreeMap<BrokerId, Unfollowed> {
    let mut is_followed = BTreeSet::new();
    let mut following = BTreeSet::new();
    for (leader, seen) in topics.values().flat_map(led) {
        for follower in seen.in_sync.iter().filter(|id| **id != leader) {
            is_followed.insert(leader);
            following.insert(*follower);
        }
    }
    let mut found: BTreeMap<BrokerId, Unfollowed> = BTreeMap::new();
    for (topic, seen) in topics {
        let alone = led(seen).filter(|(leader, seen)| 1 < seen.replicas.len() && !is_followed.contains(leader));
        for (leader, seen) in alone {
            let is_peer = |id: &&BrokerId| {
                following.contains(id) && reached_by.get(&leader).is_some_and(|reached_by| reached_by.contains(id))
            };
            let peers: Vec<BrokerId> = seen.replicas.iter().filter(is_peer).copied().collect();
            let one = found.entry(leader).or_default();
            one.partitions += 1;
            if !peers.is_empty() {
                one.topics.insert(*topic);
            }
            one.peers.extend(peers);
        }
    }
    found
}

/// The partitions that have a leader, each with it.
fn led(topic: &TopicSeen) -> impl Iterator<Item = (BrokerId, &PartitionSeen)> {
    topic.partitions.iter().filter_map(|seen| Some((seen.leader?, seen)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::evidence::facts::MetadataListing;

    const OFFSETS: WatchedTopic = WatchedTopic::Internal(InternalTopic::ConsumerOffsets);

    /// Partitions as their replicas, preferred leader first and leading, and how many of them are in sync.
    type Partitions<'a> = &'a [(&'a [i32], usize)];

    fn topic(partitions: Partitions<'_>) -> TopicSeen {
        let seen = |(index, (replicas, in_sync)): (usize, &(&[i32], usize))| {
            let replicas: Vec<BrokerId> = replicas.iter().copied().map(BrokerId).collect();
            let (leader, in_sync) = (replicas.first().copied(), replicas[..*in_sync].to_vec());
            let partition = Partition(i32::try_from(index).expect("few"));
            PartitionSeen { partition, leader, leader_epoch: None, replicas, in_sync }
        };
        TopicSeen { id: None, partitions: partitions.iter().enumerate().map(seen).collect() }
    }

    /// The leaders that nobody follows, of brokers 1 to `listed`, after all replicas were in sync.
    fn unfollowed_of(listed: usize, monitor: Partitions<'_>, offsets: Partitions<'_>) -> Vec<i32> {
        let mut isolation = PeerIsolation::default();
        for (watched, partitions) in [(WatchedTopic::Monitor, monitor), (OFFSETS, offsets)] {
            let before: Vec<_> = partitions.iter().map(|(replicas, _)| (*replicas, replicas.len())).collect();
            isolation.on_topic(watched, &topic(&before));
            isolation.on_topic(watched, &topic(partitions));
        }
        let unfollowed = unfollowed(&isolation.topics, &isolation.reached_by);
        unfollowed.into_iter().filter(|(_, one)| one.is_enough(listed)).map(|(id, _)| id.0).collect()
    }

    const MONITOR: Partitions<'_> = &[(&[1, 2, 3], 1), (&[2, 3, 1], 3), (&[3, 1, 2], 3)];

    #[test]
    fn leader_that_nobody_follows_while_all_follow_others_is_cut_off() {
        assert_eq!(unfollowed_of(3, MONITOR, MONITOR), [1]);
        assert_eq!(unfollowed_of(3, MONITOR, &[(&[1, 2], 1), (&[1, 3], 1), (&[2, 3], 2)]), [1]);
    }

    #[test]
    fn single_follower_anywhere_shows_that_the_leader_is_reached() {
        assert_eq!(unfollowed_of(3, MONITOR, &[(&[1, 2, 3], 1), (&[1, 2, 3], 2)]), [0; 0]);
    }

    #[test]
    fn followers_that_are_in_sync_nowhere_are_the_ones_that_fail() {
        let alone: Partitions<'_> = &[(&[1, 2, 3], 1), (&[1, 3, 2], 1)];
        assert_eq!(unfollowed_of(3, alone, alone), [0; 0], "2 and 3 are down or catching up");
        let of_two: Partitions<'_> = &[(&[1, 2, 3], 1), (&[3, 2, 1], 2)];
        assert_eq!(unfollowed_of(3, of_two, of_two), [0; 0], "3 follows nobody");
    }

    #[test]
    fn replica_that_is_down_does_not_hide_that_the_others_do_not_reach_the_leader() {
        let monitor: Partitions<'_> = &[(&[1, 2, 3, 4], 1), (&[2, 3, 1, 4], 3), (&[3, 1, 2, 4], 3)];
        assert_eq!(unfollowed_of(3, monitor, monitor), [1]);
    }

    #[test]
    fn few_of_many_brokers_may_have_trouble_of_their_own() {
        assert_eq!(unfollowed_of(5, MONITOR, MONITOR), [0; 0], "4 and 5 may reach 1");
        let most: Partitions<'_> = &[(&[1, 2, 3], 1), (&[1, 4, 5], 1), (&[2, 3, 4], 3), (&[4, 5, 2], 3)];
        assert_eq!(unfollowed_of(5, most, most), [1]);
        assert_eq!(unfollowed_of(100, most, most), [1], "four are enough");
    }

    #[test]
    fn one_peer_alone_does_not_show_which_of_the_two_fails() {
        let two: Partitions<'_> = &[(&[1, 2], 1), (&[3, 2], 2)];
        assert_eq!(unfollowed_of(2, two, two), [0; 0]);
    }

    #[test]
    fn broker_that_is_followed_again_explains_for_twelve_seconds() {
        let mut isolation = PeerIsolation::default();
        let mut at = |seconds: u64, in_sync: usize| {
            for watched in [WatchedTopic::Monitor, OFFSETS] {
                let partitions: Partitions<'_> = &[(&[1, 2, 3], in_sync), (&[2, 3, 1], 3), (&[3, 1, 2], 3)];
                isolation.on_topic(watched, &topic(partitions));
            }
            let now = Time::from_millis(1000 * seconds);
            let listed = MetadataListing { since: Time::ORIGIN, asked: now };
            let broker = |id| BrokerEvidence { listed: Some(listed), ..BrokerEvidence::unknown(BrokerId(id)) };
            isolation.follow(now, &[1, 2, 3].map(broker), false);
            isolation.at_present().values().map(|cut_off| cut_off.ended.is_some()).collect::<Vec<bool>>()
        };
        assert_eq!((at(0, 3), at(10, 1)), (vec![], vec![]));
        assert_eq!((at(200, 1), at(300, 3)), (vec![false], vec![true]));
        assert_eq!((at(310, 3), at(315, 3)), (vec![true], vec![]));
    }

    #[test]
    fn one_topic_alone_shows_nothing() {
        assert_eq!(unfollowed_of(3, MONITOR, &[]), [0; 0]);
        assert_eq!(unfollowed_of(3, &[], MONITOR), [0; 0]);
        assert_eq!(unfollowed_of(3, &[(&[1], 1), (&[2], 1), (&[3], 1)], MONITOR), [0; 0]);
    }

    #[test]
    fn new_replicas_that_have_yet_to_catch_up_are_no_peers() {
        let mut isolation = PeerIsolation::default();
        for watched in [WatchedTopic::Monitor, OFFSETS] {
            isolation.on_topic(watched, &topic(&[(&[1], 1), (&[2, 3], 2), (&[3, 2], 2)]));
            isolation.on_topic(watched, &topic(MONITOR));
        }
        let unfollowed = unfollowed(&isolation.topics, &isolation.reached_by);
        assert_eq!(unfollowed.values().map(|one| (one.partitions, one.peers.len())).collect::<Vec<_>>(), [(2, 0)]);
    }
}
