//! The ApiVersions handshake: successful and failed.

use bytes::{BufMut, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, ApiVersionsRequest, api_versions_response::FinalizedFeatureKey},
    protocol::{Decodable, StrBytes},
};
use tokio::io::duplex;

use super::{
    super::{Api, Connection, Phase, VersionRange, WireError},
    broker::{Broker, connected, in_a_second, offers},
};

async fn open_with<F>(script: impl FnOnce(Broker) -> F) -> Result<Connection, WireError>
where
    F: Future<Output = Broker>,
{
    let (ours, theirs) = duplex(64 << 10);
    let broker = Broker { stream: theirs };
    let (connection, _broker) = tokio::join!(Connection::open(ours, "tester", in_a_second()), script(broker));
    connection
}

/// A response in the format of v0.
fn plain(correlation: i32, error: i16, offers: &[(i16, i16, i16)]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_u32(u32::try_from(4 + 2 + 4 + 6 * offers.len()).expect("short"));
    frame.put_i32(correlation);
    frame.put_i16(error);
    frame.put_i32(i32::try_from(offers.len()).expect("few"));
    for (key, min, max) in offers {
        frame.put_i16(*key);
        frame.put_i16(*min);
        frame.put_i16(*max);
    }
    frame
}

#[tokio::test(start_paused = true)]
async fn handshake_agrees_on_the_newest_shared_version() {
    let (connection, _broker) = connected().await;
    assert_eq!(connection.version(Api::Produce), Ok(12));
    assert_eq!(connection.version(Api::Fetch), Ok(17));
    assert_eq!(connection.version(Api::Metadata), Ok(12));
    assert_eq!(connection.is_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn handshake_sends_software_name_and_client_id() {
    let opened = open_with(async |mut broker| {
        let mut asked = broker.request().await;
        let request = ApiVersionsRequest::decode(&mut asked.body, 3).expect("a v3 request");
        assert_eq!(&*request.client_software_name, "kafka-prober");
        assert_eq!(&*request.client_software_version, env!("CARGO_PKG_VERSION"));
        assert_eq!((asked.version, &*asked.client_id), (3, "tester"));
        broker.answer(&asked, &offers(&[])).await;
        broker
    });
    assert!(opened.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn broker_in_kraft_mode_is_known_by_a_feature_that_it_finalizes() {
    for (feature, expected) in [("metadata.version", true), ("transaction.version", false)] {
        let opened = open_with(async |mut broker| {
            let asked = broker.request().await;
            let finalized = FinalizedFeatureKey::default().with_name(StrBytes::from_static_str(feature));
            broker.answer(&asked, &offers(&[]).with_finalized_features(vec![finalized])).await;
            broker
        });
        assert_eq!(opened.await.expect("a connection").finalizes_metadata_version(), expected, "{feature}");
    }
}

#[tokio::test(start_paused = true)]
async fn broker_without_v3_is_asked_again_in_a_version_that_it_offers() {
    for (offered, second) in [(&[(18, 0, 2)][..], 2), (&[], 0)] {
        let opened = open_with(async |mut broker| {
            let asked = broker.request().await;
            broker.write(&plain(asked.correlation, 35, offered)).await;
            let asked = broker.request().await;
            assert_eq!(asked.version, second);
            broker.write(&plain(asked.correlation, 0, &[(0, 0, 10), (18, 0, 2)])).await;
            broker
        });
        let connection = opened.await.expect("a connection");
        assert_eq!(connection.version(Api::Produce), Ok(10));
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_refusal_of_v3_falls_back_to_v0() {
    let opened = open_with(async |mut broker| {
        let asked = broker.request().await;
        // As librdkafka's mock cluster sends it: a count of one byte in a response of the old format.
        let mut refusal = BytesMut::new();
        refusal.put_u32(4 + 2 + 1 + 6 + 4);
        refusal.put_i32(asked.correlation);
        refusal.put_i16(35);
        refusal.put_u8(1);
        refusal.put_slice(&[0, 18, 0, 0, 0, 2, 0, 0, 0, 0]);
        broker.write(&refusal).await;
        let asked = broker.request().await;
        assert_eq!(asked.version, 0);
        broker.write(&plain(asked.correlation, 0, &[(3, 0, 12)])).await;
        broker
    });
    let connection = opened.await.expect("a connection");
    assert_eq!(connection.version(Api::Metadata), Ok(12));
    let ours = VersionRange { min: 4, max: 17 };
    assert_eq!(
        connection.version(Api::Fetch),
        Err(WireError::UnsupportedVersion { api: Api::Fetch, ours, broker: None })
    );
}

#[tokio::test(start_paused = true)]
async fn any_other_error_code_fails_the_handshake() {
    let opened = open_with(async |mut broker| {
        let asked = broker.request().await;
        broker.answer(&asked, &offers(&[(ApiKey::Fetch, 4, 17)]).with_error_code(42)).await;
        broker
    });
    assert_eq!(opened.await.err(), Some(WireError::HandshakeRefused { code: 42 }));
}

#[tokio::test(start_paused = true)]
async fn unanswered_handshake_is_no_answer() {
    let opened = open_with(async |broker| broker);
    assert_eq!(opened.await.err(), Some(WireError::NoAnswer { phase: Phase::ApiVersions }));
}

#[tokio::test(start_paused = true)]
async fn end_of_file_during_the_handshake_is_closed_in_that_phase() {
    let opened = open_with(async |mut broker| {
        broker.request().await;
        let (other, _) = duplex(1);
        drop(std::mem::replace(&mut broker.stream, other));
        broker
    });
    assert_eq!(opened.await.err(), Some(WireError::Closed { phase: Phase::ApiVersions }));
}

#[tokio::test(start_paused = true)]
async fn other_protocol_is_recognised_by_its_first_bytes() {
    for (greeting, length) in [(&b"HTTP/1.1 400"[..], 0x4854_5450), (b"\x15\x03\x03\x00\x02", 0x1503_0300)] {
        let opened = open_with(async |mut broker| {
            broker.write(greeting).await;
            broker
        });
        assert_eq!(opened.await.err(), Some(WireError::FrameTooLarge { length }));
    }
}
