//! Refusals that librdkafka keeps to itself: where too few replicas are in sync the leader refuses every record with
//! NOT_ENOUGH_REPLICAS, librdkafka tries again until the record's time is over, and then speaks of a time-out.
//!
//! While a partition is short of replicas its leader is asked, and nobody else, what it has in sync and what the topic
//! demands. By its own answer it refuses, or it does not: that is Kafka's rule, not a guess. A leader that does not answer
//! explains nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_core::topology::{PartitionSeen, TopicSeen};
use prober_probes::port::LaneInput;

use crate::kafka::lanes::topic::LaneContext;
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{ClusterMetadata, DescribeTopicConfig, MIN_INSYNC_REPLICAS, Metadata, WireError};

/// A leader answers both questions by then, or they stay open until the next look.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Leaders are asked no sooner again, however often the metadata are looked at.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// What leaders refuse, with `acks=all`.
pub(super) struct MinIsrRefusals {
    context: LaneContext,
    /// Partitions that were short when last looked at.
    short: BTreeSet<Partition>,
    asked: Option<Time>,
}

impl MinIsrRefusals {
    pub(super) fn new(context: LaneContext) -> MinIsrRefusals {
        MinIsrRefusals { context, short: BTreeSet::new(), asked: None }
    }

    /// Takes in the newest metadata: asks the leaders of what is short of replicas, and says what is not any more.
    pub(super) fn observe(&mut self, topic: &TopicSeen) {
        let now = self.context.clock.now();
        let is_short = |seen: &&PartitionSeen| seen.in_sync.len() < seen.replicas.len();
        let short: Vec<&PartitionSeen> = topic.partitions.iter().filter(is_short).collect();
        let mut led: BTreeMap<BrokerId, Vec<Partition>> = BTreeMap::new();
        for seen in &short {
            if let Some(leader) = seen.leader {
                led.entry(leader).or_default().push(seen.partition);
            }
        }
        let now_short: BTreeSet<Partition> = short.iter().map(|seen| seen.partition).collect();
        for partition in self.short.difference(&now_short) {
            self.context.emit(LaneInput::Refuses { partition: *partition, at: now, fault: None });
        }
        self.short = now_short;
        if !led.is_empty() && self.asked.is_none_or(|asked| ASK_EVERY <= now.since(asked)) {
            self.asked = Some(now);
            for partitions in led.into_values() {
                let asking = ask(self.context.clone(), partitions);
                self.context.supervisor.spawn_brief("refusals", asking);
            }
        }
    }

    /// The topic is gone.
    pub(super) fn forget(&mut self) {
        self.short.clear();
    }
}

/// Asks the leader of these partitions, and says what it refuses.
async fn ask(context: LaneContext, partitions: Vec<Partition>) {
    let Some(leader) = partitions.first().and_then(|partition| context.leader_of(*partition)) else { return };
    let answers = tokio::time::timeout(ANSWER_WITHIN, ask_leader(&leader, &context.topic)).await;
    let Ok(Ok((metadata, demanded))) = answers else {
        tracing::debug!(topic = &*context.topic, ?answers, "a leader does not say what it refuses");
        return;
    };
    let at = context.clock.now();
    for partition in partitions {
        let fault = refuses(&metadata, &context.topic, partition, demanded)
            .then_some(Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS));
        context.emit(LaneInput::Refuses { partition, at, fault });
    }
}

async fn ask_leader(leader: &DialOptions, topic: &Arc<str>) -> Result<(ClusterMetadata, Option<usize>), WireError> {
    let connection = leader.dial(ANSWER_WITHIN).await?;
    let metadata = connection.call(Metadata { topics: vec![Arc::clone(topic)] })?.await?.body;
    let request = DescribeTopicConfig { topics: vec![Arc::clone(topic)], config: MIN_INSYNC_REPLICAS };
    let described = connection.call(request)?.await?.body;
    // None without the permission to describe it: then nothing is explained.
    let demanded = described.into_iter().find_map(|config| config.value?.parse().ok());
    Ok((metadata, demanded))
}

/// Kafka's rule for `acks=all` (`Partition.appendRecordsToLeader`): no more can be demanded than there are replicas.
fn refuses(metadata: &ClusterMetadata, topic: &str, partition: Partition, demanded: Option<usize>) -> bool {
    let topic = metadata.topics.iter().find(|info| *info.name == *topic);
    let seen = topic.and_then(|info| info.partitions.iter().find(|seen| seen.index == partition.0));
    match (seen, demanded) {
        (Some(seen), Some(demanded)) => 0 <= seen.leader && seen.isr.len() < demanded.min(seen.replicas.len()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::wire::{PartitionInfo, TopicInfo};

    fn metadata(replicas: usize, in_sync: usize, leader: i32) -> ClusterMetadata {
        let ids: Vec<i32> = (1..).take(replicas).collect();
        let isr = ids[..in_sync].to_vec();
        let partitions = vec![PartitionInfo { index: 0, leader, leader_epoch: 1, replicas: ids, isr, error: 0 }];
        let topic = TopicInfo { name: "t".into(), id: None, error: 0, partitions };
        ClusterMetadata { controller: None, cluster_id: None, brokers: Vec::new(), topics: vec![topic] }
    }

    fn refuses(replicas: usize, in_sync: usize, demanded: Option<usize>) -> bool {
        super::refuses(&metadata(replicas, in_sync, 1), "t", Partition(0), demanded)
    }

    #[test]
    fn leader_with_too_few_in_sync_refuses() {
        assert!(refuses(3, 1, Some(2)));
        assert!(refuses(3, 2, Some(3)));
    }

    #[test]
    fn leader_with_as_many_as_demanded_does_not() {
        assert!(!refuses(3, 2, Some(2)));
        assert!(!refuses(1, 1, Some(2)), "no more can be demanded than there are replicas");
    }

    #[test]
    fn what_nobody_said_is_not_made_up() {
        assert!(!refuses(3, 1, None), "what the topic demands is not known");
        assert!(!super::refuses(&metadata(3, 1, -1), "t", Partition(0), Some(2)), "there is no leader to refuse");
        assert!(!super::refuses(&metadata(3, 1, 1), "t", Partition(1), Some(2)), "the partition is not known");
    }
}
