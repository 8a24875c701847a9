//! The client's side of SCRAM (RFC 5802, RFC 7677) without channel binding, as Kafka uses it: both sides prove that they know
//! the password without sending it.
//!
//! ```text
//! client: n,,n=USER,r=NONCE
//! broker: r=NONCE+MORE,s=SALT,i=ITERATIONS
//! client: c=biws,r=NONCE+MORE,p=PROOF
//! broker: v=SIGNATURE
//! ```
//!
//! User name and password are used as they are, without SASLprep, as Kafka and librdkafka do.

use openssl::base64::{decode_block, encode_block};
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// The iterations that are accepted. Fewer would be a downgrade (RFC 7677, 4). Kafka's brokers allow up to 16384; a peer that
/// asks for far more only costs CPU time.
const ITERATIONS: std::ops::RangeInclusive<usize> = 4096..=131_072;

/// The GS2 header of the client's messages, without channel binding: `n,,`, and the same in base64.
const NO_BINDING: &str = "n,,";
const NO_BINDING_BASE64: &str = "biws";

/// The client-first-message, and what the rest of the exchange needs.
pub(super) struct ClientFirst {
    digest: MessageDigest,
    nonce: String,
    bare: String,
}

/// The client-final-message, and the signature that the broker must send.
pub(super) struct ClientFinal {
    message: String,
    signature: Vec<u8>,
}

impl ClientFirst {
    /// Begins an exchange; `nonce` is random, printable and without a comma.
    pub(super) fn new(digest: MessageDigest, username: &str, nonce: String) -> ClientFirst {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        ClientFirst { digest, bare: format!("n={username},r={nonce}"), nonce }
    }

    /// The message to send.
    pub(super) fn message(&self) -> String {
        format!("{NO_BINDING}{}", self.bare)
    }

    /// The final message for the broker's challenge. Takes milliseconds of CPU time, by the number of iterations.
    ///
    /// # Errors
    /// Why the challenge is not acceptable.
    pub(super) fn answer(&self, password: &str, challenge: &[u8]) -> Result<ClientFinal, String> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| "the challenge is no text")?;
        let mut fields = challenge.split(',');
        // In this order, and nothing before: an unknown mandatory extension (m=) must be refused (RFC 5802, 5.1).
        let mut field = |name: &str| {
            let value = fields.next().and_then(|field| field.strip_prefix(name));
            value.ok_or_else(|| format!("the challenge lacks {name}"))
        };
        let (nonce, salt, iterations) = (field("r=")?, field("s=")?, field("i=")?);
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the challenge is not for our nonce".to_owned());
        }
        let salt = decode_block(salt).map_err(|_| "the salt is not base64")?;
        let iterations = iterations.parse().ok().filter(|count| ITERATIONS.contains(count));
        let iterations = iterations.ok_or("the number of iterations is out of range")?;
        self.scram(password, challenge, nonce, &salt, iterations).map_err(|error| error.to_string())
    }

    fn scram(
        &self,
        password: &str,
        challenge: &str,
        nonce: &str,
        salt: &[u8],
        iterations: usize,
    ) -> Result<ClientFinal, ErrorStack> {
        let digest = self.digest;
        let mut salted = vec![0; digest.size()];
        pbkdf2_hmac(password.as_bytes(), salt, iterations, digest, &mut salted)?;
        let unproven = format!("c={NO_BINDING_BASE64},r={nonce}");
        let both = format!("{},{challenge},{unproven}", self.bare);
        let client_key = hmac(digest, &salted, b"Client Key")?;
        let stored_key = hash(digest, &client_key)?;
        let client_signature = hmac(digest, &stored_key, both.as_bytes())?;
        let proof: Vec<u8> = client_key.iter().zip(&client_signature).map(|(key, signature)| key ^ signature).collect();
        let server_key = hmac(digest, &salted, b"Server Key")?;
        let signature = hmac(digest, &server_key, both.as_bytes())?;
        Ok(ClientFinal { message: format!("{unproven},p={}", encode_block(&proof)), signature })
    }
}

impl ClientFinal {
    /// The message to send.
    pub(super) fn message(&self) -> String {
        self.message.clone()
    }

    /// Whether the answer proves that the broker knows the password.
    pub(super) fn proves(&self, answer: &[u8]) -> bool {
        let text = std::str::from_utf8(answer).ok();
        let signature = text.and_then(|text| text.split(',').next()).and_then(|field| field.strip_prefix("v="));
        let signature = signature.and_then(|signature| decode_block(signature).ok()).unwrap_or_default();
        signature.len() == self.signature.len() && memcmp::eq(&signature, &self.signature)
    }
}

fn hmac(digest: MessageDigest, key: &[u8], data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(digest, &key)?.sign_oneshot_to_vec(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const SIGNATURE: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn first(username: &str) -> ClientFirst {
        ClientFirst::new(MessageDigest::sha256(), username, NONCE.to_owned())
    }

    #[test]
    fn exchange_is_the_example_of_rfc_7677() {
        let first = first("user");
        assert_eq!(first.message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let last = first.answer("pencil", CHALLENGE.as_bytes()).expect("a good challenge");
        assert_eq!(last.message(), PROOF);
        assert!(last.proves(SIGNATURE.as_bytes()));
    }

    #[test]
    fn broker_that_does_not_know_the_password_proves_nothing() {
        let last = first("user").answer("pen", CHALLENGE.as_bytes()).expect("a good challenge");
        for answer in [SIGNATURE, "v=", "v=not base64", "e=other-error", ""] {
            assert!(!last.proves(answer.as_bytes()), "{answer}");
        }
    }

    #[test]
    fn comma_and_equals_sign_in_a_user_name_are_escaped() {
        assert_eq!(first("a=b,c").message(), format!("n,,n=a=3Db=2Cc,r={NONCE}"));
    }

    #[test]
    fn malformed_challenge_is_refused() {
        for (challenge, reason) in [
            ("s=W22Z,i=4096", "the challenge lacks r="),
            ("m=new,r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=4096", "the challenge lacks r="),
            ("r=another-nonce,s=W22Z,i=4096", "the challenge is not for our nonce"),
            ("r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096", "the challenge is not for our nonce"),
            ("r=rOprNGfwEbeRWgbNEkqOx,s=%,i=4096", "the salt is not base64"),
            ("r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=4095", "the number of iterations is out of range"),
            ("r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=2147483647", "the number of iterations is out of range"),
        ] {
            let refused = first("user").answer("pencil", challenge.as_bytes()).err();
            assert_eq!(refused.as_deref(), Some(reason), "{challenge}");
        }
    }
}
