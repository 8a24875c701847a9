//! One TCP connection that sends a request and waits for its answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// A larger frame is malformed.
const LARGEST_FRAME: usize = 64 << 20;

/// Why a request of the harness failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError {
    #[error("no answer in time")]
    Timeout,
    #[error("connection: {0}")]
    Io(io::Error),
    /// The error code, with Kafka's name for it.
    #[error("refused with {name} ({code})", name = kafka_name(*code))]
    Kafka { code: i16 },
    #[error("the partition has no known leader")]
    NoLeader,
    #[error("malformed answer: {0}")]
    Malformed(String),
}

impl From<io::Error> for RawError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Io(error),
        }
    }
}

impl RawError {
    /// Nothing for error code 0.
    pub(crate) fn check(code: i16) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self::Kafka { code }) }
    }

    pub(super) fn malformed(error: impl std::fmt::Display) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The name of the codecs: they do not have Kafka's UPPER_SNAKE names.
fn kafka_name(code: i16) -> String {
    ResponseError::try_from_code(code).map_or_else(|| "unknown".to_owned(), |e| format!("{e:?}"))
}

/// A connection to one broker.
pub(crate) struct Connection {
    stream: TcpStream,
    next_id: i32,
}

impl Connection {
    pub(crate) fn open(addr: &str, limit: Duration) -> Result<Self, RawError> {
        let addr: SocketAddr = addr.parse().map_err(RawError::malformed)?;
        let stream = TcpStream::connect_timeout(&addr, limit)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, next_id: 0 })
    }

    /// Sends one request and waits for its answer; after an error the connection is of no use.
    pub(crate) fn ask<R: Request>(
        &mut self,
        version: i16,
        request: &R,
        limit: Duration,
    ) -> Result<R::Response, RawError> {
        let deadline = Instant::now() + limit;
        self.next_id += 1;
        let frame = encode(version, self.next_id, request)?;
        self.stream.set_write_timeout(Some(limit))?;
        self.stream.write_all(&frame)?;

        let mut size = [0; 4];
        self.read_until(deadline, &mut size)?;
        let size = usize::try_from(i32::from_be_bytes(size)).map_err(RawError::malformed)?;
        if LARGEST_FRAME < size {
            return Err(RawError::Malformed(format!("a frame of {size} bytes")));
        }
        let mut frame = vec![0; size];
        self.read_until(deadline, &mut frame)?;
        decode::<R>(version, self.next_id, Bytes::from(frame))
    }

    fn read_until(&mut self, deadline: Instant, into: &mut [u8]) -> Result<(), RawError> {
        let mut filled = 0;
        while filled < into.len() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(RawError::Timeout);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut into[filled..])? {
                0 => return Err(RawError::Io(io::ErrorKind::UnexpectedEof.into())),
                count => filled += count,
            }
        }
        Ok(())
    }
}

fn encode<R: Request>(version: i16, id: i32, request: &R) -> Result<Bytes, RawError> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(id)
        .with_client_id(Some(StrBytes::from_static_str("harness")));
    let mut body = BytesMut::new();
    header.encode(&mut body, R::header_version(version)).map_err(RawError::malformed)?;
    request.encode(&mut body, version).map_err(RawError::malformed)?;
    let size = i32::try_from(body.len()).map_err(RawError::malformed)?;
    let mut frame = BytesMut::from(&size.to_be_bytes()[..]);
    frame.extend_from_slice(&body);
    Ok(frame.freeze())
}

fn decode<R: Request>(version: i16, id: i32, mut frame: Bytes) -> Result<R::Response, RawError> {
    let header_version = R::Response::header_version(version);
    let header = ResponseHeader::decode(&mut frame, header_version).map_err(RawError::malformed)?;
    if header.correlation_id != id {
        return Err(RawError::Malformed(format!("answer {} to {id}", header.correlation_id)));
    }
    R::Response::decode(&mut frame, version).map_err(RawError::malformed)
}
