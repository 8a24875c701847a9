//! Certificates, private keys and passwords: files that a key of the configuration names, read when it is loaded.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, str};

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::file;
use super::text::quoted;

/// What a file holds, and the file's path as it was named, which is all that is serialized.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence above has both")]
pub struct FromFile<T> {
    pub path: PathBuf,
    pub content: T,
}

/// The certificates of one PEM file in its order, at least one.
pub type Certificates = FromFile<Vec<CertificateDer<'static>>>;
/// The first private key of one PEM file; its `Debug` does not show the key.
pub type PrivateKey = FromFile<Arc<PrivateKeyDer<'static>>>;
/// A secret that is the one line of a text file.
pub type SecretFile = FromFile<Secret>;

/// How a file is understood, and what to say if it cannot be.
trait Content: Sized {
    const EXPECTED: &str;
    const MISSING: &str;

    fn parse(bytes: &[u8]) -> Option<Self>;
}

impl Content for Vec<CertificateDer<'static>> {
    const EXPECTED: &str = "a PEM file with -----BEGIN CERTIFICATE-----";
    const MISSING: &str = "holds no certificate";

    fn parse(bytes: &[u8]) -> Option<Self> {
        let all: Self = CertificateDer::pem_slice_iter(bytes).collect::<Result<_, _>>().ok()?;
        (!all.is_empty()).then_some(all)
    }
}

impl Content for Arc<PrivateKeyDer<'static>> {
    const EXPECTED: &str = "a PEM file with -----BEGIN PRIVATE KEY-----, not encrypted";
    const MISSING: &str = "holds no private key";

    fn parse(bytes: &[u8]) -> Option<Self> {
        PrivateKeyDer::from_pem_slice(bytes).ok().map(Arc::new)
    }
}

impl Content for Secret {
    const EXPECTED: &str = "a text file with nothing but the secret on one line";
    const MISSING: &str = "does not hold a secret";

    fn parse(bytes: &[u8]) -> Option<Self> {
        // An editor ends the line; who mounts a secret often does not.
        let text = str::from_utf8(bytes).ok()?;
        let secret = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
        (!secret.is_empty() && !secret.contains(char::is_control)).then(|| Self(secret.to_owned()))
    }
}

impl<'de, T: Content> Deserialize<'de> for FromFile<T> {
    /// Reads the file; an error quotes the path and nothing of the content.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::from(String::deserialize(deserializer)?);
        let (name, expected) = (quoted(&path.to_string_lossy()), T::EXPECTED);
        let bytes = file::bytes(&path)
            .map_err(|error| D::Error::custom(format!("cannot read {name} ({error}); give {expected}")))?;
        match T::parse(&bytes) {
            Some(content) => Ok(Self { path, content }),
            None => Err(D::Error::custom(format!("{name} {}; give {expected}", T::MISSING))),
        }
    }
}

impl<T> Serialize for FromFile<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.path.display())
    }
}

/// A secret value: `Debug` and `Serialize` give [`Secret::REDACTED`], `Display` is absent.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What every output shows instead of a secret.
    pub const REDACTED: &'static str = "<redacted>";

    /// The secret itself, only for the code that must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let problem = "this is the mark that hides a secret in outputs; give the secret";
        if text == Self::REDACTED { Err(D::Error::custom(problem)) } else { Ok(Self(text)) }
    }
}
