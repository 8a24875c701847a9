//! `controller`: a topic creation that is only validated. Any broker takes it and forwards it to the active controller, and
//! each has a channel of its own to it, so that a silence alone does not say who is silent (K17): another broker is asked
//! then, and only if that fails too is it the controller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Probe};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::port::{ProbeInput, ProbeResponse};
use tokio::sync::Notify;

use crate::kafka::session::fault;
use crate::kafka::wire::{CreateTopic, CreatedTopic, WireError};

use super::Context;
use super::rest::Rests;
use super::scout::Scouted;

/// What is left of a deadline for an answer of our own to come in time.
const MARGIN: Duration = Duration::from_millis(50);

/// Asks by way of one broker after the other.
pub(super) struct Controller {
    context: Context,
    rests: Rests,
    hint: Arc<Notify>,
    turn: AtomicUsize,
}

/// A broker that forwards.
#[derive(Clone, Debug)]
struct Forwarder {
    broker: BrokerId,
    address: Arc<str>,
}

/// What came of one way.
enum Way {
    /// The controller answered; the request had left at `sent`.
    Answered { sent: Time, at: Time, answer: CreatedTopic },
    /// The broker took the request and did not get it answered.
    Silent(Fault),
    /// There was no connection to the broker.
    Closed(Fault),
    /// The broker does not know this request at all.
    Unspoken,
}

impl Controller {
    pub(super) fn new(context: Context, rests: Rests, hint: Arc<Notify>) -> Controller {
        Controller { context, rests, hint, turn: AtomicUsize::new(0) }
    }

    pub(super) async fn ask(&self, scouted: &Scouted, within: Duration) -> ProbeResponse {
        let share = (within / 2).saturating_sub(MARGIN);
        let replicas = replicas(scouted);
        let Some([first, second]) = self.forwarders(scouted) else { return self.context.refused(Fault::NoMetadata) };
        let by_first = self.way(&first, replicas.clone(), share).await;
        let (sent, at, answer) = match by_first {
            Way::Answered { sent, at, answer } if !is_elsewhere(&answer) => (sent, at, answer),
            _ => match self.way(&second, replicas, share).await {
                Way::Answered { sent, at, answer } => {
                    if matches!(by_first, Way::Silent(_)) {
                        (self.context.tell)(ProbeInput::ChannelFailed { broker: first.broker });
                    }
                    (sent, at, answer)
                }
                Way::Silent(fault) | Way::Closed(fault) => return self.context.refused(fault),
                Way::Unspoken => {
                    self.rests.begin(
                        Probe::Controller,
                        "the brokers do not offer CreateTopics in a version that we speak".to_owned(),
                    );
                    return self.context.refused(Fault::Unsupported);
                }
            },
        };
        match judge(&answer) {
            Ok(()) => {
                self.rests.permitted(Probe::Controller);
                ProbeResponse { sent: Some(sent), at, result: Ok(()) }
            }
            Err(error) => {
                if is_for_good(error) {
                    self.rests.begin(Probe::Controller, refusal(&self.context.canary_topic, &answer, error));
                }
                self.hint.notify_one();
                ProbeResponse { sent: Some(sent), at, result: Err(Fault::Kafka(error)) }
            }
        }
    }

    async fn way(&self, forwarder: &Forwarder, replicas: Vec<i32>, within: Duration) -> Way {
        let clock = self.context.clock;
        let dial_options = self.context.dial_options(Arc::clone(&forwarder.address), within);
        let asked = async {
            let connection = dial_options.dial(within).await.map_err(|error| Way::Closed(fault::of(&error)))?;
            let call = connection.call(CreateTopic {
                topic: Arc::clone(&self.context.canary_topic),
                replicas: vec![replicas],
                configs: Vec::new(),
                timeout: within,
                validate_only: true,
            });
            let call = call.map_err(|error| match error {
                WireError::UnsupportedVersion { .. } => Way::Unspoken,
                error => Way::Closed(fault::of(&error)),
            })?;
            let sent = clock.at(call.sent());
            let reply = call.await.map_err(|error| Way::Silent(fault::of(&error)))?;
            match KafkaError::of(reply.body.error) {
                // The broker itself gave up on the controller.
                Some(error @ KafkaError::REQUEST_TIMED_OUT) => Err(Way::Silent(Fault::Kafka(error))),
                _ => Ok(Way::Answered { sent, at: clock.at(reply.at), answer: reply.body }),
            }
        };
        match tokio::time::timeout(within, asked).await {
            Ok(Ok(way) | Err(way)) => way,
            Err(_) => Way::Silent(Fault::Timeout),
        }
    }

    /// The broker whose turn it is, and the next: the same one, if there is no other. Before KRaft only the controller
    /// itself answers, and it is named in the metadata.
    fn forwarders(&self, scouted: &Scouted) -> Option<[Forwarder; 2]> {
        let listed = scouted.topology.registered().into_iter();
        let listed: Vec<Forwarder> =
            listed.filter_map(|broker| Some(Forwarder { broker, address: scouted.address(broker)? })).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let first = listed.get(turn % listed.len().max(1))?.clone();
        let named = listed.iter().find(|forwarder| Some(forwarder.broker) == scouted.controller);
        let next = listed.get((turn + 1) % listed.len())?;
        let second = named.filter(|named| named.broker != first.broker).unwrap_or(next).clone();
        Some([first, second])
    }
}

/// Why, and what would help.
fn refusal(topic: &str, answer: &CreatedTopic, error: KafkaError) -> String {
    let said = answer.message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
    if error.is_authorization() {
        format!("grant CREATE on topic {topic} to judge the controller, or set probes.controller.enabled = false")
    } else {
        format!("the cluster refuses to validate topic {topic}: {}{said}", error.name())
    }
}

/// Three brokers at most, as our replicated topic has.
pub(super) fn replicas(scouted: &Scouted) -> Vec<i32> {
    scouted.topology.registered().into_iter().take(3).map(|broker| broker.0).collect()
}

/// Whether the broker sends us to the controller itself, as before KRaft.
fn is_elsewhere(answer: &CreatedTopic) -> bool {
    KafkaError::of(answer.error) == Some(KafkaError::NOT_CONTROLLER)
}

/// What the controller's answer says about it. That the topic is there, or that our picture of the brokers is a moment
/// old, is an answer like any other.
fn judge(answer: &CreatedTopic) -> Result<(), KafkaError> {
    const INVALID_REPLICATION_FACTOR: KafkaError = KafkaError(38);
    const INVALID_REPLICA_ASSIGNMENT: KafkaError = KafkaError(39);
    match KafkaError::of(answer.error) {
        None | Some(KafkaError::TOPIC_ALREADY_EXISTS | INVALID_REPLICATION_FACTOR | INVALID_REPLICA_ASSIGNMENT) => {
            Ok(())
        }
        Some(error) => Err(error),
    }
}

/// An answer that will be the same next time.
fn is_for_good(error: KafkaError) -> bool {
    error.is_authorization() || error == KafkaError::POLICY_VIOLATION
}
