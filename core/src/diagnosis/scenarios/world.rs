//! The world of a scenario: brokers, controllers and the prober, as the inputs that the product has on default settings.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnosis::input::{Input, OverdueConnection};
use crate::fault::Fault;
use crate::ids::{BrokerId, ConnectionRole, Partition};
use crate::kafka_error::KafkaError;
use crate::time::Time;

use super::simulated_prober::SimulatedProber;
use super::traffic::Traffic;

/// A broker that does not answer is fenced, and leaves the metadata, after its session (`broker.session.timeout.ms`).
const SESSION_MS: u64 = 9000;

/// Interval between two metadata requests.
const METADATA_EVERY: u64 = 1000;

/// Interval at which leaders of partitions under min ISR are asked again.
const REFUSAL_EVERY: u64 = 5000;

/// Time-out of a connect check.
const CHECK_DEADLINE: u64 = 2000;

/// After half a minute of connect checks, and of other clients', the accept queue of a hanging process is full.
const ACCEPT_QUEUE_FULL_AFTER: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Up,
    Frozen,
    Killed,
    Dropped,
    /// It has left the cluster in a controlled shutdown.
    Left,
    /// Listed again, and not listening yet.
    Starting,
}

impl State {
    /// Whether requests to it are left unanswered.
    pub(super) fn is_silent(self) -> bool {
        matches!(self, State::Frozen | State::Dropped)
    }
}

/// Each broker's state, and since when.
pub(super) type Brokers = BTreeMap<i32, (State, u64)>;

#[derive(Default)]
pub(super) struct SimulatedCluster {
    brokers: Brokers,
    /// When the prober began.
    started: u64,
    /// Time between two records of the pinned lane, which is how long a fetch waits for one.
    interval: u64,
    /// Brokers whose address the prober knows, because metadata have listed them.
    known: BTreeSet<BrokerId>,
    /// Overdue connections as reported: since when.
    overdue: BTreeMap<(i32, ConnectionRole), u64>,
    /// Connect checks in progress, and when each began.
    checks: Vec<(u64, i32)>,
    under_min_isr: i32,
    /// Partitions whose leaders refuse every record, as reported.
    refusing: BTreeSet<i32>,
    /// Partitions of `__consumer_offsets`, if the scenario says how many there are.
    partitions: Option<i32>,
    traffic: Traffic,
    prober: SimulatedProber,
    pending: Vec<Input>,
}

impl SimulatedCluster {
    /// Brokers 1 to `count`, all well; the prober begins at `started`, writes a record every `interval` to each, and runs no probe more
    /// often than every `seldom`.
    pub(super) fn of(count: i32, started: u64, interval: u64, seldom: u64) -> SimulatedCluster {
        let brokers: Brokers = (1..=count).map(|id| (id, (State::Up, 0))).collect();
        let known = Input::Brokers(brokers.keys().copied().map(BrokerId).collect());
        let traffic = Traffic::of(interval, seldom);
        SimulatedCluster { brokers, started, interval, traffic, pending: vec![known], ..SimulatedCluster::default() }
    }

    /// How many partitions `__consumer_offsets` has; `None` for two for each broker.
    pub(super) fn set_partitions(&mut self, partitions: Option<i32>) {
        self.partitions = partitions;
    }

    /// Whether the prober is stopped at `now`, and takes nothing in.
    pub(super) fn is_stalled(&self, now: u64) -> bool {
        self.prober.is_stalled(now)
    }

    /// The inputs of the step at `now`.
    pub(super) fn step(&mut self, now: u64) -> Vec<Input> {
        let mut inputs = std::mem::take(&mut self.pending);
        inputs.extend(self.prober.step(now));
        inputs.extend(self.metadata(now));
        inputs.extend(self.refusals(now));
        inputs.extend(self.ended_checks(now));
        inputs.extend(self.overdue_connections(now));
        let prober = &self.prober;
        inputs.extend(self.traffic.step(now, &self.brokers, |from, to| prober.stalled_between(from, to)));
        inputs
    }

    /// The diagnosis wants a connect check of a broker.
    pub(super) fn begin_connect_check(&mut self, now: u64, broker: BrokerId) {
        if self.known.contains(&broker) {
            self.checks.push((now, broker.0));
        }
    }

    fn metadata(&mut self, now: u64) -> Vec<Input> {
        if !now.is_multiple_of(METADATA_EVERY) || !self.brokers.values().any(|(state, _)| *state == State::Up) {
            return Vec::new();
        }
        let is_listed = |(state, since): &(State, u64)| match state {
            State::Up | State::Starting => true,
            State::Left => false,
            State::Frozen | State::Killed | State::Dropped => now.saturating_sub(*since) < SESSION_MS,
        };
        let listed = self.brokers.iter().filter(|(_, state)| is_listed(state)).map(|(id, _)| BrokerId(*id));
        let brokers: BTreeSet<BrokerId> = listed.collect();
        self.known.extend(&brokers);
        let topics = self.traffic.metadata(now, &self.brokers, self.partitions);
        [Input::MetadataBrokers { asked: Time::from_millis(now), brokers }].into_iter().chain(topics).collect()
    }

    fn refusals(&mut self, now: u64) -> Vec<Input> {
        let alone = self.traffic.under_min_isr(now, &self.brokers);
        let all: BTreeSet<i32> = (0..self.under_min_isr).chain(alone).collect();
        // Metadata show that a partition is replicated again; its leader is asked whether it refuses.
        let is_over = |index: &i32| now.is_multiple_of(METADATA_EVERY) && !all.contains(index);
        let over: Vec<Input> =
            self.refusing.extract_if(.., |index| is_over(index)).map(|index| refusal(now, index, false)).collect();
        let asked = all.into_iter().filter(|_| now.is_multiple_of(REFUSAL_EVERY));
        let refused: Vec<Input> =
            asked.inspect(|index| _ = self.refusing.insert(*index)).map(|index| refusal(now, index, true)).collect();
        over.into_iter().chain(refused).collect()
    }

    fn ended_checks(&mut self, now: u64) -> Vec<Input> {
        let mut ended = Vec::new();
        let brokers = &self.brokers;
        self.checks.retain(|(began, id)| {
            let (state, since) = brokers[id];
            let fault = match state {
                State::Up => None,
                State::Killed | State::Left | State::Starting => Some(Fault::ConnectionRefused),
                State::Frozen | State::Dropped if now < began + CHECK_DEADLINE => return true,
                State::Frozen if now.saturating_sub(since) < ACCEPT_QUEUE_FULL_AFTER => Some(Fault::NoHandshake),
                State::Frozen | State::Dropped => Some(Fault::ConnectTimeout),
            };
            ended.push(Input::ConnectChecked { broker: BrokerId(*id), at: Time::from_millis(now), fault });
            false
        });
        ended
    }

    /// Changes of the overdue connections. When the prober wakes, answers that arrived meanwhile are not read yet: for one step
    /// every broker seems to owe one since the stall began.
    fn overdue_connections(&mut self, now: u64) -> Vec<Input> {
        let woken = self.prober.woken_from(now);
        let mut inputs = Vec::new();
        for (id, (state, since)) in &self.brokers {
            // Records are sent at each interval, a fetch waits for them; fetch and metadata of the direct probes go out every second.
            for (role, from) in [
                (ConnectionRole::Produce, since + self.interval * 3 / 4),
                (ConnectionRole::Fetch, since.saturating_sub(100)),
                (ConnectionRole::Control, since + 700),
            ] {
                let wait = if role == ConnectionRole::Fetch { OVERDUE_AFTER + self.interval } else { OVERDUE_AFTER };
                // Without an address there is no connection; at first the dial is overdue.
                let from = from.max(self.started);
                let is_silent = state.is_silent() && from + wait <= now && self.known.contains(&BrokerId(*id));
                let silent = is_silent.then_some(from);
                let overdue = silent.or(woken.filter(|_| role != ConnectionRole::Control));
                let key = (*id, role);
                let tcp_state = self.prober.tcp_state(role, *state, now.saturating_sub(*since));
                if self.overdue.get(&key).copied() == overdue && (overdue.is_none() || tcp_state.is_none()) {
                    continue;
                }
                match overdue {
                    Some(from) => self.overdue.insert(key, from),
                    None => self.overdue.remove(&key),
                };
                inputs.push(Input::Overdue(OverdueConnection {
                    broker: BrokerId(*id),
                    role,
                    since: overdue.map(Time::from_millis),
                    tcp_state: tcp_state.filter(|_| overdue.is_some()),
                }));
            }
        }
        inputs
    }

    /// Does what a line says.
    pub(super) fn act(&mut self, now: u64, what: &str, argument: &str) {
        let number = || argument.parse::<i32>().expect("a number");
        match what {
            "short" => {
                let gone = number()..self.under_min_isr;
                self.pending.extend(gone.map(|index| refusal(now, index, false)));
                self.under_min_isr = number();
                self.pending.extend((0..self.under_min_isr).map(|index| refusal(now, index, true)));
                return;
            }
            "lose" => {
                let count = number().unsigned_abs().into();
                return self.pending.push(Input::Lost { count, at: Time::from_millis(now) });
            }
            "forbid" => {
                let messages = (0..number()).map(|one| format!("grant {one}").into()).collect();
                return self.pending.push(Input::MissingPermissions(messages));
            }
            _ if self.prober.act(now, what, argument) => return,
            _ => {}
        }
        if self.traffic.act_on_partitions(what, argument) {
            return;
        }
        let ids = self.ids(argument);
        if self.traffic.act(now, what, argument, &ids) {
            return;
        }
        let state = match what {
            "freeze" => State::Frozen,
            "kill" => State::Killed,
            "drop" => State::Dropped,
            "leave" => State::Left,
            "list" => State::Starting,
            "thaw" | "start" | "undrop" | "join" => State::Up,
            other => panic!("no such act: {other}"),
        };
        for id in ids {
            self.brokers.insert(id, (state, now));
            self.traffic.recovered(id);
        }
    }

    fn ids(&self, argument: &str) -> Vec<i32> {
        match argument {
            "all" => self.brokers.keys().copied().collect(),
            "-" => Vec::new(),
            ids => ids.split(',').filter_map(|id| id.parse().ok()).collect(),
        }
    }
}

/// A response that takes longer is overdue, beyond the time that the request itself asks the broker to wait.
const OVERDUE_AFTER: u64 = 500;

fn refusal(now: u64, index: i32, refused: bool) -> Input {
    let fault = refused.then_some(Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS));
    Input::Refuses { partition: Partition(index), at: Time::from_millis(now), fault }
}
