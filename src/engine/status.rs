//! What a snapshot says beyond counts: lanes, brokers, and the prober itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::event::VoidReason;
use prober_core::ids::{Broker, BrokerId, ClusterName, Probe, Series, View};
use prober_core::ledger::Ledger;
use prober_core::settle::Stall;
use prober_core::snapshot::{
    BrokerState, BrokerStatus, ClientVitals, LaneState, LaneStatus, ProberStatus, SeriesCounts,
};
use prober_core::time::{Time, WallTime};
use prober_probes::port::LaneInput;

use super::Running;

/// A stall this long gets a line in the log.
const NOTABLE_STALL: Duration = Duration::from_millis(500);

/// The newest word of a lane about itself.
#[derive(Debug, Default)]
pub(super) struct LaneNews {
    state: Option<LaneState>,
    message: Option<Arc<str>>,
    clients: BTreeMap<&'static str, ClientVitals>,
}

impl LaneNews {
    pub(super) fn hear(&mut self, input: &LaneInput) {
        if let LaneInput::Status { state, message } = input {
            self.state = Some(*state);
            self.message.clone_from(message);
        }
    }

    pub(super) fn client(&mut self, role: &'static str, vitals: ClientVitals) {
        self.clients.insert(role, vitals);
    }
}

impl Running {
    pub(super) fn status(&self) -> LaneStatus {
        LaneStatus {
            cluster: self.route.cluster.clone(),
            lane: self.route.lane,
            topic: Arc::clone(&self.route.topic),
            state: self.news.state.unwrap_or(LaneState::Connecting),
            message: self.news.message.clone(),
            partitions: self.round_trip.probed().count(),
            ready: self.round_trip.has_resolved(),
            clients: self.news.clients.clone(),
        }
    }
}

/// Every broker of every cluster, once, over all lanes of the cluster.
pub(super) fn brokers(routes: &[Running], ledger: &Ledger, now: Time) -> Vec<BrokerStatus> {
    let mut known: BTreeMap<(&ClusterName, BrokerId), BrokerStatus> = BTreeMap::new();
    for running in routes {
        let cluster = &running.route.cluster;
        for (id, seen) in &running.topology.brokers {
            let covered = running.round_trip.probed().any(|(_, broker)| broker == *id);
            let status = known.entry((cluster, *id)).or_insert_with(|| BrokerStatus {
                cluster: cluster.clone(),
                broker: *id,
                address: None,
                rack: None,
                registered: false,
                covered: true,
                state: None,
            });
            status.address = status.address.take().or_else(|| seen.address.as_ref().map(ToString::to_string));
            status.rack = status.rack.take().or_else(|| seen.rack.clone());
            status.registered |= seen.registered;
            status.covered &= covered;
        }
    }
    for status in known.values_mut() {
        status.state = state(routes, ledger, status, now);
    }
    known.into_values().collect()
}

/// A broker's condition, by the broker view alone: in the client view `broker` is only a partition's preferred leader,
/// and the series of healthy ones fail too (design §4).
fn state(routes: &[Running], ledger: &Ledger, status: &BrokerStatus, now: Time) -> Option<BrokerState> {
    let of_this =
        |running: &&Running| running.route.cluster == status.cluster && running.route.lane.view() == View::Broker;
    let newest: Vec<_> = Probe::OF_A_RECORD
        .into_iter()
        .map(|probe| Series {
            cluster: status.cluster.clone(),
            view: View::Broker,
            probe,
            broker: Broker::Id(status.broker),
        })
        .filter_map(|series| ledger.latest(&series))
        .map(|latest| latest.outcome)
        .collect();
    let waiting =
        routes.iter().filter(of_this).filter_map(|running| running.round_trip.waiting(status.broker, now)).max();
    BrokerState::of(status.registered, &newest, waiting)
}

/// One line in the log for each broker that comes to fail, to be absent, or to be well again.
#[derive(Debug, Default)]
pub(super) struct StateLog {
    last: BTreeMap<(ClusterName, BrokerId), BrokerState>,
}

impl StateLog {
    pub(super) fn follow(&mut self, brokers: &[BrokerStatus]) {
        // A broker that is merely suspect has not failed; the next state tells.
        for status in brokers {
            let Some(now) = status.state.filter(|state| *state != BrokerState::Suspect) else { continue };
            let before = self.last.insert((status.cluster.clone(), status.broker), now);
            let changed = before != Some(now);
            let (cluster, broker, state) = (status.cluster.as_str(), status.broker.0, now.as_str());
            match (before, now) {
                _ if !changed => {}
                (None, BrokerState::Ok) => {}
                (_, BrokerState::Ok) => tracing::info!(cluster, broker, state, "broker state"),
                _ => tracing::warn!(cluster, broker, state, "broker state"),
            }
        }
    }
}

/// The prober about itself, as it goes.
#[derive(Debug, Default)]
pub(super) struct SelfStatus {
    status: ProberStatus,
    actions: BTreeMap<(&'static str, &'static str), u64>,
}

impl SelfStatus {
    pub(super) fn beat(&mut self, lag: Duration, stall: Option<Stall>, wall: WallTime) {
        self.status.heartbeat = wall;
        self.status.task_lag.add(lag);
        if let Some(stall) = stall {
            self.status.stalls += 1;
            self.status.stalled += stall.to.since(stall.from);
            if NOTABLE_STALL <= lag {
                tracing::warn!(seconds = lag.as_secs_f64(), "the prober itself was stalled");
            }
        }
    }

    pub(super) fn thread_beat(&mut self, lag: Duration) {
        self.status.thread_lag.add(lag);
    }

    pub(super) fn clock_jumped(&mut self, nanos: i64) {
        self.status.clock_jumps += 1;
        tracing::warn!(seconds = nanos as f64 / 1e9, "the calendar jumped against the monotonic clock");
    }

    pub(super) fn dropped(&mut self, inputs: u64) {
        self.status.inputs_dropped += inputs;
        tracing::warn!(inputs, "inputs were dropped on a full queue; attempts in flight are void");
    }

    pub(super) fn acted(&mut self, action: &'static str, result: &'static str) {
        *self.actions.entry((action, result)).or_default() += 1;
    }

    pub(super) fn balanced(&mut self, balanced: bool) {
        if !balanced {
            self.status.imbalances += 1;
            tracing::error!("the counts do not add up: due attempts are neither counted nor in flight");
        }
    }

    pub(super) fn status(&self, series: &[SeriesCounts]) -> ProberStatus {
        let mut voided = [0; VoidReason::ALL.len()];
        for counts in series.iter().map(|row| &row.counts) {
            voided.iter_mut().zip(counts.voided).for_each(|(sum, count)| *sum += count);
        }
        let topic_actions = self.actions.iter().map(|((action, result), count)| (*action, *result, *count)).collect();
        ProberStatus { voided, topic_actions, ..self.status.clone() }
    }
}
