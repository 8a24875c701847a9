//! `controller`: has the controller validate the creation of a topic. Any broker takes CreateTopics and forwards it over a
//! connection of its own to the active controller, so that a missing response may be the fault of either (K17): a second broker
//! is asked then, and only if it gets no response either, it is the controller's fault.

mod canary;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Probe};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::requests::{CreateTopic, TopicResult};
use crate::port::{MetadataSnapshot, ProbeInput, ProbeResponse, RequestError, TaskGuard};

pub use canary::CanarySettings;

/// What is left of the deadline for the prober's own work.
const DEADLINE_MARGIN: Duration = Duration::from_millis(50);

/// The `controller` probe of a cluster: asks through one broker after the other.
pub struct ControllerProbe {
    context: ProbeContext,
    turn: AtomicUsize,
}

/// What came of a request through one forwarding broker.
enum ForwardedRequest {
    /// The controller answered a request that was sent at `sent`.
    Answered { sent: Time, at: Time, answer: TopicResult },
    /// The broker took the request and got no answer for it.
    NoAnswer(Fault),
    /// There was no connection to the broker.
    NoConnection(Fault),
    /// The broker offers no version of CreateTopics that the prober supports.
    Unsupported,
}

impl ControllerProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> ControllerProbe {
        ControllerProbe { context: context.clone(), turn: AtomicUsize::new(0) }
    }

    async fn validate(&self, metadata: &MetadataSnapshot, within: Duration) -> ProbeResponse {
        let share = (within / 2).saturating_sub(DEADLINE_MARGIN);
        let replicas = replicas(metadata);
        let Some([first, second]) = self.forwarders(metadata) else { return self.context.failed(Fault::NoMetadata) };
        let through_first = self.forward(first, replicas.clone(), share).await;
        let (sent, at, answer) = match through_first {
            ForwardedRequest::Answered { sent, at, answer } if !is_redirect(&answer) => (sent, at, answer),
            _ => match self.forward(second, replicas, share).await {
                ForwardedRequest::Answered { sent, at, answer } => {
                    if matches!(through_first, ForwardedRequest::NoAnswer(_)) {
                        (self.context.report)(ProbeInput::ChannelFailed { broker: first });
                    }
                    (sent, at, answer)
                }
                ForwardedRequest::NoAnswer(fault) | ForwardedRequest::NoConnection(fault) => {
                    return self.context.failed(fault);
                }
                ForwardedRequest::Unsupported => {
                    let message = "the brokers offer no version of CreateTopics that the prober supports";
                    self.context.backoff.on_refused(Probe::Controller, message.to_owned());
                    return self.context.failed(Fault::Unsupported);
                }
            },
        };
        match judge(&answer) {
            Ok(()) => {
                self.context.backoff.on_success(Probe::Controller);
                ProbeResponse { sent: Some(sent), at, result: Ok(()) }
            }
            Err(error) => {
                if is_permanent(error) {
                    self.context.backoff.on_refused(Probe::Controller, self.remedy(&answer, error));
                }
                self.context.cluster.refresh_metadata();
                ProbeResponse { sent: Some(sent), at, result: Err(Fault::Kafka(error)) }
            }
        }
    }

    async fn forward(&self, forwarder: BrokerId, replicas: Vec<BrokerId>, within: Duration) -> ForwardedRequest {
        let request = CreateTopic {
            topic: Arc::clone(&self.context.settings.canary_topic),
            replicas: vec![replicas],
            configs: Vec::new(),
            timeout: within,
            validate_only: true,
        };
        let forwarded = async {
            let dialed = match self.context.cluster.dial(forwarder, within).await {
                Ok(dialed) => dialed,
                Err(fault) => return ForwardedRequest::NoConnection(fault),
            };
            match dialed.connection.create_topic(request).await {
                Ok(response) => match response.body.error {
                    // The broker itself gave up on the controller.
                    Some(error @ KafkaError::REQUEST_TIMED_OUT) => ForwardedRequest::NoAnswer(Fault::Kafka(error)),
                    _ => ForwardedRequest::Answered { sent: response.sent, at: response.at, answer: response.body },
                },
                Err(RequestError::Unsupported) => ForwardedRequest::Unsupported,
                Err(RequestError::NotSent(fault)) => ForwardedRequest::NoConnection(fault),
                Err(RequestError::NoResponse(fault)) => ForwardedRequest::NoAnswer(fault),
            }
        };
        let forwarded = tokio::time::timeout(within, forwarded).await;
        forwarded.unwrap_or(ForwardedRequest::NoAnswer(Fault::Timeout))
    }

    /// The broker whose turn it is, and the next: the same one, if there is no other. Before KRaft only the controller
    /// itself answers, and the metadata names it.
    fn forwarders(&self, metadata: &MetadataSnapshot) -> Option<[BrokerId; 2]> {
        let registered = metadata.topology.registered().into_iter();
        let listed: Vec<BrokerId> = registered.filter(|broker| metadata.address(*broker).is_some()).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let first = *listed.get(turn % listed.len().max(1))?;
        let named = listed.iter().find(|broker| Some(**broker) == metadata.controller);
        let next = listed.get((turn + 1) % listed.len())?;
        Some([first, *named.filter(|named| **named != first).unwrap_or(next)])
    }

    /// Why the probe is refused, and what to do about it.
    fn remedy(&self, answer: &TopicResult, error: KafkaError) -> String {
        let topic = &self.context.settings.canary_topic;
        let message = answer.message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
        if error.is_authorization() {
            format!("grant CREATE on topic {topic} to judge the controller, or set probes.controller.enabled = false")
        } else {
            format!("the cluster refuses to validate topic {topic}: {}{message}", error.name())
        }
    }
}

impl DirectProbe for ControllerProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        self.validate(&attempt.metadata, attempt.within).await
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        metadata.brokers_with_address().take(1).map(|_| Broker::Cluster).collect()
    }

    fn start_tasks(self: Arc<Self>) -> Vec<TaskGuard> {
        let Some(settings) = self.context.settings.canary else { return Vec::new() };
        let canary = canary::run(self.context.clone(), settings);
        vec![self.context.tasks.spawn_forever("canary", Box::pin(canary))]
    }
}

/// At most three brokers, as the replicated lane's topic has.
fn replicas(metadata: &MetadataSnapshot) -> Vec<BrokerId> {
    metadata.topology.registered().into_iter().take(3).collect()
}

/// Whether the broker sends clients to the controller itself, as before KRaft.
fn is_redirect(answer: &TopicResult) -> bool {
    answer.error == Some(KafkaError::NOT_CONTROLLER)
}

/// Whether the answer shows that the controller works. An error because the topic exists, or because our list of brokers is
/// outdated, shows it as well.
fn judge(answer: &TopicResult) -> Result<(), KafkaError> {
    const INVALID_REPLICATION_FACTOR: KafkaError = KafkaError(38);
    const INVALID_REPLICA_ASSIGNMENT: KafkaError = KafkaError(39);
    match answer.error {
        None | Some(KafkaError::TOPIC_ALREADY_EXISTS | INVALID_REPLICATION_FACTOR | INVALID_REPLICA_ASSIGNMENT) => {
            Ok(())
        }
        Some(error) => Err(error),
    }
}

/// Whether the controller will give the same answer until somebody changes permissions or policy.
fn is_permanent(error: KafkaError) -> bool {
    error.is_authorization() || error == KafkaError::POLICY_VIOLATION
}
