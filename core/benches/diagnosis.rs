//! One evaluation of the diagnosis in the worst cases: half of the brokers unresponsive, or half of them slow with the table computed
//! again. The goals are 2 ms for 100 brokers and 10 ms for 300.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use prober_core::coordinator::{InternalPartition, InternalTopic};
use prober_core::diagnosis::evidence::cells::Cells;
use prober_core::diagnosis::evidence::facts::{
    BrokerEvidence, ConnectChecks, CoordinatorEvidence, Facts, MetadataListing, PartitionFailures, ReplicaState, Streak,
};
use prober_core::diagnosis::evidence::prober::ProberEvidence;
use prober_core::diagnosis::lifecycle::ActiveFindings;
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, ConnectionRole, Partition, Probe, Series, Subject, View};
use prober_core::observed::registration::Registration;
use prober_core::time::Time;

const NOW_MS: u64 = 2_000_000;
const NOW: Time = Time::from_millis(NOW_MS);

fn broker(id: i32) -> BrokerEvidence {
    let silent_for = |seconds: u64| NOW - Duration::from_secs(seconds);
    let is_silent = id % 2 == 0;
    // Each at a time of its own, so that each is a finding of its own.
    let since = silent_for(20 + 3 * u64::from(id.unsigned_abs()));
    let role = [ConnectionRole::Produce, ConnectionRole::Fetch, ConnectionRole::Control].map(|role| (role, since));
    BrokerEvidence {
        id: BrokerId(id),
        listed: Some(MetadataListing { since: Time::ORIGIN, asked: NOW }),
        last_listed: Some(NOW),
        registration: Registration::Registered,
        last_answer: Some(if is_silent { since } else { NOW }),
        overdue: if is_silent { BTreeMap::from(role) } else { BTreeMap::new() },
        tcp_states: BTreeMap::new(),
        streaks: BTreeMap::new(),
        connect_checks: is_silent.then_some(ConnectChecks {
            began: since,
            failed: 10,
            fault: Some(Fault::NoHandshake),
            unanswered: true,
            tcp_accepted: true,
        }),
    }
}

/// What a minute of probes has seen of them, at default rates.
fn cells(brokers: i32) -> Cells {
    let probes = [
        (View::Broker, Probe::Produce, 200),
        (View::Broker, Probe::Fetch, 1000),
        (View::Broker, Probe::Metadata, 1000),
    ];
    let mut cells = Cells::default();
    for now in (NOW_MS - 60_000..NOW_MS).step_by(200) {
        for id in 1..=brokers {
            for (view, probe, every) in probes.into_iter().chain([(View::Client, Probe::Produce, 500)]) {
                if !now.is_multiple_of(every) {
                    continue;
                }
                let latency = Duration::from_millis(if id % 2 == 0 && NOW_MS - 10_000 < now { 400 } else { 3 });
                let broker = Broker::Id(BrokerId(id));
                let series =
                    Series { cluster: ClusterName::new("bench"), view, probe, subject: Subject::Broker(broker) };
                let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
                let ended = Time::from_millis(now);
                let sent = ended - latency;
                let (raw_outcome, stalled) = (RawOutcome::Success(latency), Duration::ZERO);
                cells.on_event(&Event {
                    series,
                    broker,
                    limits,
                    due: sent,
                    sent: Some(sent),
                    ended,
                    raw_outcome,
                    stalled,
                    internal_partition: None,
                });
            }
        }
    }
    cells
}

/// Three replicas each, all in sync.
fn replicated(brokers: i32) -> BTreeMap<BrokerId, ReplicaState> {
    let of = |id: i32| {
        let in_sync: Vec<BrokerId> = (0..3).map(|next| BrokerId((id - 1 + next) % brokers + 1)).collect();
        (BrokerId(id), ReplicaState { leader: Some(BrokerId(id)), replicas: in_sync.clone(), in_sync })
    };
    (1..=brokers).map(of).collect()
}

/// The 50 partitions of `__consumer_offsets` on five brokers, of which every fourth fails.
fn coordinators() -> BTreeMap<InternalPartition, CoordinatorEvidence> {
    let of = |partition: i32| {
        let id = InternalPartition { topic: InternalTopic::ConsumerOffsets, partition: Partition(partition) };
        let broker = BrokerId(partition % 5 + 1);
        let replicas = ReplicaState { leader: Some(broker), replicas: vec![broker], in_sync: vec![broker] };
        let streak = Streak { bad: 5, since: NOW - Duration::from_secs(20), fault: Fault::Timeout };
        let row = PartitionFailures { streak, broker, newest: NOW, is_contrasted: true };
        let row = (partition % 4 == 0).then_some(row);
        (id, CoordinatorEvidence { replicas, row, last_good: Some(NOW), ..CoordinatorEvidence::default() })
    };
    (0..50).map(of).collect()
}

fn well(id: i32) -> BrokerEvidence {
    BrokerEvidence { last_answer: Some(NOW), overdue: BTreeMap::new(), connect_checks: None, ..broker(id) }
}

fn evaluate(criterion: &mut Criterion) {
    for brokers in [100, 300] {
        silent(criterion, brokers);
        slow(criterion, brokers);
    }
}

fn silent(criterion: &mut Criterion, brokers: i32) {
    let facts = input((1..=brokers).map(broker).collect());
    let mut active_findings = ActiveFindings::default();
    active_findings.follow(&facts);
    let half = brokers / 2;
    // And one about the partitions that fail.
    assert_eq!(i32::try_from(active_findings.findings().count()), Ok(half + 1));
    let name = format!("one evaluation of the diagnosis, {brokers} brokers, {half} of them silent");
    criterion.bench_function(&name, |bencher| bencher.iter(|| active_findings.follow(black_box(&facts))));
}

fn slow(criterion: &mut Criterion, brokers: i32) {
    let (mut cells, mut facts) = (cells(brokers), input((1..=brokers).map(well).collect()));
    facts.replicated = replicated(brokers).into();
    facts.table = cells.table(NOW).into();
    let half = brokers / 2;
    assert!(facts.table.cells.values().filter(|bits| bits.is_bad()).count() >= half.unsigned_abs() as usize);
    let mut active_findings = ActiveFindings::default();
    let name = format!("one evaluation of the diagnosis, {brokers} brokers, {half} of them slow");
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| {
            facts.table = cells.table(NOW).into();
            active_findings.follow(black_box(&facts));
        });
    });
}

fn input(brokers: Vec<BrokerEvidence>) -> Facts {
    Facts {
        now: NOW,
        cluster: ClusterName::new("bench"),
        brokers,
        first_metadata: Some(Time::ORIGIN),
        is_churning: false,
        controller: None,
        under_min_isr: Vec::new(),
        lost: None,
        table: Arc::default(),
        replicated: Arc::default(),
        coordinators: coordinators().into(),
        cut_off: Arc::default(),
        throttled: BTreeMap::new(),
        credentials_refused: BTreeMap::new(),
        missing_permissions: Vec::new(),
        liveness_timeout: Duration::from_millis(700),
        stalled: Duration::ZERO,
        stalled_last_minute: Duration::ZERO,
        prober: ProberEvidence::default(),
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
