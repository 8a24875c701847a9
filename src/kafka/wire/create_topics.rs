//! CreateTopics: creates one topic with explicit replicas, or only validates that it could be created.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        BrokerId, CreateTopicsRequest, CreateTopicsResponse, TopicName,
        create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Creates one topic. Any broker accepts the request and forwards it to the controller.
#[derive(Debug, Clone)]
pub struct CreateTopic {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The replicas of each partition in order, the preferred leader first.
    pub replicas: Vec<Vec<i32>>,
    /// Topic configs, as name and value.
    pub configs: Vec<(String, String)>,
    /// How long the controller may take, in whole milliseconds.
    pub timeout: Duration,
    /// Whether to validate only, and create nothing.
    pub validate_only: bool,
}

/// The response to CreateTopics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The broker's error message. After INVALID_CONFIG it is the only place that names the refused config; Kafka has no
    /// field for it.
    pub message: Option<String>,
    /// The new topic's id; `None` after an error, and from a broker that does not send it. After a validation no topic has
    /// this id.
    pub id: Option<[u8; 16]>,
    /// Partitions as created; −1 if unknown.
    pub partitions: i32,
    /// Replication factor as created, which some managed services raise silently (K12); −1 if unknown.
    pub replication_factor: i16,
    /// The configs in force, as name and value, to compare with what was asked for; empty if the
    /// broker does not return them.
    pub configs: Vec<(String, Option<String>)>,
    /// Kafka's error code for why the three fields above are missing (KIP-525), 0 if none.
    pub configs_error: i16,
}

impl CreateTopic {
    fn assignments(&self) -> Vec<CreatableReplicaAssignment> {
        let replicas = (0..).zip(&self.replicas);
        let assignments = replicas.map(|(index, replicas)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(index)
                .with_broker_ids(replicas.iter().map(|id| BrokerId(*id)).collect())
        });
        assignments.collect()
    }

    fn topic_configs(&self) -> Vec<CreatableTopicConfig> {
        let configs = self.configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(name.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        });
        configs.collect()
    }
}

impl Request for CreateTopic {
    type Response = CreatedTopic;

    const API: Api = Api::CreateTopics;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        // Kafka takes its counts from the assignment if these two say −1.
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(self.assignments())
            .with_configs(self.topic_configs());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(codec::millis(self.timeout))
            .with_validate_only(self.validate_only);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(CreatedTopic, Duration), CodecError> {
        let response: CreateTopicsResponse = body.decode(version)?;
        let topic = response
            .topics
            .into_iter()
            .find(|topic| *topic.name.0 == *self.topic)
            .ok_or_else(|| CodecError::new("the response lacks the requested topic"))?;
        let configs = topic.configs.unwrap_or_default().into_iter();
        let configs = configs.map(|config| (config.name.to_string(), config.value.map(|value| value.to_string())));
        let created = CreatedTopic {
            error: topic.error_code,
            message: topic.error_message.map(|message| message.to_string()),
            id: codec::topic_id(topic.topic_id.as_bytes()),
            partitions: topic.num_partitions,
            replication_factor: topic.replication_factor,
            configs: configs.collect(),
            configs_error: topic.topic_config_error_code,
        };
        Ok((created, codec::throttle(response.throttle_time_ms)))
    }
}
