//! For a minute the OTLP receiver is down, then hangs: probing is not affected, and the totals are exact afterwards.

use std::time::Duration;

use crate::harness::otlp::{Mode, OtlpSink};
use crate::harness::{Cluster, wait_until};
use crate::support::{RunningProber, Status, assert_export_balances, elapse, read_topic};

const SETTINGS: [(&str, &str); 3] = [
    ("KAFKA_PROBER__TOPICS__PREFIX", "without-collector-"),
    ("KAFKA_PROBER__OTLP__INTERVAL", "2s"),
    ("KAFKA_PROBER__OTLP__TIMEOUT", "3s"),
];

/// Together a minute, in which some twenty exports fail.
const DOWN: Duration = Duration::from_secs(45);
const HUNG: Duration = Duration::from_secs(15);

/// The topic of the pinned lane under that prefix.
const TOPIC: &str = "without-collector-pinned";

#[track_caller]
pub(super) fn totals_are_exact_after_a_minute(cluster: &Cluster) {
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &["--vantage", "west"], &SETTINGS);
    probing.wait_good(&[1, 2, 3]);
    let start = probing.status();
    sink.set_mode(Mode::Down);
    elapse(DOWN);
    let down = probing.status();
    assert!(1.0 <= down.number("/prober/exports/failure") + down.number("/prober/exports/timeout"));
    assert_good_since(&start, &down, DOWN);

    // Hung: it accepts, reads, and never answers.
    sink.set_mode(Mode::Hung);
    elapse(HUNG);
    let hung = probing.status();
    assert!(1.0 <= hung.number("/prober/exports/timeout"));
    assert_good_since(&down, &hung, HUNG);

    sink.set_mode(Mode::Up);
    let before = sink.exports();
    wait_until(Duration::from_secs(20), "exports arrive again", || before + 2 <= sink.exports());
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let sent = sink.sum("kafka_prober.attempts.sent", &[("view", "broker"), ("probe", "produce")]);
    assert_eq!(read_topic(cluster, TOPIC).records as f64, sent);
}

/// Probing does not depend on the receiver: five good round trips a second, less one on its way at each end.
#[track_caller]
fn assert_good_since(before: &Status, after: &Status, time: Duration) {
    let least = 5 * time.as_secs() - 2;
    for broker in [1, 2, 3] {
        assert_eq!(after.bad(broker), 0, "broker {broker}");
        let good = [before, after].map(|status| status.outcome(broker, "end_to_end", "good"));
        assert!(good[0] + least <= good[1], "broker {broker}: {good:?} in {time:?}");
    }
}
