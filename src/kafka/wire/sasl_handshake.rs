//! SaslHandshake (KIP-43): proposes the SASL mechanism. v1 means that the exchange itself is in SaslAuthenticate requests
//! (KIP-152).

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{messages::SaslHandshakeRequest, protocol::StrBytes};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Proposes a mechanism.
#[derive(Debug, Clone)]
pub(super) struct SaslHandshake {
    /// Its name.
    pub(super) mechanism: &'static str,
}

/// The response to SaslHandshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Kafka's error code, 0 if none.
    pub(super) error: i16,
    /// The mechanisms that the broker accepts.
    pub(super) mechanisms: Vec<String>,
}

impl Request for SaslHandshake {
    type Response = Agreed;

    const API: Api = Api::SaslHandshake;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let mechanism = StrBytes::from_static_str(self.mechanism);
        codec::write(&SaslHandshakeRequest::default().with_mechanism(mechanism), version, out)
    }

    /// By hand, because both versions are in the older encoding, which `codec` cannot check: a number and a list of texts.
    fn decode(self, _version: i16, body: Body) -> Result<(Agreed, Duration), CodecError> {
        let mut bytes = body.rest().clone();
        let error = bytes.try_get_i16().map_err(CodecError::new)?;
        let count = bytes.try_get_i32().map_err(CodecError::new)?;
        let mechanisms: Result<_, _> = (0..count).map(|_| text(&mut bytes)).collect();
        Ok((Agreed { error, mechanisms: mechanisms? }, Duration::ZERO))
    }
}

fn text(bytes: &mut Bytes) -> Result<String, CodecError> {
    let length = bytes.try_get_i16().map_err(CodecError::new)?;
    let length = usize::try_from(length).map_err(CodecError::new)?;
    if bytes.len() < length {
        return Err(CodecError::new(format_args!("a text of {length} in {} bytes", bytes.len())));
    }
    Ok(String::from_utf8_lossy(&bytes.split_to(length)).into_owned())
}
