//! A minimal Kafka connection: a blocking socket with a time stamp for each frame.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// Larger than any response here, so that one read gets a whole frame.
const READ_AHEAD: usize = 64 << 10;

/// A connection without time-outs: the brokers of the bench are healthy.
pub(crate) struct Socket {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Socket {
    pub(crate) fn open(address: &str) -> io::Result<Socket> {
        let writer = TcpStream::connect(address)?;
        writer.set_nodelay(true)?;
        let reader = BufReader::with_capacity(READ_AHEAD, writer.try_clone()?);
        Ok(Socket { writer, reader })
    }

    /// Writes a frame; the stamp is from just before.
    pub(crate) fn send(&mut self, frame: &[u8], stamp: impl FnOnce(Instant)) -> io::Result<()> {
        stamp(Instant::now());
        self.writer.write_all(frame)
    }

    /// Waits for the next frame; the stamp is its arrival, before anything is decoded.
    pub(crate) fn receive(&mut self) -> io::Result<(Bytes, Instant)> {
        let mut size = [0; 4];
        self.reader.read_exact(&mut size)?;
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(size)).map_err(malformed)?];
        self.reader.read_exact(&mut frame)?;
        Ok((Bytes::from(frame), Instant::now()))
    }
}

/// A request as it goes over the wire.
pub(crate) fn encode<R: Request>(version: i16, request: &R) -> io::Result<Bytes> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("bench")));
    let mut frame = BytesMut::from(&[0; 4][..]);
    header.encode(&mut frame, R::header_version(version)).map_err(malformed)?;
    request.encode(&mut frame, version).map_err(malformed)?;
    let size = i32::try_from(frame.len() - 4).map_err(malformed)?;
    frame[..4].copy_from_slice(&size.to_be_bytes());
    Ok(frame.freeze())
}

/// Decodes a response.
pub(crate) fn decode<R: Request>(version: i16, mut frame: Bytes) -> io::Result<R::Response> {
    ResponseHeader::decode(&mut frame, R::Response::header_version(version)).map_err(malformed)?;
    R::Response::decode(&mut frame, version).map_err(malformed)
}

pub(crate) fn malformed(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
