//! Converts a cluster's security settings for the Kafka clients.

use std::sync::Arc;

use crate::config;
use crate::kafka::security::{ClientIdentity, Pem, Sasl, Security, TlsSettings};

/// The TLS and SASL settings of a cluster.
///
/// # Errors
/// A sentence that names the file and why it cannot be used.
pub(crate) fn security(cluster: &str, security: &config::Security) -> Result<Arc<Security>, String> {
    let security = Security::new(tls(security), sasl(security));
    security.map(Arc::new).map_err(|problem| format!("clusters.{cluster}.security: {problem}"))
}

fn tls(security: &config::Security) -> Option<TlsSettings> {
    security.protocol.has_tls().then(|| TlsSettings {
        ca: security.ca.as_ref().map(certificates),
        client: security.certificate.as_ref().zip(security.key.as_ref()).map(|(chain, key)| ClientIdentity {
            chain: certificates(chain),
            key: Pem { path: key.path.clone(), der: vec![key.content.secret_der().to_vec()] },
        }),
        any_hostname: !security.verify_hostname,
    })
}

fn certificates(file: &config::Certificates) -> Pem {
    Pem { path: file.path.clone(), der: file.content.iter().map(|der| der.to_vec()).collect() }
}

fn sasl(security: &config::Security) -> Option<Sasl> {
    let mechanism = security.sasl_mechanism.filter(|_| security.protocol.has_sasl())?;
    Some(Sasl {
        mechanism,
        username: security.username.clone(),
        password: security.any_password()?.expose().to_owned(),
    })
}
