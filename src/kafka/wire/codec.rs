//! Between our request types and the codec library: request and response headers, and a check of lengths before the library
//! trusts them.
//!
//! The library reserves memory for as many array elements as a response announces, before it has read one of them; four
//! hostile bytes would abort the process. In the flexible encoding (KIP-482) all lengths are unsigned varints, and the only
//! other single-byte reads are booleans. So [`Body`] can check every varint as it is read, and refuse one that announces
//! more elements or bytes than are left. Responses in the older encoding are checked by the files that read them
//! (`non_flexible`).

use std::{fmt, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};
use kafka_protocol::{
    messages::{RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, StrBytes, buf::ByteBuf, encode_request_header_into_buffer},
};

use super::api::Api;

/// A request that a [`Connection`](super::Connection) can send; implemented by the request types of this module.
pub trait Request: Send + 'static {
    /// The type of the response.
    type Response: Send + 'static;

    /// The kind of request.
    const API: Api;

    /// The newest version that can express this request.
    fn newest(&self) -> i16 {
        i16::MAX
    }

    /// Writes the request's body.
    ///
    /// # Errors
    /// A field cannot be expressed in this version.
    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError>;

    /// Reads the response's body, and for how long the broker throttles the connection (KIP-219).
    ///
    /// # Errors
    /// The bytes are not a valid response.
    fn decode(self, version: i16, body: Body) -> Result<(Self::Response, Duration), CodecError>;
}

/// Why a request could not be encoded or a response decoded: the codec's message.
#[derive(Debug)]
pub struct CodecError(String);

impl CodecError {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends a whole frame (length, header, body) to `out`; on an error `out` is unchanged.
pub(super) fn encode_frame<R: Request>(
    request: &R,
    version: i16,
    correlation: i32,
    client_id: &StrBytes,
    out: &mut BytesMut,
) -> Result<(), CodecError> {
    let start = out.len();
    let header = RequestHeader::default()
        .with_request_api_key(R::API.key() as i16)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(client_id.clone()));
    out.put_i32(0);
    let encoded = encode_request_header_into_buffer(out, &header)
        .map_err(CodecError::new)
        .and_then(|()| request.encode(version, out))
        .and_then(|()| i32::try_from(out.len() - start - 4).map_err(CodecError::new));
    match encoded {
        Ok(length) => {
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// The correlation id that a frame begins with.
pub(super) fn correlation(frame: &Bytes) -> Option<i32> {
    frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

/// The body of a response: the frame after its header.
pub(super) fn body(frame: Bytes, api: Api, version: i16) -> Result<Body, CodecError> {
    let mut body = Body { bytes: frame, varint: 0, shift: 0 };
    ResponseHeader::decode(&mut body, api.key().response_header_version(version)).map_err(CodecError::new)?;
    Ok(body)
}

/// Writes a message of the codec library.
pub(super) fn write<M: Encodable>(message: &M, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
    message.encode(out, version).map_err(CodecError::new)
}

/// A duration as Kafka's milliseconds.
pub(super) fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// Kafka's throttle time as a duration.
pub(super) fn throttle(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// A topic id, where zero means none (KIP-516).
pub(super) fn topic_id(id: &[u8; 16]) -> Option<[u8; 16]> {
    (*id != [0; 16]).then_some(*id)
}

/// The unread bytes of a response.
#[derive(Debug)]
pub struct Body {
    bytes: Bytes,
    /// The value of the varint that the last single-byte reads may be part of.
    varint: u64,
    shift: u32,
}

impl Body {
    /// A varint up to this value is accepted however many bytes are left, because tag numbers are varints too, and vendors
    /// number theirs from 10,000. A false length of this size reserves a few MiB for a moment.
    const ALWAYS_ALLOWED: u64 = 1 << 14;

    pub(super) fn decode<M: Decodable>(&mut self, version: i16) -> Result<M, CodecError> {
        M::decode(self, version).map_err(CodecError::new)
    }

    /// The unread bytes, without consuming them.
    pub(super) fn rest(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether the varint that `byte` continues or ends can be a true length. A boolean read just before it can only make it
    /// look larger, so the error is on the side of refusing.
    fn plausible(&mut self, byte: u8) -> bool {
        self.varint |= u64::from(byte & 0x7f) << self.shift;
        self.shift += 7;
        if byte >= 0x80 {
            return self.shift < 35;
        }
        let announced = self.varint;
        (self.varint, self.shift) = (0, 0);
        // KIP-482 encodes a length as its value plus one.
        announced <= Self::ALWAYS_ALLOWED.max(self.bytes.len() as u64 + 1)
    }
}

impl Buf for Body {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let byte = self.bytes.try_get_u8()?;
        if self.plausible(byte) {
            return Ok(byte);
        }
        Err(TryGetError { requested: usize::try_from(self.varint).unwrap_or(usize::MAX), available: self.bytes.len() })
    }
}

impl ByteBuf for Body {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.bytes.split_to(size)
    }
}
