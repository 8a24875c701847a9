//! Finds refusals that librdkafka does not report. If too few replicas are in sync, the leader refuses every record with
//! NOT_ENOUGH_REPLICAS; librdkafka retries until the record's time-out, and then reports a time-out.
//!
//! While a partition has fewer in-sync replicas than replicas, its leader is asked for its in-sync replicas and for the
//! topic's `min.insync.replicas`. By Kafka's rule that shows whether it refuses records. If the leader does not answer, nothing is
//! reported.

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

/// Time-out of both requests together.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often leaders are asked at most.
const REQUEST_INTERVAL: Duration = Duration::from_secs(2);

/// Whether leaders refuse records with `acks=all`.
pub(super) struct MinIsrRefusals {
    context: LaneContext,
    /// Partitions that were under-replicated in the last metadata.
    under_replicated: BTreeSet<Partition>,
    asked: Option<Time>,
}

impl MinIsrRefusals {
    pub(super) fn new(context: LaneContext) -> MinIsrRefusals {
        MinIsrRefusals { context, under_replicated: BTreeSet::new(), asked: None }
    }

    /// Takes in new metadata: asks the leaders of under-replicated partitions, and reports which partitions are replicated
    /// again.
    pub(super) fn observe(&mut self, topic: &TopicSeen) {
        let now = self.context.clock.now();
        let is_under_replicated = |seen: &&PartitionSeen| seen.in_sync.len() < seen.replicas.len();
        let under_replicated: Vec<&PartitionSeen> = topic.partitions.iter().filter(is_under_replicated).collect();
        let mut led: BTreeMap<BrokerId, Vec<Partition>> = BTreeMap::new();
        for seen in &under_replicated {
            if let Some(leader) = seen.leader {
                led.entry(leader).or_default().push(seen.partition);
            }
        }
        let now_under_replicated: BTreeSet<Partition> = under_replicated.iter().map(|seen| seen.partition).collect();
        for partition in self.under_replicated.difference(&now_under_replicated) {
            self.context.emit(LaneInput::Refuses { partition: *partition, at: now, fault: None });
        }
        self.under_replicated = now_under_replicated;
        if !led.is_empty() && self.asked.is_none_or(|asked| REQUEST_INTERVAL <= now.since(asked)) {
            self.asked = Some(now);
            for partitions in led.into_values() {
                let asking = ask(self.context.clone(), partitions);
                self.context.supervisor.spawn_brief("refusals", asking);
            }
        }
    }

    /// The topic was deleted.
    pub(super) fn forget(&mut self) {
        self.under_replicated.clear();
    }
}

/// Asks the leader of these partitions, and reports which of them it refuses records for.
async fn ask(context: LaneContext, partitions: Vec<Partition>) {
    let Some(leader) = partitions.first().and_then(|partition| context.leader_of(*partition)) else { return };
    let answers = tokio::time::timeout(ANSWER_WITHIN, ask_leader(&leader, &context.topic)).await;
    let Ok(Ok((metadata, min_isr))) = answers else {
        tracing::debug!(topic = &*context.topic, ?answers, "a leader did not answer whether it refuses records");
        return;
    };
    let at = context.clock.now();
    for partition in partitions {
        let fault = refuses(&metadata, &context.topic, partition, min_isr)
            .then_some(Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS));
        context.emit(LaneInput::Refuses { partition, at, fault });
    }
}

async fn ask_leader(leader: &DialOptions, topic: &Arc<str>) -> Result<(ClusterMetadata, Option<usize>), WireError> {
    let connection = leader.dial(ANSWER_WITHIN).await?;
    let metadata = connection.call(Metadata { topics: vec![Arc::clone(topic)] })?.await?.body;
    let request = DescribeTopicConfig { topics: vec![Arc::clone(topic)], config: MIN_INSYNC_REPLICAS };
    let described = connection.call(request)?.await?.body;
    // `None` without the permission to describe configs: then nothing is reported.
    let min_isr = described.into_iter().find_map(|config| config.value?.parse().ok());
    Ok((metadata, min_isr))
}

/// Kafka's rule for `acks=all` (`Partition.appendRecordsToLeader`); the minimum is limited to the number of replicas.
fn refuses(metadata: &ClusterMetadata, topic: &str, partition: Partition, min_isr: Option<usize>) -> bool {
    let topic = metadata.topics.iter().find(|info| *info.name == *topic);
    let seen = topic.and_then(|info| info.partitions.iter().find(|seen| seen.index == partition.0));
    match (seen, min_isr) {
        (Some(seen), Some(min_isr)) => 0 <= seen.leader && seen.isr.len() < min_isr.min(seen.replicas.len()),
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

    fn refuses(replicas: usize, in_sync: usize, min_isr: Option<usize>) -> bool {
        super::refuses(&metadata(replicas, in_sync, 1), "t", Partition(0), min_isr)
    }

    #[test]
    fn leader_with_too_few_in_sync_refuses() {
        assert!(refuses(3, 1, Some(2)));
        assert!(refuses(3, 2, Some(3)));
    }

    #[test]
    fn leader_with_enough_in_sync_does_not_refuse() {
        assert!(!refuses(3, 2, Some(2)));
        assert!(!refuses(1, 1, Some(2)), "the minimum is limited to the number of replicas");
    }

    #[test]
    fn nothing_is_reported_without_leader_partition_or_minimum() {
        assert!(!refuses(3, 1, None), "the minimum is unknown");
        assert!(!super::refuses(&metadata(3, 1, -1), "t", Partition(0), Some(2)), "there is no leader");
        assert!(!super::refuses(&metadata(3, 1, 1), "t", Partition(1), Some(2)), "the partition is unknown");
    }
}
