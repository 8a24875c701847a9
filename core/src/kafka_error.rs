//! Kafka's error codes by name: the vocabulary of `error.type`.
//!
//! The table was printed by Apache Kafka 4.3.1's own `org.apache.kafka.common.protocol.Errors`
//! (`code()` and `name()` of `values()`). Codes newer than that are `_OTHER`.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An error code from a Kafka response; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KafkaError(pub i16);

impl KafkaError {
    /// The broker failed with an error that has no code of its own.
    pub const UNKNOWN_SERVER_ERROR: KafkaError = KafkaError(-1);
    /// The leader moved, or the broker does not host the partition.
    pub const NOT_LEADER_OR_FOLLOWER: KafkaError = KafkaError(6);
    /// The topic or partition is not known to this broker.
    pub const UNKNOWN_TOPIC_OR_PARTITION: KafkaError = KafkaError(3);
    /// The fetch offset is outside the log.
    pub const OFFSET_OUT_OF_RANGE: KafkaError = KafkaError(1);
    /// The partition has no leader.
    pub const LEADER_NOT_AVAILABLE: KafkaError = KafkaError(5);
    /// The listener does not take the SASL mechanism.
    pub const UNSUPPORTED_SASL_MECHANISM: KafkaError = KafkaError(33);
    /// The topic exists already.
    pub const TOPIC_ALREADY_EXISTS: KafkaError = KafkaError(36);
    /// The topic id is not known: the topic was recreated or deleted.
    pub const UNKNOWN_TOPIC_ID: KafkaError = KafkaError(100);
    /// The topic id does not match the name: the topic was recreated.
    pub const INCONSISTENT_TOPIC_ID: KafkaError = KafkaError(103);
    /// The broker waited for replicas or for the controller, and they did not answer in time.
    pub const REQUEST_TIMED_OUT: KafkaError = KafkaError(7);
    /// The broker is not the active controller, and does not forward.
    pub const NOT_CONTROLLER: KafkaError = KafkaError(41);
    /// A configuration of the topic was refused.
    pub const INVALID_CONFIG: KafkaError = KafkaError(40);
    /// Refused by the cluster's policy.
    pub const POLICY_VIOLATION: KafkaError = KafkaError(44);
    /// The coordinator is reading its partition and cannot answer yet.
    pub const COORDINATOR_LOAD_IN_PROGRESS: KafkaError = KafkaError(14);
    /// The coordinator could not write to its partition, or is not there.
    pub const COORDINATOR_NOT_AVAILABLE: KafkaError = KafkaError(15);
    /// This broker does not lead the partition that coordinates the id.
    pub const NOT_COORDINATOR: KafkaError = KafkaError(16);
    /// Another producer uses the producer id with a newer epoch, or the coordinator ended its transaction.
    pub const INVALID_PRODUCER_EPOCH: KafkaError = KafkaError(47);
    /// The previous transaction is still being completed.
    pub const CONCURRENT_TRANSACTIONS: KafkaError = KafkaError(51);
    /// Fewer replicas are in sync than the topic demands (`min.insync.replicas`): a write with `acks=all` is refused.
    pub const NOT_ENOUGH_REPLICAS: KafkaError = KafkaError(19);
    /// No permission for the topic.
    pub const TOPIC_AUTHORIZATION_FAILED: KafkaError = KafkaError(29);
    /// There is no such group.
    pub const GROUP_ID_NOT_FOUND: KafkaError = KafkaError(69);
    /// The disk failed under the log directory, or was full.
    pub const KAFKA_STORAGE_ERROR: KafkaError = KafkaError(56);
    /// Another producer uses the transactional id, or the coordinator ended its transaction.
    pub const PRODUCER_FENCED: KafkaError = KafkaError(90);

    /// The error in a response's code; `None` for 0.
    pub fn of(code: i16) -> Option<KafkaError> {
        (code != 0).then_some(KafkaError(code))
    }

    /// Kafka's UPPER_SNAKE name, or `_OTHER` for a code this table does not know.
    pub fn name(self) -> &'static str {
        NAMES.binary_search_by_key(&self.0, |(code, _)| *code).map_or("_OTHER", |found| NAMES[found].1)
    }

    /// Another run or another prober took over the producer, or the coordinator ended a transaction that timed out.
    pub fn is_fencing(self) -> bool {
        self == KafkaError::PRODUCER_FENCED || self == KafkaError::INVALID_PRODUCER_EPOCH
    }

    /// Refused because a permission, credentials or a common SASL mechanism are missing.
    pub fn is_authorization(self) -> bool {
        self.name().ends_with("_AUTHORIZATION_FAILED") || self.is_authentication()
    }

    /// Refused because credentials or a common SASL mechanism are missing.
    pub fn is_authentication(self) -> bool {
        const OF_SASL: [&str; 3] = ["UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE", "SASL_AUTHENTICATION_FAILED"];
        OF_SASL.contains(&self.name())
    }
}

/// Written by name; by number where the table has no name, so that nothing is lost.
impl Serialize for KafkaError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match NAMES.binary_search_by_key(&self.0, |(code, _)| *code) {
            Ok(found) => serializer.serialize_str(NAMES[found].1),
            Err(_) => serializer.serialize_i16(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for KafkaError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KafkaError, D::Error> {
        deserializer.deserialize_any(NameOrCode)
    }
}

struct NameOrCode;

impl Visitor<'_> for NameOrCode {
    type Value = KafkaError;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name or the number of a Kafka error")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<KafkaError, E> {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(code, _)| KafkaError(*code)).ok_or_else(|| E::custom(format!("no Kafka error is named {name}")))
    }

    fn visit_i64<E: Error>(self, code: i64) -> Result<KafkaError, E> {
        i16::try_from(code).map(KafkaError).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, code: u64) -> Result<KafkaError, E> {
        i16::try_from(code).map(KafkaError).map_err(E::custom)
    }
}

/// Ascending by code, so that it can be searched.
#[rustfmt::skip]
const NAMES: &[(i16, &str)] = &[
    (-1, "UNKNOWN_SERVER_ERROR"),
    (1, "OFFSET_OUT_OF_RANGE"),
    (2, "CORRUPT_MESSAGE"),
    (3, "UNKNOWN_TOPIC_OR_PARTITION"),
    (4, "INVALID_FETCH_SIZE"),
    (5, "LEADER_NOT_AVAILABLE"),
    (6, "NOT_LEADER_OR_FOLLOWER"),
    (7, "REQUEST_TIMED_OUT"),
    (8, "BROKER_NOT_AVAILABLE"),
    (9, "REPLICA_NOT_AVAILABLE"),
    (10, "MESSAGE_TOO_LARGE"),
    (11, "STALE_CONTROLLER_EPOCH"),
    (12, "OFFSET_METADATA_TOO_LARGE"),
    (13, "NETWORK_EXCEPTION"),
    (14, "COORDINATOR_LOAD_IN_PROGRESS"),
    (15, "COORDINATOR_NOT_AVAILABLE"),
    (16, "NOT_COORDINATOR"),
    (17, "INVALID_TOPIC_EXCEPTION"),
    (18, "RECORD_LIST_TOO_LARGE"),
    (19, "NOT_ENOUGH_REPLICAS"),
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"),
    (21, "INVALID_REQUIRED_ACKS"),
    (22, "ILLEGAL_GENERATION"),
    (23, "INCONSISTENT_GROUP_PROTOCOL"),
    (24, "INVALID_GROUP_ID"),
    (25, "UNKNOWN_MEMBER_ID"),
    (26, "INVALID_SESSION_TIMEOUT"),
    (27, "REBALANCE_IN_PROGRESS"),
    (28, "INVALID_COMMIT_OFFSET_SIZE"),
    (29, "TOPIC_AUTHORIZATION_FAILED"),
    (30, "GROUP_AUTHORIZATION_FAILED"),
    (31, "CLUSTER_AUTHORIZATION_FAILED"),
    (32, "INVALID_TIMESTAMP"),
    (33, "UNSUPPORTED_SASL_MECHANISM"),
    (34, "ILLEGAL_SASL_STATE"),
    (35, "UNSUPPORTED_VERSION"),
    (36, "TOPIC_ALREADY_EXISTS"),
    (37, "INVALID_PARTITIONS"),
    (38, "INVALID_REPLICATION_FACTOR"),
    (39, "INVALID_REPLICA_ASSIGNMENT"),
    (40, "INVALID_CONFIG"),
    (41, "NOT_CONTROLLER"),
    (42, "INVALID_REQUEST"),
    (43, "UNSUPPORTED_FOR_MESSAGE_FORMAT"),
    (44, "POLICY_VIOLATION"),
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER"),
    (46, "DUPLICATE_SEQUENCE_NUMBER"),
    (47, "INVALID_PRODUCER_EPOCH"),
    (48, "INVALID_TXN_STATE"),
    (49, "INVALID_PRODUCER_ID_MAPPING"),
    (50, "INVALID_TRANSACTION_TIMEOUT"),
    (51, "CONCURRENT_TRANSACTIONS"),
    (52, "TRANSACTION_COORDINATOR_FENCED"),
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"),
    (54, "SECURITY_DISABLED"),
    (55, "OPERATION_NOT_ATTEMPTED"),
    (56, "KAFKA_STORAGE_ERROR"),
    (57, "LOG_DIR_NOT_FOUND"),
    (58, "SASL_AUTHENTICATION_FAILED"),
    (59, "UNKNOWN_PRODUCER_ID"),
    (60, "REASSIGNMENT_IN_PROGRESS"),
    (61, "DELEGATION_TOKEN_AUTH_DISABLED"),
    (62, "DELEGATION_TOKEN_NOT_FOUND"),
    (63, "DELEGATION_TOKEN_OWNER_MISMATCH"),
    (64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"),
    (65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED"),
    (66, "DELEGATION_TOKEN_EXPIRED"),
    (67, "INVALID_PRINCIPAL_TYPE"),
    (68, "NON_EMPTY_GROUP"),
    (69, "GROUP_ID_NOT_FOUND"),
    (70, "FETCH_SESSION_ID_NOT_FOUND"),
    (71, "INVALID_FETCH_SESSION_EPOCH"),
    (72, "LISTENER_NOT_FOUND"),
    (73, "TOPIC_DELETION_DISABLED"),
    (74, "FENCED_LEADER_EPOCH"),
    (75, "UNKNOWN_LEADER_EPOCH"),
    (76, "UNSUPPORTED_COMPRESSION_TYPE"),
    (77, "STALE_BROKER_EPOCH"),
    (78, "OFFSET_NOT_AVAILABLE"),
    (79, "MEMBER_ID_REQUIRED"),
    (80, "PREFERRED_LEADER_NOT_AVAILABLE"),
    (81, "GROUP_MAX_SIZE_REACHED"),
    (82, "FENCED_INSTANCE_ID"),
    (83, "ELIGIBLE_LEADERS_NOT_AVAILABLE"),
    (84, "ELECTION_NOT_NEEDED"),
    (85, "NO_REASSIGNMENT_IN_PROGRESS"),
    (86, "GROUP_SUBSCRIBED_TO_TOPIC"),
    (87, "INVALID_RECORD"),
    (88, "UNSTABLE_OFFSET_COMMIT"),
    (89, "THROTTLING_QUOTA_EXCEEDED"),
    (90, "PRODUCER_FENCED"),
    (91, "RESOURCE_NOT_FOUND"),
    (92, "DUPLICATE_RESOURCE"),
    (93, "UNACCEPTABLE_CREDENTIAL"),
    (94, "INCONSISTENT_VOTER_SET"),
    (95, "INVALID_UPDATE_VERSION"),
    (96, "FEATURE_UPDATE_FAILED"),
    (97, "PRINCIPAL_DESERIALIZATION_FAILURE"),
    (98, "SNAPSHOT_NOT_FOUND"),
    (99, "POSITION_OUT_OF_RANGE"),
    (100, "UNKNOWN_TOPIC_ID"),
    (101, "DUPLICATE_BROKER_REGISTRATION"),
    (102, "BROKER_ID_NOT_REGISTERED"),
    (103, "INCONSISTENT_TOPIC_ID"),
    (104, "INCONSISTENT_CLUSTER_ID"),
    (105, "TRANSACTIONAL_ID_NOT_FOUND"),
    (106, "FETCH_SESSION_TOPIC_ID_ERROR"),
    (107, "INELIGIBLE_REPLICA"),
    (108, "NEW_LEADER_ELECTED"),
    (109, "OFFSET_MOVED_TO_TIERED_STORAGE"),
    (110, "FENCED_MEMBER_EPOCH"),
    (111, "UNRELEASED_INSTANCE_ID"),
    (112, "UNSUPPORTED_ASSIGNOR"),
    (113, "STALE_MEMBER_EPOCH"),
    (114, "MISMATCHED_ENDPOINT_TYPE"),
    (115, "UNSUPPORTED_ENDPOINT_TYPE"),
    (116, "UNKNOWN_CONTROLLER_ID"),
    (117, "UNKNOWN_SUBSCRIPTION_ID"),
    (118, "TELEMETRY_TOO_LARGE"),
    (119, "INVALID_REGISTRATION"),
    (120, "TRANSACTION_ABORTABLE"),
    (121, "INVALID_RECORD_STATE"),
    (122, "SHARE_SESSION_NOT_FOUND"),
    (123, "INVALID_SHARE_SESSION_EPOCH"),
    (124, "FENCED_STATE_EPOCH"),
    (125, "INVALID_VOTER_KEY"),
    (126, "DUPLICATE_VOTER"),
    (127, "VOTER_NOT_FOUND"),
    (128, "INVALID_REGULAR_EXPRESSION"),
    (129, "REBOOTSTRAP_REQUIRED"),
    (130, "STREAMS_INVALID_TOPOLOGY"),
    (131, "STREAMS_INVALID_TOPOLOGY_EPOCH"),
    (132, "STREAMS_TOPOLOGY_FENCED"),
    (133, "SHARE_SESSION_LIMIT_REACHED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_ascending_and_without_none() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMES.iter().all(|(code, _)| *code != 0));
    }

    #[test]
    fn named_constants_have_the_codes_of_kafka() {
        assert_eq!(KafkaError::NOT_LEADER_OR_FOLLOWER.name(), "NOT_LEADER_OR_FOLLOWER");
        assert_eq!(KafkaError::UNKNOWN_TOPIC_OR_PARTITION.name(), "UNKNOWN_TOPIC_OR_PARTITION");
        assert_eq!(KafkaError::OFFSET_OUT_OF_RANGE.name(), "OFFSET_OUT_OF_RANGE");
        assert_eq!(KafkaError::LEADER_NOT_AVAILABLE.name(), "LEADER_NOT_AVAILABLE");
        assert_eq!(KafkaError::UNSUPPORTED_SASL_MECHANISM.name(), "UNSUPPORTED_SASL_MECHANISM");
        assert_eq!(KafkaError::TOPIC_ALREADY_EXISTS.name(), "TOPIC_ALREADY_EXISTS");
        assert_eq!(KafkaError::UNKNOWN_TOPIC_ID.name(), "UNKNOWN_TOPIC_ID");
        assert_eq!(KafkaError::INCONSISTENT_TOPIC_ID.name(), "INCONSISTENT_TOPIC_ID");
        assert_eq!(KafkaError::INVALID_CONFIG.name(), "INVALID_CONFIG");
        assert_eq!(KafkaError::POLICY_VIOLATION.name(), "POLICY_VIOLATION");
        assert_eq!(KafkaError::COORDINATOR_LOAD_IN_PROGRESS.name(), "COORDINATOR_LOAD_IN_PROGRESS");
        assert_eq!(KafkaError::COORDINATOR_NOT_AVAILABLE.name(), "COORDINATOR_NOT_AVAILABLE");
        assert_eq!(KafkaError::NOT_COORDINATOR.name(), "NOT_COORDINATOR");
        assert_eq!(KafkaError::INVALID_PRODUCER_EPOCH.name(), "INVALID_PRODUCER_EPOCH");
        assert_eq!(KafkaError::CONCURRENT_TRANSACTIONS.name(), "CONCURRENT_TRANSACTIONS");
        assert_eq!(KafkaError::GROUP_ID_NOT_FOUND.name(), "GROUP_ID_NOT_FOUND");
        assert_eq!(KafkaError::PRODUCER_FENCED.name(), "PRODUCER_FENCED");
    }

    #[test]
    fn unknown_code_is_other() {
        assert_eq!(KafkaError(-1).name(), "UNKNOWN_SERVER_ERROR");
        assert_eq!(KafkaError(9999).name(), "_OTHER");
        assert_eq!(KafkaError::of(0), None);
    }

    #[test]
    fn authorization_and_authentication_errors_are_recognised() {
        for code in [29, 33, 34, 58] {
            assert!(KafkaError(code).is_authorization(), "{code}");
        }
        assert!(!KafkaError::NOT_LEADER_OR_FOLLOWER.is_authorization());
    }
}
