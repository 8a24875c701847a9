//! The control loop of a lane's topic: request metadata → plan → apply. It creates the topic, reports where its partitions
//! are, and starts and stops the lane's readers and writers. It never uses the connections of the probes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::placement::{Mode, Plan, plan};
use prober_core::snapshot::LaneState;
use prober_core::topology::TopicSeen;
use prober_probes::backoff::Backoff;
use prober_probes::port::{LaneInput, Layout};

use crate::kafka::Report;
use crate::kafka::cluster::metadata_client::MetadataClient;
use crate::kafka::cluster::view::{self, ClusterView};
use crate::kafka::session::fault;
use crate::kafka::wire::{ClusterMetadata, TopicInfo};

use super::creation_state::CreationState;
use super::leader_epochs::LeaderEpochs;
use super::ownership::Ownership;
use super::{LaneContext, TopicHandler, TopicSettings};

/// How often metadata are requested while the topic is in use.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// How often metadata are requested while the topic is missing.
const MISSING_TOPIC_INTERVAL: Duration = Duration::from_millis(250);

/// A response that shows that the metadata are stale triggers a request, at the earliest this long after the last one.
const STALE_REFRESH_MIN: Duration = Duration::from_secs(1);

/// The waits between metadata requests that no broker answers.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// After this many responses in a row without the topic it counts as deleted; a single broker may have stale metadata.
const MISSING_ANSWERS_MAX: u32 = 3;

/// The control loop; `T` runs the lane's readers and writers.
pub(in crate::kafka) struct Reconciler<T> {
    context: LaneContext,
    upkeep: Mode,
    handler: T,
    metadata_client: MetadataClient,
    cluster: ClusterView,
    epochs: LeaderEpochs,
    creation: CreationState,
    /// The topic in use.
    current: Option<Current>,
    /// Responses in a row without it.
    missing_answers: u32,
    /// The topic that must not be used.
    refused: Option<TopicSeen>,
    /// The topic as last reported.
    reported_topic: Option<TopicSeen>,
    /// The layout, state and message as last reported.
    reported: Option<(Layout, LaneState, Option<Arc<str>>)>,
}

/// The topic in use: its id, and whether it is known to be ours.
struct Current {
    id: Option<[u8; 16]>,
    ownership: Ownership,
}

impl<T: TopicHandler> Reconciler<T> {
    pub(in crate::kafka) fn new(settings: TopicSettings, context: LaneContext, handler: T) -> Reconciler<T> {
        Reconciler {
            upkeep: settings.upkeep,
            handler,
            metadata_client: MetadataClient::new(settings.client_id, settings.security, vec![settings.topic]),
            cluster: ClusterView::new(settings.bootstrap, context.clock.now()),
            epochs: LeaderEpochs::new(context.clone()),
            creation: CreationState::new(),
            current: None,
            missing_answers: 0,
            refused: None,
            reported_topic: None,
            reported: None,
            context,
        }
    }

    /// Runs until the task is aborted.
    pub(in crate::kafka) async fn run(mut self) {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            match self.metadata_client.request(self.cluster.candidates()).await {
                Ok(metadata) => {
                    backoff.reset();
                    let next = self.on_metadata(metadata).await;
                    self.wait(next).await;
                }
                Err(error) => {
                    let layout = Layout::Unknown { fault: fault::without_metadata(&error) };
                    if self.reported.as_ref().is_none_or(|(reported, ..)| is_other_fault(reported, &layout)) {
                        let message = format!("no bootstrap server answers: {error}");
                        self.report(layout, LaneState::Connecting, Some(message.into()));
                    }
                    backoff.wait().await;
                }
            }
        }
    }

    /// Acts on new metadata; returns when to request them again.
    async fn on_metadata(&mut self, metadata: ClusterMetadata) -> Duration {
        let info = metadata.topics.iter().find(|topic| *topic.name == *self.context.topic);
        let topic = info.and_then(view::topic_metadata);
        self.observe_brokers(&metadata, topic.as_ref());
        if topic.is_none() && self.current.is_some() {
            self.missing_answers += 1;
            if self.missing_answers < MISSING_ANSWERS_MAX {
                self.metadata_client.use_another_broker();
                return MISSING_TOPIC_INTERVAL;
            }
            tracing::warn!(topic = &*self.context.topic, "the monitor topic was deleted");
            self.release_topic();
        }
        self.missing_answers = 0;
        if let Some(error) = info.and_then(authorization_error) {
            self.creation.on_forbidden(error, &self.context.topic);
            self.report_missing();
            return REFRESH_INTERVAL;
        }
        let stable_for = self.cluster.stable_for(self.context.clock.now());
        match plan(self.context.lane, self.cluster.topology(), topic.as_ref(), stable_for, self.upkeep) {
            Plan::Use => self.use_topic(topic.unwrap_or_default()),
            Plan::Wait => {
                self.report_missing();
                MISSING_TOPIC_INTERVAL
            }
            Plan::Missing => {
                let message = format!("topic {} does not exist, and upkeep.mode is off", self.context.topic);
                self.creation.message = Some(message.into());
                self.report_missing();
                REFRESH_INTERVAL
            }
            Plan::Create(assignment) => {
                self.report_missing();
                self.create(assignment).await;
                MISSING_TOPIC_INTERVAL
            }
            Plan::Replicated { partition, replicas } => {
                let topic_name = &self.context.topic;
                let message = format!(
                    "partition {} of topic {topic_name} has {replicas} replicas; the pinned lane needs exactly one, \
                     because an ack that waits for other replicas does not measure one broker alone",
                    partition.0
                );
                self.refuse(topic.unwrap_or_default(), message);
                REFRESH_INTERVAL
            }
        }
    }

    fn observe_brokers(&mut self, metadata: &ClusterMetadata, topic: Option<&TopicSeen>) {
        if self.cluster.observe(metadata, topic.as_slice(), self.context.clock.now()) {
            (self.context.report)(Report::Topology(self.cluster.topology().clone()));
        }
    }

    /// Uses a topic that exists.
    fn use_topic(&mut self, topic: TopicSeen) -> Duration {
        if let Some(refused) = &self.refused {
            let same = refused.id == topic.id && (topic.id.is_some() || *refused == topic);
            if same {
                return REFRESH_INTERVAL;
            }
            self.refused = None;
        }
        let recreated = self.current.as_ref().is_some_and(|current| current.id != topic.id);
        if recreated {
            tracing::warn!(topic = &*self.context.topic, "the monitor topic was deleted and created again");
            self.release_topic();
            self.context.emit(LaneInput::Recreated { at: self.context.clock.now() });
        }
        let created = std::mem::take(&mut self.creation.done);
        let current = self.current.get_or_insert_with(|| {
            // A topic that the prober has just created is empty, so its records need no check.
            let partitions = topic.partitions.iter().map(|seen| seen.partition).filter(|_| !created);
            Current { id: topic.id, ownership: Ownership::unknown(partitions) }
        });
        let ownership = current.ownership.clone();
        // In both lanes a partition is assigned to its preferred leader, whichever broker leads it now.
        let assigned = topic.partitions.iter().filter_map(|seen| Some((seen.partition, *seen.replicas.first()?)));
        let assigned: Vec<(Partition, BrokerId)> = assigned.collect();
        self.report(Layout::Assigned(assigned), LaneState::Probing, None);
        self.context.leaders.observe(self.cluster.topology(), &topic);
        self.epochs.observe(&topic);
        self.handler.on_layout(self.cluster.topology(), &topic, &ownership);
        if self.reported_topic.as_ref() != Some(&topic) {
            (self.context.report)(Report::Topic(topic.clone()));
            self.reported_topic = Some(topic);
        }
        REFRESH_INTERVAL
    }

    async fn create(&mut self, assignment: BTreeMap<Partition, Vec<BrokerId>>) {
        if self.creation.is_backing_off(self.context.clock.now()) {
            return;
        }
        let Some(address) = self.cluster.candidates().into_iter().next() else { return };
        if !self.creation.attempt(&self.context, address, &assignment).await {
            self.metadata_client.use_another_broker();
            self.report_missing();
        }
    }

    /// Waits for the next request: until its time, or until a response shows that the metadata are stale. Stops using the topic
    /// if it turns out not to be ours.
    async fn wait(&mut self, next: Duration) {
        let Some(ownership) = self.current.as_ref().map(|current| current.ownership.clone()) else {
            tokio::time::sleep(next).await;
            return;
        };
        let stale = Arc::clone(&self.context.stale);
        let stale_metadata = async {
            tokio::time::sleep(STALE_REFRESH_MIN).await;
            stale.notified().await;
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = stale_metadata => self.metadata_client.use_another_broker(),
            partition = ownership.is_not_ours() => {
                let id = self.current.as_ref().and_then(|current| current.id);
                let message = format!(
                    "not ours: the newest record in partition {} of topic {} was not written by kafka-prober; nothing \
                     will be written there; set topics.prefix to another value",
                    partition.0, self.context.topic
                );
                self.refuse(TopicSeen { id, partitions: Vec::new() }, message);
            }
        }
    }

    /// Does not use the topic, for the reason in `message`, until another one has its name.
    fn refuse(&mut self, topic: TopicSeen, message: String) {
        self.release_topic();
        self.refused = Some(topic);
        self.report(Layout::Refused, LaneState::Refused, Some(message.into()));
    }

    /// Stops everything that uses the topic.
    fn release_topic(&mut self) {
        self.current = None;
        self.epochs.forget();
        self.handler.on_gone();
    }

    /// Reports that the topic is not usable, and why.
    fn report_missing(&mut self) {
        let layout = Layout::Missing { brokers: self.cluster.topology().registered(), fault: self.creation.fault };
        let message = self.creation.message.clone();
        self.report(layout, LaneState::Preparing, message);
    }

    /// Reports layout, state and message if they changed, and logs one line.
    fn report(&mut self, layout: Layout, state: LaneState, message: Option<Arc<str>>) {
        let now = (layout, state, message);
        if self.reported.as_ref() == Some(&now) {
            return;
        }
        let (layout, state, message) = now.clone();
        let state_changed = self
            .reported
            .as_ref()
            .is_none_or(|(_, last_state, last_message)| *last_state != state || *last_message != message);
        if state_changed {
            let (lane, topic, state) = (self.context.lane.as_str(), &*self.context.topic, state.as_str());
            match &message {
                Some(message) => tracing::warn!(lane, topic, state, "{message}"),
                None => tracing::info!(lane, topic, state, "lane state changed"),
            }
        }
        self.reported = Some(now);
        self.context.emit(LaneInput::Layout { at: self.context.clock.now(), layout });
        self.context.emit(LaneInput::Status { state, message });
    }
}

/// Whether no broker answered before either, but with another fault.
fn is_other_fault(reported: &Layout, now: &Layout) -> bool {
    matches!(reported, Layout::Unknown { .. }) && reported != now
}

/// The error, if the principal may not use the topic.
fn authorization_error(info: &TopicInfo) -> Option<KafkaError> {
    KafkaError::of(info.error).filter(|error| error.is_authorization())
}
