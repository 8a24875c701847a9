//! `host:port`: of a bootstrap server, and of the reference of the diagnosis.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::quoted;

/// A host name or IP address with a port from 1 to 65535, as written; an IPv6 address is in brackets: `[::1]:9092`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("{} {what}", quoted(text)));
        let is_ipv6 = |host: &str| host.parse::<Ipv6Addr>().is_ok();
        let port = match (text.strip_prefix('['), text.rsplit_once(':')) {
            (Some(rest), _) => match rest.split_once("]:") {
                Some((host, port)) if is_ipv6(host) => port,
                _ => return problem("is not an IPv6 address and port; write [::1]:9092"),
            },
            (None, Some((host, _))) if is_ipv6(host) => {
                return problem("has an IPv6 address without brackets; write [::1]:9092");
            }
            (None, Some((host, port))) if is_host(host) => port,
            (None, Some(_)) => return problem("has no valid host name; write host:port"),
            (None, None) => return problem("has no port; write host:port, such as kafka-1:9092"),
        };
        // Digits only: `u16::from_str` alone would also take `+9092`.
        let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
        if is_port { Ok(Self(text.to_owned())) } else { problem("has no valid port; use a number from 1 to 65535") }
    }
}

/// A DNS name (RFC 1123, and the underscore that Compose files like) or an IPv4 address.
pub(crate) fn is_host(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (1..=253).contains(&text.len()) && text.chars().all(known)
}

/// Whether a host is this one: `localhost` (RFC 6761, 6.3) or a loopback address, which may be in brackets.
fn is_this_host(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    ip.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A machine that is not Kafka's: it shows whether the prober's own way out is open. `otlp` is the collector of `[otlp]`, if
/// there is one; an empty text is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reference(String);

impl Reference {
    /// `host:port` of the machine, given the endpoint that is exported to. A collector on this host shows nothing about the way out.
    #[must_use]
    pub fn address(&self, endpoint: Option<&str>) -> Option<String> {
        match &*self.0 {
            "" => None,
            "otlp" => {
                // Without a port, the one that the scheme implies (RFC 9110, 4.2).
                let (scheme, rest) = endpoint?.split_once("://")?;
                let authority = rest.split('/').next()?;
                let port = if scheme == "https" { 443 } else { 80 };
                let has_port = authority.parse::<Address>().is_ok();
                if is_this_host(if has_port { authority.rsplit_once(':')?.0 } else { authority }) {
                    return None;
                }
                Some(if has_port { authority.to_owned() } else { format!("{authority}:{port}") })
            }
            address => Some(address.to_owned()),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse::<Address>() {
            // Neither word is an address, which has a port.
            Err(problem) if !matches!(&*text, "" | "otlp") => {
                Err(format!("{problem}; or \"otlp\" for the collector, or \"\" for none"))
            }
            _ => Ok(Self(text)),
        }
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> String {
        reference.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collector_on_this_host_is_no_reference_unless_it_is_named() {
        let otlp = Reference("otlp".to_owned());
        for endpoint in [
            "http://127.0.0.1:4317",
            "http://localhost:4318/v1",
            "https://[::1]:4317",
            "http://[::1]",
            "http://LOCALHOST",
        ] {
            assert_eq!(otlp.address(Some(endpoint)), None, "{endpoint}");
        }
        assert_eq!(otlp.address(Some("http://collector:4317")).as_deref(), Some("collector:4317"));
        assert_eq!(otlp.address(Some("https://10.0.0.1/v1")).as_deref(), Some("10.0.0.1:443"));
        assert_eq!(otlp.address(None), None);
        let named = Reference("127.0.0.1:53".to_owned());
        assert_eq!(named.address(Some("http://collector:4317")).as_deref(), Some("127.0.0.1:53"));
    }
}
