//! Keeps the picture of the cluster and lays the lane out by it: observe → plan → apply, and never a word on the data
//! path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::placement::{Mode, Plan, plan};
use prober_core::snapshot::LaneState;
use prober_core::topology::TopicSeen;
use prober_probes::port::{LaneInput, Layout};

use crate::kafka::Report;
use crate::kafka::wire::{ClusterMetadata, TopicInfo};

use super::creation_state::Creating;
use super::leader_epochs::Epochs;
use super::ownership::Ownership;
use super::{Context, Tenant, TopicSettings};
use crate::kafka::cluster::metadata_client::Asker;
use crate::kafka::cluster::view::{self, Picture};
use crate::kafka::session::fault;

/// Our topics' metadata in quiet times.
const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// While the topic is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An answer that hints at an old picture brings the next look forward, but no nearer than this to the last.
const HINT_AFTER: Duration = Duration::from_secs(1);

/// After an unanswered round; doubles to one second.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A topic that was there is gone only when so many answers in a row say so: one broker may lag behind.
const GONE_AFTER: u32 = 3;

pub(in crate::kafka) struct Observer<T> {
    context: Context,
    upkeep: Mode,
    tenant: T,
    asker: Asker,
    picture: Picture,
    epochs: Epochs,
    creating: Creating,
    /// The topic that is laid out.
    current: Option<Current>,
    /// Answers in a row that did not show it.
    unseen: u32,
    /// The topic that was refused.
    refused: Option<TopicSeen>,
    /// The topic as it was last told.
    shown: Option<TopicSeen>,
    told: Option<(Layout, LaneState, Option<Arc<str>>)>,
}

struct Current {
    id: Option<[u8; 16]>,
    ownership: Ownership,
}

impl<T: Tenant> Observer<T> {
    pub(in crate::kafka) fn new(settings: TopicSettings, context: Context, tenant: T) -> Observer<T> {
        Observer {
            upkeep: settings.upkeep,
            tenant,
            asker: Asker::new(settings.client_id, settings.security, vec![settings.topic]),
            picture: Picture::new(settings.bootstrap, context.clock.now()),
            epochs: Epochs::new(context.clone()),
            creating: Creating::new(),
            current: None,
            unseen: 0,
            refused: None,
            shown: None,
            told: None,
            context,
        }
    }

    pub(in crate::kafka) async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.asker.ask(self.picture.candidates()).await {
                Ok(metadata) => {
                    pause = PAUSE_MIN;
                    let next = self.observe(metadata).await;
                    self.rest(next).await;
                }
                Err(error) => {
                    let layout = Layout::Unknown { fault: fault::without_metadata(&error) };
                    if self.told.as_ref().is_none_or(|(told, ..)| is_other_unknown(told, &layout)) {
                        let message = format!("no bootstrap server answers: {error}");
                        self.tell(layout, LaneState::Connecting, Some(message.into()));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Takes an answer in and acts on it; returns when to look again.
    async fn observe(&mut self, metadata: ClusterMetadata) -> Duration {
        let info = metadata.topics.iter().find(|topic| *topic.name == *self.context.topic);
        let topic = info.and_then(view::seen);
        self.take_brokers(&metadata, topic.as_ref());
        if topic.is_none() && self.current.is_some() {
            self.unseen += 1;
            if self.unseen < GONE_AFTER {
                self.asker.ask_another();
                return LOOK_EVERY;
            }
            tracing::warn!(topic = &*self.context.topic, "the monitor topic is gone");
            self.leave();
        }
        self.unseen = 0;
        if let Some(error) = info.and_then(forbidding) {
            self.creating.forbidden(error, &self.context.topic);
            self.tell_missing();
            return REFRESH_EVERY;
        }
        let stable_for = self.picture.stable_for(self.context.clock.now());
        match plan(self.context.lane, self.picture.topology(), topic.as_ref(), stable_for, self.upkeep) {
            Plan::Use => self.use_topic(topic.unwrap_or_default()),
            Plan::Wait => {
                self.tell_missing();
                LOOK_EVERY
            }
            Plan::Missing => {
                let message = format!("topic {} does not exist, and upkeep.mode is off", self.context.topic);
                self.creating.message = Some(message.into());
                self.tell_missing();
                REFRESH_EVERY
            }
            Plan::Create(assignment) => {
                self.tell_missing();
                self.create(assignment).await;
                LOOK_EVERY
            }
            Plan::Replicated { partition, replicas } => {
                let topic_name = &self.context.topic;
                let message = format!(
                    "partition {} of topic {topic_name} has {replicas} replicas; the pinned lane needs exactly one, \
                     since an ack of more would not speak for one broker alone",
                    partition.0
                );
                self.refuse(topic.unwrap_or_default(), message);
                REFRESH_EVERY
            }
        }
    }

    fn take_brokers(&mut self, metadata: &ClusterMetadata, topic: Option<&TopicSeen>) {
        if self.picture.observe(metadata, topic.as_slice(), self.context.clock.now()) {
            (self.context.report)(Report::Topology(self.picture.topology().clone()));
        }
    }

    /// Lays the lane out on a topic that exists.
    fn use_topic(&mut self, topic: TopicSeen) -> Duration {
        if let Some(refused) = &self.refused {
            let same = refused.id == topic.id && (topic.id.is_some() || *refused == topic);
            if same {
                return REFRESH_EVERY;
            }
            self.refused = None;
        }
        let recreated = self.current.as_ref().is_some_and(|current| current.id != topic.id);
        if recreated {
            tracing::warn!(topic = &*self.context.topic, "the monitor topic was created anew");
            self.leave();
            self.context.tell(LaneInput::Recreated { at: self.context.clock.now() });
        }
        let created = std::mem::take(&mut self.creating.done);
        let current = self.current.get_or_insert_with(|| {
            // A topic that we have just created holds nothing that could be somebody else's.
            let partitions = topic.partitions.iter().map(|seen| seen.partition).filter(|_| !created);
            Current { id: topic.id, ownership: Ownership::open(partitions) }
        });
        let ownership = current.ownership.clone();
        // In both lanes a partition stands for its preferred leader, wherever it is led from now.
        let assigned = topic.partitions.iter().filter_map(|seen| Some((seen.partition, *seen.replicas.first()?)));
        let assigned: Vec<(Partition, BrokerId)> = assigned.collect();
        self.tell(Layout::Assigned(assigned), LaneState::Probing, None);
        self.context.leaders.observe(self.picture.topology(), &topic);
        self.epochs.observe(&topic);
        self.tenant.lay_out(self.picture.topology(), &topic, &ownership);
        if self.shown.as_ref() != Some(&topic) {
            (self.context.report)(Report::Topic(topic.clone()));
            self.shown = Some(topic);
        }
        REFRESH_EVERY
    }

    async fn create(&mut self, assignment: BTreeMap<Partition, Vec<BrokerId>>) {
        if self.creating.waits(self.context.clock.now()) {
            return;
        }
        let Some(address) = self.picture.candidates().into_iter().next() else { return };
        if !self.creating.attempt(&self.context, address, &assignment).await {
            self.asker.ask_another();
            self.tell_missing();
        }
    }

    /// Waits until the next look: its time, a hint that the picture is old, or news that the topic is not ours.
    async fn rest(&mut self, next: Duration) {
        let Some(ownership) = self.current.as_ref().map(|current| current.ownership.clone()) else {
            tokio::time::sleep(next).await;
            return;
        };
        let stale = Arc::clone(&self.context.stale);
        let hinted = async {
            tokio::time::sleep(HINT_AFTER).await;
            stale.notified().await;
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = hinted => self.asker.ask_another(),
            partition = ownership.is_not_ours() => {
                let id = self.current.as_ref().and_then(|current| current.id);
                let message = format!(
                    "not ours: the newest record in partition {} of topic {} was not written by kafka-prober; nothing \
                     will be written there; set lanes.{}.topic to another name",
                    partition.0, self.context.topic, self.context.lane.as_str()
                );
                self.refuse(TopicSeen { id, partitions: Vec::new() }, message);
            }
        }
    }

    fn refuse(&mut self, topic: TopicSeen, message: String) {
        self.leave();
        self.refused = Some(topic);
        self.tell(Layout::Refused, LaneState::Refused, Some(message.into()));
    }

    fn leave(&mut self) {
        self.current = None;
        self.epochs.forget();
        self.tenant.leave();
    }

    fn tell_missing(&mut self) {
        let layout = Layout::Missing { brokers: self.picture.topology().registered(), fault: self.creating.fault };
        let message = self.creating.message.clone();
        self.tell(layout, LaneState::Preparing, message);
    }

    /// Reports what has changed, and logs one line for it.
    fn tell(&mut self, layout: Layout, state: LaneState, message: Option<Arc<str>>) {
        let now = (layout, state, message);
        if self.told.as_ref() == Some(&now) {
            return;
        }
        let (layout, state, message) = now.clone();
        let state_changed = self.told.as_ref().is_none_or(|(_, before, said)| *before != state || *said != message);
        if state_changed {
            let (lane, topic, state) = (self.context.lane.as_str(), &*self.context.topic, state.as_str());
            match &message {
                Some(message) => tracing::warn!(lane, topic, state, "{message}"),
                None => tracing::info!(lane, topic, state, "lane"),
            }
        }
        self.told = Some(now);
        self.context.tell(LaneInput::Layout { at: self.context.clock.now(), layout });
        self.context.tell(LaneInput::Status { state, message });
    }
}

/// Whether nobody answers still, but for another reason.
fn is_other_unknown(told: &Layout, now: &Layout) -> bool {
    matches!(told, Layout::Unknown { .. }) && told != now
}

/// The error that says that the principal may not use the topic.
fn forbidding(info: &TopicInfo) -> Option<KafkaError> {
    KafkaError::of(info.error).filter(|error| error.is_authorization())
}
