//! SaslAuthenticate (KIP-152): one message of a SASL exchange and the broker's reply; the last reply has the lifetime of the
//! session (KIP-368).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// One message of the SASL mechanism. It has no `Debug`, because it may contain a password.
pub(super) struct SaslAuthenticate {
    /// The message.
    pub(super) bytes: Bytes,
}

/// The response to SaslAuthenticate.
pub(super) struct Authenticated {
    /// Kafka's error code, 0 if none.
    pub(super) error: i16,
    /// The broker's error message.
    pub(super) message: Option<String>,
    /// The broker's message of the SASL mechanism.
    pub(super) bytes: Bytes,
    /// The broker closes the connection when it is used after this time without re-authentication; `None`: never.
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
