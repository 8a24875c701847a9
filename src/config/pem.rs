//! Certificates and keys: PEM files that a key of the configuration names, read when it is loaded.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::text::quoted;

/// A PEM file is read up to this size: the certificates of a whole machine are some 200 KiB.
const MAX_BYTES: u64 = 1 << 20;

/// The certificates of one file, at least one. Serialized as the file's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    path: PathBuf,
    der: Vec<CertificateDer<'static>>,
}

/// The private key of one file. Serialized as the file's path; `Debug` does not show the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKey {
    path: PathBuf,
    der: Arc<PrivateKeyDer<'static>>,
}

impl Certificates {
    /// Reads every certificate of a PEM file; `None` if no file is named.
    ///
    /// # Errors
    ///
    /// A sentence that quotes the path and says what would work.
    pub(crate) fn read(path: &str) -> Result<Option<Self>, String> {
        if path.is_empty() {
            return Ok(None);
        }
        let expected = "a PEM file with -----BEGIN CERTIFICATE-----";
        let pem = text(path, expected)?;
        let der: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match der {
            Ok(der) if !der.is_empty() => Ok(Some(Self { path: path.into(), der })),
            _ => Err(format!("{} holds no certificate; give {expected}", quoted(path))),
        }
    }

    /// Where the file is, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In the order of the file.
    #[must_use]
    pub fn der(&self) -> &[CertificateDer<'static>] {
        &self.der
    }
}

impl PrivateKey {
    /// Reads the first private key of a PEM file; `None` if no file is named.
    ///
    /// # Errors
    ///
    /// A sentence that quotes the path and says what would work; nothing of the file.
    pub(crate) fn read(path: &str) -> Result<Option<Self>, String> {
        if path.is_empty() {
            return Ok(None);
        }
        let expected = "a PEM file with -----BEGIN PRIVATE KEY-----, not encrypted";
        let pem = text(path, expected)?;
        match PrivateKeyDer::from_pem_slice(&pem) {
            Ok(der) => Ok(Some(Self { path: path.into(), der: Arc::new(der) })),
            Err(_) => Err(format!("{} holds no private key; give {expected}", quoted(path))),
        }
    }

    /// Where the file is, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key itself, only for the one who must prove it.
    #[must_use]
    pub fn der(&self) -> &Arc<PrivateKeyDer<'static>> {
        &self.der
    }
}

fn text(path: &str, expected: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(Path::new(path)).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 <= MAX_BYTES => Ok(bytes),
        Ok(_) => Err(format!("{} is larger than 1 MiB; give {expected}", quoted(path))),
        Err(error) => Err(format!("cannot read {} ({error}); give {expected}", quoted(path))),
    }
}

impl Serialize for Certificates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.path.display())
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.path.display())
    }
}
