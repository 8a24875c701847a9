//! Metadata: the brokers, and the leaders and replicas of the requested topics.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        MetadataRequest, MetadataResponse, TopicName,
        metadata_request::MetadataRequestTopic,
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Asks for the brokers and for these topics; for the brokers alone if there are none. Never creates a topic.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// Topic names.
    pub topics: Vec<Arc<str>>,
}

/// Asks for the brokers and for all topics. Topics that the principal may not describe are missing from the response. In a
/// large cluster the response is large: about 50 bytes a partition on the wire, and three times that decoded.
#[derive(Debug, Clone, Copy)]
pub struct MetadataOfAll;

/// As [`Metadata`], but decodes only what shows that a broker's metadata are stale. The request goes to every broker every
/// second; decoding the whole response would cost three times as much.
#[derive(Debug, Clone)]
pub struct MetadataSummary(pub Metadata);

/// Broker ids and leader epochs, as one broker sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummarizedMetadata {
    /// The ids of the brokers listed.
    pub brokers: Vec<i32>,
    /// Topic id, partition and leader epoch of each partition that has a topic id and an epoch.
    pub epochs: Vec<([u8; 16], i32, i32)>,
}

/// The cluster as one broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMetadata {
    /// The cluster's id, if it has one.
    pub cluster_id: Option<String>,
    /// A broker that accepts controller requests; with KRaft any broker, not the active controller.
    pub controller: Option<i32>,
    /// The brokers that are registered and not fenced.
    pub brokers: Vec<BrokerInfo>,
    /// One entry for each topic asked for.
    pub topics: Vec<TopicInfo>,
}

/// A broker as it advertises itself on the listener that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Its id.
    pub id: i32,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its rack, if configured.
    pub rack: Option<String>,
}

impl BrokerInfo {
    /// `host:port`, as [`dial()`](super::dial()) takes it.
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// A topic, or the error that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Its id (KIP-516); `None` from a broker that does not send it.
    pub id: Option<[u8; 16]>,
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// Its partitions, in the broker's order.
    pub partitions: Vec<PartitionInfo>,
}

/// The leader and the replicas of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number.
    pub index: i32,
    /// The broker that leads it; −1 if none does.
    pub leader: i32,
    /// The leader's epoch, −1 if unknown.
    pub leader_epoch: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub isr: Vec<i32>,
    /// Kafka's error code, 0 if none.
    pub error: i16,
}

impl Request for Metadata {
    type Response = ClusterMetadata;

    const API: Api = Api::Metadata;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let topics = self.topics.iter().map(|name| {
            let name = TopicName(StrBytes::from_string(name.to_string()));
            MetadataRequestTopic::default().with_name(Some(name))
        });
        let request =
            MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(false);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, body: Body) -> Result<(ClusterMetadata, Duration), CodecError> {
        decode(version, body)
    }
}

impl Request for MetadataSummary {
    type Response = SummarizedMetadata;

    const API: Api = Api::Metadata;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        self.0.encode(version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(SummarizedMetadata, Duration), CodecError> {
        let response: MetadataResponse = body.decode(version)?;
        let epochs =
            response.topics.iter().filter_map(|topic| Some((codec::topic_id(topic.topic_id.as_bytes())?, topic)));
        let epochs = epochs.flat_map(|(id, topic)| {
            let known = topic.partitions.iter().filter(|partition| 0 <= partition.leader_epoch);
            known.map(move |partition| (id, partition.partition_index, partition.leader_epoch))
        });
        let short = SummarizedMetadata {
            brokers: response.brokers.iter().map(|broker| broker.node_id.0).collect(),
            epochs: epochs.collect(),
        };
        Ok((short, codec::throttle(response.throttle_time_ms)))
    }
}

impl Request for MetadataOfAll {
    type Response = ClusterMetadata;

    const API: Api = Api::Metadata;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, body: Body) -> Result<(ClusterMetadata, Duration), CodecError> {
        decode(version, body)
    }
}

fn decode(version: i16, mut body: Body) -> Result<(ClusterMetadata, Duration), CodecError> {
    let response: MetadataResponse = body.decode(version)?;
    let brokers = response.brokers.into_iter().map(broker).collect::<Result<_, _>>()?;
    let metadata = ClusterMetadata {
        cluster_id: response.cluster_id.map(|id| id.to_string()),
        controller: Some(response.controller_id.0).filter(|id| *id >= 0),
        brokers,
        topics: response.topics.into_iter().map(topic).collect(),
    };
    Ok((metadata, codec::throttle(response.throttle_time_ms)))
}

fn broker(broker: MetadataResponseBroker) -> Result<BrokerInfo, CodecError> {
    Ok(BrokerInfo {
        id: broker.node_id.0,
        host: broker.host.to_string(),
        port: u16::try_from(broker.port).map_err(CodecError::new)?,
        rack: broker.rack.map(|rack| rack.to_string()),
    })
}

fn topic(topic: MetadataResponseTopic) -> TopicInfo {
    TopicInfo {
        name: topic.name.map(|name| name.to_string()).unwrap_or_default(),
        id: codec::topic_id(topic.topic_id.as_bytes()),
        error: topic.error_code,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    }
}

fn partition(partition: MetadataResponsePartition) -> PartitionInfo {
    let ids = |nodes: Vec<kafka_protocol::messages::BrokerId>| nodes.iter().map(|id| id.0).collect();
    PartitionInfo {
        index: partition.partition_index,
        leader: partition.leader_id.0,
        leader_epoch: partition.leader_epoch,
        replicas: ids(partition.replica_nodes),
        isr: ids(partition.isr_nodes),
        error: partition.error_code,
    }
}
