//! SaslAuthenticate: one message of a SASL exchange and the broker's answer to it (KIP-152), in the last one with the
//! session's lifetime (KIP-368).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// A message of the mechanism. No `Debug`: it may hold a password.
pub(super) struct SaslAuthenticate {
    /// The message.
    pub(super) bytes: Bytes,
}

/// The broker's answer.
pub(super) struct Authenticated {
    /// Kafka's error code, 0 if none.
    pub(super) error: i16,
    /// The broker's own words for the error.
    pub(super) message: Option<String>,
    /// Its message of the mechanism.
    pub(super) bytes: Bytes,
    /// After this the broker ends a connection that goes on without a new exchange; none: never.
    pub(super) session_lifetime: Option<Duration>,
}

impl Request for SaslAuthenticate {
    type Response = Authenticated;

    const API: Api = Api::SaslAuthenticate;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        codec::write(&SaslAuthenticateRequest::default().with_auth_bytes(self.bytes.clone()), version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Authenticated, Duration), CodecError> {
        let response: SaslAuthenticateResponse = body.decode(version)?;
        let lifetime = u64::try_from(response.session_lifetime_ms).ok().filter(|millis| 0 < *millis);
        let answer = Authenticated {
            error: response.error_code,
            message: response.error_message.map(|message| message.to_string()),
            bytes: response.auth_bytes,
            session_lifetime: lifetime.map(Duration::from_millis),
        };
        Ok((answer, Duration::ZERO))
    }
}
