//! No broker answers: first only their ports are cut off, then the reference as well. The reference, which is not
//! a broker, distinguishes a dead cluster from the prober's own network.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::network::Network;
use crate::harness::{Cluster, wait_for};
use crate::support::{RunningProber, TOLERANCE};

/// Time limit of the finding: missing answers are found after 2 s; the reference may take 4 s more.
const FOUND_WITHIN: Duration = Duration::from_secs(6);

/// Time limit of its end: every connection has to be opened again, and a finding is held for 2 s.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

#[track_caller]
pub(super) fn reference_distinguishes_a_dead_cluster_from_the_probers_own_network(
    network: &Network,
    cluster: &Cluster,
) {
    let reference = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = reference.local_addr().expect("it listens");
    thread::spawn(move || reference.incoming().for_each(drop));
    let env = [("KAFKA_PROBER__DIAGNOSIS__REFERENCE", &*address.to_string())];
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &env);
    probing.wait_good(&[1, 2, 3]);
    probing.wait_status(Duration::from_secs(10), "both controls answer", |status| {
        let answers = |at: usize| status.page(&format!("/prober/controls/{at}/answers")) == &Value::Bool(true);
        answers(0) && answers(1)
    });

    for (ports, kind, blame) in
        [(Vec::new(), "cluster_unreachable", "cluster"), (vec![address.port()], "prober_network", "prober")]
    {
        let brokers = [1, 2, 3].map(|broker| cluster.broker(broker).client_port());
        brokers.into_iter().chain(ports).for_each(|port| network.drop_port(port));
        let found = wait_for(TOLERANCE * FOUND_WITHIN, kind, || finding(&probing));
        assert_eq!((found["kind"].as_str(), found["blame"].as_str()), (Some(kind), Some(blame)), "{found}");
        assert_eq!(found["broker"], Value::Null);
        network.heal();
        wait_for(ENDED_WITHIN, "the finding has ended", || finding(&probing).is_none().then_some(()));
    }
    let kinds = ["cluster_unreachable", "prober_network"].map(|kind| (kind.to_owned(), None));
    assert_eq!(probing.findings_so_far(), kinds, "there was no other finding: {}", probing.prober.stderr());
    probing.stop();
}

/// The only active finding, if there is one.
fn finding(probing: &RunningProber) -> Option<Value> {
    let page = probing.prober.http_get("/api/v1/findings").filter(|page| page.status == 200)?;
    let rows: Vec<Value> = serde_json::from_str(&page.body).ok()?;
    assert!(rows.len() < 2, "{rows:?}");
    rows.into_iter().next()
}
