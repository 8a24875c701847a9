//! TLS and SASL towards Kafka: one setting for both clients, so that both trust and send the same.
//!
//! The wire uses the OpenSSL context that is built here. librdkafka gets the same settings under its own names; it links the
//! same OpenSSL.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use crate::config::SaslMechanism;

/// Security of the connections to one cluster. The default is Kafka's `PLAINTEXT`.
#[derive(Clone, Debug, Default)]
pub struct Security {
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) sasl: Option<Arc<Sasl>>,
}

/// The authorities that are trusted, and the client certificate.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Authorities that are trusted instead of those of the host.
    pub ca: Option<Pem>,
    /// Sent to a broker that requests a client certificate.
    pub client: Option<ClientIdentity>,
    /// Whether to accept a certificate that is not valid for the host name.
    pub any_hostname: bool,
}

/// A PEM file. The wire uses the content; librdkafka reads the file again.
#[derive(Clone)]
pub struct Pem {
    /// Its path.
    pub path: PathBuf,
    /// Its certificates or its key in DER, in the order of the file.
    pub der: Vec<Vec<u8>>,
}

/// The client certificate and its key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate chain, leaf first.
    pub chain: Pem,
    /// The private key of the leaf, unencrypted.
    pub key: Pem,
}

/// The TLS context.
pub(super) struct Tls {
    pub(super) connector: SslConnector,
    pub(super) settings: TlsSettings,
}

/// SASL credentials.
#[derive(Clone)]
pub struct Sasl {
    /// The mechanism.
    pub mechanism: SaslMechanism,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl Security {
    /// Builds the security of a cluster: TLS, SASL, both, or neither.
    ///
    /// # Errors
    /// A sentence that names the file that cannot be used, and why.
    pub fn new(tls: Option<TlsSettings>, sasl: Option<Sasl>) -> Result<Security, String> {
        let tls = tls.map(Tls::new).transpose()?;
        Ok(Security { tls: tls.map(Arc::new), sasl: sasl.map(Arc::new) })
    }

    /// The same as librdkafka's settings: names and values.
    pub(super) fn for_librdkafka(&self) -> Vec<(&'static str, String)> {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        let mut all = vec![("security.protocol", protocol.to_owned())];
        if let Some(tls) = &self.tls {
            let TlsSettings { ca, client, any_hostname } = &tls.settings;
            all.push(("enable.ssl.certificate.verification", "true".to_owned()));
            let checked = if *any_hostname { "none" } else { "https" };
            all.push(("ssl.endpoint.identification.algorithm", checked.to_owned()));
            // Without it librdkafka uses OpenSSL's default authorities, as our own context does.
            all.extend(ca.as_ref().map(|ca| ("ssl.ca.location", ca.location())));
            if let Some(ClientIdentity { chain, key }) = client {
                all.push(("ssl.certificate.location", chain.location()));
                all.push(("ssl.key.location", key.location()));
            }
        }
        if let Some(sasl) = &self.sasl {
            all.push(("sasl.mechanisms", sasl.mechanism.name().to_owned()));
            all.push(("sasl.username", sasl.username.clone()));
            all.push(("sasl.password", sasl.password.clone()));
        }
        all
    }
}

impl Tls {
    fn new(settings: TlsSettings) -> Result<Tls, String> {
        let unusable = |error: ErrorStack| format!("TLS cannot be used here: {error}");
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(unusable)?;
        builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(unusable)?;
        if let Some(ca) = &settings.ca {
            trust(&mut builder, ca)
                .map_err(|error| format!("{ca} holds a certificate that cannot be used: {error}"))?;
        }
        if let Some(ClientIdentity { chain, key }) = &settings.client {
            present(&mut builder, chain)
                .map_err(|error| format!("{chain} holds a certificate that cannot be used: {error}"))?;
            let private = key.der.first().map(Vec::as_slice).unwrap_or_default();
            let private = PKey::private_key_from_der(private)
                .map_err(|error| format!("{key} holds a private key that cannot be used: {error}"))?;
            let belongs = builder.set_private_key(&private).and_then(|()| builder.check_private_key());
            belongs.map_err(|_| format!("the key in {key} does not belong to the certificate in {chain}"))?;
        }
        Ok(Tls { connector: builder.build(), settings })
    }
}

/// Trusts these authorities instead of those of the host.
fn trust(builder: &mut SslConnectorBuilder, ca: &Pem) -> Result<(), ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for certificate in &ca.der {
        store.add_cert(X509::from_der(certificate)?)?;
    }
    builder.set_cert_store(store.build());
    Ok(())
}

fn present(builder: &mut SslConnectorBuilder, chain: &Pem) -> Result<(), ErrorStack> {
    for (position, certificate) in chain.der.iter().enumerate() {
        let certificate = X509::from_der(certificate)?;
        if position == 0 {
            builder.set_certificate(&certificate)?
        } else {
            builder.add_extra_chain_cert(certificate)?
        }
    }
    Ok(())
}

impl SaslMechanism {
    /// Its name in the IANA registry.
    pub fn name(self) -> &'static str {
        match self {
            SaslMechanism::Plain => "PLAIN",
            SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
            SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Pem {
    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Shows only the path, because the content may be a private key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// Omits the password.
impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sasl")
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
