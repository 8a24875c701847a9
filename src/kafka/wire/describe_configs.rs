//! DescribeConfigs: the value of one config of many topics.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        DescribeConfigsRequest, DescribeConfigsResponse, describe_configs_request::DescribeConfigsResource,
        describe_configs_response::DescribeConfigsResult,
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The topic config: how many in-sync replicas a write with `acks=all` needs.
pub const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// Kafka's resource type for topics.
const TOPIC: i8 = 2;

/// Asks any broker for the effective value of one config of these topics: the topic's own, or a default.
#[derive(Debug, Clone)]
pub struct DescribeTopicConfig {
    /// The topics.
    pub topics: Vec<Arc<str>>,
    /// The config's name.
    pub config: &'static str,
}

/// The value for one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTopicConfig {
    /// The topic.
    pub topic: String,
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The value; `None` if the topic has no such config, or after an error.
    pub value: Option<String>,
}

impl Request for DescribeTopicConfig {
    type Response = Vec<DescribedTopicConfig>;

    const API: Api = Api::DescribeConfigs;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let resources = self.topics.iter().map(|topic| {
            DescribeConfigsResource::default()
                .with_resource_type(TOPIC)
                .with_resource_name(StrBytes::from_string(topic.to_string()))
                .with_configuration_keys(Some(vec![StrBytes::from_static_str(self.config)]))
        });
        codec::write(&DescribeConfigsRequest::default().with_resources(resources.collect()), version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Vec<DescribedTopicConfig>, Duration), CodecError> {
        let response: DescribeConfigsResponse = body.decode(version)?;
        let throttle = codec::throttle(response.throttle_time_ms);
        let described = |result: DescribeConfigsResult| {
            let config = result.configs.into_iter().find(|config| config.name.as_str() == self.config);
            DescribedTopicConfig {
                topic: result.resource_name.to_string(),
                error: result.error_code,
                value: config.and_then(|config| config.value).map(|value| value.to_string()),
            }
        };
        Ok((response.results.into_iter().map(described).collect(), throttle))
    }
}
