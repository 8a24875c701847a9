//! The answer of `check` from snapshots without a cluster.

use std::sync::Arc;
use std::time::Duration;

use prober_core::buckets::Edges;
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::fault::{Blame, Fault};
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Probe, Target};
use prober_core::kafka_error::KafkaError;
use prober_core::ledger::Ledger;
use prober_core::observed::registration::Registration;
use prober_core::snapshot::{BrokerState, BrokerStatus, LaneState, LaneStatus, Snapshot};
use prober_core::time::Time;

use crate::cli::exit::Exit;
use crate::engine::empty_snapshot;

use super::judgement::judge;

const LATENCY: Duration = Duration::from_millis(7);

/// TOPIC_AUTHORIZATION_FAILED.
const NOT_AUTHORIZED: Fault = Fault::Kafka(KafkaError(29));

fn cluster() -> ClusterName {
    ClusterName::new("c")
}

/// Brokers, each with probes and the outcome of three attempts of each.
type Rows<'a> = &'a [(i32, &'a [Probe], RawOutcome)];

const ALL: [Probe; 4] = [Probe::Produce, Probe::Consume, Probe::EndToEnd, Probe::Connect];

fn snapshot(rows: Rows<'_>) -> Snapshot {
    let mut ledger = Ledger::new(Arc::from([]), Edges::with(&[]));
    for (broker, probes, raw) in rows {
        for probe in *probes {
            let broker = if *broker == 0 { Broker::Unknown } else { Broker::Id(BrokerId(*broker)) };
            let target = Target { cluster: cluster(), lane: Lane::Pinned, broker, partition: None };
            let series = target.series(*probe);
            for _ in 0..3 {
                let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
                let (due, ended) = (Time::ORIGIN, Time::from_millis(10));
                let series = series.clone();
                ledger.record(&Event {
                    series,
                    broker,
                    limits,
                    due,
                    sent: Some(due),
                    ended,
                    raw_outcome: *raw,
                    stalled: Duration::ZERO,
                    internal_partition: None,
                });
            }
        }
    }
    let mut snapshot = empty_snapshot(&Arc::from("default"), &Arc::from([]));
    snapshot.series = ledger.series(Time::ORIGIN);
    let mut ids: Vec<i32> = rows.iter().map(|(broker, ..)| *broker).filter(|broker| *broker != 0).collect();
    ids.dedup();
    snapshot.brokers = ids.into_iter().map(status).collect();
    snapshot.lanes = vec![lane(LaneState::Probing, None)];
    snapshot
}

fn status(id: i32) -> BrokerStatus {
    BrokerStatus {
        cluster: cluster(),
        broker: BrokerId(id),
        address: None,
        rack: None,
        registered: true,
        registration: Registration::Unknown,
        covered: true,
        state: Some(BrokerState::Ok),
        baseline: None,
    }
}

fn lane(state: LaneState, message: Option<&str>) -> LaneStatus {
    LaneStatus {
        cluster: cluster(),
        lane: Lane::Pinned,
        topic: Arc::from("t"),
        state,
        message: message.map(Arc::from),
        partitions: 3,
        leaders: std::collections::BTreeMap::new(),
        ready: true,
        waiting: std::collections::BTreeMap::new(),
        clients: std::collections::BTreeMap::new(),
    }
}

fn finding(kind: FindingKind, blame: Blame) -> Finding {
    Finding {
        kind,
        cluster: cluster(),
        broker: None,
        blame,
        since: Time::ORIGIN,
        confidence: prober_core::finding::Confidence::Likely,
        summary: Arc::from("it is so"),
        evidence: Vec::new(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}

/// Exit code, whether it is final, and the sentence.
#[track_caller]
fn assert_answer(snapshot: &Snapshot, exit: Exit, is_final: bool, summary: &str) {
    let judgement = judge(snapshot);
    assert_eq!((judgement.exit, judgement.is_final, judgement.summary.as_str()), (exit, is_final, summary));
}

const GOOD: RawOutcome = RawOutcome::Success(LATENCY);

#[test]
fn broker_without_a_pinned_partition_is_named_and_does_not_pass() {
    let snapshot = snapshot(&[(1, &ALL, GOOD), (2, &ALL, GOOD), (3, &[Probe::Connect], GOOD)]);
    let sentence = "2 of 3 brokers can be written to and read from; not probed: broker 3 (no partition of topic t)";
    assert_answer(&snapshot, Exit::Inconclusive, true, sentence);
}

#[test]
fn fault_that_blames_the_cluster_fails() {
    let snapshot = snapshot(&[(1, &ALL, GOOD), (2, &ALL, RawOutcome::TimedOut)]);
    assert_answer(&snapshot, Exit::Fail, true, "failing: broker 2 (produce: timeout)");
}

#[test]
fn missing_permission_is_inconclusive() {
    let refused = snapshot(&[(1, &ALL, RawOutcome::Failed(NOT_AUTHORIZED))]);
    let sentence = "it is unclear who is to blame: broker 1 (produce: TOPIC_AUTHORIZATION_FAILED)";
    assert_answer(&refused, Exit::Inconclusive, true, sentence);
    let mut waiting = snapshot(&[]);
    waiting.lanes = vec![lane(LaneState::Preparing, Some("grant CREATE on topic t"))];
    assert_answer(&waiting, Exit::Inconclusive, true, "grant CREATE on topic t");
}

#[test]
fn without_metadata_the_answer_waits_for_the_cause() {
    let mut snapshot = snapshot(&[(0, &ALL, RawOutcome::Failed(Fault::NoMetadata))]);
    assert!(!judge(&snapshot).is_final, "the cause is not known yet");
    snapshot.lanes = vec![lane(LaneState::Connecting, Some("no bootstrap server answers: connection refused"))];
    let sentence = "cluster c: no broker answered: no bootstrap server answers: connection refused";
    assert_answer(&snapshot, Exit::Inconclusive, true, sentence);
}

#[test]
fn exit_code_follows_the_blame_of_a_finding() {
    let mut failing = snapshot(&[(1, &ALL, RawOutcome::TimedOut), (2, &ALL, RawOutcome::TimedOut)]);
    failing.findings = vec![finding(FindingKind::ProberNetwork, Blame::Prober)];
    assert_answer(&failing, Exit::Inconclusive, true, "prober_network: it is so");
    failing.findings = vec![finding(FindingKind::ClusterUnreachable, Blame::Cluster)];
    assert_answer(&failing, Exit::Fail, true, "cluster_unreachable: it is so");
    failing.findings = vec![finding(FindingKind::ProberStalled, Blame::Prober)];
    assert_answer(&failing, Exit::Unhealthy, true, "prober_stalled: it is so");
    let mut good = snapshot(&[(1, &ALL, GOOD)]);
    good.findings = vec![finding(FindingKind::ReassignmentRunning, Blame::Nobody)];
    assert_answer(&good, Exit::Pass, true, "1 of 1 brokers can be written to and read from");
}

#[test]
fn finding_about_something_else_does_not_hide_a_failing_broker() {
    let mut snapshot = snapshot(&[(1, &ALL, GOOD), (2, &ALL, RawOutcome::TimedOut)]);
    snapshot.findings = vec![finding(FindingKind::PermissionMissing, Blame::Unclear)];
    assert_eq!(judge(&snapshot).exit, Exit::Fail);
}

#[test]
fn answer_without_events_is_not_final() {
    assert_answer(&snapshot(&[]), Exit::Inconclusive, false, "too few events to judge: cluster c: no broker answered");
}

#[test]
fn latencies_are_those_of_the_last_snapshot() {
    let last = snapshot(&[(1, &ALL, GOOD)]);
    let mut early = last.clone();
    early.series.iter_mut().for_each(|row| row.quantiles = prober_core::counts::Quantiles::default());
    let mut judgement = judge(&early);
    assert_eq!(judgement.brokers[0].probes[0].p50, Duration::ZERO);
    judgement.take_latencies(&last);
    let p50 = judgement.brokers[0].probes[0].p50;
    assert!(LATENCY <= p50 && p50 < LATENCY * 102 / 100, "{p50:?}");
}
