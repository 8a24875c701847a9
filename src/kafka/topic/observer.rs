//! Keeps the picture of the cluster and lays the lane out by it: observe → plan → apply, and never a word on the data
//! path.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Lane, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::placement::{Plan, plan};
use prober_core::snapshot::LaneState;
use prober_core::time::Time;
use prober_core::topology::{Address, PartitionSeen, TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::{LaneInput, Layout};
use tokio::sync::Notify;

use crate::alarm::Alarm;
use crate::kafka::wire::{ClusterMetadata, TopicInfo};
use crate::kafka::{Report, Reporter};

use super::creation::{self, Created};
use super::metadata::Asker;
use super::ownership::Ownership;
use super::{Seats, Settings, fault, layout, reader, writer};

/// Our topics' metadata in quiet times.
const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// While the topic is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An answer that hints at an old picture brings the next look forward, but no nearer than this to the last.
const HINT_AFTER: Duration = Duration::from_secs(1);

/// After an unanswered round; doubles to one second.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// After a refused creation; doubles to five minutes, for permissions change slowly.
const RETRY_CREATE_MIN: Duration = Duration::from_secs(5);
const RETRY_CREATE_MAX: Duration = Duration::from_secs(300);

/// A topic that was there is gone only when so many answers in a row say so: one broker may lag behind.
const GONE_AFTER: u32 = 3;

pub(super) struct Observer {
    settings: Settings,
    clock: Clock,
    report: Reporter,
    alarm: Alarm,
    seats: Seats,
    stale: Arc<Notify>,
    asker: Asker,
    topology: Topology,
    /// Since when the set of registered brokers has not changed.
    stable_since: Time,
    /// The topic that is laid out.
    current: Option<Current>,
    /// Answers in a row that did not show it.
    unseen: u32,
    /// The topic that was refused.
    refused: Option<TopicSeen>,
    creating: Creating,
    told: Option<(Layout, LaneState, Option<Arc<str>>)>,
}

struct Current {
    id: Option<[u8; 16]>,
    ownership: Ownership,
}

/// How creation goes.
struct Creating {
    /// We created the topic that comes into sight next.
    done: bool,
    not_before: Time,
    pause: Duration,
    /// Why attempts fail once they come due.
    fault: Fault,
    message: Option<Arc<str>>,
}

impl Observer {
    pub(super) fn new(settings: Settings, clock: Clock, report: Reporter, alarm: Alarm, seats: Seats) -> Observer {
        let asker = Asker::new(Arc::clone(&settings.client_id), Arc::clone(&settings.topic));
        Observer {
            settings,
            clock,
            report,
            alarm,
            seats,
            stale: Arc::new(Notify::new()),
            asker,
            topology: Topology::default(),
            stable_since: clock.now(),
            current: None,
            unseen: 0,
            refused: None,
            creating: Creating {
                done: false,
                not_before: Time::ORIGIN,
                pause: RETRY_CREATE_MIN,
                fault: Fault::NoPartition,
                message: None,
            },
            told: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.asker.ask(self.candidates()).await {
                Ok(metadata) => {
                    pause = PAUSE_MIN;
                    let next = self.observe(metadata).await;
                    self.rest(next).await;
                }
                Err(error) => {
                    if self.told.is_none() {
                        let message = format!("no bootstrap server answers: {error}");
                        self.tell(Layout::Unknown, LaneState::Connecting, Some(message.into()));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Registered brokers first, then the bootstrap servers.
    fn candidates(&self) -> Vec<String> {
        let known = self.topology.brokers.values().filter(|seen| seen.registered);
        let mut candidates: Vec<String> =
            known.filter_map(|seen| seen.address.as_ref()).map(ToString::to_string).collect();
        let more = self.settings.bootstrap.iter().filter(|address| !candidates.contains(address));
        let more: Vec<String> = more.cloned().collect();
        candidates.extend(more);
        candidates
    }

    /// Takes an answer in and acts on it; returns when to look again.
    async fn observe(&mut self, metadata: ClusterMetadata) -> Duration {
        let info = metadata.topics.iter().find(|topic| *topic.name == *self.settings.topic);
        let topic = info.and_then(seen);
        self.take_brokers(&metadata, topic.as_ref());
        if topic.is_none() && self.current.is_some() {
            self.unseen += 1;
            if self.unseen < GONE_AFTER {
                self.asker.ask_another();
                return LOOK_EVERY;
            }
            tracing::warn!(topic = &*self.settings.topic, "the monitor topic is gone");
            self.current = None;
            self.clear_seats();
        }
        self.unseen = 0;
        if let Some(error) = info.and_then(|info| KafkaError::of(info.error))
            && error.is_authorization()
        {
            self.creating.fault = Fault::Kafka(error);
            self.creating.message = Some(permission("DESCRIBE, READ and WRITE", &self.settings.topic));
            self.tell_missing();
            return REFRESH_EVERY;
        }
        let stable_for = self.clock.now().since(self.stable_since);
        match plan(&self.topology, topic.as_ref(), stable_for, self.settings.upkeep) {
            Plan::Use => self.assign(topic.unwrap_or_default()),
            Plan::Wait => {
                self.tell_missing();
                LOOK_EVERY
            }
            Plan::Missing => {
                let message = format!("topic {} does not exist, and upkeep.mode is off", self.settings.topic);
                self.creating.message = Some(message.into());
                self.tell_missing();
                REFRESH_EVERY
            }
            Plan::Create(assignment) => {
                self.tell_missing();
                self.create(assignment).await
            }
            Plan::Replicated { partition, replicas } => {
                let topic_name = &self.settings.topic;
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
        let before = self.topology.clone();
        let listed: Vec<_> = metadata
            .brokers
            .iter()
            .map(|broker| {
                let address = Address { host: broker.host.clone(), port: broker.port };
                (BrokerId(broker.id), address, broker.rack.clone())
            })
            .collect();
        self.topology.observe(&listed, topic);
        if before.registered() != self.topology.registered() {
            self.stable_since = self.clock.now();
        }
        if before != self.topology {
            log_changes(&before, &self.topology);
            (self.report)(Report::Topology(self.topology.clone()));
        }
    }

    /// Lays the lane out on a topic that exists.
    fn assign(&mut self, topic: TopicSeen) -> Duration {
        if let Some(refused) = &self.refused {
            let same = refused.id == topic.id && (topic.id.is_some() || *refused == topic);
            if same {
                return REFRESH_EVERY;
            }
            self.refused = None;
        }
        let recreated = self.current.as_ref().is_some_and(|current| current.id != topic.id);
        if recreated {
            tracing::warn!(topic = &*self.settings.topic, "the monitor topic was created anew");
            self.clear_seats();
            self.current = None;
            (self.report)(Report::Lane(LaneInput::Recreated { at: self.clock.now() }));
        }
        let created = std::mem::take(&mut self.creating.done);
        let current = self.current.get_or_insert_with(|| {
            // A topic that we have just created holds nothing that could be somebody else's.
            let partitions = topic.partitions.iter().map(|seen| seen.partition).filter(|_| !created);
            Current { id: topic.id, ownership: Ownership::open(partitions) }
        });
        let ownership = current.ownership.clone();
        let places = layout::places(&self.topology, &topic);
        let assigned: Vec<(Partition, BrokerId)> =
            places.iter().map(|(partition, (broker, _))| (*partition, *broker)).collect();
        self.tell(Layout::Assigned(assigned), LaneState::Probing, None);
        let (writers, readers) = self.contexts(ownership);
        let (client_id, patience) = (Arc::clone(&self.settings.client_id), self.settings.deadline);
        let dialling = |address: &str| layout::dialling(address, &client_id, patience);
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        layout::seat(&mut seats, &places, topic.id, dialling, &writers, &readers);
        REFRESH_EVERY
    }

    fn contexts(&self, ownership: Ownership) -> (writer::Context, reader::Context) {
        let settings = &self.settings;
        let writers = writer::Context {
            clock: self.clock,
            topic: Arc::clone(&settings.topic),
            deadline: settings.deadline,
            report: Arc::clone(&self.report),
            alarm: self.alarm.clone(),
            stale: Arc::clone(&self.stale),
        };
        let readers = reader::Context {
            clock: self.clock,
            topic: Arc::clone(&settings.topic),
            lane: Lane::Pinned,
            identity: settings.identity,
            max_wait: settings.fetch_max_wait,
            report: Arc::clone(&self.report),
            alarm: self.alarm.clone(),
            stale: Arc::clone(&self.stale),
            ownership,
        };
        (writers, readers)
    }

    async fn create(&mut self, assignment: BTreeMap<Partition, Vec<BrokerId>>) -> Duration {
        if self.clock.now() < self.creating.not_before {
            return LOOK_EVERY;
        }
        let topic = Arc::clone(&self.settings.topic);
        let Some(address) = self.candidates().into_iter().next() else { return LOOK_EVERY };
        let dialling = layout::dialling(&address, &self.settings.client_id, self.settings.deadline);
        let created = creation::create(&dialling, &topic, &assignment).await;
        let result = match &created {
            Created::Yes { without } => {
                tracing::info!(topic = &*topic, partitions = assignment.len(), "created the monitor topic");
                if !without.is_empty() {
                    tracing::warn!(topic = &*topic, configs = without.join(", "), "the cluster refused these configs");
                }
                self.creating.done = true;
                self.creating.message = None;
                "success"
            }
            Created::Already => "already_exists",
            Created::Refused { error, message } => {
                self.creating.fault = Fault::Kafka(*error);
                self.creating.message = Some(if error.is_authorization() {
                    permission("CREATE", &topic)
                } else {
                    format!("creating topic {topic} was refused: {} {message}", error.name()).into()
                });
                "refused"
            }
            Created::Unanswered(error) => {
                self.creating.fault = fault::of(error);
                self.creating.message = Some(format!("creating topic {topic} got no answer: {error}").into());
                "no_answer"
            }
        };
        (self.report)(Report::Action { action: "create", result });
        if matches!(created, Created::Refused { .. } | Created::Unanswered(_)) {
            self.asker.ask_another();
            self.creating.not_before = self.clock.now() + self.creating.pause;
            self.creating.pause = (2 * self.creating.pause).min(RETRY_CREATE_MAX);
            self.tell_missing();
        } else {
            // Created or not, wait for it to come into sight before trying again.
            self.creating.not_before = self.clock.now() + RETRY_CREATE_MIN;
        }
        LOOK_EVERY
    }

    /// Waits until the next look: its time, a hint that the picture is old, or news that the topic is not ours.
    async fn rest(&mut self, next: Duration) {
        let Some(ownership) = self.current.as_ref().map(|current| current.ownership.clone()) else {
            tokio::time::sleep(next).await;
            return;
        };
        let stale = Arc::clone(&self.stale);
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
                     will be written there; set lanes.pinned.topic to another name",
                    partition.0, self.settings.topic
                );
                self.refuse(TopicSeen { id, partitions: Vec::new() }, message);
            }
        }
    }

    fn refuse(&mut self, topic: TopicSeen, message: String) {
        self.clear_seats();
        self.current = None;
        self.refused = Some(topic);
        self.tell(Layout::Refused, LaneState::Refused, Some(message.into()));
    }

    fn clear_seats(&self) {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn tell_missing(&mut self) {
        let layout = Layout::Missing { brokers: self.topology.registered(), fault: self.creating.fault };
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
            let (lane, topic, state) = (Lane::Pinned.as_str(), &*self.settings.topic, state.as_str());
            match &message {
                Some(message) => tracing::warn!(lane, topic, state, "{message}"),
                None => tracing::info!(lane, topic, state, "lane"),
            }
        }
        self.told = Some(now);
        (self.report)(Report::Lane(LaneInput::Layout { at: self.clock.now(), layout }));
        (self.report)(Report::Lane(LaneInput::Status { state, message }));
    }
}

/// The topic as plain data, if it is there.
fn seen(info: &TopicInfo) -> Option<TopicSeen> {
    if info.error != 0 || info.partitions.is_empty() {
        return None;
    }
    let mut partitions: Vec<PartitionSeen> = info
        .partitions
        .iter()
        .map(|partition| PartitionSeen {
            partition: Partition(partition.index),
            leader: (0 <= partition.leader).then_some(BrokerId(partition.leader)),
            replicas: partition.replicas.iter().map(|id| BrokerId(*id)).collect(),
        })
        .collect();
    partitions.sort_by_key(|seen| seen.partition);
    Some(TopicSeen { id: info.id, partitions })
}

fn permission(operation: &str, topic: &str) -> Arc<str> {
    format!("no permission: grant {operation} on topic {topic} to the prober's principal").into()
}

fn log_changes(before: &Topology, after: &Topology) {
    for (id, now) in &after.brokers {
        let was = before.brokers.get(id);
        let address = now.address.as_ref().map(ToString::to_string).unwrap_or_default();
        match was {
            None => tracing::info!(broker = id.0, address, "broker seen"),
            Some(was) if was.registered && !now.registered => {
                tracing::warn!(broker = id.0, address, "broker left the metadata; it stays due");
            }
            Some(was) if !was.registered && now.registered => {
                tracing::info!(broker = id.0, address, "broker is in the metadata again");
            }
            Some(was) if was.address != now.address => {
                tracing::warn!(broker = id.0, address, "broker moved to another address");
            }
            Some(_) => {}
        }
    }
}
