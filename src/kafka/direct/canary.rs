//! A real topic now and then, where it is asked for: created, seen at every broker, deleted, gone at every broker. How long
//! news takes to spread is measured by phases; it is no event, since nothing is owed to anyone by a deadline.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{Broker, BrokerId, Phase};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::port::ProbeInput;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{Connection, CreateTopic, DeleteTopic, Metadata, WireError};

use super::Context;
use super::controller::replicas;
use super::scout::Scouted;

/// The controller's time for each step.
const STEP_WITHIN: Duration = Duration::from_secs(10);

/// News that has not spread by then is not waited for.
const SPREAD_WITHIN: Duration = Duration::from_secs(30);

/// How often a broker is asked whether it has heard.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a real topic is created.
#[derive(Clone, Copy, Debug)]
pub struct CanarySettings {
    /// Between two beginnings.
    pub interval: Duration,
}

/// Creates and deletes for ever. What a crash has left behind is deleted first.
pub(super) async fn run(context: Context, settings: CanarySettings, mut scouted: watch::Receiver<Arc<Scouted>>) {
    let mut ticks = tokio::time::interval(settings.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut clean = false;
    loop {
        ticks.tick().await;
        let known = scouted.wait_for(|seen| !seen.topology.registered().is_empty()).await;
        let Ok(seen) = known.map(|seen| Arc::clone(&seen)) else { return std::future::pending().await };
        if !is_calm(&seen) {
            // Nothing is added to a cluster in trouble.
            continue;
        }
        let canary = Canary { context: &context, brokers: addresses(&seen) };
        if !clean {
            clean = canary.delete().await.is_some();
            continue;
        }
        // A topic that could not be deleted is tried again before another is created.
        clean = canary.fly(replicas(&seen)).await;
    }
}

/// Whether every broker known is there.
fn is_calm(seen: &Scouted) -> bool {
    seen.topology.brokers.values().all(|broker| broker.registered)
}

fn addresses(seen: &Scouted) -> Vec<(BrokerId, Arc<str>)> {
    let registered = seen.topology.registered().into_iter();
    registered.filter_map(|broker| Some((broker, seen.address(broker)?))).collect()
}

struct Canary<'a> {
    context: &'a Context,
    brokers: Vec<(BrokerId, Arc<str>)>,
}

impl Canary<'_> {
    /// One life of the topic; whether nothing of it is left.
    async fn fly(&self, replicas: Vec<i32>) -> bool {
        let Some(created) = self.create(replicas).await else { return false };
        self.spread(created, Phase::Visible, true).await;
        let Some(deleted) = self.delete().await else { return false };
        self.spread(deleted, Phase::Gone, false).await;
        true
    }

    /// When the controller had created it.
    async fn create(&self, replicas: Vec<i32>) -> Option<Time> {
        let request = CreateTopic {
            topic: Arc::clone(&self.context.canary_topic),
            replicas: vec![replicas],
            configs: vec![("retention.ms".to_owned(), "60000".to_owned())],
            timeout: STEP_WITHIN,
            validate_only: false,
        };
        let answer = self.step(Phase::Create, |connection| {
            let request = request.clone();
            async move { connection.call(request)?.await.map(|reply| (reply.at, reply.body.error)) }
        });
        let (at, error) = answer.await?;
        self.act("canary_create", error);
        (error == 0).then_some(at)
    }

    /// When the controller had deleted it, or had nothing to delete.
    async fn delete(&self) -> Option<Time> {
        let request = DeleteTopic { topic: Arc::clone(&self.context.canary_topic), timeout: STEP_WITHIN };
        let answer = self.step(Phase::Delete, |connection| {
            let request = request.clone();
            async move { connection.call(request)?.await.map(|reply| (reply.at, reply.body.error)) }
        });
        let (at, error) = answer.await?;
        if KafkaError::of(error) == Some(KafkaError::UNKNOWN_TOPIC_OR_PARTITION) {
            return Some(at);
        }
        self.act("canary_delete", error);
        (error == 0).then_some(at)
    }

    /// Asks the first broker that answers, and times it if it was done.
    async fn step<F>(&self, phase: Phase, ask: impl Fn(Connection) -> F) -> Option<(Time, i16)>
    where
        F: Future<Output = Result<(tokio::time::Instant, i16), WireError>>,
    {
        let clock = self.context.clock;
        for (_, address) in &self.brokers {
            let Ok(connection) = self.dial_options(address).dial(STEP_WITHIN).await else { continue };
            let began = clock.now();
            if let Ok(Ok((at, error))) = tokio::time::timeout(2 * STEP_WITHIN, ask(connection)).await {
                let at = clock.at(at);
                if error == 0 {
                    (self.context.tell)(ProbeInput::Phase { broker: Broker::Cluster, phase, took: at.since(began) });
                }
                return Some((at, error));
            }
        }
        None
    }

    /// Waits until every broker has heard, and times each.
    async fn spread(&self, since: Time, phase: Phase, there: bool) {
        let mut asked = JoinSet::new();
        for (broker, address) in &self.brokers {
            let (broker, dial_options, clock) = (*broker, self.dial_options(address), self.context.clock);
            let topic = Arc::clone(&self.context.canary_topic);
            asked.spawn(async move {
                let connection = dial_options.dial(STEP_WITHIN).await?;
                loop {
                    let reply = connection.call(Metadata { topics: vec![Arc::clone(&topic)] })?.await?;
                    let seen = reply.body.topics.iter().any(|topic| topic.error == 0 && !topic.partitions.is_empty());
                    if seen == there {
                        return Ok::<_, WireError>((broker, clock.at(reply.at)));
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            });
        }
        let mut heard = BTreeSet::new();
        let all = async {
            while let Some(answer) = asked.join_next().await {
                if let Ok(Ok((broker, at))) = answer {
                    heard.insert(broker);
                    let took = at.since(since);
                    (self.context.tell)(ProbeInput::Phase { broker: Broker::Id(broker), phase, took });
                }
            }
        };
        let in_time = tokio::time::timeout(SPREAD_WITHIN, all).await.is_ok();
        let result = if in_time && heard.len() == self.brokers.len() { "done" } else { "timeout" };
        let action = if there { "canary_visible" } else { "canary_gone" };
        (self.context.tell)(ProbeInput::Action { action, result });
    }

    fn act(&self, action: &'static str, error: i16) {
        let result = KafkaError::of(error).map_or("done", KafkaError::name);
        (self.context.tell)(ProbeInput::Action { action, result });
    }

    fn dial_options(&self, address: &Arc<str>) -> DialOptions {
        self.context.dial_options(Arc::clone(address), STEP_WITHIN)
    }
}
