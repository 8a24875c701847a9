//! The canary, off by default: creates a topic at intervals, waits until every broker knows it, deletes it,
//! and waits until no broker does. Each step is timed as a phase. It is no event, because it has no deadline.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{Broker, BrokerId, Phase};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use tokio::task::JoinSet;

use super::replicas;
use crate::direct::context::ProbeContext;
use crate::port::requests::{CreateTopic, Refusal, TopicResult};
use crate::port::{BoxFuture, MetadataSnapshot, ProbeInput, RequestError, Response, SharedConnection};

/// How long the controller may take for a step.
const STEP_WITHIN: Duration = Duration::from_secs(10);

/// Longest wait for all brokers to show the result of a step.
const SPREAD_WITHIN: Duration = Duration::from_secs(30);

/// How often a broker is asked whether it knows the topic.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Settings of the canary.
#[derive(Clone, Copy, Debug)]
pub struct CanarySettings {
    /// From one creation to the next.
    pub interval: Duration,
}

/// Creates and deletes until it is aborted. A topic that a crash has left behind is deleted first.
pub(super) async fn run(context: ProbeContext, settings: CanarySettings) {
    let mut newest = context.cluster.metadata();
    let mut ticks = tokio::time::interval(settings.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut clean = false;
    loop {
        ticks.tick().await;
        let known = newest.wait_for(|metadata| !metadata.topology.registered().is_empty()).await;
        let Ok(metadata) = known.map(|metadata| Arc::clone(&metadata)) else { return std::future::pending().await };
        if !all_registered(&metadata) {
            // No load is added to a cluster in trouble.
            continue;
        }
        let canary = Canary { context: &context, brokers: with_address(&metadata) };
        if !clean {
            clean = canary.delete().await.is_some();
            continue;
        }
        // A topic that could not be deleted is deleted before another is created.
        clean = canary.create_and_delete(replicas(&metadata)).await;
    }
}

fn all_registered(metadata: &MetadataSnapshot) -> bool {
    metadata.topology.brokers.values().all(|broker| broker.registered)
}

fn with_address(metadata: &MetadataSnapshot) -> Vec<BrokerId> {
    metadata.topology.registered().into_iter().filter(|broker| metadata.address(*broker).is_some()).collect()
}

struct Canary<'a> {
    context: &'a ProbeContext,
    brokers: Vec<BrokerId>,
}

/// A request of the canary on one connection.
type Request<'a> =
    &'a (dyn Fn(SharedConnection) -> BoxFuture<'static, Result<Response<TopicResult>, RequestError>> + Sync);

impl Canary<'_> {
    /// Creates and deletes the topic once. Returns whether it is deleted.
    async fn create_and_delete(&self, replicas: Vec<BrokerId>) -> bool {
        let Some(created) = self.create(replicas).await else { return false };
        self.await_spread(created, Phase::Visible, true).await;
        let Some(deleted) = self.delete().await else { return false };
        self.await_spread(deleted, Phase::Gone, false).await;
        true
    }

    /// Returns when the controller had created the topic.
    async fn create(&self, replicas: Vec<BrokerId>) -> Option<Time> {
        let request = CreateTopic {
            topic: Arc::clone(&self.context.settings.canary_topic),
            replicas: vec![replicas],
            configs: vec![("retention.ms".to_owned(), "60000".to_owned())],
            timeout: STEP_WITHIN,
            validate_only: false,
        };
        let create = |connection: SharedConnection| -> BoxFuture<'static, _> {
            let request = request.clone();
            Box::pin(async move { connection.create_topic(request).await })
        };
        let (at, error) = self.step(Phase::Create, &create).await?;
        self.report_action("canary_create", error);
        error.is_none().then_some(at)
    }

    /// Returns when the controller had deleted the topic, or had none to delete.
    async fn delete(&self) -> Option<Time> {
        let topic = Arc::clone(&self.context.settings.canary_topic);
        let delete = |connection: SharedConnection| -> BoxFuture<'static, _> {
            let topic = Arc::clone(&topic);
            Box::pin(async move { connection.delete_topic(topic, STEP_WITHIN).await })
        };
        let (at, error) = self.step(Phase::Delete, &delete).await?;
        if error == Some(KafkaError::UNKNOWN_TOPIC_OR_PARTITION) {
            return Some(at);
        }
        self.report_action("canary_delete", error);
        error.is_none().then_some(at)
    }

    /// Sends the request to the first broker that answers, and reports the time of a success.
    async fn step(&self, phase: Phase, request: Request<'_>) -> Option<(Time, Refusal)> {
        for broker in &self.brokers {
            let Ok(dialed) = self.context.cluster.dial(*broker, STEP_WITHIN).await else { continue };
            let began = self.context.clock.now();
            if let Ok(Ok(response)) = tokio::time::timeout(2 * STEP_WITHIN, request(dialed.connection)).await {
                if response.body.error.is_none() {
                    self.report_phase(Broker::Cluster, phase, response.at.since(began));
                }
                return Some((response.at, response.body.error));
            }
        }
        None
    }

    /// Waits until every broker knows the topic, or none does, and reports the time of each.
    async fn await_spread(&self, since: Time, phase: Phase, exists: bool) {
        let mut brokers = JoinSet::new();
        for broker in self.brokers.iter().copied() {
            let (cluster, topic) = (Arc::clone(&self.context.cluster), Arc::clone(&self.context.settings.canary_topic));
            brokers.spawn(async move {
                let connection = cluster.dial(broker, STEP_WITHIN).await.ok()?.connection;
                loop {
                    let response = connection.knows_topic(Arc::clone(&topic)).await.ok()?;
                    if response.body == exists {
                        return Some((broker, response.at));
                    }
                    tokio::time::sleep(ASK_EVERY).await;
                }
            });
        }
        let mut reached = BTreeSet::new();
        let all = async {
            while let Some(answer) = brokers.join_next().await {
                if let Ok(Some((broker, at))) = answer {
                    reached.insert(broker);
                    self.report_phase(Broker::Id(broker), phase, at.since(since));
                }
            }
        };
        let in_time = tokio::time::timeout(SPREAD_WITHIN, all).await.is_ok();
        let result = if in_time && reached.len() == self.brokers.len() { "done" } else { "timeout" };
        let action = if exists { "canary_visible" } else { "canary_gone" };
        (self.context.report)(ProbeInput::Action { action, result });
    }

    fn report_action(&self, action: &'static str, error: Refusal) {
        let result = error.map_or("done", KafkaError::name);
        (self.context.report)(ProbeInput::Action { action, result });
    }

    fn report_phase(&self, broker: Broker, phase: Phase, took: Duration) {
        (self.context.report)(ProbeInput::Phase { broker, phase, took });
    }
}
