//! The probes of a scenario on default settings: every attempt with the outcome that the scenario gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::internal_topic::{self, SimulatedInternalTopic};
use super::{Brokers, State};
use crate::diagnosis::evidence::cells::Column;
use crate::diagnosis::evidence::facts::ReplicaState;
use crate::diagnosis::input::Input;
use crate::event::{Event, Limits, RawOutcome};
use crate::fault::Fault;
use crate::ids::{Broker, BrokerId, ClusterName, Partition, Probe, Series, Subject, View};
use crate::kafka_error::KafkaError;
use crate::time::Time;
use crate::topology::{PartitionSeen, TopicSeen};

/// What can be wrong with a broker that answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Impairment {
    /// Slow in everything.
    Slow,
    /// It runs half of the time: half a second, and half a second not.
    Half,
    /// It stands still for 150 of every 300 ms.
    Turns,
    /// The way to it from here takes longer.
    Far,
    /// It writes slowly.
    Disk,
    /// It follows slowly.
    Follower,
    /// It accepts nobody new.
    Full,
    /// So slow that it also takes no new connections.
    Choked,
    /// Its log directory is gone.
    Storage,
    /// The way to it loses one packet in twenty: one answer in ten comes late.
    Lossy,
    /// The way to it loses one packet in five: one answer in three comes late.
    Leaky,
    /// It gives up its leaderships, as before it leaves in good order.
    Unled,
    /// Its collector stops it now and then, for less than a second.
    Pauses,
}

impl Impairment {
    pub(super) fn of(word: &str) -> Option<Impairment> {
        Some(match word {
            "slow" => Impairment::Slow,
            "half" => Impairment::Half,
            "turns" => Impairment::Turns,
            "far" => Impairment::Far,
            "disk" => Impairment::Disk,
            "follower" => Impairment::Follower,
            "full" => Impairment::Full,
            "choked" => Impairment::Choked,
            "storage" => Impairment::Storage,
            "unled" => Impairment::Unled,
            "lossy" => Impairment::Lossy,
            "leaky" => Impairment::Leaky,
            "pauses" => Impairment::Pauses,
            _ => return None,
        })
    }
}

#[derive(Default)]
pub(super) struct Traffic {
    /// Time between two records of the pinned lane.
    interval: u64,
    /// Least time between two attempts of any probe.
    seldom: u64,
    /// Ended attempts, by the time at which they are counted.
    under_way: BTreeMap<(Time, u64), Event>,
    asked: u64,
    /// Attempts without a response yet.
    open: Vec<Attempt>,
    impairment: BTreeMap<i32, Impairment>,
    /// Milliseconds that a load on all brokers adds to every answer.
    load: u64,
    /// Brokers that have been behind the controllers' metadata, and since when.
    stale: BTreeMap<i32, u64>,
    /// Brokers whose coordinators do not answer.
    failing_commits: BTreeSet<i32>,
    /// Brokers that their peers cannot reach, and since when.
    cut_off: BTreeMap<i32, u64>,
    internal_topic: SimulatedInternalTopic,
    controller_hangs: bool,
    /// Brokers whose names this host cannot resolve.
    unresolved: BTreeSet<i32>,
    /// When librdkafka dials the others again, whose names were not resolved before.
    dialled_again: BTreeMap<i32, u64>,
    /// Brokers that throttle the prober, and those at which TLS fails.
    throttling: BTreeSet<i32>,
    refusing_tls: BTreeSet<i32>,
}

/// One attempt that has been sent.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    sent: u64,
    probe: Scheduled,
    broker: i32,
    /// Of `__consumer_offsets`, in a commit.
    partition: Option<Partition>,
    deadline: u64,
}

/// What is probed on a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheduled {
    /// A probe that feeds a column of the matrix.
    Column(Column),
    Commit,
    Controller,
}

/// Partitions of `__consumer_offsets` for each broker, if a scenario does not say how many there are in all.
const PARTITIONS_PER_BROKER: usize = 2;

/// A leader removes a follower from the in-sync replicas after this time without a fetch (`replica.lag.time.max.ms`).
const LAG_MAX_MS: u64 = 30_000;

/// `reconnect.backoff.max.ms` of librdkafka.
const RECONNECT_BACKOFF_MAX_MS: u64 = 10_000;

/// What is added to an answer that has to wait.
const SLOW_MS: u64 = 400;

/// An ended attempt is counted after this time.
const SETTLE_MS: u64 = 200;

/// The `metadata` probe calls a broker stale after this time.
const STALE_AFTER_MS: u64 = 5000;

impl Traffic {
    pub(super) fn of(interval: u64, seldom: u64) -> Traffic {
        Traffic { interval, seldom, ..Traffic::default() }
    }

    /// Whether it was an act on partitions of `__consumer_offsets`.
    pub(super) fn act_on_partitions(&mut self, what: &str, argument: &str) -> bool {
        self.internal_topic.act(what, argument)
    }

    /// Whether it was an act of this kind.
    pub(super) fn act(&mut self, now: u64, what: &str, argument: &str, ids: &[i32]) -> bool {
        let set = || ids.iter().copied().collect();
        match what {
            "stale" => self.stale.extend(ids.iter().map(|id| (*id, now))),
            "uncommitted" => self.failing_commits.extend(ids),
            "isolate" => self.cut_off.extend(ids.iter().map(|id| (*id, now))),
            "controller" => self.controller_hangs = argument == "hangs",
            "load" => self.load = argument.parse().expect("milliseconds"),
            "quota" => self.throttling = set(),
            "distrust" => self.refusing_tls = set(),
            "unresolve" => {
                let before = std::mem::replace(&mut self.unresolved, set());
                self.dialled_again.extend(before.into_iter().map(|id| (id, now + RECONNECT_BACKOFF_MAX_MS)));
            }
            "well" => ids.iter().for_each(|id| _ = self.impairment.remove(id)),
            _ => {
                let Some(impairment) = Impairment::of(what) else { return false };
                self.impairment.extend(ids.iter().map(|id| (*id, impairment)));
            }
        }
        true
    }

    /// A broker was started, stopped or cut off: it is neither stale nor failing at committing by itself.
    pub(super) fn recovered(&mut self, id: i32) {
        self.stale.remove(&id);
        self.failing_commits.remove(&id);
        self.cut_off.remove(&id);
    }

    /// The metadata of the replicated lane and of `__consumer_offsets`, of which there are `partitions`.
    pub(super) fn metadata(&mut self, now: u64, brokers: &Brokers, partitions: Option<i32>) -> Vec<Input> {
        let replicated = self.replicated(now, brokers);
        let count = partitions.unwrap_or(i32::try_from(PARTITIONS_PER_BROKER * brokers.len()).expect("few"));
        let internal = self.internal_topic.metadata(now, count, &replicated);
        vec![Input::Topic(topic(&replicated)), internal]
    }

    /// Three replicas each, on the next brokers; those that are gone have left the in-sync ones after the session of a broker, and
    /// all followers have left those of a leader that they have not reached for long.
    fn replicated(&self, now: u64, brokers: &Brokers) -> BTreeMap<BrokerId, ReplicaState> {
        let ids: Vec<i32> = brokers.keys().copied().collect();
        let there = |id: &i32| {
            let (state, since) = brokers[id];
            state == State::Up || state != State::Left && now.saturating_sub(since) < 9000
        };
        let of = |at: usize| {
            let replicas: Vec<i32> = (0..ids.len().min(3)).map(|next| ids[(at + next) % ids.len()]).collect();
            let mut in_sync: Vec<BrokerId> = replicas.iter().filter(|id| there(id)).copied().map(BrokerId).collect();
            let leader = in_sync.first().copied();
            if leader.and_then(|leader| self.cut_off.get(&leader.0)).is_some_and(|since| since + LAG_MAX_MS <= now) {
                in_sync.truncate(1);
            }
            let replicas = replicas.into_iter().map(BrokerId).collect();
            (BrokerId(ids[at]), ReplicaState { leader, replicas, in_sync })
        };
        (0..ids.len()).map(of).collect()
    }

    /// The partitions whose leaders refuse every record, because nobody follows them.
    pub(super) fn under_min_isr(&self, now: u64, brokers: &Brokers) -> Vec<i32> {
        let is_alone = |state: &ReplicaState| {
            let leader = state.leader.filter(|leader| self.cut_off.contains_key(&leader.0));
            leader.is_some() && state.in_sync.len() == 1
        };
        let replicated = self.replicated(now, brokers);
        (0..).zip(replicated.values()).filter(|(_, state)| is_alone(state)).map(|(index, _)| index).collect()
    }

    /// One step of the scenario: the events that are counted now. `stalled` is the time that the prober was stopped between two
    /// moments.
    pub(super) fn step(&mut self, now: u64, brokers: &Brokers, stalled: impl Fn(u64, u64) -> Duration) -> Vec<Input> {
        let due =
            brokers.keys().flat_map(|id| SCHEDULE.iter().map(|one| (*id, *one))).filter(|(id, (probe, every, _))| {
                // The controller is asked once, not once a broker.
                let is_once = *probe == Scheduled::Controller && Some(id) != brokers.keys().next();
                let every = if *probe == Scheduled::Column(Column::Write) { self.interval } else { *every };
                let every = every.max(self.seldom);
                !is_once && (now + phase(*probe, *id)).is_multiple_of(every)
            });
        let due: Vec<_> = due.collect();
        for (broker, (probe, _, deadline)) in due {
            let partition = if probe == Scheduled::Commit { self.internal_topic.next(broker) } else { None };
            // A broker that leads no partition is not asked to commit.
            if probe != Scheduled::Commit || partition.is_some() {
                self.open.push(Attempt { sent: now, probe, broker, partition, deadline });
            }
        }
        let replicated = self.replicated(now, brokers);
        for attempt in std::mem::take(&mut self.open) {
            let raw_outcome = match attempt.probe {
                Scheduled::Column(Column::Replicated) => {
                    self.acked(now, brokers, &replicated[&BrokerId(attempt.broker)])
                }
                Scheduled::Column(column) => self.answered(column, attempt.broker, now, brokers[&attempt.broker].0),
                Scheduled::Commit => self.committed(attempt, brokers, &replicated),
                Scheduled::Controller => (!self.controller_hangs).then_some(GOOD),
            };
            // Without an answer yet: it comes when the broker goes on, or never.
            let raw_outcome = raw_outcome.or((attempt.sent + attempt.deadline <= now).then_some(RawOutcome::TimedOut));
            let Some(raw_outcome) = raw_outcome else {
                self.open.push(attempt);
                continue;
            };
            if let Some(partition) = attempt.partition {
                self.internal_topic.on_end(partition, raw_outcome);
            }
            let event = Event { stalled: stalled(attempt.sent, now), ..event(attempt, now, raw_outcome) };
            if attempt.probe == Scheduled::Column(Column::Write) && matches!(raw_outcome, RawOutcome::Success(_)) {
                let read = self.read_back(&event, attempt.broker);
                self.end(read);
            }
            self.end(event);
        }
        let mut counted = Vec::new();
        while let Some(first) = self.under_way.first_entry().filter(|first| first.key().0 <= Time::from_millis(now)) {
            counted.push(Input::Event(first.remove()));
        }
        counted
    }

    fn end(&mut self, event: Event) {
        self.asked += 1;
        self.under_way.insert((event.ended + Duration::from_millis(SETTLE_MS), self.asked), event);
    }

    /// The written record is read back over another connection: at once, if nothing delays that.
    fn read_back(&self, write: &Event, id: i32) -> Event {
        let acked = write.ended;
        let waits = match self.impairment.get(&id) {
            Some(impairment) => retransmitted(*impairment, id, 13, acked.as_nanos() / 1_000_000),
            None => 0,
        };
        let took = Duration::from_millis(1 + waits);
        let series = Series { probe: Probe::Consume, ..write.series.clone() };
        let raw_outcome = RawOutcome::Success(took);
        Event { series, due: acked, sent: Some(acked), ended: acked + took, raw_outcome, ..write.clone() }
    }

    fn committed(
        &self,
        attempt: Attempt,
        brokers: &Brokers,
        replicated: &BTreeMap<BrokerId, ReplicaState>,
    ) -> Option<RawOutcome> {
        let is_up = brokers[&attempt.broker].0 == State::Up;
        if is_up && (self.failing_commits.contains(&attempt.broker) || self.waits_for_peers(attempt.broker, replicated))
        {
            return None;
        }
        let partition = attempt.partition?;
        self.internal_topic.committed(partition, attempt.broker, brokers, replicated)
    }

    /// Whether a leader waits for followers that cannot reach it, because they are in sync still.
    fn waits_for_peers(&self, leader: i32, replicated: &BTreeMap<BrokerId, ReplicaState>) -> bool {
        let is_led = |state: &&ReplicaState| state.leader == Some(BrokerId(leader));
        self.cut_off.contains_key(&leader) && replicated.values().filter(is_led).any(|state| 1 < state.in_sync.len())
    }

    /// The answer of a broker now; `None`: none yet.
    fn answered(&self, column: Column, id: i32, now: u64, state: State) -> Option<RawOutcome> {
        match state {
            State::Up => {}
            State::Frozen | State::Dropped => return None,
            State::Killed | State::Left | State::Starting => return Some(RawOutcome::Failed(Fault::ConnectionRefused)),
        }
        if self.unresolved.contains(&id) {
            return Some(RawOutcome::Failed(Fault::Resolve));
        }
        if column != Column::Connect && self.throttling.contains(&id) {
            return Some(RawOutcome::Failed(Fault::Quota));
        }
        if column == Column::Connect && self.refusing_tls.contains(&id) {
            return Some(RawOutcome::Failed(Fault::CertificateExpired));
        }
        if column == Column::Metadata && self.stale.get(&id).is_some_and(|since| since + STALE_AFTER_MS <= now) {
            return Some(RawOutcome::Failed(Fault::Stale));
        }
        let waits = match (self.impairment.get(&id), column) {
            (Some(Impairment::Full | Impairment::Choked), Column::Connect) => {
                return Some(RawOutcome::Failed(Fault::NoHandshake));
            }
            (Some(Impairment::Storage), Column::Write | Column::Fetch) => {
                return Some(RawOutcome::Failed(Fault::Kafka(KafkaError::KAFKA_STORAGE_ERROR)));
            }
            (Some(Impairment::Unled), Column::Write) => {
                return Some(RawOutcome::Failed(Fault::Kafka(KafkaError::NOT_LEADER_OR_FOLLOWER)));
            }
            (Some(lossy @ (Impairment::Lossy | Impairment::Leaky)), _) => retransmitted(*lossy, id, column as u64, now),
            (Some(Impairment::Slow | Impairment::Choked | Impairment::Far), _)
            | (Some(Impairment::Disk), Column::Write) => SLOW_MS,
            (Some(impairment), _) => stopped(*impairment, id, now),
            (None, _) => 0,
        };
        Some(RawOutcome::Success(Duration::from_millis(3 + now / 100 % 3 + self.load + waits)))
    }

    /// A write with acks=all: its leader, and the slowest of those in sync.
    fn acked(&self, now: u64, brokers: &Brokers, partition: &ReplicaState) -> Option<RawOutcome> {
        let gone = |id: &BrokerId| brokers[&id.0].0 != State::Up;
        let is_dialled = |leader: BrokerId| {
            let again = self.dialled_again.get(&leader.0).copied().unwrap_or(0);
            again <= now && !self.unresolved.contains(&leader.0)
        };
        if !partition.leader.is_some_and(is_dialled) || partition.in_sync.iter().any(gone) {
            return None;
        }
        if partition.leader.is_some_and(|leader| self.cut_off.contains_key(&leader.0)) {
            let refused = RawOutcome::Failed(Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS));
            return (partition.in_sync.len() == 1).then_some(refused);
        }
        let of_one = |id: &BrokerId| {
            let leads = partition.leader == Some(*id);
            match self.impairment.get(&id.0) {
                Some(Impairment::Slow | Impairment::Choked | Impairment::Disk) => SLOW_MS,
                Some(Impairment::Far) if leads => SLOW_MS,
                Some(leaky @ Impairment::Leaky) if leads => retransmitted(*leaky, id.0, Column::Replicated as u64, now),
                // A replica in a directory that has failed is in sync until its leader has had enough of waiting.
                Some(Impairment::Follower | Impairment::Storage) if !leads => SLOW_MS,
                Some(impairment) => stopped(*impairment, id.0, now),
                None => 0,
            }
        };
        let slowest = partition.in_sync.iter().map(of_one).max().unwrap_or(0);
        Some(RawOutcome::Success(Duration::from_millis(5 + self.load + slowest)))
    }
}

/// Interval and deadline of each probe in milliseconds, as in `config/default.toml`; the controller's deadline is that of two
/// brokers, one after the other.
const SCHEDULE: &[(Scheduled, u64, u64)] = &[
    (Scheduled::Column(Column::Write), 200, 5000),
    (Scheduled::Column(Column::Fetch), 1000, 2000),
    (Scheduled::Column(Column::Metadata), 1000, 2000),
    (Scheduled::Column(Column::Connect), 10_000, 2000),
    (Scheduled::Column(Column::Replicated), 500, 5000),
    (Scheduled::Commit, 2000, 4000),
    (Scheduled::Controller, 10_000, 4000),
];

pub(super) const GOOD: RawOutcome = RawOutcome::Success(Duration::from_millis(5));

/// Spreads the attempts of different brokers and probes over time.
fn phase(probe: Scheduled, id: i32) -> u64 {
    match probe {
        Scheduled::Column(column) => 100 * u64::from(id.unsigned_abs()) + 300 * column as u64,
        Scheduled::Commit | Scheduled::Controller => 0,
    }
}

/// How much later an answer comes if a packet of it is lost, by chance: by TCP's first retransmission time-out at least.
fn retransmitted(impairment: Impairment, id: i32, road: u64, now: u64) -> u64 {
    let one_in = match impairment {
        Impairment::Lossy => 10,
        Impairment::Leaky => 3,
        _ => return 0,
    };
    // Splitmix64, so that neither times nor numbers leave a pattern.
    let mixed = now
        .wrapping_mul(1000)
        .wrapping_add(road * 31 + u64::from(id.unsigned_abs()))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let odd = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB) >> 31;
    if odd.is_multiple_of(one_in) { 200 + odd % 7 * 10 } else { 0 }
}

/// For how long an answer that is asked for now waits because the process is stopped.
fn stopped(impairment: Impairment, id: i32, now: u64) -> u64 {
    match impairment {
        Impairment::Half if now % 1000 < 500 => 500 - now % 500,
        // Probes ask at fixed moments: of three, one has to wait.
        Impairment::Turns if (now + 50) % 300 < 150 => 150 - (now + 50) % 300,
        Impairment::Pauses => {
            // Every six seconds or so, at another moment and for another time at each broker.
            let (round, offset) = (now / 6000, now % 6000);
            let odd = round.wrapping_mul(2_654_435_761) ^ u64::from(id.unsigned_abs()).wrapping_mul(40_503);
            let (begins, lasts) = (odd % 5000, 300 + odd / 7 % 600);
            if (begins..begins + lasts).contains(&offset) { begins + lasts - offset } else { 0 }
        }
        _ => 0,
    }
}

/// The partitions of the replicated lane as metadata show them.
fn topic(replicated: &BTreeMap<BrokerId, ReplicaState>) -> TopicSeen {
    let partition = |(index, state): (usize, &ReplicaState)| PartitionSeen {
        partition: Partition(i32::try_from(index).expect("few")),
        leader: state.leader,
        leader_epoch: None,
        replicas: state.replicas.clone(),
        in_sync: state.in_sync.clone(),
    };
    TopicSeen { id: None, partitions: replicated.values().enumerate().map(partition).collect() }
}

/// The event of an attempt that is answered now, or has failed now.
fn event(attempt: Attempt, now: u64, raw_outcome: RawOutcome) -> Event {
    let broker = Broker::Id(BrokerId(attempt.broker));
    let (view, probe, subject) = match attempt.probe {
        Scheduled::Column(Column::Write) => (View::Broker, Probe::Produce, broker),
        Scheduled::Column(Column::Fetch) => (View::Broker, Probe::Fetch, broker),
        Scheduled::Column(Column::Metadata) => (View::Broker, Probe::Metadata, broker),
        Scheduled::Column(Column::Connect) => (View::Broker, Probe::Connect, broker),
        Scheduled::Column(Column::Replicated) => (View::Client, Probe::Produce, broker),
        Scheduled::Commit => (View::Coordinator, Probe::Commit, broker),
        Scheduled::Controller => (View::Cluster, Probe::Controller, Broker::Cluster),
    };
    let series = Series { cluster: ClusterName::new("c"), view, probe, subject: Subject::Broker(subject) };
    let limits = Limits { deadline: Duration::from_millis(attempt.deadline), threshold: Duration::from_secs(1) };
    let (sent, now) = (Time::from_millis(attempt.sent), Time::from_millis(now));
    let (ended, raw_outcome) = match raw_outcome {
        RawOutcome::Success(latency) => (now + latency, RawOutcome::Success(now.since(sent) + latency)),
        other => (now, other),
    };
    let internal_partition = attempt.partition.map(internal_topic::id);
    Event {
        series,
        broker: subject,
        internal_partition,
        limits,
        due: sent,
        sent: Some(sent),
        ended,
        raw_outcome,
        stalled: Duration::ZERO,
    }
}
