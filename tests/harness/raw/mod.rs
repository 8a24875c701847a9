//! The harness's own Kafka client: blocking, one request a connection, versions pinned.
//!
//! It shares only the codecs with the prober, so that it is an independent check. Every function asks
//! the broker at `addr` and no other; [`leader_address`] finds the right one.
//!
//! The pinned versions exist on Kafka 3.6 to 4.x and still name topics by name.

use std::time::Duration;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

pub(crate) mod admin;
pub(crate) mod commits;
pub(crate) mod connection;
pub(crate) mod coordination;
pub(crate) mod quorum;
pub(crate) mod quotas;
pub(crate) mod records;

pub(crate) use admin::{
    ConfigResource, Operation, Resource, alter_config, create_scram_user, create_topic, delete_topic, elect_preferred,
    grant, revoke,
};
pub(crate) use commits::{commit_on, coordinator_address};
pub(crate) use connection::{Connection, RawError};
pub(crate) use quorum::{active_controller, coordinator};
pub(crate) use quotas::{Quota, alter_quota};
pub(crate) use records::{earliest_offset, fetch_all, latest_offset, produce_one, read_partition};

/// Time limit of a request to a healthy broker.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

const METADATA_VERSION: i16 = 12;

/// The metadata that one broker returns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    pub(crate) brokers: Vec<BrokerInfo>,
    pub(crate) partitions: Vec<PartitionInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokerInfo {
    pub(crate) id: i32,
    /// Of the listener that was asked.
    pub(crate) address: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartitionInfo {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// −1 for none.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) isr: Vec<i32>,
}

impl Metadata {
    /// One partition, if the broker knows it.
    pub(crate) fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionInfo> {
        self.partitions.iter().find(|p| p.topic == topic && p.partition == partition)
    }

    /// Partitions that are not led by their preferred leader.
    pub(crate) fn moved(self) -> Vec<PartitionInfo> {
        self.partitions.into_iter().filter(|p| p.replicas.first() != Some(&p.leader)).collect()
    }

    pub(crate) fn topic_names(&self) -> impl Iterator<Item = String> {
        self.partitions.iter().map(|p| p.topic.clone())
    }
}

/// The brokers, and the partitions of those `topics` that exist.
pub(crate) fn metadata(addr: &str, topics: &[&str]) -> Result<Metadata, RawError> {
    let named = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
    ask_metadata(addr, Some(topics.iter().map(named).collect()))
}

/// The brokers and every topic.
pub(crate) fn metadata_of_all(addr: &str) -> Result<Metadata, RawError> {
    ask_metadata(addr, None)
}

/// Where the leader of a partition listens.
pub(crate) fn leader_address(addr: &str, topic: &str, partition: i32) -> Result<String, RawError> {
    let seen = metadata(addr, &[topic])?;
    let leader = seen.partition(topic, partition).map_or(-1, |p| p.leader);
    let broker = seen.brokers.into_iter().find(|b| b.id == leader);
    broker.map(|b| b.address).ok_or(RawError::NoLeader)
}

fn ask_metadata(addr: &str, topics: Option<Vec<MetadataRequestTopic>>) -> Result<Metadata, RawError> {
    let request = MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(METADATA_VERSION, &request, REQUEST_TIMEOUT)?;
    let brokers =
        answer.brokers.iter().map(|b| BrokerInfo { id: b.node_id.0, address: format!("{}:{}", b.host, b.port) });
    let partitions = answer.topics.iter().flat_map(|topic| {
        let name = topic.name.as_ref().map_or_else(String::new, |name| name.to_string());
        topic.partitions.iter().map(move |p| PartitionInfo {
            topic: name.clone(),
            partition: p.partition_index,
            leader: p.leader_id.0,
            leader_epoch: p.leader_epoch,
            replicas: p.replica_nodes.iter().map(|id| id.0).collect(),
            isr: p.isr_nodes.iter().map(|id| id.0).collect(),
        })
    });
    Ok(Metadata { brokers: brokers.collect(), partitions: partitions.collect() })
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
