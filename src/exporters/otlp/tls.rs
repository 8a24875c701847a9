//! TLS towards the collector: rustls with ring, one configuration for both transports.
//!
//! Without a configured CA the machine's certificates are trusted (`SSL_CERT_FILE` and `SSL_CERT_DIR`, or the system's
//! folder), not a list compiled in: a company adds its own CA there, and removes revoked ones.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore};

use super::keys;

/// The certificates to trust and to show.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// CA certificates that are trusted instead of the machine's.
    pub ca: Option<Vec<CertificateDer<'static>>>,
    /// The certificate for a collector that demands one.
    pub client: Option<ClientIdentity>,
}

/// A client certificate and its key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate, leaf first, with its chain.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the leaf.
    pub key: Arc<PrivateKeyDer<'static>>,
}

/// The configuration of every connection to the collector.
///
/// The error is a sentence: what is wrong with the settings or the machine, and what would work.
pub(super) fn client(settings: &TlsSettings) -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used here: {error}"))?
        .with_root_certificates(roots(settings.ca.as_deref())?);
    let Some(ClientIdentity { chain, key }) = &settings.client else { return Ok(config.with_no_client_auth()) };
    config.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!(
                "the key in {} does not belong to the certificate in {}",
                keys::CLIENT_KEY,
                keys::CLIENT_CERTIFICATE
            )
        }
        error => format!("{} and {} cannot be used: {error}", keys::CLIENT_CERTIFICATE, keys::CLIENT_KEY),
    })
}

fn roots(ca: Option<&[CertificateDer<'static>]>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        for certificate in ca {
            let added = roots.add(certificate.clone());
            added.map_err(|error| format!("{} holds a certificate that cannot be used: {error}", keys::CA))?;
        }
        return Ok(roots);
    }
    // A machine has some hundred of them; one that cannot be parsed does not spoil the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(format!("this machine has no CA certificates; install ca-certificates, or set {}", keys::CA));
    }
    Ok(roots)
}
