//! Creates a lane's topic. The configs that matter are ours (design §6); one that the cluster refuses and that we can
//! do without is dropped and reported.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Lane, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::placement::min_insync_replicas;

use crate::kafka::wire::{CreateTopic, CreatedTopic, MIN_INSYNC_REPLICAS, WireError};

use crate::kafka::session::dial_options::DialOptions;

/// The controller's time for it; the broker answers at the latest then.
const CREATE_WITHIN: Duration = Duration::from_secs(10);

/// A cluster default would be harmless in the pinned lane (K12) and wrong all the same.
const NEEDED: &str = MIN_INSYNC_REPLICAS;

/// `LogAppendTime`, so that a prober with a wrong calendar can still write (K11); short segments, so that rolling them
/// exercises the broker's memory mapping.
const WANTED: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("message.timestamp.type", "LogAppendTime"),
    ("retention.ms", "3600000"),
    ("segment.ms", "600000"),
    ("segment.bytes", "16777216"),
];

/// What came of it.
#[derive(Debug)]
pub(super) enum Created {
    /// It is there now; these configs were refused and left out.
    Yes { without: Vec<&'static str> },
    /// Somebody else was first.
    Already,
    /// The cluster said no.
    Refused { error: KafkaError, message: String },
    /// Nobody answered.
    Unanswered(WireError),
}

/// Creates the topic, on a connection of its own: this waits on the controller.
pub(super) async fn create(
    dial_options: &DialOptions,
    lane: Lane,
    topic: &Arc<str>,
    assignment: &BTreeMap<Partition, Vec<BrokerId>>,
) -> Created {
    let connection = match dial_options.dial(CREATE_WITHIN).await {
        Ok(connection) => connection,
        Err(error) => return Created::Unanswered(error),
    };
    let replication_factor = assignment.values().map(Vec::len).min().unwrap_or(1);
    let min_insync = min_insync_replicas(lane, replication_factor).to_string();
    let mut wanted = WANTED.to_vec();
    loop {
        let needed = [(NEEDED, min_insync.as_str())];
        let request = CreateTopic {
            topic: Arc::clone(topic),
            replicas: assignment.values().map(|replicas| replicas.iter().map(|id| id.0).collect()).collect(),
            configs: needed.iter().chain(&wanted).map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            timeout: CREATE_WITHIN,
            validate_only: false,
        };
        let answer = match connection.call(request) {
            Ok(call) => tokio::time::timeout(2 * CREATE_WITHIN, call).await,
            Err(error) => return Created::Unanswered(error),
        };
        let created = match answer {
            Ok(Ok(reply)) => reply.body,
            Ok(Err(error)) => return Created::Unanswered(error),
            Err(_) => return Created::Unanswered(WireError::ConnectTimeout),
        };
        match judge(&created, &mut wanted) {
            Some(outcome) => return outcome,
            None => continue,
        }
    }
}

/// What an answer means; `None`: try again with fewer configs.
fn judge(answer: &CreatedTopic, wanted: &mut Vec<(&'static str, &'static str)>) -> Option<Created> {
    let Some(error) = KafkaError::of(answer.error) else {
        let kept = |key: &str| wanted.iter().any(|(kept, _)| *kept == key);
        let without = WANTED.iter().map(|(key, _)| *key).filter(|key| !kept(key)).collect();
        return Some(Created::Yes { without });
    };
    if error == KafkaError::TOPIC_ALREADY_EXISTS {
        return Some(Created::Already);
    }
    let message = answer.message.clone().unwrap_or_default();
    let about_configs = matches!(error, KafkaError::INVALID_CONFIG | KafkaError::POLICY_VIOLATION);
    if !about_configs || wanted.is_empty() {
        return Some(Created::Refused { error, message });
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
        let mut wanted = WANTED.to_vec();
        assert!(judge(&answer(44, "segment.bytes may not be set"), &mut wanted).is_none());
        match judge(&answer(0, ""), &mut wanted) {
            Some(Created::Yes { without }) => assert_eq!(without, ["segment.bytes"]),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn refusal_that_names_no_config_drops_all_that_can_be_spared_then_stands() {
        let mut wanted = WANTED.to_vec();
        assert!(judge(&answer(44, "no"), &mut wanted).is_none());
        assert!(wanted.is_empty());
        assert!(matches!(judge(&answer(44, "no"), &mut wanted), Some(Created::Refused { .. })));
    }

    #[test]
    fn missing_permission_is_final_at_once() {
        let mut wanted = WANTED.to_vec();
        assert!(matches!(judge(&answer(29, ""), &mut wanted), Some(Created::Refused { .. })));
        assert_eq!(wanted.len(), WANTED.len());
    }
}
