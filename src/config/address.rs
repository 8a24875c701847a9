//! `host:port`, the address of a bootstrap server.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Serialize, Serializer};

/// A host name or IP address with a port from 1 to 65535.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `host:port`; an IPv6 address stands in brackets: `[::1]:9092`.
    ///
    /// # Errors
    ///
    /// A sentence that quotes `text` and says what would work.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("{} {what}", super::text::quoted(text)));
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once("]:") {
                Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() => (host, port),
                _ => return problem("is not an IPv6 address and port; write [::1]:9092"),
            },
            None => match text.rsplit_once(':') {
                Some((host, _)) if host.parse::<Ipv6Addr>().is_ok() => {
                    return problem("has an IPv6 address without brackets; write [::1]:9092");
                }
                Some((host, port)) if is_host(host) => (host, port),
                Some(_) => return problem("has no valid host name; write host:port"),
                None => return problem("has no port; write host:port, such as kafka-1:9092"),
            },
        };
        match port_number(port) {
            Some(port) => Ok(Self { host: host.to_owned(), port }),
            None => problem("has no valid port; use a number from 1 to 65535"),
        }
    }

    /// The host name, or the IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A DNS name (RFC 1123, and the underscore that Compose files like) or an IPv4 address.
pub(crate) fn is_host(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (1..=253).contains(&text.len()) && text.chars().all(known)
}

/// Digits only: `u16::from_str` alone would also take `+9092`.
pub(crate) fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|port| *port != 0)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
