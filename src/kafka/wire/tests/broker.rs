//! The scripted broker: it decodes requests, and sends the responses that the test sets, when the test says.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiKey, ApiVersionsResponse, ProduceResponse, ResponseHeader,
        api_versions_response::ApiVersion,
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    },
    protocol::{Encodable, HeaderVersion, decode_request_header_from_buffer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Duration, Instant},
};

use super::super::{Acks, Connection, Produce};

/// The requests and versions that a recent Kafka offers.
const RECENT: [(ApiKey, i16, i16); 14] = [
    (ApiKey::Produce, 0, 13),
    (ApiKey::Fetch, 4, 18),
    (ApiKey::ListOffsets, 1, 11),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::OffsetCommit, 2, 10),
    (ApiKey::OffsetFetch, 1, 10),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::InitProducerId, 0, 6),
    (ApiKey::AddPartitionsToTxn, 0, 5),
    (ApiKey::EndTxn, 0, 5),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::SaslAuthenticate, 0, 2),
];

pub(super) struct Broker {
    pub(super) stream: DuplexStream,
}

/// A request as received.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) correlation: i32,
    pub(super) client_id: String,
    pub(super) body: Bytes,
}

impl Broker {
    pub(super) async fn request(&mut self) -> Asked {
        let length = self.stream.read_u32().await.expect("a request");
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await.expect("a whole request");
        let mut body = Bytes::from(frame);
        let header = decode_request_header_from_buffer(&mut body).expect("a request header");
        Asked {
            key: header.request_api_key,
            version: header.request_api_version,
            correlation: header.correlation_id,
            client_id: header.client_id.map(|id| id.to_string()).unwrap_or_default(),
            body,
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the prober still reads");
    }

    pub(super) async fn answer<M: Encodable + HeaderVersion>(&mut self, asked: &Asked, message: &M) {
        self.write(&frame(asked.correlation, message, asked.version)).await;
    }

    pub(super) async fn shake_hands(&mut self) {
        let asked = self.request().await;
        assert_eq!(asked.key, ApiKey::ApiVersions as i16);
        self.answer(&asked, &offers(&RECENT)).await;
    }

    /// Responds to a produce request with this offset.
    pub(super) async fn acknowledge(&mut self, asked: &Asked, offset: i64) {
        self.answer(asked, &produced(offset)).await;
    }
}

pub(super) fn offers(list: &[(ApiKey, i16, i16)]) -> ApiVersionsResponse {
    let keys = list.iter().map(|(key, min, max)| {
        ApiVersion::default().with_api_key(*key as i16).with_min_version(*min).with_max_version(*max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

pub(super) fn produced(offset: i64) -> ProduceResponse {
    let partition = PartitionProduceResponse::default().with_base_offset(offset);
    let topic = TopicProduceResponse::default().with_partition_responses(vec![partition]);
    ProduceResponse::default().with_responses(vec![topic])
}

/// A whole frame as a broker sends it.
pub(super) fn frame<M: Encodable + HeaderVersion>(correlation: i32, message: &M, version: i16) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u32(0);
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut frame, M::header_version(version)).expect("a header");
    message.encode(&mut frame, version).expect("a message");
    let length = u32::try_from(frame.len() - 4).expect("a short frame");
    (&mut frame[..4]).put_u32(length);
    frame.freeze()
}

pub(super) fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// An open connection and its broker.
pub(super) async fn connected() -> (Connection, Broker) {
    connected_through(64 << 10).await
}

/// As [`connected`], over a stream that buffers at most this many bytes in each direction.
pub(super) async fn connected_through(capacity: usize) -> (Connection, Broker) {
    let (ours, theirs) = duplex(capacity);
    let mut broker = Broker { stream: theirs };
    let (connection, ()) = tokio::join!(Connection::open(ours, "tester", in_a_second()), broker.shake_hands());
    (connection.expect("a connection"), broker)
}

pub(super) fn a_record() -> Produce {
    Produce {
        topic: "pinned".into(),
        partition: 0,
        value: Bytes::from_static(b"value"),
        timestamp_ms: 1,
        acks: Acks::All,
        timeout: Duration::from_secs(5),
        transaction: None,
    }
}
