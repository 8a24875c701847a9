//! Each request as a broker decodes it, each response as the prober decodes it, and malformed responses.

use std::{fmt::Debug, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiVersionsResponse, BrokerId, CreateTopicsRequest, CreateTopicsResponse, FetchRequest, FetchResponse,
        ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse, ProduceRequest, TopicName,
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
        fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData},
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    },
    protocol::{Decodable, Encodable, HeaderVersion, StrBytes},
};
use proptest::prelude::*;

use super::{
    super::{
        Acks, Api, CreateTopic, Fetch, FetchedRecord, ListOffset, Metadata, MetadataSummary, OffsetAt, Produce,
        Request,
        codec::{self, CodecError},
        handshake::ApiVersions,
    },
    broker::{a_record, frame, offers, produced},
    reading::batch,
};

const ID: [u8; 16] = [7; 16];

fn topic_name() -> TopicName {
    TopicName(StrBytes::from_static_str("pinned"))
}

fn metadata() -> Metadata {
    Metadata { topics: vec!["pinned".into()] }
}

pub(super) fn fetch(topic_id: Option<[u8; 16]>) -> Fetch {
    Fetch {
        topic: "pinned".into(),
        topic_id,
        partition: 0,
        offset: 40,
        max_wait: Duration::from_millis(250),
        max_bytes: 1 << 20,
    }
}

fn latest() -> ListOffset {
    ListOffset { topic: "pinned".into(), partition: 0, at: OffsetAt::Latest, timeout: Duration::from_secs(5) }
}

fn create() -> CreateTopic {
    CreateTopic {
        topic: "pinned".into(),
        replicas: vec![vec![1], vec![2]],
        configs: vec![("retention.ms".into(), "3600000".into())],
        timeout: Duration::from_secs(5),
        validate_only: true,
    }
}

fn metadata_answer() -> MetadataResponse {
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(1))
        .with_host(StrBytes::from_static_str("fe80::1"))
        .with_port(9092)
        .with_rack(Some(StrBytes::from_static_str("r1")));
    let mut partition = MetadataResponsePartition::default()
        .with_leader_id(BrokerId(-1))
        .with_leader_epoch(3)
        .with_replica_nodes(vec![BrokerId(2)]);
    partition.error_code = 5;
    let topic = MetadataResponseTopic::default().with_name(Some(topic_name())).with_partitions(vec![partition]);
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(StrBytes::from_static_str("cluster")))
        .with_controller_id(BrokerId(-1))
        .with_topics(vec![topic])
}

fn fetch_answer(version: i16) -> FetchResponse {
    let mut partition =
        PartitionData::default().with_high_watermark(43).with_records(Some(batch(40, &[b"one", b"two"])));
    if version < 12 {
        partition.aborted_transactions = Some(vec![AbortedTransaction::default()]);
    }
    let mut topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
    if version < 13 {
        topic.topic = topic_name();
    }
    FetchResponse::default().with_responses(vec![topic])
}

fn offset_answer() -> ListOffsetsResponse {
    let partition = ListOffsetsPartitionResponse::default().with_offset(43).with_leader_epoch(3);
    let topic = ListOffsetsTopicResponse::default().with_partitions(vec![partition]);
    ListOffsetsResponse::default().with_topics(vec![topic])
}

fn created_answer() -> CreateTopicsResponse {
    let config = CreatableTopicConfigs::default()
        .with_name(StrBytes::from_static_str("retention.ms"))
        .with_value(Some(StrBytes::from_static_str("3600000")));
    let mut topic = CreatableTopicResult::default().with_name(topic_name()).with_configs(Some(vec![config]));
    topic.error_code = 40;
    topic.error_message = Some(StrBytes::from_static_str("no"));
    CreateTopicsResponse::default().with_topics(vec![topic])
}

pub(super) fn versions(api: Api) -> std::ops::RangeInclusive<i16> {
    api.ours().min..=api.ours().max
}

/// The request's body as a broker decodes it.
pub(super) fn as_read_by_the_broker<M: Decodable>(request: &impl Request, version: i16) -> M {
    let mut out = BytesMut::new();
    request.encode(version, &mut out).expect("encodes");
    let message = M::decode(&mut out, version).expect("decodes");
    assert!(out.is_empty(), "bytes are left over");
    message
}

pub(super) fn read<R: Request>(request: R, frame: Bytes, version: i16) -> Result<R::Response, CodecError> {
    let body = codec::body(frame, R::API, version)?;
    request.decode(version, body).map(|(answer, _)| answer)
}

/// The frame of a response, after its length.
pub(super) fn answer<M: Encodable + HeaderVersion>(message: &M, version: i16) -> Bytes {
    frame(0, message, version).slice(4..)
}

#[test]
fn metadata_asks_for_our_topics_only_and_creates_none() {
    for version in versions(Api::Metadata) {
        let request: MetadataRequest = as_read_by_the_broker(&metadata(), version);
        assert!(!request.allow_auto_topic_creation);
        assert_eq!(request.topics.map(|topics| topics.len()), Some(1));
        let request: MetadataRequest = as_read_by_the_broker(&Metadata::default(), version);
        assert_eq!(request.topics.map(|topics| topics.len()), Some(0));
    }
}

#[test]
fn metadata_shows_a_leaderless_partition_and_an_absent_controller() {
    for version in versions(Api::Metadata) {
        let cluster = read(metadata(), answer(&metadata_answer(), version), version).expect("an answer");
        assert_eq!(cluster.controller, None);
        assert_eq!(cluster.brokers[0].address(), "[fe80::1]:9092");
        let topic = &cluster.topics[0];
        assert_eq!((&*topic.name, topic.id, topic.error), ("pinned", None, 0));
        let partition = &topic.partitions[0];
        assert_eq!((partition.leader, partition.leader_epoch, partition.error), (-1, 3, 5));
        assert_eq!((&*partition.replicas, &*partition.isr), (&[2][..], &[][..]));
    }
}

#[test]
fn metadata_summary_has_the_same_brokers_and_epochs_and_omits_topics_without_an_id() {
    let mut shown = metadata_answer();
    shown.topics[0].topic_id = "00000000-0000-0000-0000-000000000007".parse().expect("an id");
    for version in versions(Api::Metadata) {
        let short = |shown: &MetadataResponse| read(MetadataSummary(metadata()), answer(shown, version), version);
        let without = short(&metadata_answer()).expect("an answer");
        assert!(without.epochs.is_empty());
        // Ids came with version 10 (KIP-516), epochs with version 7.
        let expected = if version < 10 { Vec::new() } else { vec![(7u128.to_be_bytes(), 0, 3)] };
        let whole = read(metadata(), answer(&shown, version), version).expect("an answer");
        let short = short(&shown).expect("an answer");
        assert_eq!(short.epochs, expected);
        assert_eq!(short.brokers, whole.brokers.iter().map(|broker| broker.id).collect::<Vec<_>>());
    }
}

#[test]
fn produce_carries_one_readable_record() {
    for (acks, expected) in [(Acks::Leader, 1), (Acks::All, -1)] {
        for version in versions(Api::Produce) {
            let record = Produce { acks, ..a_record() };
            let request: ProduceRequest = as_read_by_the_broker(&record, version);
            assert_eq!((request.acks, request.timeout_ms), (expected, 5000));
            let mut bytes = request.topic_data[0].partition_data[0].records.clone().expect("records");
            let set = kafka_protocol::records::RecordBatchDecoder::decode(&mut bytes).expect("a batch");
            assert_eq!(set.records[0].value.as_deref(), Some(&b"value"[..]));
            assert_eq!((set.records[0].timestamp, set.records[0].producer_id), (1, -1));
        }
    }
}

#[test]
fn produce_response_has_the_offset_or_the_error() {
    for version in versions(Api::Produce) {
        let produced = read(a_record(), answer(&produced(12), version), version).expect("an answer");
        assert_eq!((produced.error, produced.base_offset), (0, 12));
    }
    let elsewhere = Produce { partition: 5, ..a_record() };
    assert!(read(elsewhere, answer(&produced(12), 12), 12).is_err());
}

#[test]
fn fetch_opens_no_session_and_sends_no_leader_epoch() {
    for version in versions(Api::Fetch) {
        let request: FetchRequest = as_read_by_the_broker(&fetch(Some(ID)), version);
        let session = if version < 7 { (0, -1) } else { (request.session_id, request.session_epoch) };
        assert_eq!((session, request.isolation_level, request.min_bytes), ((0, -1), 0, 1));
        let topic = &request.topics[0];
        let named = (topic.topic.0.is_empty(), *topic.topic_id.as_bytes());
        assert_eq!(named, if version < 13 { (false, [0; 16]) } else { (true, ID) });
        assert_eq!((topic.partitions[0].current_leader_epoch, topic.partitions[0].fetch_offset), (-1, 40));
    }
}

#[test]
fn fetch_without_a_topic_id_uses_a_version_that_takes_names() {
    assert_eq!(fetch(None).newest(), 12);
    assert!(fetch(Some(ID)).newest() >= 17);
}

#[test]
fn fetch_reads_the_records_in_every_version() {
    for version in versions(Api::Fetch) {
        let fetched = read(fetch(Some(ID)), answer(&fetch_answer(version), version), version).expect("an answer");
        assert_eq!((fetched.error, fetched.high_watermark, fetched.next_offset), (0, 43, 42));
        assert!(matches!(&fetched.records[1], FetchedRecord::Read { offset: 41, value, .. } if value == "two"));
    }
}

#[test]
fn fetch_reports_an_error_of_the_whole_response() {
    let refused = FetchResponse::default().with_error_code(70);
    let fetched = read(fetch(Some(ID)), answer(&refused, 17), 17).expect("an answer");
    assert_eq!((fetched.error, fetched.next_offset), (70, 40));
    assert!(read(fetch(Some(ID)), answer(&FetchResponse::default(), 17), 17).is_err());
}

#[test]
fn list_offsets_asks_for_either_end_without_a_leader_epoch() {
    for (at, expected) in [(OffsetAt::Earliest, -2), (OffsetAt::Latest, -1)] {
        for version in versions(Api::ListOffsets) {
            let asked = ListOffset { at, ..latest() };
            let request: ListOffsetsRequest = as_read_by_the_broker(&asked, version);
            let partition = &request.topics[0].partitions[0];
            assert_eq!((partition.timestamp, partition.current_leader_epoch), (expected, -1));
            let listed = read(asked, answer(&offset_answer(), version), version).expect("an answer");
            assert_eq!((listed.error, listed.offset, listed.leader_epoch), (0, 43, 3));
        }
    }
}

#[test]
fn create_topics_lists_the_replicas_instead_of_counts() {
    for version in versions(Api::CreateTopics) {
        let request: CreateTopicsRequest = as_read_by_the_broker(&create(), version);
        let topic = &request.topics[0];
        assert_eq!((topic.num_partitions, topic.replication_factor, request.validate_only), (-1, -1, true));
        let brokers = topic.assignments.iter().map(|one| (one.partition_index, one.broker_ids[0].0));
        assert_eq!(brokers.collect::<Vec<_>>(), [(0, 1), (1, 2)]);
    }
}

#[test]
fn create_topics_response_has_the_error_its_message_and_the_effective_configs() {
    for version in versions(Api::CreateTopics) {
        let created = read(create(), answer(&created_answer(), version), version).expect("an answer");
        assert_eq!((created.error, created.message.as_deref()), (40, Some("no")));
        assert_eq!(created.configs, [("retention.ms".to_owned(), Some("3600000".to_owned()))]);
    }
}

#[test]
fn length_beyond_the_bytes_is_refused_before_memory_is_reserved() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    // Correlation, tags and throttle time, then an array of four billion brokers.
    let brokers = [&[0; 4 + 1 + 4][..], &huge].concat();
    assert!(read(metadata(), brokers.into(), 12).is_err());
    // A boolean whose byte looks like the begin of the length after it.
    let topics = [&[0; 4 + 1][..], &[0x80, 0x80], &huge].concat();
    assert!(read(a_record(), topics.into(), 12).is_err());
    // The older encoding: correlation, throttle, error, session, then two billion topics.
    let topics = [&[0; 4 + 4 + 2 + 4][..], &i32::MAX.to_be_bytes()].concat();
    assert!(read(fetch(None), topics.into(), 11).is_err());
}

/// Decodes the response number `pick`, in this version or the nearest supported one.
fn decode_any(pick: usize, version: i16, mutate: impl FnOnce(Bytes) -> Bytes) {
    fn within(api: Api, version: i16) -> i16 {
        let ours = api.ours();
        ours.min + version % (ours.max - ours.min + 1)
    }
    fn outcome<A>(result: Result<A, CodecError>) -> impl Debug {
        result.map(|_| ()).map_err(|error| error.to_string())
    }
    let offers = || offers(&[(kafka_protocol::messages::ApiKey::Fetch, 4, 17)]);
    match pick % 6 {
        0 => {
            let version = within(Api::Metadata, version);
            outcome(read(metadata(), mutate(answer(&metadata_answer(), version)), version));
        }
        1 => {
            let version = within(Api::Produce, version);
            outcome(read(a_record(), mutate(answer(&produced(1), version)), version));
        }
        2 => {
            let version = within(Api::Fetch, version);
            outcome(read(fetch(Some(ID)), mutate(answer(&fetch_answer(version), version)), version));
        }
        3 => {
            let version = within(Api::ListOffsets, version);
            outcome(read(latest(), mutate(answer(&offset_answer(), version)), version));
        }
        4 => {
            let version = within(Api::CreateTopics, version);
            outcome(read(create(), mutate(answer(&created_answer(), version)), version));
        }
        _ => {
            let version = within(Api::ApiVersions, version);
            let message: ApiVersionsResponse = offers();
            outcome(read(ApiVersions, mutate(answer(&message, version)), version));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn mutated_response_fails_to_decode_or_decodes_and_never_panics(
        pick in 0_usize..6,
        version in 0_i16..100,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        decode_any(pick, version, |answer| {
            let mut bytes = answer.to_vec();
            for (at, value) in &edits {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if let Some(keep) = keep {
                bytes.truncate(keep.index(bytes.len()));
            }
            bytes.into()
        });
    }

    #[test]
    fn random_bytes_fail_to_decode_or_decode_and_never_panic(
        pick in 0_usize..6,
        version in 0_i16..100,
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xff)], 0..120),
    ) {
        decode_any(pick, version, |_| bytes.into());
    }
}
