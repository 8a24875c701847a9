//! `[clusters.NAME]`: where the brokers are and how they are spoken to.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::text::{OrEmpty, word};
use super::{Address, Certificates, PrivateKey, Secret, SecretFile};

/// `[clusters.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Servers to start from, at least one.
    #[serde(default, deserialize_with = "servers")]
    pub bootstrap: Vec<Address>,
    /// How they are spoken to.
    pub security: Security,
}

/// A list of blanks is as good as none.
fn servers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Address>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Ok(Vec::new());
    }
    texts.iter().map(|text| Address::parse(text.trim()).map_err(D::Error::custom)).collect()
}

/// `[clusters.NAME.security]`: what the protocol needs is there, and nothing that it has no use for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Security {
    /// What is spoken below Kafka's requests.
    #[serde(deserialize_with = "word")]
    pub protocol: SecurityProtocol,
    /// Trusted instead of the machine's certificates; `None` for those.
    #[serde(with = "OrEmpty")]
    pub ca: Option<Certificates>,
    /// Shown to a broker that asks, leaf first; there with the key or not at all.
    #[serde(with = "OrEmpty")]
    pub certificate: Option<Certificates>,
    /// The key of that certificate.
    #[serde(with = "OrEmpty")]
    pub key: Option<PrivateKey>,
    /// Whether a broker's certificate must be for its advertised host.
    pub verify_hostname: bool,
    /// How the prober authenticates; there if the protocol has SASL.
    #[serde(with = "OrEmpty")]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// The SASL user; not empty if the protocol has SASL.
    pub username: String,
    /// The password, if it was given itself.
    #[serde(with = "OrEmpty")]
    pub password: Option<Secret>,
    /// The password, if it was given by a file.
    #[serde(with = "OrEmpty")]
    pub password_file: Option<SecretFile>,
}

impl Security {
    /// The password, whichever way it was given; there if the protocol has SASL.
    #[must_use]
    pub fn any_password(&self) -> Option<&Secret> {
        self.password.as_ref().or(self.password_file.as_ref().map(SecretFile::content))
    }
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// Neither TLS nor SASL.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Whether it has TLS.
    #[must_use]
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether it has SASL.
    #[must_use]
    pub fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A SASL mechanism, by its IANA name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// RFC 4616.
    #[serde(rename = "PLAIN")]
    Plain,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// RFC 5802's mechanism with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}
