//! The probes of a scenario on default settings: every answer with the latency that the scenario gives it, through the real cells.

use std::collections::BTreeMap;
use std::time::Duration;

use super::State;
use crate::diagnosis::cells::{Cells, Column, Table};
use crate::diagnosis::churn_cooldown::ChurnCooldown;
use crate::diagnosis::input::{BrokerEvidence, ReplicaState};
use crate::event::{Event, Limits, RawOutcome};
use crate::fault::Fault;
use crate::ids::{Broker, BrokerId, ClusterName, Probe, Series, Subject, View};
use crate::kafka_error::KafkaError;
use crate::time::Time;

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
    /// Its log directory is gone.
    Storage,
    /// The way to it loses one packet in twenty: one answer in ten comes late.
    Lossy,
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
            "storage" => Impairment::Storage,
            "unled" => Impairment::Unled,
            "lossy" => Impairment::Lossy,
            "pauses" => Impairment::Pauses,
            _ => return None,
        })
    }
}

#[derive(Default)]
pub(super) struct Traffic {
    cells: Cells,
    churn_cooldown: ChurnCooldown,
    /// Answers on their way, by when they come.
    under_way: BTreeMap<(Time, u64), Event>,
    asked: u64,
    /// Requests without a response yet: sent when, what, to which broker, and until when it is awaited.
    owed: Vec<(u64, Column, i32, u64)>,
    pub(super) impairment: BTreeMap<i32, Impairment>,
    /// Milliseconds that a load on all brokers adds to every answer.
    pub(super) load: u64,
}

/// What is added to an answer that has to wait.
const SLOW_MS: u64 = 400;

impl Traffic {
    /// Lets the probes see one step of the scenario.
    pub(super) fn step(&mut self, now: u64, brokers: &BTreeMap<i32, (State, u64)>) {
        let due = brokers.keys().flat_map(|id| PROBES.iter().map(|probe| (*id, *probe))).filter(
            |(id, (column, every, _))| {
                (now + 100 * u64::from(id.unsigned_abs()) + 300 * *column as u64).is_multiple_of(*every)
            },
        );
        self.owed.extend(due.map(|(id, (column, _, deadline))| (now, column, id, deadline)));
        let replicated = replicated(now, brokers);
        for (asked, column, id, deadline) in std::mem::take(&mut self.owed) {
            let raw_outcome = match column {
                Column::Replicated => self.acked(now, brokers, &replicated[&BrokerId(id)]),
                _ => self.answered(column, id, now, brokers[&id].0),
            };
            // Nothing yet: it comes when the broker goes on, or never.
            let raw_outcome = raw_outcome.or((asked + deadline <= now).then_some(RawOutcome::TimedOut));
            let Some(raw_outcome) = raw_outcome else {
                self.owed.push((asked, column, id, deadline));
                continue;
            };
            let event = event(column, id, (asked, now), deadline, raw_outcome);
            if column == Column::Write && matches!(raw_outcome, RawOutcome::Success(_)) {
                let read = self.read_back(&event, id);
                self.ask(read);
            }
            self.ask(event);
        }
        while let Some(first) = self.under_way.first_entry().filter(|first| first.key().0 <= Time::from_millis(now)) {
            self.cells.on_event(&first.remove());
        }
    }

    fn ask(&mut self, event: Event) {
        self.asked += 1;
        self.under_way.insert((event.ended, self.asked), event);
    }

    /// What was written is read back over another connection: at once, if nothing holds that up.
    fn read_back(&self, write: &Event, id: i32) -> Event {
        let acked = write.ended;
        let waits = match self.impairment.get(&id) {
            Some(Impairment::Lossy) => sent_again(id, 13, acked.as_nanos() / 1_000_000),
            _ => 0,
        };
        let took = Duration::from_millis(1 + waits);
        let series = Series { probe: Probe::Consume, ..write.series.clone() };
        let raw_outcome = RawOutcome::Success(took);
        Event { series, due: acked, sent: Some(acked), ended: acked + took, raw_outcome, ..write.clone() }
    }

    /// The table, as an engine would have it.
    pub(super) fn table(&mut self, now: Time, seen: &[BrokerEvidence]) -> Table {
        if self.churn_cooldown.follow(seen, now) {
            self.cells.reset();
        }
        self.cells.table(now)
    }

    /// What is answered now; `None`: nothing.
    fn answered(&self, column: Column, id: i32, now: u64, state: State) -> Option<RawOutcome> {
        match state {
            State::Up => {}
            State::Frozen | State::Dropped => return None,
            State::Killed | State::Left | State::Starting => return Some(RawOutcome::Failed(Fault::ConnectionRefused)),
        }
        let waits = match (self.impairment.get(&id), column) {
            (Some(Impairment::Full), Column::Connect) => return Some(RawOutcome::Failed(Fault::NoHandshake)),
            (Some(Impairment::Storage), Column::Write) => {
                return Some(RawOutcome::Failed(Fault::Kafka(KafkaError::KAFKA_STORAGE_ERROR)));
            }
            (Some(Impairment::Unled), Column::Write) => {
                return Some(RawOutcome::Failed(Fault::Kafka(KafkaError::NOT_LEADER_OR_FOLLOWER)));
            }
            (Some(Impairment::Lossy), _) => sent_again(id, column as u64, now),
            (Some(Impairment::Slow | Impairment::Far), _) | (Some(Impairment::Disk), Column::Write) => SLOW_MS,
            (Some(impairment), _) => stopped(*impairment, id, now),
            (None, _) => 0,
        };
        Some(RawOutcome::Success(Duration::from_millis(3 + now / 100 % 3 + self.load + waits)))
    }

    /// A write with acks=all: its leader, and the slowest of those in sync.
    fn acked(&self, now: u64, brokers: &BTreeMap<i32, (State, u64)>, partition: &ReplicaState) -> Option<RawOutcome> {
        let gone = |id: &BrokerId| brokers[&id.0].0 != State::Up;
        if partition.leader.is_none() || partition.in_sync.iter().any(gone) {
            return None;
        }
        let of_one = |id: &BrokerId| {
            let leads = partition.leader == Some(*id);
            match self.impairment.get(&id.0) {
                Some(Impairment::Slow | Impairment::Disk) => SLOW_MS,
                Some(Impairment::Far) if leads => SLOW_MS,
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

const PROBES: &[(Column, u64, u64)] = &[
    (Column::Write, 200, 5000),
    (Column::Fetch, 1000, 2000),
    (Column::Metadata, 1000, 2000),
    (Column::Connect, 10_000, 2000),
    (Column::Replicated, 500, 5000),
];

/// How much later an answer comes if a packet of it is lost: by chance, and by TCP's first time-out at least.
fn sent_again(id: i32, road: u64, now: u64) -> u64 {
    // Splitmix64, so that neither times nor numbers leave a pattern.
    let mixed = now
        .wrapping_mul(1000)
        .wrapping_add(road * 31 + u64::from(id.unsigned_abs()))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let odd = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB) >> 31;
    if odd.is_multiple_of(10) { 200 + odd % 7 * 10 } else { 0 }
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

/// Three replicas each, on the next brokers; those that are gone have left the in-sync ones after the session of a broker.
pub(super) fn replicated(now: u64, brokers: &BTreeMap<i32, (State, u64)>) -> BTreeMap<BrokerId, ReplicaState> {
    let ids: Vec<i32> = brokers.keys().copied().collect();
    let there = |id: &i32| {
        let (state, since) = brokers[id];
        state == State::Up || state != State::Left && now.saturating_sub(since) < 9000
    };
    let of = |at: usize| {
        let replicas: Vec<i32> = (0..ids.len().min(3)).map(|next| ids[(at + next) % ids.len()]).collect();
        let in_sync: Vec<BrokerId> = replicas.into_iter().filter(there).map(BrokerId).collect();
        (BrokerId(ids[at]), ReplicaState { leader: in_sync.first().copied(), in_sync })
    };
    (0..ids.len()).map(of).collect()
}

/// An answer to what was asked then, from now on on its way.
fn event(column: Column, id: i32, (asked, now): (u64, u64), deadline: u64, raw_outcome: RawOutcome) -> Event {
    let (view, probe) = match column {
        Column::Write => (View::Broker, Probe::Produce),
        Column::Fetch => (View::Broker, Probe::Fetch),
        Column::Metadata => (View::Broker, Probe::Metadata),
        Column::Connect => (View::Broker, Probe::Connect),
        Column::Replicated => (View::Client, Probe::Produce),
    };
    let broker = Broker::Id(BrokerId(id));
    let series = Series { cluster: ClusterName::new("c"), view, probe, subject: Subject::Broker(broker) };
    let limits = Limits { deadline: Duration::from_millis(deadline), threshold: Duration::from_secs(1) };
    let (sent, now) = (Time::from_millis(asked), Time::from_millis(now));
    let (ended, raw_outcome) = match raw_outcome {
        RawOutcome::Success(latency) => (now + latency, RawOutcome::Success(now.since(sent) + latency)),
        other => (now, other),
    };
    Event { series, broker, limits, due: sent, sent: Some(sent), ended, raw_outcome, stalled: Duration::ZERO }
}
