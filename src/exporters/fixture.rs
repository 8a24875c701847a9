//! A snapshot with something of everything, counted by a real ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::buckets::Edges;
use prober_core::event::{Anomaly, Event, Limits, RawOutcome, VoidReason};
use prober_core::fault::{Blame, Fault};
use prober_core::finding::{Finding, FindingKind};
use prober_core::finding_history::FindingKey;
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Phase, Probe, Series, Subject, Target, View};
use prober_core::kafka_error::KafkaError;
use prober_core::ledger::Ledger;
use prober_core::objective::Objective;
use prober_core::observed::flavour::Flavour;
use prober_core::observed::partitions::{Owner, PartitionState, Partitions};
use prober_core::observed::parts::{Part, PartState, PartStatus};
use prober_core::observed::registration::{RegisteredBroker, Registration, Registrations};
use prober_core::observed::sizes::{BrokerSizes, Sizes, TopicSize};
use prober_core::observed::versions::{Fingerprint, Versions};
use prober_core::observed::{self as observation, Named, Observed, Quorum, QuorumReplica, QuorumRole};
use prober_core::snapshot::{BrokerState, BrokerStatus, ClientVitals, LaneState, LaneStatus, ProberStatus, Snapshot};
use prober_core::time::{Time, WallTime};
use prober_core::track::Output;
use prober_core::vitals::{Control, ControlKind, Memory, Readings, Steal, Throttling, Usage};

/// 2026-03-01T12:00:00Z.
pub(super) const WALL: WallTime = WallTime(1_772_366_400_000_000_000);

/// How brokers are connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Plaintext,
    /// The phases `tls` and `sasl` exist.
    SaslSsl,
}

/// One cluster, both lanes, `brokers` brokers with the same events each, connected to in plain text.
pub(super) fn snapshot(brokers: i32) -> Snapshot {
    secured(brokers, Security::Plaintext)
}

/// As [`snapshot`], with this security.
pub(super) fn secured(brokers: i32, security: Security) -> Snapshot {
    let objectives = objectives();
    let mut ledger = Ledger::new(Arc::clone(&objectives), Edges::with(&[]));
    for target in targets(brokers) {
        count(&mut ledger, &target);
    }
    for broker in (0..brokers).map(|id| Broker::Id(BrokerId(id))) {
        count_direct(&mut ledger, broker, security);
    }
    let cluster = ClusterName::new("main");
    let mut prober = ProberStatus { heartbeat: WALL, ..ProberStatus::default() };
    prober.task_lag.add(Duration::from_millis(3));
    prober.thread_lag.add(Duration::from_micros(80));
    prober.topic_actions = vec![("create", "done", 2)];
    prober.readings = readings();
    let answers = Control { answered: Some(Time::from_millis(59_500)), missed: None };
    prober.controls = ControlKind::ALL.map(|kind| (kind, "127.0.0.1".into(), answers)).into();
    prober.voided[VoidReason::Stall.index()] = ledger_voids(&mut ledger);
    Snapshot {
        at: Time::from_millis(60_000),
        wall: WALL,
        vantage: Arc::from("default"),
        series: ledger.series(Time::from_millis(60_000)),
        objective_counts: ledger.objectives(),
        records: ledger.records(),
        phases: ledger.phases(),
        channel_failures: ledger.channel_failures(),
        findings: vec![finding()],
        ended_findings: vec![FindingKey { kind: FindingKind::BrokerDown, ..FindingKey::of(&finding()) }],
        blocked_probes: Vec::new(),
        unfindable: Vec::new(),
        observed: vec![Arc::new(observed(brokers))],
        objectives,
        brokers: (0..brokers)
            .map(|id| BrokerStatus {
                cluster: cluster.clone(),
                broker: BrokerId(id),
                address: Some(format!("broker-{id}:9092")),
                rack: Some("a".to_owned()),
                registered: true,
                registration: Registration::Registered,
                covered: true,
                state: Some(BrokerState::Ok),
                baseline: None,
            })
            .collect(),
        lanes: [Lane::Pinned, Lane::Replicated]
            .map(|lane| LaneStatus {
                cluster: cluster.clone(),
                lane,
                topic: format!("__kafka-prober-{}", lane.as_str()).into(),
                state: LaneState::Probing,
                message: None,
                partitions: usize::try_from(brokers).expect("a count"),
                leaders: BTreeMap::new(),
                ready: true,
                waiting: BTreeMap::new(),
                clients: clients(lane),
            })
            .into(),
        prober,
    }
}

/// The replicated lane has two.
fn clients(lane: Lane) -> BTreeMap<&'static str, ClientVitals> {
    let vitals = ClientVitals { callback_delay: Some(Duration::from_millis(2)), ..ClientVitals::default() };
    let roles = ["producer", "consumer"].into_iter().filter(|_| lane == Lane::Replicated);
    roles.map(|role| (role, vitals.clone())).collect()
}

/// Readings of a machine that has all of them.
fn readings() -> Readings {
    let share = Some(Usage { used: 30, limit: 1024 });
    Readings {
        at: Time::from_millis(59_000),
        throttling: Some(Throttling { periods: 600, throttled: 3, time: Duration::from_millis(120) }),
        memory: Some(Memory { limit_hits: 2, killed: 0, waited: Some(Duration::from_millis(7)) }),
        steal: Some(Steal { stolen: Duration::from_secs(1), total: Duration::from_secs(1000) }),
        suspended: Some(Duration::ZERO),
        descriptors: share,
        ports: share,
    }
}

fn targets(brokers: i32) -> impl Iterator<Item = Target> {
    (0..brokers).flat_map(|id| {
        [Lane::Pinned, Lane::Replicated].map(|lane| Target {
            cluster: ClusterName::new("main"),
            lane,
            broker: Broker::Id(BrokerId(id)),
            partition: Some(Partition(id)),
        })
    })
}

/// What the fixture counts for each target: due and ended times do not matter to counts.
fn events(target: &Target) -> Vec<Event> {
    let not_leader = RawOutcome::Failed(Fault::Kafka(KafkaError(6)));
    let refused = RawOutcome::Failed(Fault::ConnectionRefused);
    let success = |millis| RawOutcome::Success(Duration::from_millis(millis));
    let produce = [success(2), success(7), success(1500), not_leader, refused, RawOutcome::TimedOut]
        .map(|raw_outcome| (Probe::Produce, raw_outcome));
    let consume = [success(1), success(4), RawOutcome::TimedOut, RawOutcome::Lost]
        .map(|raw_outcome| (Probe::Consume, raw_outcome));
    let both = [success(3), success(11), not_leader, refused, RawOutcome::TimedOut]
        .map(|raw_outcome| (Probe::EndToEnd, raw_outcome));
    produce
        .into_iter()
        .chain(consume)
        .chain(both)
        .map(|(probe, raw_outcome)| Event {
            series: target.series(probe),
            broker: target.broker,
            limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
            due: Time::from_millis(1000),
            sent: Some(Time::from_millis(1000)),
            ended: Time::from_millis(2000),
            raw_outcome,
            stalled: Duration::ZERO,
            internal_partition: None,
        })
        .collect()
}

fn count(ledger: &mut Ledger, target: &Target) {
    ledger.discover(target);
    for event in events(target) {
        ledger.on_output(target, &Output::Due(event.series.probe));
        ledger.on_output(target, &Output::Sent(event.series.probe));
        ledger.record(&event);
    }
    ledger.on_output(target, &Output::Anomaly(Anomaly::Duplicate, 2));
    if target.broker == Broker::Id(BrokerId(0)) && target.lane == Lane::Pinned {
        let stalled = events(target).into_iter().next().expect("there are events");
        ledger.on_output(target, &Output::Due(Probe::Produce));
        ledger.record(&Event { raw_outcome: RawOutcome::Void(VoidReason::Stall), ..stalled });
    }
}

/// Each direct probe of a broker answers once, is refused once and is silent once.
fn direct_events(broker: Broker) -> Vec<Event> {
    let of_a_broker = Probe::DIRECT.into_iter().filter(|probe| probe.direct_view() != View::Cluster);
    let of_each = of_a_broker.flat_map(|probe| {
        [
            RawOutcome::Success(Duration::from_millis(1)),
            RawOutcome::Failed(Fault::ConnectionRefused),
            RawOutcome::TimedOut,
        ]
        .map(|raw_outcome| Event {
            series: Series {
                cluster: ClusterName::new("main"),
                view: probe.direct_view(),
                probe,
                subject: Subject::Broker(broker),
            },
            broker,
            limits: Limits { deadline: Duration::from_secs(2), threshold: Duration::from_secs(1) },
            due: Time::from_millis(1000),
            sent: Some(Time::from_millis(1000)),
            ended: Time::from_millis(1001),
            raw_outcome,
            stalled: Duration::ZERO,
            internal_partition: None,
        })
    });
    of_each.collect()
}

/// The phases of a connection, and how long each took.
fn phases(security: Security) -> impl Iterator<Item = (Phase, Duration)> {
    let all = [Phase::Resolve, Phase::Connect, Phase::Tls, Phase::Sasl, Phase::ApiVersions];
    let of_security = move |phase: &Phase| security == Security::SaslSsl || !matches!(phase, Phase::Tls | Phase::Sasl);
    all.into_iter().filter(of_security).map(|phase| (phase, Duration::from_micros(300)))
}

/// Broker 0 is slow. Broker 0 was down before.
fn finding() -> Finding {
    Finding {
        kind: FindingKind::BrokerSlow,
        cluster: ClusterName::new("main"),
        broker: Some(BrokerId(0)),
        blame: Blame::Cluster,
        since: Time::from_millis(50_000),
        confidence: prober_core::finding::Confidence::Likely,
        summary: "broker 0 is slow".into(),
        evidence: Vec::new(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}

fn count_direct(ledger: &mut Ledger, broker: Broker, security: Security) {
    for event in direct_events(broker) {
        ledger.open(event.series.clone());
        ledger.due(&event.series);
        ledger.sent(&event.series);
        ledger.record(&event);
    }
    for (phase, took) in phases(security) {
        ledger.phase(&ClusterName::new("main"), broker, phase, took);
    }
}

fn ledger_voids(ledger: &mut Ledger) -> u64 {
    let rows = ledger.series(Time::from_millis(60_000));
    rows.iter().map(|row| row.counts.voided[VoidReason::Stall.index()]).sum()
}

fn objectives() -> Arc<[Objective]> {
    let objective =
        |name: &str, view, probe, threshold| Objective { name: name.into(), view, probe, threshold, target: 0.999 };
    let second = Some(Duration::from_secs(1));
    Arc::from([
        objective("client_produce", View::Client, Probe::Produce, None),
        objective("client_consume", View::Client, Probe::Consume, None),
        objective("client_latency", View::Client, Probe::EndToEnd, second),
        objective("broker_produce", View::Broker, Probe::Produce, None),
        objective("broker_consume", View::Broker, Probe::Consume, None),
        objective("broker_latency", View::Broker, Probe::EndToEnd, second),
    ])
}

/// The observation of a healthy cluster with this many combined nodes.
fn observed(brokers: i32) -> Observed {
    let seen = Time::from_millis(59_000);
    let ids: Vec<BrokerId> = (0..brokers).map(BrokerId).collect();
    let mut registrations = Registrations::default();
    registrations.observe(ids.iter().map(|id| RegisteredBroker { broker: *id, fenced: false, rack: None }), true, seen);
    let mut partitions = Partitions::default();
    let state = |id: &BrokerId| (Partition(id.0), *id, [*id]);
    let states: Vec<_> = ids.iter().map(state).collect();
    let states = states.iter().map(|(partition, leader, replicas)| PartitionState {
        partition: *partition,
        leader: Some(*leader),
        replicas,
        isr: replicas,
    });
    partitions.add("orders", Owner::Others, Some(1), states);
    let size = TopicSize { bytes: 4096, growth: Some(16.0) };
    let topics = ["__consumer_offsets", "__transaction_state"].map(|topic| (Arc::from(topic), size));
    let sizes =
        BrokerSizes { directories: 1, failed: 0, total: Some(1 << 30), usable: Some(1 << 29), topics: topics.into() };
    let replica = |id: &BrokerId| QuorumReplica { node: *id, role: QuorumRole::Voter, log_end: 100 };
    let quorum = Quorum::of(Some(BrokerId(0)), 3, &ids.iter().map(replica).collect::<Vec<_>>());
    let took = Duration::from_millis(2);
    let status = PartStatus { state: PartState::On, message: None, last_answer: Some(seen), took, requests: 1 };
    Observed {
        cluster_id: Some(Arc::from("MkU3OEVBNTcwNTJENDM2Qk")),
        flavour: Some(Flavour::Kafka),
        registrations: Some(Arc::new(registrations)),
        partitions: Some(Arc::new(partitions)),
        collisions: Some(Arc::default()),
        reassignments: Some(Named::default()),
        quorum: Some(Arc::new(quorum)),
        sizes: Some(Arc::new(Sizes {
            brokers: ids.iter().map(|id| (*id, sizes.clone())).collect(),
            largest: Vec::new(),
        })),
        versions: Some(Arc::new(Versions { brokers: ids.iter().map(|id| (*id, Fingerprint(7))).collect() })),
        parts: Part::ALL.map(|part| (part, status.clone())).into(),
        ..Observed::new(ClusterName::new("main"), observation::PartitionLimits::default())
    }
}
