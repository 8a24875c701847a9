//! DescribeQuorum (KIP-595, KIP-836): the leader of the KRaft quorum, and the log end offsets of the other members.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        DescribeQuorumRequest, DescribeQuorumResponse, TopicName,
        describe_quorum_request::{PartitionData, TopicData},
        describe_quorum_response::ReplicaState,
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The topic that the quorum replicates; it has one partition.
const METADATA_LOG: &str = "__cluster_metadata";

/// Asks for the quorum. Any broker accepts the request and forwards it to the active controller.
#[derive(Debug, Clone, Copy)]
pub struct DescribeQuorum;

/// The quorum as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedQuorum {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The active controller, −1 if there is none.
    pub leader: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// Controllers with a vote: id and log end offset, −1 if unknown.
    pub voters: Vec<(i32, i64)>,
    /// Brokers, and controllers without a vote: id and log end offset, −1 if unknown.
    pub observers: Vec<(i32, i64)>,
}

impl Request for DescribeQuorum {
    type Response = DescribedQuorum;

    const API: Api = Api::DescribeQuorum;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let topic = TopicData::default()
            .with_topic_name(TopicName(StrBytes::from_static_str(METADATA_LOG)))
            .with_partitions(vec![PartitionData::default()]);
        codec::write(&DescribeQuorumRequest::default().with_topics(vec![topic]), version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(DescribedQuorum, Duration), CodecError> {
        let response: DescribeQuorumResponse = body.decode(version)?;
        let partition = response.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let replicas =
            |states: &[ReplicaState]| states.iter().map(|one| (one.replica_id.0, one.log_end_offset)).collect();
        let described = match partition {
            Some(partition) => DescribedQuorum {
                error: if response.error_code == 0 { partition.error_code } else { response.error_code },
                leader: partition.leader_id.0,
                leader_epoch: partition.leader_epoch,
                voters: replicas(&partition.current_voters),
                observers: replicas(&partition.observers),
            },
            None if response.error_code == 0 => return Err(CodecError::new("the response lacks the metadata log")),
            None => DescribedQuorum {
                error: response.error_code,
                leader: -1,
                leader_epoch: -1,
                voters: Vec::new(),
                observers: Vec::new(),
            },
        };
        // The response has no throttle time.
        Ok((described, Duration::ZERO))
    }
}
