//! `[clusters.NAME]`: where the brokers are, and the TLS and SASL of the connections to them.

#![expect(missing_docs, reason = "a field is a key: `config/default.toml` has its meaning, unit and range")]

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::text::{OrEmpty, word};
use super::{Address, Certificates, PrivateKey, Secret, SecretFile};

/// `[clusters.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// At least one.
    #[serde(default, deserialize_with = "servers")]
    pub bootstrap: Vec<Address>,
    pub security: Security,
}

/// A list of blanks is as good as none.
fn servers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Address>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Ok(Vec::new());
    }
    texts.iter().map(|text| text.trim().parse().map_err(D::Error::custom)).collect()
}

/// `[clusters.NAME.security]`: what the protocol needs is there, and nothing that it has no use for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Security {
    #[serde(deserialize_with = "word")]
    pub protocol: SecurityProtocol,
    #[serde(with = "OrEmpty")]
    pub ca: Option<Certificates>,
    /// There with the key or not at all.
    #[serde(with = "OrEmpty")]
    pub certificate: Option<Certificates>,
    #[serde(with = "OrEmpty")]
    pub key: Option<PrivateKey>,
    pub verify_hostname: bool,
    /// There if the protocol has SASL.
    #[serde(with = "OrEmpty")]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Not empty if the protocol has SASL.
    pub username: String,
    #[serde(with = "OrEmpty")]
    pub password: Option<Secret>,
    #[serde(with = "OrEmpty")]
    pub password_file: Option<SecretFile>,
}

impl Security {
    /// The password, whichever way it was given; there if the protocol has SASL.
    #[must_use]
    pub fn any_password(&self) -> Option<&Secret> {
        self.password.as_ref().or(self.password_file.as_ref().map(|file| &file.content))
    }
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl SecurityProtocol {
    #[must_use]
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    #[must_use]
    pub fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A SASL mechanism, by its IANA name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// Sends the password itself (RFC 4616).
    #[serde(rename = "PLAIN")]
    Plain,
    /// Proves that the client knows the password (RFC 5802, RFC 7677).
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}
