//! Whether to try to create the topic now, and the fault of attempts until it exists.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::backoff::Backoff;

use crate::kafka::Report;
use crate::kafka::session::fault;

use super::LaneContext;
use super::create_topic::{self, CreateOutcome};

/// The waits after a refused creation. They grow to five minutes, because permissions are seldom granted sooner.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The state of the creation of a topic.
pub(super) struct CreationState {
    /// The prober created the topic that appears next in the metadata.
    pub(super) done: bool,
    /// The fault of attempts that come due until then.
    pub(super) fault: Fault,
    /// The reason in a sentence.
    pub(super) message: Option<Arc<str>>,
    not_before: Time,
    backoff: Backoff,
}

impl CreationState {
    pub(super) fn new() -> CreationState {
        CreationState {
            done: false,
            fault: Fault::NoPartition,
            message: None,
            not_before: Time::ORIGIN,
            backoff: Backoff::new(RETRY_MIN, RETRY_MAX),
        }
    }

    /// Whether it is too early for the next attempt.
    pub(super) fn is_backing_off(&self, now: Time) -> bool {
        now < self.not_before
    }

    /// The principal may not use the topic.
    pub(super) fn on_forbidden(&mut self, error: KafkaError, topic: &str) {
        self.fault = Fault::Kafka(error);
        self.message = Some(permission("DESCRIBE, READ and WRITE", topic));
    }

    /// Asks the broker at `address` to create the topic. Returns whether the cluster has it now.
    pub(super) async fn attempt(
        &mut self,
        context: &LaneContext,
        address: String,
        assignment: &BTreeMap<Partition, Vec<BrokerId>>,
    ) -> bool {
        let topic = &context.topic;
        let dial_options = context.dial_options(address.into(), context.deadline);
        let created = create_topic::create(&dial_options, context.lane, topic, assignment).await;
        let now = context.clock.now();
        // Wait for the topic to appear in the metadata before the next attempt, even after a success.
        self.not_before = now + RETRY_MIN;
        let result = match &created {
            CreateOutcome::Created { without } => {
                tracing::info!(topic = &**topic, partitions = assignment.len(), "created the monitor topic");
                if !without.is_empty() {
                    tracing::warn!(
                        topic = &**topic,
                        configs = without.join(", "),
                        "the cluster refused these configs; the topic was created without them"
                    );
                }
                self.done = true;
                self.message = None;
                "success"
            }
            CreateOutcome::AlreadyExists => "already_exists",
            CreateOutcome::Refused { error, message } => {
                self.fault = Fault::Kafka(*error);
                self.message = Some(if error.is_authorization() {
                    permission("CREATE", topic)
                } else {
                    format!("creating topic {topic} was refused: {} {message}", error.name()).into()
                });
                self.back_off(now);
                "refused"
            }
            CreateOutcome::NoAnswer(error) => {
                self.fault = fault::of(error);
                self.message = Some(format!("creating topic {topic} got no answer: {error}").into());
                self.back_off(now);
                "no_answer"
            }
        };
        (context.report)(Report::Action { action: "create", result });
        matches!(created, CreateOutcome::Created { .. } | CreateOutcome::AlreadyExists)
    }

    fn back_off(&mut self, now: Time) {
        self.not_before = now + self.backoff.next_wait();
    }
}

fn permission(operation: &str, topic: &str) -> Arc<str> {
    format!("no permission: grant {operation} on topic {topic} to the prober's principal").into()
}
