//! The SASL exchange (KIP-43, KIP-152): the first calls on a connection, after ApiVersions, which a broker answers to
//! anybody.

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
use crate::kafka::security::{Mechanism, Sasl};

/// Kafka's UNSUPPORTED_SASL_MECHANISM.
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;

/// Random bytes of a nonce; in base64 there is no comma in them.
const NONCE: usize = 18;

/// Says who we are, and proves it. Returns how long that holds (KIP-368), if not for ever.
pub(super) async fn authenticate(connection: &Connection, sasl: &Sasl) -> Result<Option<Duration>, WireError> {
    let agreed = connection.call(SaslHandshake { mechanism: sasl.mechanism.name() })?.await?.body;
    match agreed.error {
        0 => {}
        UNSUPPORTED_SASL_MECHANISM => return Err(WireError::SaslMechanism { offered: agreed.mechanisms.join(", ") }),
        code => return Err(WireError::SaslRefused { code, message: String::new() }),
    }
    let last = match sasl.mechanism {
        Mechanism::Plain => exchange(connection, plain(sasl)).await?,
        Mechanism::ScramSha256 => scram(connection, sasl, MessageDigest::sha256()).await?,
        Mechanism::ScramSha512 => scram(connection, sasl, MessageDigest::sha512()).await?,
    };
    Ok(last.session_lifetime)
}

/// RFC 4616; whom to act for is left empty, which means ourselves.
fn plain(sasl: &Sasl) -> String {
    format!("\0{}\0{}", sasl.username, sasl.password)
}

async fn scram(connection: &Connection, sasl: &Sasl, digest: MessageDigest) -> Result<Authenticated, WireError> {
    let first = scram::ClientFirst::new(digest, &sasl.username, nonce()?);
    let challenge = exchange(connection, first.message()).await?.bytes;
    let password = sasl.password.clone();
    // Some milliseconds of a processor, in which the probes beside us must not stand still.
    let last = tokio::task::spawn_blocking(move || first.answer(&password, &challenge)).await;
    // It is given up only when the runtime ends.
    let last = last.map_err(|_| WireError::Dropped)?.map_err(|detail| WireError::SaslProtocol { detail })?;
    let answer = exchange(connection, last.message()).await?;
    if last.proves(&answer.bytes) {
        return Ok(answer);
    }
    Err(WireError::SaslProtocol { detail: "the broker has not proved that it knows our password".to_owned() })
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
