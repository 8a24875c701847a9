//! Packets are dropped without an answer, as a firewall does it: those of one broker's client port, of all brokers', and of
//! everything. The test runs in a network namespace of its own, on one cluster.

mod all_brokers;
mod one_broker;

use crate::harness::network::Network;
use crate::harness::{Cluster, Options, skip_without_kafka};

#[test]
fn dropped_packets_of_one_broker_of_all_and_of_everything_are_different_findings() {
    if skip_without_kafka() {
        return;
    }
    let test = "special_clusters::dropped_packets::\
                dropped_packets_of_one_broker_of_all_and_of_everything_are_different_findings";
    let Some(network) = Network::own(test) else { return };
    let cluster = Cluster::start(Options { name: "dropped".to_owned(), ..Options::default() });
    one_broker::broker_that_only_clients_have_lost_is_named_alone(&network, &cluster);
    all_brokers::dead_cluster_and_own_network_are_told_apart_by_the_reference(&network, &cluster);
}
