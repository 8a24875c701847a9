//! The requests of the observation as a broker decodes them, and their responses as the prober decodes them.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        BrokerId, DescribeClusterRequest, DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
        DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeQuorumRequest, DescribeQuorumResponse,
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, MetadataRequest, MetadataResponse,
        TopicName,
        describe_cluster_response::DescribeClusterBroker,
        describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult},
        describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic},
        describe_quorum_response::{PartitionData, ReplicaState, TopicData},
        list_partition_reassignments_response::{OngoingPartitionReassignment, OngoingTopicReassignment},
        metadata_response::{MetadataResponsePartition, MetadataResponseTopic},
    },
    protocol::{Decodable, Encodable, HeaderVersion, StrBytes},
};
use proptest::prelude::*;

use super::{
    super::{
        Api, DescribeCluster, DescribeLogDirs, DescribeQuorum, DescribeTopicConfig, ListPartitionReassignments,
        MAX_FRAME, MetadataOfAll, Request,
        codec::{self, CodecError},
    },
    broker::frame,
};

const OFFSETS: &str = "__consumer_offsets";

fn name(name: &'static str) -> TopicName {
    TopicName(StrBytes::from_static_str(name))
}

fn versions(api: Api) -> std::ops::RangeInclusive<i16> {
    api.ours().min..=api.ours().max
}

fn as_read_by_the_broker<M: Decodable>(request: &impl Request, version: i16) -> M {
    let mut out = BytesMut::new();
    request.encode(version, &mut out).expect("encodes");
    let message = M::decode(&mut out, version).expect("decodes");
    assert!(out.is_empty(), "bytes are left over");
    message
}

fn read<R: Request>(request: R, frame: Bytes, version: i16) -> Result<R::Response, CodecError> {
    let body = codec::body(frame, R::API, version)?;
    request.decode(version, body).map(|(answer, _)| answer)
}

fn answer<M: Encodable + HeaderVersion>(message: &M, version: i16) -> Bytes {
    frame(0, message, version).slice(4..)
}

fn log_dirs() -> DescribeLogDirs {
    DescribeLogDirs { topics: vec![(Arc::from(OFFSETS), vec![0, 1])] }
}

fn configs() -> DescribeTopicConfig {
    DescribeTopicConfig { topics: vec![Arc::from("orders")], config: "min.insync.replicas" }
}

fn reassignments() -> ListPartitionReassignments {
    ListPartitionReassignments { timeout: Duration::from_secs(5) }
}

fn cluster_answer(version: i16) -> DescribeClusterResponse {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(2))
        .with_host(StrBytes::from_static_str("fe80::2"))
        .with_port(9092)
        .with_is_fenced(2 <= version);
    let mut response = DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_static_str("cluster"))
        .with_controller_id(BrokerId(1))
        .with_brokers(vec![broker]);
    response.endpoint_type = 1;
    response
}

fn quorum_answer() -> DescribeQuorumResponse {
    let replica = |id, end| ReplicaState::default().with_replica_id(BrokerId(id)).with_log_end_offset(end);
    let partition = PartitionData::default()
        .with_leader_id(BrokerId(101))
        .with_leader_epoch(7)
        .with_current_voters(vec![replica(101, 500), replica(102, 480)])
        .with_observers(vec![replica(1, 499)]);
    let topic = TopicData::default().with_topic_name(name("__cluster_metadata")).with_partitions(vec![partition]);
    DescribeQuorumResponse::default().with_topics(vec![topic])
}

fn log_dirs_answer(version: i16) -> DescribeLogDirsResponse {
    let partition = |index, size, future| {
        DescribeLogDirsPartition::default()
            .with_partition_index(index)
            .with_partition_size(size)
            .with_is_future_key(future)
    };
    let partitions = vec![partition(0, 4096, false), partition(0, 100, true)];
    let topic = DescribeLogDirsTopic::default().with_name(name(OFFSETS)).with_partitions(partitions);
    let mut directory = DescribeLogDirsResult::default().with_topics(vec![topic]);
    if 4 <= version {
        (directory.total_bytes, directory.usable_bytes) = (1000, 400);
    }
    DescribeLogDirsResponse::default().with_results(vec![directory])
}

fn configs_answer() -> DescribeConfigsResponse {
    let config = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str("min.insync.replicas"))
        .with_value(Some(StrBytes::from_static_str("2")));
    let result = DescribeConfigsResult::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("orders"))
        .with_configs(vec![config]);
    DescribeConfigsResponse::default().with_results(vec![result])
}

fn reassignments_answer() -> ListPartitionReassignmentsResponse {
    let partition = OngoingPartitionReassignment::default().with_partition_index(4);
    let topic = OngoingTopicReassignment::default().with_name(name("orders")).with_partitions(vec![partition]);
    ListPartitionReassignmentsResponse::default().with_topics(vec![topic])
}

#[test]
fn metadata_of_all_asks_for_every_topic_and_creates_none() {
    for version in versions(Api::Metadata) {
        let request: MetadataRequest = as_read_by_the_broker(&MetadataOfAll, version);
        assert!(!request.allow_auto_topic_creation);
        assert_eq!(request.topics, None);
    }
}

#[test]
fn describe_cluster_asks_for_fenced_brokers_from_version_2() {
    for version in versions(Api::DescribeCluster) {
        let request: DescribeClusterRequest = as_read_by_the_broker(&DescribeCluster, version);
        assert_eq!((request.include_fenced_brokers, request.endpoint_type), (2 <= version, 1));
        let described = read(DescribeCluster, answer(&cluster_answer(version), version), version).expect("an answer");
        assert_eq!((described.complete, described.brokers[0].fenced), (2 <= version, 2 <= version));
        assert_eq!(described.brokers[0].address().as_deref(), Some("[fe80::2]:9092"));
    }
}

#[test]
fn describe_quorum_asks_for_the_metadata_log() {
    for version in versions(Api::DescribeQuorum) {
        let request: DescribeQuorumRequest = as_read_by_the_broker(&DescribeQuorum, version);
        assert_eq!(
            (&request.topics[0].topic_name, request.topics[0].partitions.len()),
            (&name("__cluster_metadata"), 1)
        );
        let quorum = read(DescribeQuorum, answer(&quorum_answer(), version), version).expect("an answer");
        assert_eq!((quorum.error, quorum.leader, quorum.leader_epoch), (0, 101, 7));
        assert_eq!((&*quorum.voters, &*quorum.observers), (&[(101, 500), (102, 480)][..], &[(1, 499)][..]));
    }
}

#[test]
fn describe_quorum_reports_a_refusal() {
    let refused = DescribeQuorumResponse::default().with_error_code(31);
    assert_eq!(read(DescribeQuorum, answer(&refused, 2), 2).expect("an answer").error, 31);
    assert!(read(DescribeQuorum, answer(&DescribeQuorumResponse::default(), 2), 2).is_err());
}

#[test]
fn describe_log_dirs_asks_for_selected_partitions_and_omits_copies_being_moved() {
    for version in versions(Api::DescribeLogDirs) {
        let request: DescribeLogDirsRequest = as_read_by_the_broker(&log_dirs(), version);
        assert_eq!(request.topics.expect("not all topics")[0].partitions, [0, 1]);
        let nothing: DescribeLogDirsRequest = as_read_by_the_broker(&DescribeLogDirs::default(), version);
        assert_eq!(nothing.topics.map(|topics| topics.len()), Some(0), "null would ask for everything");
        let described = read(log_dirs(), answer(&log_dirs_answer(version), version), version).expect("an answer");
        let directory = &described.directories[0];
        assert_eq!(directory.partitions, [(OFFSETS.to_owned(), 0, 4096)]);
        let space = if version < 4 { (None, None) } else { (Some(1000), Some(400)) };
        assert_eq!((directory.total, directory.usable), space);
    }
}

#[test]
fn describe_configs_asks_for_one_config_of_topics() {
    let version = Api::DescribeConfigs.ours().max;
    let request: DescribeConfigsRequest = as_read_by_the_broker(&configs(), version);
    let resource = &request.resources[0];
    assert_eq!((resource.resource_type, resource.resource_name.as_str()), (2, "orders"));
    assert_eq!(resource.configuration_keys.as_ref().map(Vec::len), Some(1));
    let described = read(configs(), answer(&configs_answer(), version), version).expect("an answer");
    assert_eq!((described[0].topic.as_str(), described[0].value.as_deref()), ("orders", Some("2")));
}

#[test]
fn list_partition_reassignments_asks_for_all_topics() {
    let request: ListPartitionReassignmentsRequest = as_read_by_the_broker(&reassignments(), 0);
    assert_eq!((request.topics, request.timeout_ms), (None, 5000));
    let listed = read(reassignments(), answer(&reassignments_answer(), 0), 0).expect("an answer");
    assert_eq!(listed.partitions, [("orders".to_owned(), 4)]);
}

/// Metadata with this many partitions of three replicas each, ten per topic.
fn large(partitions: i32) -> MetadataResponse {
    let partition = |index: i32| {
        let replicas: Vec<BrokerId> = (index..index + 3).map(|id| BrokerId(id % 10)).collect();
        MetadataResponsePartition::default()
            .with_partition_index(index % 10)
            .with_leader_id(replicas[0])
            .with_isr_nodes(replicas.clone())
            .with_replica_nodes(replicas)
    };
    let topic = |number: i32| {
        let name = TopicName(StrBytes::from_string(format!("a-topic-with-a-name-of-usual-length-{number}")));
        let partitions = (10 * number..10 * number + 10).map(partition).collect();
        MetadataResponseTopic::default().with_name(Some(name)).with_partitions(partitions)
    };
    MetadataResponse::default().with_topics((0..partitions / 10).map(topic).collect())
}

#[test]
fn metadata_of_a_large_cluster_fit_a_frame_and_are_decoded_quickly() {
    let frame = answer(&large(200_000), 12);
    assert!(frame.len() < MAX_FRAME, "{} bytes", frame.len());
    assert_eq!(read(MetadataOfAll, frame, 12).expect("an answer").topics.len(), 20_000);
    let frame = answer(&large(10_000), 12);
    let once = || {
        let started = tokio::time::Instant::now();
        assert_eq!(read(MetadataOfAll, frame.clone(), 12).expect("an answer").topics.len(), 1000);
        started.elapsed()
    };
    // The fastest of a few runs, because other processes share the machine.
    let quickest = (0..5).map(|_| once()).min().expect("five were taken");
    assert!(quickest < Duration::from_millis(300), "{quickest:?} for {} bytes", frame.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_response_fails_to_decode_or_decodes_and_never_panics(
        pick in 0_usize..5,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mutate = |answer: Bytes| -> Bytes {
            let mut bytes = answer.to_vec();
            for (at, value) in &edits {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if let Some(keep) = keep {
                bytes.truncate(keep.index(bytes.len()));
            }
            bytes.into()
        };
        // The result does not matter; it must return.
        match pick {
            0 => drop(read(DescribeCluster, mutate(answer(&cluster_answer(2), 2)), 2)),
            1 => drop(read(DescribeQuorum, mutate(answer(&quorum_answer(), 2)), 2)),
            2 => drop(read(log_dirs(), mutate(answer(&log_dirs_answer(4), 4)), 4)),
            3 => drop(read(configs(), mutate(answer(&configs_answer(), 4)), 4)),
            _ => drop(read(reassignments(), mutate(answer(&reassignments_answer(), 0)), 0)),
        }
    }
}
