//! `[diagnosis]`: what the diagnosis may use besides what Kafka answers.

use std::fmt;

use serde::{Serialize, Serializer};

use super::values::Values;
use super::{Address, ConfigError};

/// `[diagnosis]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Who is called to see whether the way out of here is open.
    pub reference: Reference,
}

/// A machine that is not Kafka's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The collector of `[otlp]`, if there is one.
    Otlp,
    /// None.
    Off,
    /// This one.
    At(Address),
}

/// The word for the collector; without a port it is no address.
const OTLP: &str = "otlp";

impl Reference {
    fn parse(text: &str) -> Result<Reference, String> {
        match text {
            "" => Ok(Reference::Off),
            OTLP => Ok(Reference::Otlp),
            address => Address::parse(address)
                .map(Reference::At)
                .map_err(|problem| format!("{problem}; or \"{OTLP}\" for the collector, or \"\" for none")),
        }
    }

    /// `host:port` of whom to call, given the endpoint that is exported to.
    #[must_use]
    pub fn address(&self, endpoint: Option<&str>) -> Option<String> {
        match self {
            Reference::Off => None,
            Reference::At(address) => Some(address.to_string()),
            Reference::Otlp => of_url(endpoint?),
        }
    }
}

/// `host:port` of a URL, with the port that its scheme implies (RFC 9110, 4.2).
fn of_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let port = if scheme == "https" { 443 } else { 80 };
    let with_port = || Address::parse(&format!("{authority}:{port}"));
    Address::parse(authority).or_else(|_| with_port()).ok().map(|address| address.to_string())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Otlp => f.write_str(OTLP),
            Reference::Off => Ok(()),
            Reference::At(address) => address.fmt(f),
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Parses the section.
pub(crate) fn parse(values: &Values) -> Result<Diagnosis, ConfigError> {
    Ok(Diagnosis { reference: values.text("diagnosis.reference", "host:port", Reference::parse)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collector_is_called_by_default_at_the_port_of_its_url() {
        let reference = Reference::parse("otlp").expect("the default");
        for (url, address) in [
            ("http://collector:4317", "collector:4317"),
            ("https://collector/v1/metrics", "collector:443"),
            ("http://[::1]:4318/", "[::1]:4318"),
            ("http://collector", "collector:80"),
        ] {
            assert_eq!(reference.address(Some(url)).as_deref(), Some(address));
        }
        assert_eq!(reference.address(None), None);
    }

    #[test]
    fn address_of_its_own_goes_before_the_collector_and_nothing_is_none() {
        let own = Reference::parse("gateway:443").expect("an address");
        assert_eq!(own.address(Some("http://collector:4317")).as_deref(), Some("gateway:443"));
        let off = Reference::parse("").expect("off");
        assert_eq!(off.address(Some("http://collector:4317")), None);
        assert_eq!([own, off].map(|reference| reference.to_string()), ["gateway:443", ""]);
    }

    #[test]
    fn name_without_a_port_is_one_clear_sentence() {
        let problem = Reference::parse("gateway").expect_err("it has no port");
        assert!(problem.starts_with("\"gateway\" has no port; write host:port"), "{problem}");
        assert!(problem.ends_with("or \"otlp\" for the collector, or \"\" for none"), "{problem}");
    }
}
