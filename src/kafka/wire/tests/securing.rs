//! TLS against a test server on the loopback: success, and one error for each kind of failure.

use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::super::{Dialed, Phase, WireError, dial};
use super::broker::{Broker, a_record};
use crate::authority::{Authority, Issued};
use crate::kafka::security::{ClientIdentity, Pem, Security, TlsSettings};

/// Long enough for a busy machine; no test waits for the whole time.
const AMPLE: Duration = Duration::from_secs(10);

fn pem(certificates: &str) -> Pem {
    let stack = X509::stack_from_pem(certificates.as_bytes()).expect("certificates");
    let der = stack.iter().map(|certificate| certificate.to_der().expect("it came from one")).collect();
    Pem { path: "certificates.pem".into(), der }
}

fn identity(issued: &Issued) -> ClientIdentity {
    let key = PKey::private_key_from_pem(issued.key.as_bytes()).expect("a key");
    let der = vec![key.private_key_to_der().expect("it came from one")];
    ClientIdentity { chain: pem(&issued.certificate), key: Pem { path: "key.pem".into(), der } }
}

fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings { ca: Some(pem(&authority.pem())), ..TlsSettings::default() }
}

fn security(settings: TlsSettings) -> Security {
    Security::new(Some(settings), None).expect("the settings are usable")
}

/// A server with this certificate.
fn showing(issued: &Issued) -> SslAcceptorBuilder {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("OpenSSL");
    let key = PKey::private_key_from_pem(issued.key.as_bytes()).expect("a key");
    let certificate = X509::from_pem(issued.certificate.as_bytes()).expect("a certificate");
    acceptor.set_private_key(&key).expect("a key");
    acceptor.set_certificate(&certificate).expect("a certificate");
    acceptor
}

/// As [`showing`]; it also requires a client certificate.
fn demanding(issued: &Issued, clients: &Authority, version: SslVersion) -> SslAcceptorBuilder {
    let mut acceptor = showing(issued);
    let mut store = X509StoreBuilder::new().expect("OpenSSL");
    store.add_cert(X509::from_pem(clients.pem().as_bytes()).expect("a certificate")).expect("it is one");
    acceptor.set_cert_store(store.build());
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    acceptor.set_max_proto_version(Some(version)).expect("a version");
    acceptor
}

/// Dials a broker behind this server, which completes the handshake, acks one produce request and closes the socket without a
/// TLS close.
async fn dialed(server: SslAcceptorBuilder, security: &Security) -> Result<Dialed, WireError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let context = server.build().into_context();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let ssl = openssl::ssl::Ssl::new(&context).expect("OpenSSL");
        let mut stream = tokio_openssl::SslStream::new(ssl, stream).expect("OpenSSL");
        if std::pin::Pin::new(&mut stream).accept().await.is_err() {
            return;
        }
        let (mut ours, theirs) = tokio::io::duplex(64 << 10);
        let mut broker = Broker { stream: theirs };
        let script = async move {
            broker.shake_hands().await;
            let asked = broker.request().await;
            broker.acknowledge(&asked, 11).await;
        };
        tokio::spawn(script);
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut ours).await;
    });
    dial(&address, "tester", security, AMPLE, AMPLE).await
}

async fn failure(server: SslAcceptorBuilder, settings: TlsSettings) -> Option<WireError> {
    dialed(server, &security(settings)).await.err()
}

#[tokio::test]
async fn connection_over_tls_serves_and_its_handshake_is_timed() {
    let authority = Authority::new();
    let server = showing(&authority.issue(&["127.0.0.1"]));
    let dialed = dialed(server, &security(trusting(&authority))).await.expect("a connection");
    assert!(dialed.phases.tls.is_some_and(|took| !took.is_zero()));
    assert_eq!(dialed.phases.sasl, None);
    let call = dialed.connection.call(a_record()).expect("sent");
    assert_eq!(call.await.expect("an answer").body.base_offset, 11);
    assert_eq!(dialed.connection.closed().await, WireError::Closed { phase: Phase::Serving });
}

#[tokio::test]
async fn certificate_outside_its_validity_is_expired() {
    let authority = Authority::new();
    for (from, until, detail) in [(1990, 1991, "certificate has expired"), (4000, 4001, "certificate is not yet valid")]
    {
        let server = showing(&authority.issue_valid(&["127.0.0.1"], from, until));
        let detail = detail.to_owned();
        assert_eq!(failure(server, trusting(&authority)).await, Some(WireError::CertificateExpired { detail }));
    }
}

#[tokio::test]
async fn certificate_for_another_name_is_refused_unless_any_name_is_accepted() {
    let authority = Authority::new();
    for name in ["kafka-1", "127.0.0.2"] {
        let issued = authority.issue(&[name]);
        let host = "127.0.0.1".to_owned();
        let refused = failure(showing(&issued), trusting(&authority)).await;
        assert_eq!(refused, Some(WireError::CertificateWrongName { host }));
        let any_hostname = TlsSettings { any_hostname: true, ..trusting(&authority) };
        assert_eq!(failure(showing(&issued), any_hostname).await, None);
    }
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_not_trusted() {
    let (known, unknown) = (Authority::named("known"), Authority::named("unknown"));
    let server = showing(&unknown.issue(&["127.0.0.1"]));
    let detail = "unable to get local issuer certificate".to_owned();
    assert_eq!(failure(server, trusting(&known)).await, Some(WireError::CertificateUntrusted { detail }));
}

#[tokio::test]
async fn server_that_requires_a_certificate_refuses_a_client_without_one() {
    let authority = Authority::new();
    let issued = authority.issue(&["127.0.0.1"]);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let refused = failure(demanding(&issued, &authority, version), trusting(&authority)).await;
        assert!(matches!(refused, Some(WireError::TlsRefused { .. })), "{refused:?}");
        let client = Some(identity(&authority.issue(&[])));
        let shown = TlsSettings { client, ..trusting(&authority) };
        assert_eq!(failure(demanding(&issued, &authority, version), shown).await, None);
        let client = Some(identity(&Authority::named("stranger").issue(&[])));
        let strange = TlsSettings { client, ..trusting(&authority) };
        let refused = failure(demanding(&issued, &authority, version), strange).await;
        assert!(matches!(refused, Some(WireError::TlsRefused { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn server_with_an_old_tls_version_is_refused() {
    let authority = Authority::new();
    let mut server = showing(&authority.issue(&["127.0.0.1"]));
    server.set_cipher_list("ALL:@SECLEVEL=0").expect("ciphers");
    server.clear_options(openssl::ssl::SslOptions::NO_TLSV1_1);
    server.set_max_proto_version(Some(SslVersion::TLS1_1)).expect("a version");
    let refused = failure(server, trusting(&authority)).await;
    assert!(matches!(refused, Some(WireError::TlsProtocol { .. })), "{refused:?}");
}

/// Dials a TCP server that does this to the connection when the first bytes have arrived.
async fn plain<F: Future<Output = ()>>(answer: impl FnOnce(tokio::net::TcpStream) -> F) -> Option<WireError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let security = security(trusting(&Authority::new()));
    let (dialed, ()) = tokio::join!(dial(&address, "tester", &security, Duration::from_secs(1), AMPLE), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.peek(&mut [0; 1]).await.expect("a ClientHello");
        answer(stream).await;
    });
    dialed.err()
}

#[tokio::test]
async fn plaintext_port_that_answers_is_a_tls_protocol_error() {
    let refused = plain(async |mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("the client reads");
    });
    assert_eq!(refused.await, Some(WireError::TlsProtocol { detail: "wrong version number".to_owned() }));
}

#[tokio::test]
async fn plaintext_port_that_closes_is_closed_or_reset_during_tls() {
    // As Kafka does: it reads the ClientHello as a frame length above its limit, and closes with or without unread bytes.
    let reset = plain(async |stream| drop(stream));
    assert_eq!(reset.await, Some(WireError::Reset { phase: Phase::Tls }));
    let closed = plain(async |stream| {
        let _ = stream.try_read(&mut [0; 4096]);
    });
    assert_eq!(closed.await, Some(WireError::Closed { phase: Phase::Tls }));
}

#[tokio::test]
async fn peer_that_sends_nothing_does_not_answer_the_tls_handshake() {
    let silent = plain(async |stream| {
        let _ = tokio::time::timeout(AMPLE, stream.writable()).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    assert_eq!(silent.await, Some(WireError::NoAnswer { phase: Phase::Tls }));
}

#[test]
fn key_that_does_not_belong_to_the_certificate_is_refused_with_a_sentence() {
    let authority = Authority::new();
    let (one, other) = (identity(&authority.issue(&[])), identity(&authority.issue(&[])));
    let client = Some(ClientIdentity { key: other.key, ..one });
    let refused = Security::new(Some(TlsSettings { client, ..TlsSettings::default() }), None).err();
    assert_eq!(refused.as_deref(), Some("the key in key.pem does not belong to the certificate in certificates.pem"));
}
