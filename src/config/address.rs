//! `host:port`: of a bootstrap server, and of the reference of the diagnosis.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::text::quoted;

/// A host name or IP address with a port from 1 to 65535.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `host:port`; an IPv6 address is in brackets: `[::1]:9092`.
    ///
    /// # Errors
    ///
    /// A sentence that quotes `text` and says what would work.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("{} {what}", quoted(text)));
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
        // Digits only: `u16::from_str` alone would also take `+9092`.
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits && port != 0 => Ok(Self { host: host.to_owned(), port }),
            _ => problem("has no valid port; use a number from 1 to 65535"),
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

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

/// A machine that is not Kafka's: it shows whether the prober's own way out is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// The collector of `[otlp]`, if there is one.
    Otlp,
    /// None.
    Off,
    /// This one.
    At(Address),
}

impl Reference {
    /// `host:port` of the machine, given the endpoint that is exported to.
    #[must_use]
    pub fn address(&self, endpoint: Option<&str>) -> Option<String> {
        match self {
            Reference::Off => None,
            Reference::At(address) => Some(address.to_string()),
            Reference::Otlp => {
                // Without a port, the one that the scheme implies (RFC 9110, 4.2).
                let (scheme, rest) = endpoint?.split_once("://")?;
                let authority = rest.split('/').next()?;
                let port = if scheme == "https" { 443 } else { 80 };
                let with_port = || Address::parse(&format!("{authority}:{port}"));
                Address::parse(authority).or_else(|_| with_port()).ok().map(|address| address.to_string())
            }
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match &*text {
            "" => Ok(Reference::Off),
            // Without a port it is no address.
            "otlp" => Ok(Reference::Otlp),
            address => match Address::parse(address) {
                Ok(address) => Ok(Reference::At(address)),
                Err(problem) => Err(format!("{problem}; or \"otlp\" for the collector, or \"\" for none")),
            },
        }
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> String {
        match reference {
            Reference::Otlp => "otlp".to_owned(),
            Reference::Off => String::new(),
            Reference::At(address) => address.to_string(),
        }
    }
}
