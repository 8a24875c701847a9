//! InitProducerId (KIP-98): a producer id for a transactional id, with an epoch above all before.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{InitProducerIdRequest, InitProducerIdResponse, TransactionalId},
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Asks the transactional id's coordinator. Whatever an earlier producer of this id has left open
/// is aborted, and that producer is fenced.
#[derive(Debug, Clone)]
pub struct InitProducerId {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// After this time without an end the coordinator aborts a transaction itself, in whole
    /// milliseconds.
    pub transaction_timeout: Duration,
}

/// Who may write in the transactional id's name from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// The producer id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitializedProducer {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The producer; −1 and −1 with an error.
    pub producer: Producer,
}

impl Request for InitProducerId {
    type Response = InitializedProducer;

    const API: Api = Api::InitProducerId;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let id = TransactionalId(StrBytes::from_string(self.transactional_id.to_string()));
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(id))
            .with_transaction_timeout_ms(codec::millis(self.transaction_timeout));
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(InitializedProducer, Duration), CodecError> {
        let response: InitProducerIdResponse = body.decode(version)?;
        let producer = Producer { id: response.producer_id.0, epoch: response.producer_epoch };
        Ok((InitializedProducer { error: response.error_code, producer }, codec::throttle(response.throttle_time_ms)))
    }
}
