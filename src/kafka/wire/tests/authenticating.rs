//! SASL against a scripted broker; SCRAM against real brokers is in `tests/cluster/secured.rs`.

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
    },
    protocol::{Decodable, StrBytes},
};
use tokio::time::Duration;

use super::{
    super::{Connection, Phase, WireError},
    broker::{Broker, connected, in_a_second},
};
use crate::config::SaslMechanism;
use crate::kafka::security::Sasl;

fn alice(mechanism: SaslMechanism) -> Sasl {
    Sasl { mechanism, username: "alice".into(), password: "secret".into() }
}

impl Broker {
    async fn agree(&mut self, mechanism: &str) {
        let mut asked = self.request().await;
        assert_eq!((asked.key, asked.version), (ApiKey::SaslHandshake as i16, 1));
        let request = SaslHandshakeRequest::decode(&mut asked.body, 1).expect("a handshake");
        assert_eq!(&*request.mechanism, mechanism);
        let offered = vec![StrBytes::from_static_str("PLAIN"), StrBytes::from_static_str("SCRAM-SHA-512")];
        self.answer(&asked, &SaslHandshakeResponse::default().with_mechanisms(offered)).await;
    }

    /// Receives a message of the mechanism, and responds.
    async fn respond(&mut self, answer: SaslAuthenticateResponse) -> Bytes {
        let mut asked = self.request().await;
        assert_eq!((asked.key, asked.version), (ApiKey::SaslAuthenticate as i16, 2));
        let request = SaslAuthenticateRequest::decode(&mut asked.body, 2).expect("a message");
        self.answer(&asked, &answer).await;
        request.auth_bytes
    }
}

async fn authenticated<F, T>(
    mechanism: SaslMechanism,
    script: impl FnOnce(Broker) -> F,
) -> (Connection, Result<(), WireError>, T)
where
    F: Future<Output = T>,
{
    let (mut connection, broker) = connected().await;
    let sasl = alice(mechanism);
    let (result, of_script) = tokio::join!(connection.authenticate(&sasl, in_a_second()), script(broker));
    (connection, result, of_script)
}

fn answer() -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
}

#[tokio::test(start_paused = true)]
async fn plain_sends_user_and_password_and_the_connection_is_replaced_before_its_session_expires() {
    let (connection, result, (credentials, _broker)) = authenticated(SaslMechanism::Plain, async |mut broker| {
        broker.agree("PLAIN").await;
        (broker.respond(answer().with_session_lifetime_ms(10_000)).await, broker)
    })
    .await;
    assert_eq!(result, Ok(()));
    assert_eq!(&*credentials, b"\0alice\0secret");
    tokio::time::advance(Duration::from_millis(7_999)).await;
    assert!(!connection.needs_replacement());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(connection.needs_replacement());
}

#[tokio::test(start_paused = true)]
async fn connection_whose_session_does_not_expire_is_kept() {
    let (connection, result, _broker) = authenticated(SaslMechanism::Plain, async |mut broker| {
        broker.agree("PLAIN").await;
        broker.respond(answer()).await;
        broker
    })
    .await;
    assert_eq!(result, Ok(()));
    tokio::time::advance(Duration::from_secs(1 << 24)).await;
    assert!(!connection.needs_replacement());
}

#[tokio::test(start_paused = true)]
async fn wrong_password_is_refused_with_the_brokers_message() {
    let (_, result, ()) = authenticated(SaslMechanism::Plain, async |mut broker| {
        broker.agree("PLAIN").await;
        let words = StrBytes::from_static_str("Authentication failed");
        broker.respond(answer().with_error_code(58).with_error_message(Some(words))).await;
    })
    .await;
    assert_eq!(result, Err(WireError::SaslRefused { code: 58, message: "Authentication failed".into() }));
}

#[tokio::test(start_paused = true)]
async fn mechanism_that_the_broker_lacks_is_an_error_that_lists_its_mechanisms() {
    let (_, result, ()) = authenticated(SaslMechanism::ScramSha256, async |mut broker| {
        let asked = broker.request().await;
        let offered = vec![StrBytes::from_static_str("PLAIN"), StrBytes::from_static_str("GSSAPI")];
        let refusal = SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(offered);
        broker.answer(&asked, &refusal).await;
    })
    .await;
    assert_eq!(result, Err(WireError::SaslMechanism { offered: "PLAIN, GSSAPI".into() }));
}

#[tokio::test]
async fn broker_that_does_not_prove_that_it_knows_the_password_is_refused() {
    let (_, result, ()) = authenticated(SaslMechanism::ScramSha512, async |mut broker| {
        broker.agree("SCRAM-SHA-512").await;
        let asked = broker.request().await;
        let first = String::from_utf8_lossy(&asked.body).into_owned();
        let nonce = first.split_once("r=").expect("a nonce").1.trim_end_matches('\0').to_owned();
        let challenge = format!("r={nonce}more,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        broker.answer(&asked, &answer().with_auth_bytes(challenge.into())).await;
        let proof = broker.respond(answer().with_auth_bytes(Bytes::from_static(b"v=AAAA"))).await;
        assert!(proof.starts_with(b"c=biws,r="));
    })
    .await;
    let detail = "the broker has not proved that it knows the password".into();
    assert_eq!(result, Err(WireError::SaslProtocol { detail }));
}

#[tokio::test(start_paused = true)]
async fn unanswered_exchange_and_closed_exchange_are_different_errors() {
    let (_, result, _broker) = authenticated(SaslMechanism::Plain, async |broker| broker).await;
    assert_eq!(result, Err(WireError::NoAnswer { phase: Phase::Sasl }));
    let (_, result, ()) = authenticated(SaslMechanism::Plain, async |mut broker| broker.agree("PLAIN").await).await;
    assert_eq!(result, Err(WireError::Closed { phase: Phase::Sasl }));
}

#[tokio::test(start_paused = true)]
async fn malformed_list_of_mechanisms_ends_the_connection() {
    let (_, result, ()) = authenticated(SaslMechanism::Plain, async |mut broker| {
        let asked = broker.request().await;
        let mut frame = vec![0, 0, 0, 10];
        frame.extend(asked.correlation.to_be_bytes());
        frame.extend([0, 0, 0x7f, 0xff, 0xff, 0xff]);
        broker.write(&frame).await;
    })
    .await;
    assert!(matches!(result, Err(WireError::Malformed { .. })), "{result:?}");
}
