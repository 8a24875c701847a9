//! The whole app with both lanes, in this process, against librdkafka's mock cluster.

use std::sync::Arc;
use std::time::Duration;

use kafka_prober::app::{App, Parts};
use kafka_prober::config::{self, Config, Flags, Sources};
use kafka_prober::kafka::mock::Mock;
use prober_core::counts::SeriesCounts;
use prober_core::event::{Anomaly, Outcome};
use prober_core::ids::{Broker, BrokerId, Probe, View};
use prober_core::kafka_error::KafkaError;
use prober_core::snapshot::{BrokerState, Snapshot};

use crate::harness::{raw, wait_for};
use crate::program::{MOCK_SETTINGS, PINNED, REPLICATED, mock};

const BROKERS: [i32; 3] = [1, 2, 3];

/// Time limit for an effect: a deadline of 1.5 s and a reconnect on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// Response time of a frozen broker.
const FROZEN: Duration = Duration::from_secs(60);

/// Direct probes that the mock cluster supports: fetch, metadata and connect.
const DIRECT: usize = 3;

/// An app that probes a mock cluster, without listener and export.
struct RunningProber {
    app: App,
    mock: Mock,
}

impl RunningProber {
    /// Starts both, and waits until every broker is written to and read from.
    fn start() -> RunningProber {
        RunningProber::start_with(|_| {})
    }

    /// The same, with other settings.
    fn start_with(change: impl FnOnce(&mut Config)) -> RunningProber {
        RunningProber::start_on(mock(), change)
    }

    /// The same on a mock cluster that the test has prepared.
    fn start_on(mock: Mock, change: impl FnOnce(&mut Config)) -> RunningProber {
        let mut settings = settings(&mock);
        change(&mut settings);
        let app = App::start(&settings, Parts { http: false, otlp: false }).expect("the app starts");
        let probing = RunningProber { app, mock };
        probing.wait("every broker has good round trips in both views", |now| {
            let good = |row: &SeriesCounts| 10 <= row.counts.of(Outcome::Good);
            let rows = || now.series.iter().filter(|row| row.series.subject.is_known());
            let series = BROKERS.len() * (now.lanes.len() * Probe::OF_A_RECORD.len() + DIRECT);
            0 < series && rows().count() == series && rows().all(good)
        });
        probing
    }

    /// Waits for a snapshot that shows what is expected.
    #[track_caller]
    fn wait(&self, what: &str, shows: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let newest = || self.app.snapshots().borrow().clone();
        wait_for(SEEN_WITHIN, what, || Some(newest()).filter(|snapshot| shows(snapshot)))
    }

    /// Stops the app. Afterwards every attempt due is counted once.
    #[track_caller]
    fn stop(self) -> Arc<Snapshot> {
        let last = self.app.stop();
        for row in &last.series {
            let counted: u64 = row.counts.outcomes.iter().sum();
            assert_eq!(row.counts.due, counted, "{:?}", row.series);
        }
        assert_eq!(last.prober.imbalances, 0);
        assert_eq!(last.prober.inputs_dropped, 0);
        last
    }
}

/// The defaults, pointed at the mock, ten times a second.
fn settings(mock: &Mock) -> Config {
    let flags = Flags { bootstrap: Some(mock.bootstrap().join(",")), ..Flags::default() };
    let pinned = ("KAFKA_PROBER__LANES__PINNED__INTERVAL", "100ms");
    let replicated = ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "100ms");
    let direct =
        ["FETCH", "METADATA", "CONNECT"].map(|probe| (format!("KAFKA_PROBER__PROBES__{probe}__INTERVAL"), "100ms"));
    let direct = direct.iter().map(|(name, interval)| (name.as_str(), *interval));
    let env = MOCK_SETTINGS.into_iter().chain([pinned, replicated]).chain(direct);
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    config::load(&Sources { env, flags, ..Sources::default() }).expect("the settings are valid").config
}

fn rows(snapshot: &Snapshot, broker: i32) -> impl Iterator<Item = &SeriesCounts> {
    snapshot.series.iter().filter(move |row| row.broker == Broker::Id(BrokerId(broker)))
}

fn client_rows(snapshot: &Snapshot, broker: i32) -> impl Iterator<Item = &SeriesCounts> {
    rows(snapshot, broker).filter(|row| row.series.view == View::Client)
}

fn count(snapshot: &Snapshot, broker: i32, probe: Probe, outcome: Outcome) -> u64 {
    rows(snapshot, broker).filter(|row| row.series.probe == probe).map(|row| row.counts.of(outcome)).sum()
}

/// Events that count against a broker.
fn bad(snapshot: &Snapshot, broker: i32) -> u64 {
    use Outcome::{Corrupt, Error, Lost, Slow, Timeout};
    let bad = |row: &SeriesCounts| [Slow, Error, Timeout, Lost, Corrupt].map(|outcome| row.counts.of(outcome));
    rows(snapshot, broker).flat_map(bad).sum()
}

fn errors(snapshot: &Snapshot, probe: Probe, error_type: &str) -> u64 {
    let of_probe = snapshot.series.iter().filter(|row| row.series.probe == probe);
    of_probe.filter_map(|row| row.counts.errors.get(error_type)).sum()
}

fn anomalies(snapshot: &Snapshot, anomaly: Anomaly) -> u64 {
    snapshot.records.iter().map(|row| row.anomalies[anomaly.index()]).sum()
}

fn state(snapshot: &Snapshot, broker: i32) -> Option<BrokerState> {
    snapshot.brokers.iter().find(|status| status.broker == BrokerId(broker)).and_then(|status| status.state)
}

#[test]
fn healthy_cluster_has_good_events_only() {
    let probing = RunningProber::start();
    let last = probing.stop();
    assert_eq!(BROKERS.map(|broker| bad(&last, broker)), [0, 0, 0]);
    assert_eq!(BROKERS.map(|broker| state(&last, broker)), [Some(BrokerState::Ok); 3]);
    assert!(last.brokers.iter().all(|status| status.registered && status.covered));
    assert!(Anomaly::ALL.into_iter().all(|anomaly| anomalies(&last, anomaly) == 0), "{:?}", last.records);
    let unknown: u64 = last.series.iter().filter(|row| row.broker == Broker::Unknown).map(|row| row.counts.due).sum();
    assert_eq!(unknown, 0, "a first start on a healthy cluster has no bad event");
}

/// Writes a record as a later version of the prober may write it to every partition of both topics: our magic, another
/// version, an unknown layout, another length.
fn write_as_a_newer_prober(mock: &Mock) {
    let record = [b"KPRB\x02".as_slice(), &[0xAB; 300]].concat();
    for topic in [PINNED, REPLICATED] {
        for (partition, leader) in (0..).zip(mock.bootstrap()) {
            raw::produce_one(&leader, topic, partition, &record, Duration::from_secs(5))
                .expect("the record is written");
        }
    }
}

#[test]
fn topic_of_a_newer_prober_is_accepted_and_its_records_are_not_foreign() {
    let mock = mock();
    write_as_a_newer_prober(&mock);
    let probing = RunningProber::start_on(mock, |_| {});
    write_as_a_newer_prober(&probing.mock);
    let before = probing.app.snapshots().borrow().clone();
    probing.wait("records behind the newer prober's are read", |now| {
        let read = |broker| count(now, broker, Probe::EndToEnd, Outcome::Good);
        BROKERS.iter().all(|broker| count(&before, *broker, Probe::EndToEnd, Outcome::Good) + 10 <= read(*broker))
    });
    let last = probing.stop();
    assert!(Anomaly::ALL.into_iter().all(|anomaly| anomalies(&last, anomaly) == 0), "{:?}", last.records);
    assert_eq!(BROKERS.map(|broker| bad(&last, broker)), [0, 0, 0]);
}

#[test]
fn only_the_frozen_broker_fails_and_it_recovers() {
    let probing = RunningProber::start();
    probing.mock.delay(2, FROZEN).expect("the mock has this broker");
    let frozen = probing.wait("the frozen broker fails", |now| {
        5 <= count(now, 2, Probe::Produce, Outcome::Timeout) && state(now, 2) == Some(BrokerState::Failing)
    });
    assert!(BROKERS.iter().all(|broker| *broker == 2 || bad(&frozen, *broker) == 0), "{:?}", frozen.series);
    for healthy in [1, 3] {
        let before = count(&frozen, healthy, Probe::EndToEnd, Outcome::Good);
        probing.wait("the other brokers keep succeeding", |now| {
            before + 10 <= count(now, healthy, Probe::EndToEnd, Outcome::Good)
        });
    }

    probing.mock.delay(2, Duration::ZERO).expect("the mock has this broker");
    let before = count(&frozen, 2, Probe::EndToEnd, Outcome::Good);
    probing.wait("the broker recovers", |now| {
        before + 10 <= count(now, 2, Probe::EndToEnd, Outcome::Good) && state(now, 2) == Some(BrokerState::Ok)
    });
    let last = probing.stop();
    assert_eq!([1, 3].map(|broker| bad(&last, broker)), [0, 0]);
    assert_eq!(anomalies(&last, Anomaly::Lost), 0);
    assert_eq!(anomalies(&last, Anomaly::Foreign), 0);
}

#[test]
fn refused_write_is_one_error_with_the_name_of_kafka() {
    for (code, name) in [(6, "NOT_LEADER_OR_FOLLOWER"), (19, "NOT_ENOUGH_REPLICAS"), (10, "MESSAGE_TOO_LARGE")] {
        // The mock refuses the next writes of any client: only the pinned lane writes here, and it does not retry.
        let probing = RunningProber::start_with(|config| config.lanes.replicated.enabled = false);
        assert!(probing.mock.refuse_writes(KafkaError(code), 5), "librdkafka knows {name}");
        probing.wait("all five refusals are counted", |now| 5 <= errors(now, Probe::Produce, name));
        let last = probing.stop();
        let refused: u64 = BROKERS.map(|broker| count(&last, broker, Probe::Produce, Outcome::Error)).iter().sum();
        assert_eq!((refused, errors(&last, Probe::Produce, name)), (5, 5), "{name}");
        assert_eq!(errors(&last, Probe::EndToEnd, name), 5, "end_to_end shares the outcome: {name}");
        let consumed: u64 = BROKERS.map(|broker| count(&last, broker, Probe::Consume, Outcome::Error)).iter().sum();
        assert_eq!(consumed, 0, "there is no consume attempt: {name}");
        assert_eq!(anomalies(&last, Anomaly::Lost), 0, "{name}");
    }
}

#[test]
fn refused_write_that_librdkafka_retries_is_good_in_the_client_view() {
    let probing = RunningProber::start_with(|config| config.lanes.pinned.enabled = false);
    assert!(probing.mock.refuse_writes(KafkaError::NOT_LEADER_OR_FOLLOWER, 1));
    let counted =
        |now: &Snapshot| -> u64 { BROKERS.map(|id| count(now, id, Probe::Produce, Outcome::Good)).iter().sum() };
    let before = counted(&probing.app.snapshots().borrow());
    probing.wait("more records are good", |now| before + 30 <= counted(now));
    let last = probing.stop();
    assert_eq!(BROKERS.map(|broker| bad(&last, broker)), [0, 0, 0], "{:?}", last.series);
}

#[test]
fn client_view_recovers_with_a_new_leader_and_the_broker_view_does_not() {
    let probing = RunningProber::start();
    probing.mock.delay(2, FROZEN).expect("the mock has this broker");
    let in_client_view = |now: &Snapshot, outcome| -> u64 {
        client_rows(now, 2).filter(|row| row.series.probe == Probe::EndToEnd).map(|row| row.counts.of(outcome)).sum()
    };
    probing.wait("both views fail", |now| {
        5 <= in_client_view(now, Outcome::Timeout) && state(now, 2) == Some(BrokerState::Failing)
    });
    let partition = 1;
    probing.mock.lead("__kafka-prober-replicated", partition, 3).expect("the mock has this partition");
    let before = in_client_view(&probing.app.snapshots().borrow(), Outcome::Good);
    let moved =
        probing.wait("applications write and read again", |now| before + 10 <= in_client_view(now, Outcome::Good));
    assert_eq!(state(&moved, 2), Some(BrokerState::Failing), "the broker is still frozen");
    let last = probing.stop();
    assert_eq!([1, 3].map(|broker| bad(&last, broker)), [0, 0]);
    assert_eq!(anomalies(&last, Anomaly::Lost), 0);
}

#[test]
fn stop_voids_the_attempts_in_flight() {
    let probing = RunningProber::start();
    probing.mock.delay(3, FROZEN).expect("the mock has this broker");
    let open = |now: &Snapshot| rows(now, 3).map(|row| row.counts.in_flight()).sum::<u64>();
    probing.wait("attempts wait for the frozen broker", |now| 20 <= open(now));
    let last = probing.stop();
    assert!(20 <= rows(&last, 3).map(|row| row.counts.of(Outcome::Void)).sum::<u64>());
    assert_eq!(open(&last), 0);
    assert_eq!(BROKERS.map(|broker| bad(&last, broker)), [0, 0, 0]);
}
