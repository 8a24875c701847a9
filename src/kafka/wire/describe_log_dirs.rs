//! DescribeLogDirs (KIP-113, KIP-827): a broker's log directories, their free space, and the sizes of selected partitions.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName, describe_log_dirs_request::DescribableLogDirTopic,
        describe_log_dirs_response::DescribeLogDirsResult,
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Asks one broker about its own directories, and about these partitions in them.
#[derive(Debug, Clone, Default)]
pub struct DescribeLogDirs {
    /// Topics and partitions to measure. The response omits others; the free space includes them.
    pub topics: Vec<(Arc<str>, Vec<i32>)>,
}

/// The response to DescribeLogDirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedLogDirs {
    /// Kafka's error code of the whole response, 0 if none.
    pub error: i16,
    /// The directories.
    pub directories: Vec<DescribedLogDir>,
}

/// One log directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedLogDir {
    /// Kafka's error code, 0 if none; KAFKA_STORAGE_ERROR if it is offline.
    pub error: i16,
    /// Size of its volume in bytes; `None` from a broker that does not report it.
    pub total: Option<u64>,
    /// Bytes of the volume that Kafka can still use; `None` as above.
    pub usable: Option<u64>,
    /// Topic, partition and size in bytes. Copies that are being moved to another directory are left out.
    pub partitions: Vec<(String, i32, u64)>,
}

impl Request for DescribeLogDirs {
    type Response = DescribedLogDirs;

    const API: Api = Api::DescribeLogDirs;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let topics = self.topics.iter().map(|(name, partitions)| {
            DescribableLogDirTopic::default()
                .with_topic(TopicName(StrBytes::from_string(name.to_string())))
                .with_partitions(partitions.clone())
        });
        // Null would ask for every partition of the broker.
        let request = DescribeLogDirsRequest::default().with_topics(Some(topics.collect()));
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(DescribedLogDirs, Duration), CodecError> {
        let response: DescribeLogDirsResponse = body.decode(version)?;
        let throttle = codec::throttle(response.throttle_time_ms);
        let directories = response.results.into_iter().map(directory).collect();
        Ok((DescribedLogDirs { error: response.error_code, directories }, throttle))
    }
}

fn directory(result: DescribeLogDirsResult) -> DescribedLogDir {
    let partitions = result.topics.into_iter().flat_map(|topic| {
        let name = topic.name.to_string();
        let here = topic.partitions.into_iter().filter(|partition| !partition.is_future_key);
        here.map(move |partition| {
            (name.clone(), partition.partition_index, u64::try_from(partition.partition_size).unwrap_or(0))
        })
    });
    DescribedLogDir {
        error: result.error_code,
        // Older brokers send −1.
        total: u64::try_from(result.total_bytes).ok(),
        usable: u64::try_from(result.usable_bytes).ok(),
        partitions: partitions.collect(),
    }
}
