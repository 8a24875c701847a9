//! DeleteTopics: deletes one topic by name.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName, delete_topics_request::DeleteTopicState},
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The first version that names topics in a list of name or id.
const BY_NAME_OR_ID: i16 = 6;

/// Deletes one topic. Any broker accepts the request and forwards it to the controller.
#[derive(Debug, Clone)]
pub struct DeleteTopic {
    /// The topic's name.
    pub topic: Arc<str>,
    /// How long the controller may take, in whole milliseconds.
    pub timeout: Duration,
}

/// The response to DeleteTopics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The broker's error message, if it sent one.
    pub message: Option<String>,
}

impl Request for DeleteTopic {
    type Response = DeletedTopic;

    const API: Api = Api::DeleteTopics;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let name = TopicName(StrBytes::from_string(self.topic.to_string()));
        let request = DeleteTopicsRequest::default().with_timeout_ms(codec::millis(self.timeout));
        let request = if version < BY_NAME_OR_ID {
            request.with_topic_names(vec![name])
        } else {
            request.with_topics(vec![DeleteTopicState::default().with_name(Some(name))])
        };
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(DeletedTopic, Duration), CodecError> {
        let response: DeleteTopicsResponse = body.decode(version)?;
        let topic = response
            .responses
            .into_iter()
            .next()
            .ok_or_else(|| CodecError::new("the response lacks the requested topic"))?;
        let deleted =
            DeletedTopic { error: topic.error_code, message: topic.error_message.map(|message| message.to_string()) };
        Ok((deleted, codec::throttle(response.throttle_time_ms)))
    }
}
