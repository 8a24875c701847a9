//! `produce`, `consume` and `end_to_end` on one lane: when each target is due, what is written, and the events that follow.
//!
//! Its owner drives it: [`RoundTrip::on_input`] takes in what the lane reports, [`RoundTrip::advance`] sends what is due and
//! ends what has expired, [`RoundTrip::next_wake`] says when to call it again. Nothing here waits, so no target delays
//! another.

mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prober_core::counting::Counting;
use prober_core::event::VoidReason;
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Probe, Sequence, Target};
use prober_core::time::Time;
use prober_core::track;

use crate::clock::Clock;
use crate::port::{self, LaneInput, Layout};
use crate::record::Identity;

use target::Live;

/// Without metadata attempts come due from this time after the start: a healthy cluster has answered by then, and an outage
/// counts from the first second.
const FIRST_METADATA_WITHIN: Duration = Duration::from_secs(1);

/// How long attempts are not due while the topic is not usable, so that creating it causes no bad event.
const TOPIC_USABLE_WITHIN: Duration = Duration::from_secs(20);

/// How long sending waits for a read position; then it starts anyway, and reads without one are void.
const POSITION_WITHIN: Duration = Duration::from_secs(10);

/// Settings of the three probes on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Interval, deadlines and thresholds.
    pub track: track::Settings,
    /// Bytes of a record.
    pub record_size: usize,
}

/// One lane's probes.
#[derive(Debug)]
pub struct RoundTrip {
    cluster: ClusterName,
    lane: Lane,
    identity: Identity,
    settings: Settings,
    clock: Clock,
    targets: BTreeMap<Key, Live>,
    /// Brokers that have left the cluster for good, even if replica lists name them.
    decommissioned: BTreeSet<BrokerId>,
    /// The next sequence number of each partition whose target was replaced.
    sequences: BTreeMap<Partition, Sequence>,
    /// Since when the topic has been known to be unusable.
    missing_since: Option<Time>,
    resolved_any: bool,
    /// No target has anything to do before. Cached, because the owner asks after each input, and each broker has a target.
    next_wake: Time,
}

/// What a target stands for: a partition, or what is known while the topic has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    UnknownBroker,
    WithoutPartition(BrokerId),
    At(Partition),
}

impl RoundTrip {
    /// Before any input: one target, broker unknown, due from one second on.
    pub fn new(cluster: ClusterName, lane: Lane, identity: Identity, settings: Settings, clock: Clock) -> RoundTrip {
        let mut round_trip = RoundTrip {
            cluster,
            lane,
            identity,
            settings,
            clock,
            targets: BTreeMap::new(),
            decommissioned: BTreeSet::new(),
            sequences: BTreeMap::new(),
            missing_since: None,
            resolved_any: false,
            next_wake: Time::NEVER,
        };
        let from = clock.now() + FIRST_METADATA_WITHIN;
        let unknown = round_trip.without_partition(Broker::Unknown, 0, Fault::NoMetadata, from);
        round_trip.targets.insert(Key::UnknownBroker, unknown);
        round_trip.update_next_wake();
        round_trip
    }

    /// Takes in what the lane reports.
    pub fn on_input(&mut self, input: LaneInput, counting: &mut Counting, lane: &mut dyn port::Lane) {
        match input {
            LaneInput::Layout { at, layout } => {
                self.set_layout(at, layout, counting);
                self.close_decommissioned(at, counting);
                self.update_next_wake();
            }
            LaneInput::Status { .. } => {}
            LaneInput::Recreated { at } => {
                for live in self.targets.values_mut() {
                    live.update(counting, lane, |track, out| track.recreated(at, out));
                }
                self.update_next_wake();
            }
            LaneInput::Position { partition, at, offset, reset } => {
                let reason = if reset { VoidReason::ReaderReset } else { VoidReason::NoPosition };
                if let Some(live) = self.targets.get_mut(&Key::At(partition)) {
                    live.open_from(at);
                    live.update(counting, lane, |track, out| track.reset(at, offset, reason, out));
                    self.next_wake = self.next_wake.min(live.next_wake());
                }
            }
            LaneInput::Unreachable { partition } => {
                let now = self.clock.now();
                if let Some(live) = self.targets.get_mut(&Key::At(partition)) {
                    live.open_from(now);
                    self.next_wake = self.next_wake.min(live.next_wake());
                }
            }
            LaneInput::Acked { partition, sequence, at, offset } => {
                self.update(partition, counting, lane, |track, out| track.acked(sequence, at, offset, out));
            }
            LaneInput::Failed { partition, sequence, at, fault, written } => {
                self.update(partition, counting, lane, |track, out| track.failed(sequence, at, fault, written, out));
            }
            LaneInput::Read { partition, sequence, at, offset } => {
                self.update(partition, counting, lane, |track, out| track.read(sequence, at, offset, out));
            }
            LaneInput::Foreign { partition, at, first, last } => {
                self.update(partition, counting, lane, |track, out| track.garbage(at, first, last, out));
            }
            LaneInput::Passed { partition, at, next } => {
                self.update(partition, counting, lane, |track, _| track.passed(at, next));
            }
            LaneInput::Reread { partition, asked, at, offset, found } => {
                self.update(partition, counting, lane, |track, out| track.reread(asked, at, offset, found, out));
            }
            LaneInput::Refuses { partition, at, fault } => {
                self.update(partition, counting, lane, |track, _| track.refuses(at, fault));
            }
            LaneInput::EpochEnded { partition, at, end } => {
                self.update(partition, counting, lane, |track, _| track.epoch_ended(at, end));
            }
        }
    }

    /// Sets the brokers that have left the cluster for good: nothing is due at them, although the topic's replicas name
    /// them.
    pub fn set_decommissioned(&mut self, brokers: &BTreeSet<BrokerId>, at: Time, counting: &mut Counting) {
        if self.decommissioned == *brokers {
            return;
        }
        self.decommissioned.clone_from(brokers);
        self.close_decommissioned(at, counting);
        self.update_next_wake();
    }

    /// Their targets stay, with their read positions, in case they return.
    fn close_decommissioned(&mut self, at: Time, counting: &mut Counting) {
        for live in self.targets.values_mut() {
            let decommissioned = live.target.broker.id().is_some_and(|id| self.decommissioned.contains(&id));
            match (decommissioned, live.is_closed()) {
                (true, false) => {
                    live.retire(at, counting);
                    live.close();
                }
                (false, true) => live.reopen(at),
                _ => {}
            }
        }
    }

    /// Ends what has expired and sends what is due.
    pub fn advance(&mut self, now: Time, counting: &mut Counting, lane: &mut dyn port::Lane) {
        if now < self.next_wake {
            return;
        }
        for live in self.targets.values_mut() {
            if now < live.next_wake() {
                continue;
            }
            live.update(counting, lane, |track, out| track.expire(now, out));
            live.send_due(now, self.clock, self.identity, self.settings.record_size, counting, lane);
            self.resolved_any |= live.has_resolved();
        }
        self.update_next_wake();
    }

    /// When [`RoundTrip::advance`] has something to do again; may be early, is never late.
    pub fn next_wake(&self) -> Time {
        debug_assert!(self.next_wake <= self.first_wake(), "something would be done late");
        self.next_wake
    }

    fn update_next_wake(&mut self) {
        self.next_wake = self.first_wake();
    }

    fn first_wake(&self) -> Time {
        self.targets.values().map(Live::next_wake).min().unwrap_or(Time::NEVER)
    }

    /// Inputs were dropped by a full queue: the result of any attempt in flight may have been among them.
    pub fn input_dropped(&mut self, now: Time, counting: &mut Counting, lane: &mut dyn port::Lane) {
        self.abandon(now, VoidReason::InputDropped, counting, lane);
    }

    /// The host was suspended, which the monotonic clock does not show: attempts in flight are void.
    pub fn on_resume(&mut self, now: Time, counting: &mut Counting, lane: &mut dyn port::Lane) {
        self.abandon(now, VoidReason::Stall, counting, lane);
    }

    /// The process ends: attempts in flight are void, and nothing is sent any more.
    pub fn shut_down(&mut self, now: Time, counting: &mut Counting, lane: &mut dyn port::Lane) {
        self.abandon(now, VoidReason::Shutdown, counting, lane);
        self.targets.values_mut().for_each(Live::close);
        self.update_next_wake();
    }

    /// The number of attempts without a result, over all targets and probes.
    pub fn open(&self) -> usize {
        self.targets
            .values()
            .map(|live| Probe::OF_A_RECORD.iter().map(|probe| live.track.in_flight(*probe)).sum::<usize>())
            .sum()
    }

    /// The probed partitions, each with its broker.
    pub fn probed(&self) -> impl Iterator<Item = (Partition, BrokerId)> + '_ {
        self.targets.iter().filter_map(|(key, live)| match (key, live.target.broker) {
            (Key::At(partition), Broker::Id(broker)) if !self.decommissioned.contains(&broker) => {
                Some((*partition, broker))
            }
            _ => None,
        })
    }

    /// How long a broker's oldest unacked record has waited.
    pub fn oldest_unacked(&self, broker: BrokerId, now: Time) -> Option<Duration> {
        self.targets
            .values()
            .filter(|live| live.target.broker == Broker::Id(broker))
            .filter_map(|live| live.track.oldest_unacked())
            .map(|since| now.since(since))
            .max()
    }

    /// Whether any attempt was ever resolved, with any outcome.
    pub fn has_resolved(&self) -> bool {
        self.resolved_any || self.targets.values().any(Live::has_resolved)
    }

    fn set_layout(&mut self, at: Time, layout: Layout, counting: &mut Counting) {
        let missing = matches!(layout, Layout::Missing { .. });
        self.missing_since = if missing { self.missing_since.or(Some(at)) } else { None };
        let wanted: BTreeMap<Key, (Broker, Option<Fault>)> = match layout {
            Layout::Unknown { fault } => BTreeMap::from([(Key::UnknownBroker, (Broker::Unknown, Some(fault)))]),
            Layout::Missing { brokers, fault } => {
                brokers.into_iter().map(|id| (Key::WithoutPartition(id), (Broker::Id(id), Some(fault)))).collect()
            }
            Layout::Assigned(partitions) => {
                partitions.into_iter().map(|(partition, id)| (Key::At(partition), (Broker::Id(id), None))).collect()
            }
            Layout::Refused => BTreeMap::new(),
        };
        self.remove_all_but(&wanted, at, counting);
        for (key, (broker, fault)) in wanted {
            match (self.targets.get_mut(&key), fault) {
                (Some(live), Some(fault)) => live.set_fault(fault),
                (Some(_), None) => {}
                (None, Some(fault)) => {
                    let from = self.missing_since.map_or(at, |since| since + TOPIC_USABLE_WITHIN);
                    let ordinal = broker.id().map_or(0, |id| id.0.unsigned_abs().into());
                    let live = self.without_partition(broker, ordinal, fault, from);
                    counting.discover(&live.target);
                    self.targets.insert(key, live);
                }
                (None, None) => {
                    let Key::At(partition) = key else { continue };
                    let live = self.at_partition(broker, partition, at);
                    counting.discover(&live.target);
                    self.targets.insert(key, live);
                }
            }
        }
    }

    /// Removes the targets that are not wanted any more, or that belong to another broker now.
    fn remove_all_but(&mut self, wanted: &BTreeMap<Key, (Broker, Option<Fault>)>, at: Time, counting: &mut Counting) {
        let sequences = &mut self.sequences;
        let resolved = &mut self.resolved_any;
        self.targets.retain(|key, live| {
            let stays = wanted.get(key).is_some_and(|(broker, _)| *broker == live.target.broker);
            if !stays {
                live.retire(at, counting);
                *resolved |= live.has_resolved();
                if let Key::At(partition) = key {
                    sequences.insert(*partition, live.track.next_sequence());
                }
            }
            stays
        });
    }

    fn without_partition(&self, broker: Broker, ordinal: u64, fault: Fault, from: Time) -> Live {
        let target = Target { cluster: self.cluster.clone(), lane: self.lane, broker, partition: None };
        Live::failing(target, self.settings.track, ordinal, fault, from)
    }

    fn at_partition(&self, broker: Broker, partition: Partition, at: Time) -> Live {
        let target = Target { cluster: self.cluster.clone(), lane: self.lane, broker, partition: Some(partition) };
        let first = self.sequences.get(&partition).copied().unwrap_or(Sequence(0));
        let ordinal = u64::from(partition.0.unsigned_abs());
        Live::waiting(target, self.settings.track, ordinal, first, at + POSITION_WITHIN)
    }

    fn update(
        &mut self,
        partition: Partition,
        counting: &mut Counting,
        lane: &mut dyn port::Lane,
        event: impl FnOnce(&mut track::Track, &mut Vec<track::Output>),
    ) {
        if let Some(live) = self.targets.get_mut(&Key::At(partition)) {
            live.update(counting, lane, event);
            self.next_wake = self.next_wake.min(live.next_wake());
        }
    }

    fn abandon(&mut self, now: Time, reason: VoidReason, counting: &mut Counting, lane: &mut dyn port::Lane) {
        for live in self.targets.values_mut() {
            live.update(counting, lane, |track, out| track.abandon(now, reason, out));
        }
        self.update_next_wake();
    }
}
