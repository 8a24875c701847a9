//! The whole cluster is down when the prober starts, and comes up 20 s later.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::{Cluster, Options, skip_without_kafka};
use crate::support::{RunningProber, assert_export_balances, elapse};

#[test]
fn outage_at_start_counts_from_the_first_second_until_the_cluster_is_up() {
    if skip_without_kafka() {
        return;
    }
    let cluster = Cluster::prepare(Options { name: "late".to_owned(), ..Options::default() });
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &[]);
    elapse(Duration::from_secs(3));
    let early = probing.status();
    assert!(5 <= early.unknown("produce", "error"), "the outage counts before any broker is known");
    elapse(Duration::from_secs(17));
    let down = probing.status().unknown("produce", "error");
    assert!((90..=100).contains(&down), "{down} of five a second from the first second to the 20th");

    cluster.start_all();
    cluster.await_ready();
    let up = probing.wait_good(&[1, 2, 3]);
    assert_eq!(up.lane().0, "probing");
    elapse(Duration::from_secs(5));
    let end = probing.status();
    assert_eq!([1, 2, 3].map(|broker| end.bad(broker)), [0, 0, 0], "{}", probing.prober.stderr());
    assert_eq!(end.number("/prober/imbalances"), 0.0);
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3", "unknown"]);
}
