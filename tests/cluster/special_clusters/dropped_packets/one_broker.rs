//! Packets to and from one broker's client port are dropped while its replication, on another port, continues: it is healthy
//! for the cluster and gone for clients.

use std::time::{Duration, Instant};

use crate::harness::network::Network;
use crate::harness::{Cluster, raw};
use crate::support::{DIRECT, REPLICATED, RunningProber, elapse};

/// The default interval of `connect` and its deadline, and what a count takes to reach the page.
const SAID_WITHIN: Duration = Duration::from_millis(10_000 + 2_000 + 1_000);

const DROPPED: Duration = Duration::from_secs(20);

#[track_caller]
pub(super) fn broker_that_only_clients_have_lost_is_named_alone(network: &Network, cluster: &Cluster) {
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let calm = probing.wait_status(Duration::from_secs(15), "every direct probe has a good event", |status| {
        [1, 2, 3].iter().all(|broker| DIRECT.iter().all(|probe| 0 < status.outcome(*broker, probe, "good")))
    });
    assert_eq!([1, 2, 3].map(|broker| calm.bad(broker)), [0; 3], "{}", probing.prober.stderr());

    network.drop_port(cluster.broker(2).client_port());
    let dropped_at = Instant::now();
    let mut said_at = None;
    while dropped_at.elapsed() < DROPPED {
        assert!(all_in_sync(cluster), "replication goes on: the test shows what it says");
        let status = probing.status();
        said_at = said_at.or((0 < status.bad_in(2, "connect")).then_some(status.at));
        elapse(Duration::from_millis(200));
    }
    let during = probing.status();
    network.heal();
    let healed_at = Instant::now();
    probing.wait_status(Duration::from_secs(30), "broker 2 is good again", |status| {
        let probes = DIRECT.iter().chain(&["produce", "end_to_end"]);
        probes.into_iter().all(|probe| status.good_at(2, probe).is_some_and(|at| healed_at < at))
    });
    elapse(Duration::from_secs(6));
    let end = probing.status();

    let said = said_at.expect("connect says so").duration_since(dropped_at);
    eprintln!("connect says so {said:?} after the first packet was dropped");
    assert!(said <= SAID_WITHIN, "{said:?}");
    assert_eq!(during.state(2), Some("failing"), "registered, and lost to clients");
    for probe in ["produce", "fetch", "metadata"] {
        assert!(0 < during.bad_in(2, probe), "{probe} is lost, too");
    }
    for broker in [1, 3] {
        assert_eq!(end.bad(broker), 0, "broker {broker} is not blamed: {}", probing.prober.stderr());
        assert_eq!(end.client().bad(broker), 0, "and its partition is served: {}", probing.prober.stderr());
        assert_eq!(during.state(broker), Some("ok"));
        for probe in ["fetch", "metadata"] {
            let good_events = during.outcome(broker, probe, "good") - calm.outcome(broker, probe, "good");
            assert!(18 <= good_events, "{probe} at broker {broker}: {good_events} good in {DROPPED:?}");
        }
    }
    assert_eq!((end.anomaly("lost"), end.client().anomaly("lost")), (0, 0));
    end.assert_balances();
    // Retransmitted bytes distinguish it from a stopped process, at once or a moment later.
    let mut found = probing.findings_so_far();
    found.retain(|(kind, broker)| (kind.as_str(), *broker) != ("broker_stalled", Some(2)));
    assert_eq!(found, [("broker_unreachable".to_owned(), Some(2))], "{}", probing.prober.stderr());
    probing.stop();
}

/// In the brokers' own metadata, read on the port that is not cut.
fn all_in_sync(cluster: &Cluster) -> bool {
    let seen = raw::metadata(cluster.broker(2).internal_address(), &[REPLICATED]).unwrap_or_default();
    seen.brokers.len() == 3 && seen.partitions.len() == 3 && seen.partitions.iter().all(|p| p.isr.len() == 3)
}
