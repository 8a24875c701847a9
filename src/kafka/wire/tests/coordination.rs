//! The requests to coordinators, and those that transactions change: as a broker decodes them, and their responses as the
//! prober decodes them.

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, DeleteGroupsRequest, DeleteGroupsResponse,
        EndTxnRequest, EndTxnResponse, FetchRequest, FetchResponse, GroupId, InitProducerIdRequest,
        InitProducerIdResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
        ProduceRequest, ProducerId,
        add_partitions_to_txn_response::{AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult},
        delete_groups_response::DeletableGroupResult,
        fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
    protocol::{Encodable, HeaderVersion, StrBytes},
    records::RecordBatchDecoder,
};
use proptest::prelude::*;
use tokio::time::Duration;

use super::{
    super::{
        AddPartitionToTxn, Api, DeleteGroups, EndTxn, FetchCommitted, InTransaction, InitProducerId, OffsetCommit,
        OffsetFetch, Produce, Producer, Request,
    },
    answers::{answer, as_read_by_the_broker, fetch, read, versions},
    broker::{a_record, connected},
    reading::batch,
};

const PRODUCER: Producer = Producer { id: 4000, epoch: 3 };

fn commit() -> OffsetCommit {
    OffsetCommit { group: "group".into(), topic: "pinned".into(), partition: 2, offset: 43, metadata: "note".into() }
}

fn committed() -> OffsetFetch {
    OffsetFetch { group: "group".into(), topic: "pinned".into(), partition: 2 }
}

fn delete() -> DeleteGroups {
    DeleteGroups { groups: vec!["group".into(), "other".into()] }
}

fn init() -> InitProducerId {
    InitProducerId { transactional_id: "txn".into(), transaction_timeout: Duration::from_secs(15) }
}

fn add() -> AddPartitionToTxn {
    AddPartitionToTxn { transactional_id: "txn".into(), producer: PRODUCER, topic: "pinned".into(), partition: 2 }
}

fn end(commit: bool) -> EndTxn {
    EndTxn { transactional_id: "txn".into(), producer: PRODUCER, commit }
}

fn transactional() -> Produce {
    let transaction = InTransaction { transactional_id: "txn".into(), producer: PRODUCER, sequence: 9 };
    Produce { transaction: Some(transaction), ..a_record() }
}

fn commit_answer() -> OffsetCommitResponse {
    let partition = OffsetCommitResponsePartition::default().with_partition_index(2).with_error_code(14);
    OffsetCommitResponse::default()
        .with_topics(vec![OffsetCommitResponseTopic::default().with_partitions(vec![partition])])
}

/// A response with one partition, or with none if the whole group has an error.
fn offset_answer(version: i16, of_group: i16) -> OffsetFetchResponse {
    let listed = of_group == 0;
    if version < 8 {
        let partition = OffsetFetchResponsePartition::default()
            .with_partition_index(2)
            .with_committed_offset(43)
            .with_metadata(Some(StrBytes::from_static_str("note")));
        let topic = OffsetFetchResponseTopic::default().with_partitions(vec![partition]);
        let topics = if listed { vec![topic] } else { Vec::new() };
        return OffsetFetchResponse::default().with_error_code(of_group).with_topics(topics);
    }
    let partition = OffsetFetchResponsePartitions::default()
        .with_partition_index(2)
        .with_committed_offset(43)
        .with_metadata(Some(StrBytes::from_static_str("note")));
    let topic = OffsetFetchResponseTopics::default().with_partitions(vec![partition]);
    let group = OffsetFetchResponseGroup::default()
        .with_group_id(GroupId(StrBytes::from_static_str("group")))
        .with_error_code(of_group)
        .with_topics(if listed { vec![topic] } else { Vec::new() });
    OffsetFetchResponse::default().with_groups(vec![group])
}

fn deleted_answer() -> DeleteGroupsResponse {
    let result =
        DeletableGroupResult::default().with_group_id(GroupId(StrBytes::from_static_str("other"))).with_error_code(69);
    DeleteGroupsResponse::default().with_results(vec![result])
}

fn producer_answer() -> InitProducerIdResponse {
    InitProducerIdResponse::default().with_producer_id(ProducerId(PRODUCER.id)).with_producer_epoch(PRODUCER.epoch)
}

fn added_answer() -> AddPartitionsToTxnResponse {
    let partition = AddPartitionsToTxnPartitionResult::default().with_partition_index(2).with_partition_error_code(51);
    let topic = AddPartitionsToTxnTopicResult::default().with_results_by_partition(vec![partition]);
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(vec![topic])
}

fn aborted_answer() -> FetchResponse {
    let aborted = AbortedTransaction::default().with_producer_id(ProducerId(7)).with_first_offset(30);
    let partition = PartitionData::default()
        .with_high_watermark(43)
        .with_last_stable_offset(42)
        .with_aborted_transactions(Some(vec![aborted]))
        .with_records(Some(batch(40, &[b"one", b"two"])));
    FetchResponse::default().with_responses(vec![FetchableTopicResponse::default().with_partitions(vec![partition])])
}

#[test]
fn offset_commit_sends_no_member_and_no_generation() {
    for version in versions(Api::OffsetCommit) {
        let request: OffsetCommitRequest = as_read_by_the_broker(&commit(), version);
        assert_eq!((&*request.group_id.0, request.generation_id_or_member_epoch), ("group", -1));
        assert!(request.member_id.is_empty() && request.group_instance_id.is_none());
        let partition = &request.topics[0].partitions[0];
        let committed = (partition.partition_index, partition.committed_offset, partition.committed_leader_epoch);
        assert_eq!(committed, (2, 43, -1));
        assert_eq!(partition.committed_metadata.as_deref(), Some("note"));
        assert_eq!(read(commit(), answer(&commit_answer(), version), version).expect("an answer").error, 14);
    }
}

#[test]
fn offset_fetch_asks_for_one_partition_of_one_group() {
    for version in versions(Api::OffsetFetch) {
        let request: OffsetFetchRequest = as_read_by_the_broker(&committed(), version);
        assert!(!request.require_stable);
        let (group, partitions) = if version < 8 {
            (&request.group_id, &request.topics.as_ref().expect("topics")[0].partition_indexes)
        } else {
            let group = &request.groups[0];
            (&group.group_id, &group.topics.as_ref().expect("topics")[0].partition_indexes)
        };
        assert_eq!((&*group.0, &**partitions), ("group", &[2][..]));
        let fetched = read(committed(), answer(&offset_answer(version, 0), version), version).expect("an answer");
        assert_eq!((fetched.error, fetched.offset, &*fetched.metadata), (0, 43, "note"));
    }
}

#[test]
fn offset_fetch_reports_an_error_of_the_whole_group() {
    for version in versions(Api::OffsetFetch) {
        let refused = read(committed(), answer(&offset_answer(version, 16), version), version).expect("an answer");
        assert_eq!((refused.error, refused.offset), (16, -1));
        let nothing = OffsetFetchResponse::default();
        assert!(read(committed(), answer(&nothing, version), version).is_err());
    }
}

#[test]
fn delete_groups_has_a_result_for_each_group() {
    let request: DeleteGroupsRequest = as_read_by_the_broker(&delete(), 2);
    assert_eq!(request.groups_names.iter().map(|name| &*name.0).collect::<Vec<_>>(), ["group", "other"]);
    let deleted = read(delete(), answer(&deleted_answer(), 2), 2).expect("an answer");
    assert_eq!((&*deleted[0].group, deleted[0].error), ("other", 69));
}

#[test]
fn init_producer_id_asks_for_a_new_producer_which_fences_the_earlier_one() {
    for version in versions(Api::InitProducerId) {
        let request: InitProducerIdRequest = as_read_by_the_broker(&init(), version);
        assert_eq!(request.transactional_id.as_ref().map(|id| &*id.0), Some("txn"));
        assert_eq!((request.producer_id.0, request.producer_epoch), (-1, -1));
        assert_eq!(request.transaction_timeout_ms, 15_000);
        let made = read(init(), answer(&producer_answer(), version), version).expect("an answer");
        assert_eq!((made.error, made.producer), (0, PRODUCER));
    }
}

#[test]
fn add_partitions_to_txn_uses_the_form_for_clients() {
    for version in versions(Api::AddPartitionsToTxn) {
        let request: AddPartitionsToTxnRequest = as_read_by_the_broker(&add(), version);
        assert_eq!(&*request.v3_and_below_transactional_id.0, "txn");
        let producer = (request.v3_and_below_producer_id.0, request.v3_and_below_producer_epoch);
        assert_eq!(producer, (PRODUCER.id, PRODUCER.epoch));
        assert_eq!(request.v3_and_below_topics[0].partitions, [2]);
        assert_eq!(read(add(), answer(&added_answer(), version), version).expect("an answer").error, 51);
    }
}

#[test]
fn end_txn_commits_or_aborts_and_keeps_the_epoch() {
    for version in versions(Api::EndTxn) {
        for commit in [true, false] {
            let request: EndTxnRequest = as_read_by_the_broker(&end(commit), version);
            assert_eq!((request.committed, request.producer_id.0), (commit, PRODUCER.id));
            let response = EndTxnResponse::default().with_error_code(90);
            assert_eq!(read(end(commit), answer(&response, version), version).expect("an answer").error, 90);
        }
    }
    // From v5 the response has a new epoch (KIP-890).
    assert_eq!(Api::EndTxn.ours().max, 4);
}

#[test]
fn record_in_a_transaction_has_transactional_id_producer_and_sequence() {
    // From v12 the broker adds the partition itself, for clients that use KIP-890 in all requests.
    assert_eq!(transactional().newest(), 11);
    for version in 9..=11 {
        let request: ProduceRequest = as_read_by_the_broker(&transactional(), version);
        assert_eq!(request.transactional_id.as_ref().map(|id| &*id.0), Some("txn"));
        let mut bytes = request.topic_data[0].partition_data[0].records.clone().expect("records");
        let record = &RecordBatchDecoder::decode(&mut bytes).expect("a batch").records[0];
        assert!(record.transactional && !record.control);
        assert_eq!((record.producer_id, record.producer_epoch, record.sequence), (PRODUCER.id, PRODUCER.epoch, 9));
    }
}

#[test]
fn fetch_committed_asks_for_read_committed_and_returns_the_last_stable_offset() {
    for version in versions(Api::Fetch).filter(|version| 12 < *version) {
        let asked = FetchCommitted(fetch(Some([7; 16])));
        let request: FetchRequest = as_read_by_the_broker(&asked, version);
        assert_eq!(request.isolation_level, 1);
        let response = read(asked, answer(&aborted_answer(), version), version).expect("an answer");
        assert_eq!((response.last_stable, response.fetched.high_watermark), (42, 43));
        // The aborted transaction is of another producer than these two.
        assert_eq!((response.fetched.records.len(), response.fetched.next_offset), (2, 42));
    }
}

#[tokio::test(start_paused = true)]
async fn recent_broker_gets_versions_below_those_that_change_epochs() {
    let (connection, mut broker) = connected().await;
    let _calls = (connection.call(transactional()), connection.call(add()), connection.call(end(true)));
    for version in [11, 3, 4] {
        assert_eq!(broker.request().await.version, version);
    }
}

/// The same bytes, with some of them changed.
fn changed<M: Encodable + HeaderVersion>(message: &M, version: i16, edits: &[(prop::sample::Index, u8)]) -> Bytes {
    let mut bytes = answer(message, version).to_vec();
    for (at, value) in edits {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    bytes.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_response_of_a_coordinator_fails_to_decode_or_decodes_and_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let _ = read(commit(), changed(&commit_answer(), 9, &edits), 9);
        let _ = read(committed(), changed(&offset_answer(7, 0), 7, &edits), 7);
        let _ = read(committed(), changed(&offset_answer(9, 0), 9, &edits), 9);
        let _ = read(delete(), changed(&deleted_answer(), 2, &edits), 2);
        let _ = read(init(), changed(&producer_answer(), 4, &edits), 4);
        let _ = read(add(), changed(&added_answer(), 3, &edits), 3);
        let _ = read(end(true), changed(&EndTxnResponse::default(), 4, &edits), 4);
        let _ = read(FetchCommitted(fetch(Some([7; 16]))), changed(&aborted_answer(), 17, &edits), 17);
    }
}
