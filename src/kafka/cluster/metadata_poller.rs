//! Requests the metadata of a cluster for its direct probes, every few seconds, from any broker that answers: the monitor
//! topics and Kafka's internal ones. The request never creates a topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::coordinator::InternalTopic;
use prober_core::ids::BrokerId;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_core::topology::TopicSeen;
use prober_probes::backoff::Backoff;
use prober_probes::clock::Clock;
use prober_probes::direct::context::Report;
use prober_probes::port::{MetadataSnapshot, ProbeInput};
use tokio::sync::{Notify, watch};

use crate::kafka::cluster::metadata_client::MetadataClient;
use crate::kafka::cluster::view::{self, ClusterView};
use crate::kafka::wire::{ClusterMetadata, TopicInfo};

/// From one request to the next.
const POLL_EVERY: Duration = Duration::from_secs(5);

/// A hint that the metadata is outdated brings the next request forward, to this long after the last at the earliest.
const POLL_AFTER_HINT: Duration = Duration::from_secs(1);

/// Between two requests while no broker answers.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// The task that requests the metadata.
pub(in crate::kafka) struct MetadataPoller {
    metadata_client: MetadataClient,
    view: ClusterView,
    monitor_topics: [Arc<str>; 2],
    clock: Clock,
    report: Report,
    newest: watch::Sender<Arc<MetadataSnapshot>>,
    outdated: Arc<Notify>,
}

impl MetadataPoller {
    /// A poller that asks the bootstrap servers first.
    pub(in crate::kafka) fn new(
        metadata_client: impl FnOnce(Vec<Arc<str>>) -> MetadataClient,
        bootstrap: Vec<String>,
        monitor_topics: [Arc<str>; 2],
        clock: Clock,
        report: Report,
    ) -> MetadataPoller {
        let internal = InternalTopic::ALL.map(|topic| Arc::from(topic.as_str()));
        MetadataPoller {
            metadata_client: metadata_client(monitor_topics.iter().cloned().chain(internal).collect()),
            view: ClusterView::new(bootstrap, clock.now()),
            monitor_topics,
            clock,
            report,
            newest: watch::Sender::default(),
            outdated: Arc::new(Notify::new()),
        }
    }

    /// Follows the newest metadata, which is empty before the first response.
    pub(in crate::kafka) fn watch(&self) -> watch::Receiver<Arc<MetadataSnapshot>> {
        self.newest.subscribe()
    }

    /// To be notified when the metadata turns out to be outdated.
    pub(in crate::kafka) fn outdated(&self) -> Arc<Notify> {
        Arc::clone(&self.outdated)
    }

    pub(in crate::kafka) async fn run(mut self) {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            let asked = self.clock.now();
            match self.metadata_client.request(self.view.candidates()).await {
                Ok(metadata) => {
                    backoff.reset();
                    let brokers = metadata.brokers.iter().map(|broker| BrokerId(broker.id)).collect();
                    (self.report)(ProbeInput::MetadataBrokers { asked, brokers });
                    self.publish(asked, &metadata);
                    self.wait().await;
                }
                Err(_) => tokio::time::sleep(backoff.next_wait()).await,
            }
        }
    }

    fn publish(&mut self, asked: Time, metadata: &ClusterMetadata) {
        let topics = metadata.topics.iter();
        let topics: BTreeMap<Arc<str>, TopicSeen> =
            topics.filter_map(|info| Some((Arc::from(info.name.as_str()), view::topic_metadata(info)?))).collect();
        self.report_internal_topics(asked, &topics);
        let ours: Vec<&TopicSeen> = self.monitor_topics.iter().filter_map(|name| topics.get(name)).collect();
        self.view.observe(metadata, &ours, self.clock.now());
        let topology = self.view.topology().clone();
        let is_unauthorized = |info: &&TopicInfo| KafkaError::of(info.error).is_some_and(KafkaError::is_authorization);
        let unauthorized = metadata.topics.iter().filter(is_unauthorized);
        let unauthorized_topics = unauthorized.map(|info| Arc::from(info.name.as_str())).collect();
        let controller = metadata.controller.map(BrokerId);
        let snapshot = MetadataSnapshot { topology, controller, topics, unauthorized_topics };
        self.newest.send_if_modified(|before| {
            // In KRaft each response names another broker as controller: that alone is no change.
            let changed = before.topology != snapshot.topology
                || before.topics != snapshot.topics
                || before.unauthorized_topics != snapshot.unauthorized_topics;
            if changed {
                *before = Arc::new(snapshot);
            }
            changed
        });
    }

    /// Reports the internal topics whose leaders or replicas differ from those of the response before.
    fn report_internal_topics(&self, asked: Time, topics: &BTreeMap<Arc<str>, TopicSeen>) {
        let before = Arc::clone(&self.newest.borrow());
        for topic in InternalTopic::ALL {
            let (seen, before) = (topics.get(topic.as_str()), before.topics.get(topic.as_str()));
            if let Some(seen) = seen.filter(|seen| before != Some(*seen)) {
                (self.report)(ProbeInput::InternalTopic { topic, asked, seen: seen.clone() });
            }
        }
    }

    /// Waits until the next request is due.
    async fn wait(&mut self) {
        let outdated = Arc::clone(&self.outdated);
        let hinted = async {
            tokio::time::sleep(POLL_AFTER_HINT).await;
            outdated.notified().await;
        };
        tokio::select! {
            () = tokio::time::sleep(POLL_EVERY) => {}
            () = hinted => self.metadata_client.use_another_broker(),
        }
    }
}
