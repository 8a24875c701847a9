//! Creates a lane's topic with explicit configs. A config that the cluster refuses and that is not essential is dropped and
//! reported.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Lane, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::placement::min_insync_replicas;

use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{CreateTopic, CreatedTopic, MIN_INSYNC_REPLICAS, WireError};

/// How long the controller may take; the broker responds with an error after it.
const CREATE_WITHIN: Duration = Duration::from_secs(10);

/// The config that is never dropped. With one replica a higher cluster default has no effect (docs/kafka-facts.md K12), but
/// tools that read the config would report the topic.
const ESSENTIAL_CONFIG: &str = MIN_INSYNC_REPLICAS;

/// The configs that are dropped if the cluster refuses them. `LogAppendTime`: a broker rejects a record whose timestamp is
/// too far from its own clock (docs/kafka-facts.md K11), which would make a wrong clock of the prober look like an outage.
/// Short segments: rolling a segment every ten minutes exercises the broker's memory mapping of index files.
const OPTIONAL_CONFIGS: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("message.timestamp.type", "LogAppendTime"),
    ("retention.ms", "3600000"),
    ("segment.ms", "600000"),
    ("segment.bytes", "16777216"),
];

/// The outcome of one creation.
#[derive(Debug)]
pub(super) enum CreateOutcome {
    /// Created; these configs were refused and left out.
    Created { without: Vec<&'static str> },
    /// The topic exists.
    AlreadyExists,
    /// The cluster refused it.
    Refused { error: KafkaError, message: String },
    /// The broker did not answer.
    NoAnswer(WireError),
}

/// Creates the topic over a connection of its own, because the response waits for the controller.
pub(super) async fn create(
    dial_options: &DialOptions,
    lane: Lane,
    topic: &Arc<str>,
    assignment: &BTreeMap<Partition, Vec<BrokerId>>,
) -> CreateOutcome {
    let connection = match dial_options.dial(CREATE_WITHIN).await {
        Ok(connection) => connection,
        Err(error) => return CreateOutcome::NoAnswer(error),
    };
    let replication_factor = assignment.values().map(Vec::len).min().unwrap_or(1);
    let min_insync = min_insync_replicas(lane, replication_factor).to_string();
    let mut wanted = OPTIONAL_CONFIGS.to_vec();
    loop {
        let essential = [(ESSENTIAL_CONFIG, min_insync.as_str())];
        let request = CreateTopic {
            topic: Arc::clone(topic),
            replicas: assignment.values().map(|replicas| replicas.iter().map(|id| id.0).collect()).collect(),
            configs: essential.iter().chain(&wanted).map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            timeout: CREATE_WITHIN,
            validate_only: false,
        };
        let answer = match connection.call(request) {
            Ok(call) => tokio::time::timeout(2 * CREATE_WITHIN, call).await,
            Err(error) => return CreateOutcome::NoAnswer(error),
        };
        let created = match answer {
            Ok(Ok(reply)) => reply.body,
            Ok(Err(error)) => return CreateOutcome::NoAnswer(error),
            Err(_) => return CreateOutcome::NoAnswer(WireError::ConnectTimeout),
        };
        match outcome(&created, &mut wanted) {
            Some(outcome) => return outcome,
            None => continue,
        }
    }
}

/// The outcome by the broker's response; `None`: try again with fewer configs.
fn outcome(answer: &CreatedTopic, wanted: &mut Vec<(&'static str, &'static str)>) -> Option<CreateOutcome> {
    let Some(error) = KafkaError::of(answer.error) else {
        let kept = |key: &str| wanted.iter().any(|(kept, _)| *kept == key);
        let without = OPTIONAL_CONFIGS.iter().map(|(key, _)| *key).filter(|key| !kept(key)).collect();
        return Some(CreateOutcome::Created { without });
    };
    if error == KafkaError::TOPIC_ALREADY_EXISTS {
        return Some(CreateOutcome::AlreadyExists);
    }
    let message = answer.message.clone().unwrap_or_default();
    let about_configs = matches!(error, KafkaError::INVALID_CONFIG | KafkaError::POLICY_VIOLATION);
    if !about_configs || wanted.is_empty() {
        return Some(CreateOutcome::Refused { error, message });
    }
    let before = wanted.len();
    wanted.retain(|(key, _)| !message.contains(key));
    if wanted.len() == before {
        wanted.clear();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(error: i16, message: &str) -> CreatedTopic {
        CreatedTopic {
            error,
            message: Some(message.into()),
            id: None,
            partitions: -1,
            replication_factor: -1,
            configs: Vec::new(),
            configs_error: 0,
        }
    }

    #[test]
    fn refused_config_is_dropped_and_reported() {
        let mut wanted = OPTIONAL_CONFIGS.to_vec();
        assert!(outcome(&answer(44, "segment.bytes may not be set"), &mut wanted).is_none());
        match outcome(&answer(0, ""), &mut wanted) {
            Some(CreateOutcome::Created { without }) => assert_eq!(without, ["segment.bytes"]),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn refusal_that_names_no_config_drops_all_optional_ones_and_is_final_after_that() {
        let mut wanted = OPTIONAL_CONFIGS.to_vec();
        assert!(outcome(&answer(44, "no"), &mut wanted).is_none());
        assert!(wanted.is_empty());
        assert!(matches!(outcome(&answer(44, "no"), &mut wanted), Some(CreateOutcome::Refused { .. })));
    }

    #[test]
    fn missing_permission_is_final_at_once() {
        let mut wanted = OPTIONAL_CONFIGS.to_vec();
        assert!(matches!(outcome(&answer(29, ""), &mut wanted), Some(CreateOutcome::Refused { .. })));
        assert_eq!(wanted.len(), OPTIONAL_CONFIGS.len());
    }
}
