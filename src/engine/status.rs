//! The status in a snapshot besides the counts: lanes, brokers, and the prober itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::counts::LatestEvent;
use prober_core::counts::SeriesCounts;
use prober_core::event::{Outcome, VoidReason};
use prober_core::fault::{Blame, Fault};
use prober_core::ids::{Broker, BrokerId, ClusterName, Partition, Probe, Series, Subject, View};
use prober_core::ledger::Ledger;
use prober_core::observed::Observed;
use prober_core::observed::registration::Registration;
use prober_core::settle::Stall;
use prober_core::snapshot::{BrokerState, BrokerStatus, ClientVitals, LaneState, LaneStatus, ProberStatus};
use prober_core::time::{Time, WallTime};
use prober_core::topology::TopicSeen;
use prober_probes::port::{LaneInput, Layout};

use super::LaneRuntime;
use super::decommissioned::Decommissioned;

/// A stall from this length on is logged.
const NOTABLE_STALL: Duration = Duration::from_millis(500);

/// The newest status of a lane.
#[derive(Debug, Default)]
pub(super) struct LatestLaneStatus {
    state: Option<LaneState>,
    message: Option<Arc<str>>,
    leaders: BTreeMap<Partition, Option<BrokerId>>,
    clients: BTreeMap<&'static str, ClientVitals>,
}

impl LatestLaneStatus {
    pub(super) fn on_input(&mut self, input: &LaneInput) {
        match input {
            LaneInput::Status { state, message } => {
                self.state = Some(*state);
                self.message.clone_from(message);
            }
            LaneInput::Layout { layout: Layout::Missing { .. } | Layout::Refused, .. } => self.leaders.clear(),
            _ => {}
        }
    }

    pub(super) fn on_topic(&mut self, topic: &TopicSeen) {
        self.leaders = topic.partitions.iter().map(|seen| (seen.partition, seen.leader)).collect();
    }

    /// The message about a missing permission, if that is what the lane reports; it names the ACL to grant.
    pub(super) fn permission(&self) -> Option<&Arc<str>> {
        self.message.as_ref().filter(|message| message.contains("grant "))
    }

    /// The state that the lane has reported most recently.
    pub(super) fn state(&self) -> Option<LaneState> {
        self.state
    }

    pub(super) fn client(&mut self, role: &'static str, vitals: ClientVitals) {
        self.clients.insert(role, vitals);
    }
}

impl LaneRuntime {
    pub(super) fn status(&self, now: Time) -> LaneStatus {
        let waiting = |(_, broker)| self.round_trip.oldest_unacked(broker, now).map(|waiting| (broker, waiting));
        LaneStatus {
            cluster: self.route.cluster.clone(),
            lane: self.route.lane,
            topic: Arc::clone(&self.route.topic),
            state: self.latest.state.unwrap_or(LaneState::Connecting),
            message: self.latest.message.clone(),
            partitions: self.round_trip.probed().count(),
            leaders: self.latest.leaders.clone(),
            ready: self.round_trip.has_resolved(),
            waiting: self.round_trip.probed().filter_map(waiting).collect(),
            clients: self.latest.clients.clone(),
        }
    }
}

/// The brokers of all clusters without the decommissioned ones, each once over all lanes of its cluster.
pub(super) fn brokers(
    routes: &[LaneRuntime],
    observed: &BTreeMap<ClusterName, Arc<Observed>>,
    decommissioned: &Decommissioned,
    ledger: &Ledger,
    now: Time,
) -> Vec<BrokerStatus> {
    let mut known: BTreeMap<(&ClusterName, BrokerId), BrokerStatus> = BTreeMap::new();
    for lane in routes {
        let cluster = &lane.route.cluster;
        for (id, seen) in &lane.topology.brokers {
            let covered = lane.round_trip.probed().any(|(_, broker)| broker == *id);
            let status = known.entry((cluster, *id)).or_insert_with(|| BrokerStatus {
                cluster: cluster.clone(),
                broker: *id,
                address: None,
                rack: None,
                registered: false,
                registration: Registration::default(),
                covered: true,
                state: None,
                baseline: None,
            });
            status.address = status.address.take().or_else(|| seen.address.as_ref().map(ToString::to_string));
            status.rack = status.rack.take().or_else(|| seen.rack.clone());
            status.registered |= seen.registered;
            status.covered &= covered;
        }
    }
    known.retain(|(cluster, broker), _| !decommissioned.of(cluster).contains(broker));
    for ((cluster, broker), status) in &mut known {
        if let Some(registrations) = observed.get(*cluster).and_then(|observed| observed.registrations.as_ref()) {
            status.registration = registrations.of(*broker, now);
        }
        status.state = state(routes, ledger, status, now);
    }
    known.into_values().collect()
}

/// A broker's condition, by the broker view alone: in the client view `broker` is only a partition's preferred leader,
/// and with `acks=all` those of healthy brokers fail too.
fn state(routes: &[LaneRuntime], ledger: &Ledger, status: &BrokerStatus, now: Time) -> Option<BrokerState> {
    let of_this = |lane: &&LaneRuntime| lane.route.cluster == status.cluster && lane.route.lane.view() == View::Broker;
    let latest = |probe| {
        let (cluster, subject) = (status.cluster.clone(), Subject::Broker(Broker::Id(status.broker)));
        ledger.latest(&Series { cluster, view: View::Broker, probe, subject })
    };
    // A missing permission, or a name that does not resolve, says nothing about the broker.
    let speaks = |latest: &LatestEvent| latest.blame != Some(Blame::Unclear);
    let newest = Probe::showing_broker_state().filter_map(latest).filter(speaks);
    let newest: Vec<_> = newest.map(|latest| latest.outcome).collect();
    // An event that is not recent is an answer, too.
    let stale = Some(Fault::Stale.error_type());
    let answers = Probe::showing_answers()
        .filter_map(latest)
        .any(|latest| matches!(latest.outcome, Outcome::Good | Outcome::Slow) || latest.error_type == stale);
    let waiting =
        routes.iter().filter(of_this).filter_map(|lane| lane.round_trip.oldest_unacked(status.broker, now)).max();
    BrokerState::of(status.registered, answers, &newest, waiting)
}

/// Logs one line when a broker appears, leaves, moves, fails or recovers.
#[derive(Debug, Default)]
pub(super) struct StateLog {
    last: BTreeMap<(ClusterName, BrokerId), Logged>,
}

/// What was last logged about a broker.
#[derive(Debug)]
struct Logged {
    address: Option<String>,
    registered: bool,
    state: Option<BrokerState>,
}

impl StateLog {
    pub(super) fn follow(&mut self, brokers: &[BrokerStatus]) {
        for status in brokers {
            let key = (status.cluster.clone(), status.broker);
            let logged = self.last.entry(key).or_insert_with(|| Logged::new(status));
            logged.follow_registration(status);
            logged.follow_state(status);
        }
    }
}

impl Logged {
    fn new(status: &BrokerStatus) -> Logged {
        let (cluster, broker, address) = labels(status);
        tracing::info!(cluster, broker, address, "broker seen");
        Logged { address: status.address.clone(), registered: status.registered, state: None }
    }

    fn follow_registration(&mut self, status: &BrokerStatus) {
        let (cluster, broker, address) = labels(status);
        match (self.registered, status.registered) {
            (true, false) => tracing::warn!(cluster, broker, address, "broker left the metadata; its probes go on"),
            (false, true) => tracing::info!(cluster, broker, address, "broker is in the metadata again"),
            _ if self.address != status.address => {
                tracing::warn!(cluster, broker, address, "broker moved to another address");
            }
            _ => {}
        }
        self.registered = status.registered;
        self.address.clone_from(&status.address);
    }

    fn follow_state(&mut self, status: &BrokerStatus) {
        // A suspect broker has not failed yet: the next state is logged.
        let Some(now) = status.state.filter(|state| *state != BrokerState::Suspect) else { return };
        let before = self.state.replace(now);
        let (cluster, broker, _) = labels(status);
        let state = now.as_str();
        match (before, now) {
            _ if before == Some(now) => {}
            (None, BrokerState::Ok) => {}
            (_, BrokerState::Ok) => tracing::info!(cluster, broker, state, "broker state"),
            _ => tracing::warn!(cluster, broker, state, "broker state"),
        }
    }
}

fn labels(status: &BrokerStatus) -> (&str, i32, &str) {
    (status.cluster.as_str(), status.broker.0, status.address.as_deref().unwrap_or("unknown"))
}

/// Counts what the prober reports about itself.
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
        tracing::warn!(seconds = nanos as f64 / 1e9, "the wall clock jumped against the monotonic clock");
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

#[cfg(test)]
mod tests {
    use prober_core::topology::PartitionSeen;

    use super::*;

    #[test]
    fn leaders_are_those_of_the_newest_metadata_and_end_with_the_topic() {
        let seen = |partition: i32, leader: Option<i32>| PartitionSeen {
            partition: Partition(partition),
            leader: leader.map(BrokerId),
            leader_epoch: None,
            replicas: vec![BrokerId(1), BrokerId(2)],
            in_sync: Vec::new(),
        };
        let mut latest = LatestLaneStatus::default();
        latest.on_topic(&TopicSeen { id: None, partitions: vec![seen(0, Some(2)), seen(1, None)] });
        let expected = BTreeMap::from([(Partition(0), Some(BrokerId(2))), (Partition(1), None)]);
        assert_eq!(latest.leaders, expected);
        let (at, layout) = (Time::ORIGIN, Layout::Assigned(Vec::new()));
        latest.on_input(&LaneInput::Layout { at, layout });
        assert_eq!(latest.leaders, expected, "another layout of the same topic");
        latest.on_input(&LaneInput::Layout { at, layout: Layout::Refused });
        assert_eq!(latest.leaders, BTreeMap::new());
    }
}
