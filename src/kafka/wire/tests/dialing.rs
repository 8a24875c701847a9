//! Dialling over the loopback, on real sockets, because the errors of the operating system are what is tested here.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{
    super::{Phase, WireError, dial},
    broker::{Broker, a_record},
};
use crate::kafka::security::Security;

/// Long enough for a busy machine; no test waits for the whole time.
const AMPLE: Duration = Duration::from_secs(10);

static PLAINTEXT: Security = Security { tls: None, sasl: None };

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

#[tokio::test]
async fn port_without_a_listener_refuses_the_connection() {
    let (listener, address) = listener().await;
    drop(listener);
    assert_eq!(dial(&address, "tester", &PLAINTEXT, AMPLE, AMPLE).await.err(), Some(WireError::Refused));
}

#[tokio::test]
async fn name_that_does_not_resolve_is_a_resolve_error() {
    for address in ["no-such-host.invalid:9092", "without-a-port", ""] {
        let error = dial(address, "tester", &PLAINTEXT, AMPLE, AMPLE).await.err();
        assert!(matches!(error, Some(WireError::Resolve { host, .. }) if host == address));
    }
}

#[tokio::test]
async fn listener_that_accepts_and_sends_nothing_does_not_answer_api_versions() {
    let (_listener, address) = listener().await;
    let error = dial(&address, "tester", &PLAINTEXT, Duration::from_millis(100), AMPLE).await.err();
    assert_eq!(error, Some(WireError::NoAnswer { phase: Phase::ApiVersions }));
}

#[tokio::test]
async fn listener_that_closes_is_closed_during_the_handshake() {
    let (listener, address) = listener().await;
    let (dialed, ()) = tokio::join!(dial(&address, "tester", &PLAINTEXT, AMPLE, AMPLE), async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        // Closing a socket with unread bytes sends RST.
        let mut request = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut request).await.expect("a request");
        let mut rest = vec![0; u32::from_be_bytes(request) as usize];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut rest).await.expect("a request");
    });
    assert_eq!(dialed.err(), Some(WireError::Closed { phase: Phase::ApiVersions }));
}

#[tokio::test]
async fn listener_that_closes_with_unread_bytes_resets() {
    let (listener, address) = listener().await;
    let (dialed, ()) = tokio::join!(dial(&address, "tester", &PLAINTEXT, AMPLE, AMPLE), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.peek(&mut [0; 1]).await.expect("bytes to leave unread");
    });
    assert_eq!(dialed.err(), Some(WireError::Reset { phase: Phase::ApiVersions }));
}

#[tokio::test]
async fn dialled_connection_serves_and_its_phases_are_timed() {
    let (listener, address) = listener().await;
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let mut broker = Broker { stream: theirs };
    let relay = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut ours = ours;
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut ours).await;
    };
    let script = async move {
        broker.shake_hands().await;
        let asked = broker.request().await;
        broker.acknowledge(&asked, 11).await;
    };
    let client = async {
        let dialed = dial(&address, "tester", &PLAINTEXT, AMPLE, AMPLE).await.expect("a connection");
        assert_eq!(dialed.peer.to_string(), address);
        assert!(!dialed.phases.connect.is_zero() && !dialed.phases.api_versions.is_zero());
        let call = dialed.connection.call(a_record()).expect("sent");
        call.await.expect("an answer").body.base_offset
    };
    let ((), (), offset) = tokio::join!(relay, script, client);
    assert_eq!(offset, 11);
}
