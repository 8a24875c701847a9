//! A successful run of the demo, made of snapshots without a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::buckets::{Buckets, Edges};
use prober_core::counts::{Counts, LatestEvent};
use prober_core::counts::{Quantiles, SeriesCounts};
use prober_core::event::Outcome;
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Probe, Series, Subject, View};
use prober_core::snapshot::{BrokerState, BrokerStatus, LaneState, LaneStatus, Snapshot};
use prober_core::time::Time;

use crate::engine::empty_snapshot;

use super::brokers::{BROKERS, FROZEN};
use super::observer::{Condition, Observer};

/// What the summary is made from.
pub(super) struct Recorded {
    pub(super) observer: Observer,
    pub(super) last: Snapshot,
}

/// (second, whether a step begins, condition of the frozen broker, condition of its partition)
const SCRIPT: [(u64, bool, Condition, Condition); 9] = {
    use Condition::{Failing, Healthy, Waiting};
    [
        (0, true, Healthy, Healthy),
        (5, true, Healthy, Healthy),
        (6, false, Waiting, Waiting),
        (8, false, Failing, Failing),
        (10, true, Failing, Failing),
        (13, false, Failing, Healthy),
        (17, true, Failing, Healthy),
        (19, false, Healthy, Healthy),
        (26, true, Healthy, Healthy),
    ]
};

pub(super) fn recorded() -> Recorded {
    let mut observer = Observer::default();
    for (second, begins, broker, partition) in SCRIPT {
        observer.observe(&snapshot(second, broker, partition));
        if begins {
            observer.step();
        }
    }
    let last = snapshot(31, Condition::Healthy, Condition::Healthy);
    observer.observe(&last);
    Recorded { observer, last }
}

fn snapshot(second: u64, broker: Condition, partition: Condition) -> Snapshot {
    let at = Time::from_millis(1000 * second);
    let series = [View::Broker, View::Client]
        .into_iter()
        .flat_map(|view| (1..=BROKERS).flat_map(move |id| Probe::OF_A_RECORD.map(|probe| (view, BrokerId(id), probe))));
    let condition = |view, id| match view {
        _ if id != FROZEN => Condition::Healthy,
        View::Broker => broker,
        _ => partition,
    };
    let mut snapshot = empty_snapshot(&Arc::from("default"), &Arc::from([]));
    snapshot.at = at;
    snapshot.series = series.map(|(view, id, probe)| counts(view, id, probe, at, condition(view, id))).collect();
    snapshot.brokers = (1..=BROKERS).map(|id| status(BrokerId(id), condition(View::Broker, BrokerId(id)))).collect();
    snapshot.lanes =
        [Lane::Pinned, Lane::Replicated].map(|lane| status_of(lane, condition(lane.view(), FROZEN))).into();
    snapshot
}

fn counts(view: View, id: BrokerId, probe: Probe, at: Time, condition: Condition) -> SeriesCounts {
    // Five digits: the most that a minute can bring.
    let [good, bad] = [98_000, if id == FROZEN { 9_999 } else { 0 }];
    let mut counts = Counts { due: good + bad, ..Counts::default() };
    counts.outcomes[Outcome::Good.index()] = good;
    counts.outcomes[Outcome::Timeout.index()] = bad;
    let outcome = if condition == Condition::Failing { Outcome::Timeout } else { Outcome::Good };
    let p50 = Duration::from_millis(1234);
    let subject = match view {
        View::Client => Subject::Partition(Some(Partition(id.0 - 1))),
        _ => Subject::Broker(Broker::Id(id)),
    };
    SeriesCounts {
        series: Series { cluster: ClusterName::new("demo"), view, probe, subject },
        broker: Broker::Id(id),
        counts,
        buckets: Buckets::new(&Edges::with(&[])),
        quantiles: Quantiles { count: good, p50, ..Quantiles::default() },
        latest: Some(LatestEvent { due: at, ended: at, outcome, error_type: None, blame: None }),
    }
}

fn status(broker: BrokerId, condition: Condition) -> BrokerStatus {
    let state = match condition {
        Condition::Failing => BrokerState::Failing,
        Condition::Waiting => BrokerState::Suspect,
        Condition::Healthy | Condition::Unknown => BrokerState::Ok,
    };
    BrokerStatus {
        cluster: ClusterName::new("demo"),
        broker,
        address: None,
        rack: None,
        registration: prober_core::observed::registration::Registration::Unknown,
        registered: true,
        covered: true,
        state: Some(state),
        baseline: None,
    }
}

fn status_of(lane: Lane, condition: Condition) -> LaneStatus {
    let waits = condition == Condition::Waiting || condition == Condition::Failing;
    LaneStatus {
        cluster: ClusterName::new("demo"),
        lane,
        topic: Arc::from(lane.as_str()),
        state: LaneState::Probing,
        message: None,
        partitions: 3,
        leaders: BTreeMap::new(),
        ready: true,
        waiting: BTreeMap::from([(FROZEN, Duration::from_millis(if waits { 1900 } else { 5 }))]),
        clients: BTreeMap::new(),
    }
}
