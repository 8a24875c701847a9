//! A GET over a connection of its own, with a deadline for all of it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flate2::bufread::MultiGzDecoder;

/// A page above this is a fault of the prober.
const LARGEST_PAGE: usize = 64 << 20;

#[derive(Debug, Clone)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Decompressed, if it was compressed with gzip.
    pub(crate) body: String,
    /// From before the connect to the last byte.
    pub(crate) elapsed: Duration,
}

/// Gets `path` from `addr` (host:port), in a format of `accept`, the value of that header.
///
/// Speaks HTTP/1.1 and asks for the connection to be closed, so that the end of the body is the end of
/// the stream; a chunked body is put together.
pub(crate) fn get(addr: &str, path: &str, accept: &str, limit: Duration) -> io::Result<HttpAnswer> {
    let began = Instant::now();
    let address: SocketAddr = addr.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_write_timeout(Some(limit))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let raw = read_to_end(&mut stream, began + limit)?;
    parse(&raw, began.elapsed()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read_to_end(stream: &mut TcpStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let (mut raw, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(raw);
        }
        raw.extend_from_slice(&piece[..count]);
        if LARGEST_PAGE < raw.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

fn parse(raw: &[u8], elapsed: Duration) -> Option<HttpAnswer> {
    let split = raw.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&raw[..split]).ok()?;
    let body = &raw[split + 4..];
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: BTreeMap<_, _> = lines.filter_map(header).collect();
    let chunked = headers.get("transfer-encoding").is_some_and(|how| how == "chunked");
    let body = if chunked { join_chunks(body)? } else { body.to_vec() };
    let whole = headers.get("content-length").is_none_or(|n| n.parse() == Ok(body.len()));
    let body = if headers.get("content-encoding").is_some_and(|how| how == "gzip") {
        let mut text = String::new();
        MultiGzDecoder::new(body.as_slice()).read_to_string(&mut text).ok()?;
        text
    } else {
        String::from_utf8(body).ok()?
    };
    whole.then_some(HttpAnswer { status, headers, body, elapsed })
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = rest.get(line + 2..)?;
        body.extend_from_slice(chunk.get(..size)?);
        rest = chunk.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_a_page_are_joined() {
        let raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            4\r\nkafk\r\n8\r\na-prober\r\n0\r\n\r\n";
        let answer = parse(raw, Duration::ZERO).expect("it is HTTP");
        assert_eq!((answer.status, answer.body.as_str()), (200, "kafka-prober"));
    }

    #[test]
    fn truncated_page_is_no_answer() {
        let raw = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
        assert!(parse(raw, Duration::ZERO).is_none());
    }
}
