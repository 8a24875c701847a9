//! Any observation of a cluster.

use std::sync::Arc;

use proptest::prelude::*;

use crate::ids::{ClusterName, Partition};
use crate::observed::collisions::Collisions;
use crate::observed::flavour::Flavour;
use crate::observed::partitions::{BrokerPartitions, Partitions};
use crate::observed::parts::{Part, PartState, PartStatus};
use crate::observed::registration::{RegisteredBroker, Registrations};
use crate::observed::sizes::{BrokerSizes, LargePartition, Sizes, TopicSize};
use crate::observed::versions::{Fingerprint, Versions};
use crate::observed::{Named, Observed, PartitionLimits, PartitionName, Quorum, QuorumNode, QuorumRole};
use crate::time::Time;

use super::strategies::{broker, duration, text, time};

fn name() -> impl Strategy<Value = PartitionName> {
    (text(), any::<i32>()).prop_map(|(topic, index)| PartitionName { topic, partition: Partition(index) })
}

fn named() -> impl Strategy<Value = Named> {
    (any::<u64>(), prop::collection::vec(name(), 0..3)).prop_map(|(count, first)| Named { count, first })
}

fn partitions() -> impl Strategy<Value = Partitions> {
    let of_broker = any::<[u64; 6]>().prop_map(|numbers| BrokerPartitions {
        replicas: numbers[0],
        leaders: numbers[1],
        preferred: numbers[2],
        preferred_elsewhere: numbers[3],
        out_of_sync: numbers[4],
        under_replicated: numbers[5],
    });
    (any::<[u64; 4]>(), named(), named(), named(), named(), prop::collection::btree_map(broker(), of_broker, 0..3))
        .prop_map(|(numbers, under_replicated, at_min_isr, under_min_isr, offline, brokers)| Partitions {
            topics: numbers[0],
            partitions: numbers[1],
            replicas: numbers[2],
            under_replicated,
            at_min_isr,
            under_min_isr,
            offline,
            unknown_min_isr: numbers[3],
            brokers,
        })
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let growth = || prop::option::of(0.0..1e12f64);
    let topic = (any::<u64>(), growth()).prop_map(|(bytes, growth)| TopicSize { bytes, growth });
    let space = || prop::option::of(any::<u64>());
    let topics = prop::collection::btree_map(text(), topic, 0..3);
    let of_broker = (any::<u64>(), any::<u64>(), space(), space(), topics).prop_map(
        |(directories, failed, total, usable, topics)| BrokerSizes { directories, failed, total, usable, topics },
    );
    let large = (name(), broker(), any::<u64>(), growth()).prop_map(|(name, broker, bytes, growth)| LargePartition {
        name,
        broker,
        bytes,
        growth,
    });
    (prop::collection::btree_map(broker(), of_broker, 0..3), prop::collection::vec(large, 0..3))
        .prop_map(|(brokers, largest)| Sizes { brokers, largest })
}

fn registrations() -> impl Strategy<Value = Registrations> {
    let listed = || {
        let listed = (broker(), any::<bool>(), prop::option::of("[a-z]{1,4}"));
        let listed = listed.prop_map(|(broker, fenced, rack)| RegisteredBroker { broker, fenced, rack });
        prop::collection::vec(listed, 0..3)
    };
    // Two answers, so that brokers have left.
    (listed(), listed(), any::<bool>(), 0..1u64 << 40).prop_map(|(before, now, complete, at)| {
        let mut registrations = Registrations::default();
        registrations.observe(before, complete, Time::from_nanos(at));
        registrations.observe(now, complete, Time::from_nanos(at + 1));
        registrations
    })
}

fn quorum() -> impl Strategy<Value = Quorum> {
    let role = prop::sample::select(&[QuorumRole::Voter, QuorumRole::Observer][..]);
    let node = (broker(), role, prop::option::of(any::<u64>()));
    let node = node.prop_map(|(node, role, lag)| QuorumNode { node, role, lag });
    (prop::option::of(broker()), any::<i32>(), prop::collection::vec(node, 0..3))
        .prop_map(|(leader, epoch, nodes)| Quorum { leader, epoch, nodes })
}

pub(super) fn observed() -> impl Strategy<Value = Observed> {
    let part = prop::sample::select(&Part::ALL[..]);
    let state = prop::sample::select(&PartState::ALL[..]);
    let status = (state, prop::option::of(text()), prop::option::of(time()), duration(), any::<u64>());
    let status = status.prop_map(|(state, message, last_answer, took, requests)| PartStatus {
        state,
        message,
        last_answer,
        took,
        requests,
    });
    let versions = prop::collection::btree_map(broker(), any::<u64>().prop_map(Fingerprint), 0..3);
    let versions = versions.prop_map(|brokers| Arc::new(Versions { brokers }));
    let collisions = prop::collection::vec(prop::collection::vec(text(), 0..3), 0..3);
    let collisions = (any::<u64>(), collisions).prop_map(|(count, first)| Arc::new(Collisions { count, first }));
    let flavour = prop::option::of(prop::sample::select(&[Flavour::Kafka, Flavour::Redpanda][..]));
    let limits = any::<(u64, u64)>();
    let others = (prop::option::of(text()), flavour, limits, prop::option::of(collisions), prop::option::of(named()));
    let parts = prop::collection::btree_map(part, status, 0..6);
    (
        others,
        prop::option::of(registrations().prop_map(Arc::new)),
        prop::option::of(partitions().prop_map(Arc::new)),
        prop::option::of(quorum().prop_map(Arc::new)),
        prop::option::of(sizes().prop_map(Arc::new)),
        prop::option::of(versions),
        parts,
    )
        .prop_map(|(others, registrations, partitions, quorum, sizes, versions, parts)| {
            let (cluster_id, flavour, (per_broker, per_cluster), collisions, reassignments) = others;
            Observed {
                cluster: ClusterName::new("c"),
                cluster_id,
                flavour,
                limits: PartitionLimits { per_broker, per_cluster, ..PartitionLimits::default() },
                registrations,
                partitions,
                collisions,
                reassignments,
                quorum,
                sizes,
                versions,
                parts,
            }
        })
}
