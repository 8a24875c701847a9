//! EndTxn (KIP-98): commits or aborts a producer's transaction.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{EndTxnRequest, EndTxnResponse, ProducerId, TransactionalId},
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
    init_producer_id::Producer,
};

/// Ends a transaction. The coordinator responds once it has written its decision; the markers in the partitions follow
/// later.
#[derive(Debug, Clone)]
pub struct EndTxn {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// Its producer.
    pub producer: Producer,
    /// Commit if true, abort if false.
    pub commit: bool,
}

/// The response to EndTxn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedTxn {
    /// Kafka's error code, 0 if none.
    pub error: i16,
}

impl Request for EndTxn {
    type Response = EndedTxn;

    const API: Api = Api::EndTxn;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(StrBytes::from_string(self.transactional_id.to_string())))
            .with_producer_id(ProducerId(self.producer.id))
            .with_producer_epoch(self.producer.epoch)
            .with_committed(self.commit);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(EndedTxn, Duration), CodecError> {
        let response: EndTxnResponse = body.decode(version)?;
        Ok((EndedTxn { error: response.error_code }, codec::throttle(response.throttle_time_ms)))
    }
}
