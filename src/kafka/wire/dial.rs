//! Opens a connection in phases: resolve the name, connect over TCP, TLS handshake, ApiVersions, SASL. Each phase is timed,
//! and fails with an error of its own.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};

use super::{connection::Connection, error::WireError, stream_error, tcp_state::Endpoints, tls};
use crate::kafka::security::Security;

/// Duration of each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Resolving the name to addresses.
    pub resolve: Duration,
    /// TCP connect, including addresses that failed.
    pub connect: Duration,
    /// The TLS handshake; `None` without TLS.
    pub tls: Option<Duration>,
    /// The SASL exchange; `None` without SASL.
    pub sasl: Option<Duration>,
    /// The ApiVersions exchange, which precedes SASL.
    pub api_versions: Duration,
}

/// A TCP connection before TLS and before any Kafka request.
#[derive(Debug)]
pub struct Socket {
    /// The connected stream, with TCP_NODELAY.
    pub stream: TcpStream,
    /// The address that accepted the connection.
    pub peer: SocketAddr,
    /// The phases so far: resolve and connect.
    pub phases: Phases,
}

/// A connection that is ready for requests.
#[derive(Debug)]
pub struct Dialed {
    /// The connection.
    pub connection: Connection,
    /// The address that accepted the connection.
    pub peer: SocketAddr,
    /// Duration of each phase.
    pub phases: Phases,
}

/// Opens a connection to `address`, which is `host:port`, all phases within `timeout`. With TLS, the certificate must be valid
/// for that host. Later, bytes that the peer's kernel does not acknowledge within `tcp_user_timeout` end the connection.
///
/// # Errors
/// [`WireError::NoAnswer`] if TCP connected but TLS, ApiVersions or SASL was not answered; otherwise as [`connect`] and
/// [`Connection::open`], and the errors of TLS and SASL.
pub async fn dial(
    address: &str,
    client_id: &str,
    security: &Security,
    timeout: Duration,
    tcp_user_timeout: Duration,
) -> Result<Dialed, WireError> {
    let by = Instant::now() + timeout;
    let Socket { stream, peer, mut phases } = connect(address, by, tcp_user_timeout).await?;
    let local = stream.local_addr();
    let mut began = Instant::now();
    let mut connection = match &security.tls {
        None => Connection::open(stream, client_id, by).await?,
        Some(tls) => {
            let stream = tls::handshake(tls, host(address), stream, by).await?;
            phases.tls = Some(lap(&mut began));
            Connection::open(stream, client_id, by).await?
        }
    };
    phases.api_versions = lap(&mut began);
    if let Some(sasl) = &security.sasl {
        connection.authenticate(sasl, by).await?;
        phases.sasl = Some(lap(&mut began));
    }
    if let Ok(local) = local {
        connection.set_endpoints(Endpoints { local, peer });
    }
    Ok(Dialed { connection, peer, phases })
}

/// The time since `began`, which is set to now.
fn lap(began: &mut Instant) -> Duration {
    let now = Instant::now();
    now - std::mem::replace(began, now)
}

/// The host of `host:port`, an IPv6 address without its brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Opens a TCP connection to `address`, which is `host:port`, until `by`. All addresses of the name are tried in the
/// resolver's order, each with an equal share of the time left.
///
/// # Errors
/// [`WireError::Resolve`] if the name has no address in time; otherwise the failure of the address that says most about the
/// broker.
pub async fn connect(address: &str, by: Instant, tcp_user_timeout: Duration) -> Result<Socket, WireError> {
    let started = Instant::now();
    let addresses = resolve(address, by).await?;
    let resolve = started.elapsed();
    let started = Instant::now();
    let (stream, peer) = first_to_accept(&addresses, by).await?;
    let connect = started.elapsed();
    tune(&stream, tcp_user_timeout).map_err(|error| WireError::from_connect(&error))?;
    let phases = Phases { resolve, connect, ..Phases::default() };
    Ok(Socket { stream, peer, phases })
}

async fn resolve(address: &str, by: Instant) -> Result<Vec<SocketAddr>, WireError> {
    let failed = |detail: &str| match stream_error::local_shortage() {
        Some(fault) => WireError::Local { fault },
        None => WireError::Resolve { host: address.to_owned(), detail: detail.to_owned() },
    };
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
            Ok(Err(error)) => WireError::from_connect(&error),
            Err(_) => WireError::ConnectTimeout,
        };
        if position == 0 || precedence(&failure) > precedence(&worst) {
            worst = failure;
        }
    }
    Err(worst)
}

/// Which failure of several addresses is reported: the one with the highest value. A prober without IPv6 fails on an IPv6
/// address for reasons of its own, which must not hide the failure of the IPv4 address.
fn precedence(error: &WireError) -> u8 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_is_checked_against_the_host_without_port_and_brackets() {
        for (address, expected) in [("kafka-1:9092", "kafka-1"), ("[::1]:9092", "::1"), ("10.0.0.1:9092", "10.0.0.1")] {
            assert_eq!(host(address), expected);
        }
    }
}
