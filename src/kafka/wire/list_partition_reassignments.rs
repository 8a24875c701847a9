//! ListPartitionReassignments (KIP-455): the partitions that are being moved now.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Asks for all reassignments. Any broker accepts the request and forwards it to the controller.
#[derive(Debug, Clone, Copy)]
pub struct ListPartitionReassignments {
    /// How long the controller may take, in whole milliseconds.
    pub timeout: Duration,
}

/// The response to ListPartitionReassignments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPartitionReassignments {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// Topic and partition of each reassignment.
    pub partitions: Vec<(String, i32)>,
}

impl Request for ListPartitionReassignments {
    type Response = ListedPartitionReassignments;

    const API: Api = Api::ListPartitionReassignments;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        // Null asks for all topics.
        let request =
            ListPartitionReassignmentsRequest::default().with_timeout_ms(codec::millis(self.timeout)).with_topics(None);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(ListedPartitionReassignments, Duration), CodecError> {
        let response: ListPartitionReassignmentsResponse = body.decode(version)?;
        let partitions = response.topics.into_iter().flat_map(|topic| {
            let name = topic.name.to_string();
            topic.partitions.into_iter().map(move |partition| (name.clone(), partition.partition_index))
        });
        let listed = ListedPartitionReassignments { error: response.error_code, partitions: partitions.collect() };
        Ok((listed, codec::throttle(response.throttle_time_ms)))
    }
}
