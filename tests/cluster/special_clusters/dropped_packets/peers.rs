//! Packets to one broker's inter-broker port are dropped, while its client port and the controllers' ports are open: clients are
//! answered, and nobody replicates what it leads.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::network::Network;
use crate::harness::raw::coordination::create_internal_topics;
use crate::harness::{Cluster, wait_for};
use crate::support::{RunningProber, TOLERANCE};

const BROKER: i32 = 1;

const KIND: &str = "broker_cut_off_from_peers";

/// Its followers leave the in-sync replicas after 30 s, half as much more by the interval at which a leader looks. Metadata are
/// requested every five seconds, and must still show it after twenty.
const FOUND_WITHIN: Duration = Duration::from_secs(45 + 5 + 20 + 5);

/// A follower tries to connect again every second, and catches up; the metadata are requested every five.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

#[track_caller]
pub(super) fn broker_that_its_peers_cannot_reach_is_named(network: &Network, cluster: &Cluster) {
    create_internal_topics(cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);

    let port = cluster.broker(BROKER).internal_port();
    network.drop_port(port);
    let dropped_at = Instant::now();
    let found = wait_for(TOLERANCE * FOUND_WITHIN, "the finding", || finding(&probing));
    eprintln!("found {:?} after the first packet was dropped", dropped_at.elapsed());
    assert_eq!((&found["blame"], &found["broker"]), (&"cluster".into(), &BROKER.to_string().into()), "{found:#}");
    network.heal();
    wait_for(TOLERANCE * ENDED_WITHIN, "its end", || finding(&probing).is_none().then_some(()));
    let named: Vec<_> = probing.findings_so_far().into_iter().filter(|(_, broker)| broker.is_some()).collect();
    assert_eq!(named, [(KIND.to_owned(), Some(BROKER))], "no other broker is named: {}", probing.prober.stderr());
    probing.stop();
}

/// The finding, if it is active.
fn finding(probing: &RunningProber) -> Option<Value> {
    let page = probing.prober.http_get("/api/v1/findings").filter(|page| page.status == 200)?;
    let rows: Vec<Value> = serde_json::from_str(&page.body).ok()?;
    rows.into_iter().find(|row| row["kind"] == KIND)
}
