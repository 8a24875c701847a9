//! Packets to and from one broker's client port are dropped while its replication, on another port, continues: the cluster
//! sees a healthy broker that no client can reach.

use std::time::{Duration, Instant};

use crate::harness::network::Network;
use crate::harness::{Cluster, raw};
use crate::support::{DIRECT, REPLICATED, RunningProber, elapse};

/// Time limit of the count on the page: the default interval of `connect`, its deadline, and 1 s.
const COUNTED_WITHIN: Duration = Duration::from_millis(10_000 + 2_000 + 1_000);

const DROPPED: Duration = Duration::from_secs(20);

#[track_caller]
pub(super) fn broker_unreachable_for_clients_is_the_only_one_named(network: &Network, cluster: &Cluster) {
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let calm = probing.wait_status(Duration::from_secs(15), "every direct probe has a good event", |status| {
        [1, 2, 3].iter().all(|broker| DIRECT.iter().all(|probe| 0 < status.outcome(*broker, probe, "good")))
    });
    assert_eq!([1, 2, 3].map(|broker| calm.bad(broker)), [0; 3], "{}", probing.prober.stderr());

    network.drop_port(cluster.broker(2).client_port());
    let dropped_at = Instant::now();
    let mut counted_at = None;
    while dropped_at.elapsed() < DROPPED {
        assert!(all_in_sync(cluster), "replication continues, as the test assumes");
        let status = probing.status();
        counted_at = counted_at.or((0 < status.bad_in(2, "connect")).then_some(status.at));
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

    let counted_after = counted_at.expect("a connect attempt has failed").duration_since(dropped_at);
    eprintln!("connect failed {counted_after:?} after the first packet was dropped");
    assert!(counted_after <= COUNTED_WITHIN, "{counted_after:?}");
    assert_eq!(during.state(2), Some("failing"), "it is registered and unreachable");
    for probe in ["produce", "fetch", "metadata"] {
        assert!(0 < during.bad_in(2, probe), "{probe} fails, too");
    }
    for broker in [1, 3] {
        assert_eq!(end.bad(broker), 0, "broker {broker} is not bad: {}", probing.prober.stderr());
        assert_eq!(
            end.client().bad(broker),
            0,
            "its partition is good in the client view: {}",
            probing.prober.stderr()
        );
        assert_eq!(during.state(broker), Some("ok"));
        for probe in ["fetch", "metadata"] {
            let good_events = during.outcome(broker, probe, "good") - calm.outcome(broker, probe, "good");
            assert!(18 <= good_events, "{probe} at broker {broker}: {good_events} good in {DROPPED:?}");
        }
    }
    assert_eq!((end.anomaly("lost"), end.client().anomaly("lost")), (0, 0));
    end.assert_balances();
    // Retransmitted bytes distinguish it from a stopped process.
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
