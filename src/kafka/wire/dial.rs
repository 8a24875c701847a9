//! Dialling: a name becomes addresses, an address a TCP connection, and that, by its handshake,
//! a [`Connection`]. Each phase is timed, and fails with an error of its own.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};

use super::{connection::Connection, error::WireError};

/// How long each phase took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name to addresses.
    pub resolve: Duration,
    /// All connect attempts, failed addresses included.
    pub connect: Duration,
    /// The ApiVersions exchange.
    pub api_versions: Duration,
}

/// A TCP connection without a Kafka handshake yet, for who wraps it in TLS first.
#[derive(Debug)]
pub struct Socket {
    /// The connected stream, without Nagle's delay.
    pub stream: TcpStream,
    /// The address that accepted.
    pub peer: SocketAddr,
    /// Resolve and connect.
    pub phases: Phases,
}

/// A connection ready for calls.
#[derive(Debug)]
pub struct Dialed {
    /// The connection.
    pub connection: Connection,
    /// The address that accepted.
    pub peer: SocketAddr,
    /// How long each phase took.
    pub phases: Phases,
}

/// Opens a plaintext connection to `address`, which is `host:port`, all phases within `timeout`.
/// Bytes that the peer's kernel leaves unacknowledged for `tcp_user_timeout` end it later.
///
/// # Errors
/// [`WireError::NoAnswer`] if TCP was accepted but ApiVersions stayed unanswered; otherwise as
/// [`connect`] and [`Connection::open`].
pub async fn dial(
    address: &str,
    client_id: &str,
    timeout: Duration,
    tcp_user_timeout: Duration,
) -> Result<Dialed, WireError> {
    let by = Instant::now() + timeout;
    let Socket { stream, peer, mut phases } = connect(address, by, tcp_user_timeout).await?;
    let connected = Instant::now();
    let connection = Connection::open(stream, client_id, by).await?;
    phases.api_versions = connected.elapsed();
    Ok(Dialed { connection, peer, phases })
}

/// Opens a TCP connection to `address`, which is `host:port`, by the moment `by`. All addresses
/// of the name are tried in the resolver's order, each with an even share of the time left.
///
/// # Errors
/// [`WireError::Resolve`] without an address in time; otherwise the most telling failure among
/// the addresses.
pub async fn connect(address: &str, by: Instant, tcp_user_timeout: Duration) -> Result<Socket, WireError> {
    let started = Instant::now();
    let addresses = resolve(address, by).await?;
    let resolve = started.elapsed();
    let started = Instant::now();
    let (stream, peer) = first_to_accept(&addresses, by).await?;
    let connect = started.elapsed();
    tune(&stream, tcp_user_timeout).map_err(|error| WireError::connecting(&error))?;
    let phases = Phases { resolve, connect, ..Phases::default() };
    Ok(Socket { stream, peer, phases })
}

async fn resolve(address: &str, by: Instant) -> Result<Vec<SocketAddr>, WireError> {
    let failed = |detail: &str| WireError::Resolve { host: address.to_owned(), detail: detail.to_owned() };
    let looked_up = timeout_at(by, lookup_host(address)).await;
    let addresses: Vec<_> =
        looked_up.map_err(|_| failed("no answer in time"))?.map_err(|error| failed(&error.to_string()))?.collect();
    if addresses.is_empty() { Err(failed("the name has no address")) } else { Ok(addresses) }
}

async fn first_to_accept(addresses: &[SocketAddr], by: Instant) -> Result<(TcpStream, SocketAddr), WireError> {
    let mut worst = WireError::ConnectTimeout;
    for (position, peer) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = u32::try_from(addresses.len() - position).unwrap_or(u32::MAX);
        let share = now + by.saturating_duration_since(now) / left;
        let failure = match timeout_at(share, TcpStream::connect(peer)).await {
            Ok(Ok(stream)) => return Ok((stream, *peer)),
            Ok(Err(error)) => WireError::connecting(&error),
            Err(_) => WireError::ConnectTimeout,
        };
        if position == 0 || tells(&failure) > tells(&worst) {
            worst = failure;
        }
    }
    Err(worst)
}

/// How much a failed address says about the broker. A host without IPv6 fails on such an address
/// in ways of its own, which must not hide what the next address said.
fn tells(error: &WireError) -> u8 {
    match error {
        WireError::Refused | WireError::Reset { .. } => 3,
        WireError::ConnectTimeout => 2,
        WireError::Unreachable { .. } => 1,
        _ => 0,
    }
}

fn tune(stream: &TcpStream, tcp_user_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(tcp_user_timeout))?;
    Ok(())
}
