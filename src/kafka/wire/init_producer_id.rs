//! InitProducerId (KIP-98): a producer id for a transactional id, with an epoch above all earlier ones.

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

/// Asks the coordinator of the transactional id. It fences the earlier producer of this id, and aborts the transaction that
/// it left open.
#[derive(Debug, Clone)]
pub struct InitProducerId {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// The coordinator aborts a transaction that is open for longer than this, in whole milliseconds.
    pub transaction_timeout: Duration,
}

/// The producer that may use the transactional id from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// The producer id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// The response to InitProducerId.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitializedProducer {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The producer; id and epoch are −1 after an error.
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
