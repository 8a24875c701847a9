//! Creating and deleting topics and users of the harness, and clearing up after tests.

use bytes::Bytes;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    AlterUserScramCredentialsRequest, ScramCredentialUpsertion,
};
use kafka_protocol::messages::create_acls_request::{AclCreation, CreateAclsRequest};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, DeleteAclsRequest, DeleteTopicsRequest, ElectLeadersRequest,
    IncrementalAlterConfigsRequest,
};
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;

use super::{Connection, PartitionInfo, REQUEST_TIMEOUT, RawError, text, topic_name};

const CREATE_TOPICS_VERSION: i16 = 7;
/// The last version before topic ids.
const DELETE_TOPICS_VERSION: i16 = 5;
const ELECT_LEADERS_VERSION: i16 = 2;
const REASSIGN_VERSION: i16 = 0;
const CREATE_ACLS_VERSION: i16 = 2;
const DELETE_ACLS_VERSION: i16 = 2;
const ALTER_CONFIGS_VERSION: i16 = 1;

/// Creates a topic whose partition *i* has exactly the replicas `assignment[i]`.
pub(crate) fn create_topic(
    addr: &str,
    topic: &str,
    assignment: &[Vec<i32>],
    configs: &[(&str, &str)],
) -> Result<(), RawError> {
    let assignments = (0..).zip(assignment).map(|(partition, replicas)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(partition)
            .with_broker_ids(replicas.iter().map(|id| BrokerId(*id)).collect())
    });
    let configs = configs
        .iter()
        .map(|(name, value)| CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value))));
    let topic = CreatableTopic::default()
        .with_name(topic_name(topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assignments.collect())
        .with_configs(configs.collect());
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(request_timeout_ms());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(CREATE_TOPICS_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.topics.iter().try_for_each(|topic| RawError::check(topic.error_code))
}

/// Deletes a topic.
pub(crate) fn delete_topic(addr: &str, topic: &str) -> Result<(), RawError> {
    let request =
        DeleteTopicsRequest::default().with_topic_names(vec![topic_name(topic)]).with_timeout_ms(request_timeout_ms());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(DELETE_TOPICS_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.responses.iter().try_for_each(|topic| RawError::check(topic.error_code))
}

/// Gives partitions back to their preferred leaders, as far as these are in sync. The results of single
/// partitions are not checked here: metadata shows them.
pub(crate) fn elect_preferred(addr: &str, partitions: &[PartitionInfo]) -> Result<(), RawError> {
    let one = |partition: &PartitionInfo| {
        TopicPartitions::default().with_topic(topic_name(&partition.topic)).with_partitions(vec![partition.partition])
    };
    let request = ElectLeadersRequest::default()
        .with_topic_partitions(Some(partitions.iter().map(one).collect()))
        .with_timeout_ms(request_timeout_ms());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(ELECT_LEADERS_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)
}

/// Moves a partition to exactly these replicas. Kafka copies what the new ones lack before it drops the old ones.
pub(crate) fn reassign(addr: &str, topic: &str, partition: i32, replicas: &[i32]) -> Result<(), RawError> {
    let replicas = replicas.iter().map(|id| BrokerId(*id)).collect();
    let partition = ReassignablePartition::default().with_partition_index(partition).with_replicas(Some(replicas));
    let topic = ReassignableTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request =
        AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(request_timeout_ms());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(REASSIGN_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)?;
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.error_code).try_for_each(RawError::check)
}

/// What a permission is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    /// Topics whose names begin like this.
    Topics(&'a str),
    /// Groups whose ids begin like this.
    Groups(&'a str),
    /// Transactional ids that begin like this.
    TransactionalIds(&'a str),
    Cluster,
}

/// Kafka's numbers of operations in ACLs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Read = 3,
    Write = 4,
    Create = 5,
    Describe = 8,
    DescribeConfigs = 10,
}

impl Resource<'_> {
    /// Kafka's numbers of the kind and of the pattern, and the name.
    fn pattern(&self) -> (i8, &str, i8) {
        const LITERAL: i8 = 3;
        const PREFIXED: i8 = 4;
        match self {
            Resource::Topics(prefix) => (2, prefix, PREFIXED),
            Resource::Groups(prefix) => (3, prefix, PREFIXED),
            Resource::Cluster => (4, "kafka-cluster", LITERAL),
            Resource::TransactionalIds(prefix) => (5, prefix, PREFIXED),
        }
    }
}

const ALLOW: i8 = 3;

/// Revokes a user's permission for these operations.
pub(crate) fn revoke(addr: &str, user: &str, resource: Resource<'_>, operations: &[Operation]) -> Result<(), RawError> {
    let (kind, name, pattern) = resource.pattern();
    let filter = |operation: &Operation| {
        DeleteAclsFilter::default()
            .with_resource_type_filter(kind)
            .with_resource_name_filter(Some(text(name)))
            .with_pattern_type_filter(pattern)
            .with_principal_filter(Some(text(&format!("User:{user}"))))
            .with_host_filter(None)
            .with_operation(*operation as i8)
            .with_permission_type(ALLOW)
    };
    let request = DeleteAclsRequest::default().with_filters(operations.iter().map(filter).collect());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(DELETE_ACLS_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.filter_results.iter().try_for_each(|result| RawError::check(result.error_code))
}

/// What a configuration belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConfigResource<'a> {
    Topic(&'a str),
    /// A broker; only that broker accepts these.
    Broker(i32),
}

/// Sets one configuration, or with no value restores its default.
pub(crate) fn alter_config(
    addr: &str,
    of: ConfigResource<'_>,
    name: &str,
    value: Option<&str>,
) -> Result<(), RawError> {
    const DELETE: i8 = 1;
    let (kind, resource) = match of {
        ConfigResource::Topic(name) => (2, name.to_owned()),
        ConfigResource::Broker(id) => (4, id.to_string()),
    };
    let operation = if value.is_some() { 0 } else { DELETE };
    let config =
        AlterableConfig::default().with_name(text(name)).with_config_operation(operation).with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(&resource))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(ALTER_CONFIGS_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.responses.iter().try_for_each(|resource| RawError::check(resource.error_code))
}

/// Allows a user these operations.
pub(crate) fn grant(addr: &str, user: &str, resource: Resource<'_>, operations: &[Operation]) -> Result<(), RawError> {
    let (kind, name, pattern) = resource.pattern();
    let creation = |operation: &Operation| {
        AclCreation::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_resource_pattern_type(pattern)
            .with_principal(text(&format!("User:{user}")))
            .with_host(text("*"))
            .with_operation(*operation as i8)
            .with_permission_type(ALLOW)
    };
    let request = CreateAclsRequest::default().with_creations(operations.iter().map(creation).collect());
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(CREATE_ACLS_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.results.iter().try_for_each(|result| RawError::check(result.error_code))
}

/// Creates a SCRAM-SHA-512 user, or changes its password.
pub(crate) fn create_scram_user(addr: &str, name: &str, password: &str) -> Result<(), RawError> {
    const SCRAM_SHA_512: i8 = 2;
    const ITERATIONS: i32 = 4096;
    let salt = b"salt of a test";
    let mut salted = vec![0; 64];
    pbkdf2_hmac(password.as_bytes(), salt, 4096, MessageDigest::sha512(), &mut salted).expect("OpenSSL can do it");
    let user = ScramCredentialUpsertion::default()
        .with_name(text(name))
        .with_mechanism(SCRAM_SHA_512)
        .with_iterations(ITERATIONS)
        .with_salt(Bytes::from_static(salt))
        .with_salted_password(salted.into());
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![user]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(0, &request, REQUEST_TIMEOUT)?;
    answer.results.iter().try_for_each(|user| RawError::check(user.error_code))
}

fn request_timeout_ms() -> i32 {
    i32::try_from(REQUEST_TIMEOUT.as_millis()).expect("a few seconds fit")
}
