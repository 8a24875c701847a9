//! Packets are dropped without an answer, as a firewall does it: to one broker's client port, to its port for the other brokers, to
//! the client ports of all brokers, and to everything. The test runs in a network namespace of its own, on one cluster.

mod all_brokers;
mod one_broker;
mod peers;

use crate::harness::network::Network;
use crate::harness::{Cluster, Options, skip_without_kafka};
use crate::support::create_lane_topics;

#[test]
fn dropped_packets_of_one_broker_of_all_and_of_everything_are_different_findings() {
    if skip_without_kafka() {
        return;
    }
    let test = "special_clusters::dropped_packets::\
                dropped_packets_of_one_broker_of_all_and_of_everything_are_different_findings";
    let Some(network) = Network::own(test) else { return };
    let cluster = Cluster::start(Options { name: "dropped".to_owned(), ..Options::default() });
    create_lane_topics(&cluster);
    one_broker::broker_unreachable_for_clients_is_the_only_one_named(&network, &cluster);
    peers::broker_that_its_peers_cannot_reach_is_named(&network, &cluster);
    all_brokers::reference_distinguishes_a_dead_cluster_from_the_probers_own_network(&network, &cluster);
}
