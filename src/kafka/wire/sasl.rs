//! The SASL exchange (KIP-43, KIP-152): the first requests on a connection after ApiVersions, which a broker answers without
//! authentication.

use std::time::Duration;

use bytes::Bytes;
use openssl::hash::MessageDigest;

use super::{
    connection::Connection,
    error::{LocalFault, WireError},
    sasl_authenticate::{Authenticated, SaslAuthenticate},
    sasl_handshake::SaslHandshake,
    scram,
};
use crate::config::SaslMechanism;
use crate::kafka::security::Sasl;

/// Kafka's UNSUPPORTED_SASL_MECHANISM.
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;

/// Random bytes of a nonce. It is sent in base64, which has no comma (RFC 5802 forbids commas).
const NONCE: usize = 18;

/// Authenticates the connection. Returns the lifetime of the session (KIP-368), if it expires.
pub(super) async fn authenticate(connection: &Connection, sasl: &Sasl) -> Result<Option<Duration>, WireError> {
    let agreed = connection.call(SaslHandshake { mechanism: sasl.mechanism.name() })?.await?.body;
    match agreed.error {
        0 => {}
        UNSUPPORTED_SASL_MECHANISM => return Err(WireError::SaslMechanism { offered: agreed.mechanisms.join(", ") }),
        code => return Err(WireError::SaslRefused { code, message: String::new() }),
    }
    let last = match sasl.mechanism {
        SaslMechanism::Plain => exchange(connection, plain(sasl)).await?,
        SaslMechanism::ScramSha256 => scram(connection, sasl, MessageDigest::sha256()).await?,
        SaslMechanism::ScramSha512 => scram(connection, sasl, MessageDigest::sha512()).await?,
    };
    Ok(last.session_lifetime)
}

/// The message of RFC 4616. The authorization identity is empty: it is derived from the user name.
fn plain(sasl: &Sasl) -> String {
    format!("\0{}\0{}", sasl.username, sasl.password)
}

async fn scram(connection: &Connection, sasl: &Sasl, digest: MessageDigest) -> Result<Authenticated, WireError> {
    let first = scram::ClientFirst::new(digest, &sasl.username, nonce()?);
    let challenge = exchange(connection, first.message()).await?.bytes;
    let password = sasl.password.clone();
    // Takes some milliseconds of CPU time, in which the other probes of this thread must not wait.
    let last = tokio::task::spawn_blocking(move || first.answer(&password, &challenge)).await;
    // A blocking task is cancelled only when the runtime shuts down.
    let last = last.map_err(|_| WireError::Dropped)?.map_err(|detail| WireError::SaslProtocol { detail })?;
    let answer = exchange(connection, last.message()).await?;
    if last.proves(&answer.bytes) {
        return Ok(answer);
    }
    Err(WireError::SaslProtocol { detail: "the broker has not proved that it knows the password".to_owned() })
}

async fn exchange(connection: &Connection, message: String) -> Result<Authenticated, WireError> {
    let answer = connection.call(SaslAuthenticate { bytes: Bytes::from(message) })?.await?.body;
    match answer.error {
        0 => Ok(answer),
        code => Err(WireError::SaslRefused { code, message: answer.message.unwrap_or_default() }),
    }
}

fn nonce() -> Result<String, WireError> {
    let mut random = [0; NONCE];
    getrandom::fill(&mut random).map_err(|_| WireError::Local { fault: LocalFault::Randomness })?;
    Ok(openssl::base64::encode_block(&random))
}
