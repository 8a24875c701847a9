//! Whether the topic is created now, and what attempts fail with until it is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;

use prober_probes::backoff::Backoff;

use crate::kafka::Report;

use super::LaneContext;
use super::create_topic::{self, Created};
use crate::kafka::session::fault;

/// After a refused creation; doubles to five minutes, for permissions change slowly.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// How creation goes.
pub(super) struct CreationState {
    /// We created the topic that appears next.
    pub(super) done: bool,
    /// Why attempts fail once they come due.
    pub(super) fault: Fault,
    /// The same in a sentence.
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

    /// Whether it is too early for another try.
    pub(super) fn waits(&self, now: Time) -> bool {
        now < self.not_before
    }

    /// The principal may not use the topic.
    pub(super) fn forbidden(&mut self, error: prober_core::kafka_error::KafkaError, topic: &str) {
        self.fault = Fault::Kafka(error);
        self.message = Some(permission("DESCRIBE, READ and WRITE", topic));
    }

    /// Asks the broker at `address` to create it; whether the cluster has it now.
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
        // Created or not, wait for it to appear before trying again.
        self.not_before = now + RETRY_MIN;
        let result = match &created {
            Created::Yes { without } => {
                tracing::info!(topic = &**topic, partitions = assignment.len(), "created the monitor topic");
                if !without.is_empty() {
                    tracing::warn!(topic = &**topic, configs = without.join(", "), "the cluster refused these configs");
                }
                self.done = true;
                self.message = None;
                "success"
            }
            Created::Already => "already_exists",
            Created::Refused { error, message } => {
                self.fault = Fault::Kafka(*error);
                self.message = Some(if error.is_authorization() {
                    permission("CREATE", topic)
                } else {
                    format!("creation topic {topic} was refused: {} {message}", error.name()).into()
                });
                self.back_off(now);
                "refused"
            }
            Created::Unanswered(error) => {
                self.fault = fault::of(error);
                self.message = Some(format!("creation topic {topic} got no answer: {error}").into());
                self.back_off(now);
                "no_answer"
            }
        };
        (context.report)(Report::Action { action: "create", result });
        matches!(created, Created::Yes { .. } | Created::Already)
    }

    fn back_off(&mut self, now: Time) {
        self.not_before = now + self.backoff.next_wait();
    }
}

fn permission(operation: &str, topic: &str) -> Arc<str> {
    format!("no permission: grant {operation} on topic {topic} to the prober's principal").into()
}
