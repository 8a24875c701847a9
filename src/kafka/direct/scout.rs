//! Who is there, and who leads what: our topics and Kafka's own internal ones, asked every few seconds of any broker that
//! answers. Asking never creates a topic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::ProbeInput;
use tokio::sync::{Notify, watch};

use crate::kafka::cluster::metadata_client::MetadataClient;
use crate::kafka::cluster::view::{self, ClusterView};
use crate::kafka::wire::{ClusterMetadata, TopicInfo};

use super::{Context, Settings, Teller};

/// Kafka's topic of committed offsets.
pub(in crate::kafka) const OFFSETS: &str = "__consumer_offsets";

/// Kafka's topic of transactions.
pub(super) const TRANSACTIONS: &str = "__transaction_state";

/// In quiet times.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// An answer that hints at an old picture brings the next look forward, but no nearer than this to the last.
const HINT_AFTER: Duration = Duration::from_secs(1);

/// After an unanswered round; doubles to one second.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The cluster as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scouted {
    /// Its brokers, those that are gone among them.
    pub(super) topology: Topology,
    /// A broker that takes controller requests; in KRaft any broker.
    pub(super) controller: Option<BrokerId>,
    /// Those of the topics looked for that are there.
    pub(super) topics: BTreeMap<Arc<str>, TopicSeen>,
    /// Those that we may not describe.
    pub(super) forbidden: BTreeSet<Arc<str>>,
}

impl Scouted {
    /// A broker's last known address.
    pub(super) fn address(&self, broker: BrokerId) -> Option<Arc<str>> {
        let seen = self.topology.brokers.get(&broker)?;
        seen.address.as_ref().map(|address| Arc::from(address.to_string()))
    }

    /// Each broker with its pinned partition. A topic that is replicated is not the pinned lane's.
    pub(super) fn pinned(&self, topic: &str) -> impl Iterator<Item = (BrokerId, Partition)> + '_ {
        let partitions = self.topics.get(topic).into_iter().flat_map(|topic| &topic.partitions);
        partitions.filter_map(|seen| match seen.replicas.as_slice() {
            [broker] => Some((*broker, seen.partition)),
            _ => None,
        })
    }
}

/// Looks around.
pub(super) struct Scout {
    metadata_client: MetadataClient,
    picture: ClusterView,
    ours: [Arc<str>; 2],
    clock: Clock,
    tell: Teller,
    scouted: watch::Sender<Arc<Scouted>>,
    hint: Arc<Notify>,
}

impl Scout {
    pub(super) fn new(context: &Context, settings: &Settings) -> Scout {
        let ours = [Arc::clone(&settings.pinned), Arc::clone(&settings.replicated)];
        let topics = ours.iter().cloned().chain([OFFSETS, TRANSACTIONS].map(Arc::from)).collect();
        Scout {
            metadata_client: MetadataClient::new(
                Arc::clone(&settings.client_id),
                Arc::clone(&settings.security),
                topics,
            ),
            picture: ClusterView::new(settings.bootstrap.clone(), context.clock.now()),
            ours,
            clock: context.clock,
            tell: Arc::clone(&context.tell),
            scouted: watch::Sender::default(),
            hint: Arc::new(Notify::new()),
        }
    }

    /// What was last seen; nothing, at first.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Scouted>> {
        self.scouted.subscribe()
    }

    /// Told when an answer says that the picture is old.
    pub(super) fn hint(&self) -> Arc<Notify> {
        Arc::clone(&self.hint)
    }

    pub(super) async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            let asked = self.clock.now();
            match self.metadata_client.request(self.picture.candidates()).await {
                Ok(metadata) => {
                    pause = PAUSE_MIN;
                    let brokers = metadata.brokers.iter().map(|broker| BrokerId(broker.id)).collect();
                    (self.tell)(ProbeInput::MetadataBrokers { asked, brokers });
                    self.see(&metadata);
                    self.rest().await;
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
        }
    }

    fn see(&mut self, metadata: &ClusterMetadata) {
        let topics = metadata.topics.iter();
        let topics: BTreeMap<Arc<str>, TopicSeen> =
            topics.filter_map(|info| Some((Arc::from(info.name.as_str()), view::topic_metadata(info)?))).collect();
        let ours: Vec<&TopicSeen> = self.ours.iter().filter_map(|name| topics.get(name)).collect();
        self.picture.observe(metadata, &ours, self.clock.now());
        let topology = self.picture.topology().clone();
        let is_forbidden = |info: &&TopicInfo| KafkaError::of(info.error).is_some_and(KafkaError::is_authorization);
        let forbidden = metadata.topics.iter().filter(is_forbidden).map(|info| Arc::from(info.name.as_str())).collect();
        let seen = Scouted { topology, controller: metadata.controller.map(BrokerId), topics, forbidden };
        self.scouted.send_if_modified(|before| {
            // In KRaft the controller named is another at each answer, and no news.
            let news =
                before.topology != seen.topology || before.topics != seen.topics || before.forbidden != seen.forbidden;
            if news {
                *before = Arc::new(seen);
            }
            news
        });
    }

    /// Waits until the next look: its time, or a hint that the picture is old.
    async fn rest(&mut self) {
        let hint = Arc::clone(&self.hint);
        let hinted = async {
            tokio::time::sleep(HINT_AFTER).await;
            hint.notified().await;
        };
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = hinted => self.metadata_client.use_another_broker(),
        }
    }
}
