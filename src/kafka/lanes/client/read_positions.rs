//! The read position of each partition: resolved over the wire, passed to the consumer, and resolved again when it is out of
//! range.

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::port::LaneInput;

use crate::kafka::lanes::topic::ownership::Ownership;
use crate::kafka::lanes::topic::{LaneContext, TopicHandler, read_position};
use crate::supervisor::Task;

use super::consumer::{ConsumerHandle, SharedConsumer};
use super::min_isr_refusals::MinIsrRefusals;

/// Within this time a working consumer has the first response to a fetch: librdkafka starts within 1 s, and the broker holds
/// the first fetch for 0.5 s.
const FIRST_FETCH_WITHIN: Duration = Duration::from_secs(3);

/// The wait before a position is resolved again.
const RESOLVE_INTERVAL: Duration = Duration::from_millis(200);

/// The read positions of a topic.
pub(super) struct ReadPositions {
    context: LaneContext,
    consumer: SharedConsumer,
    /// With `acks=all` only: with `acks=1` a leader needs no other replica.
    refusals: Option<MinIsrRefusals>,
    /// The task that resolves each partition's position, and the preferred leader that it is for.
    tasks: BTreeMap<Partition, (BrokerId, Task)>,
}

impl ReadPositions {
    pub(super) fn new(
        context: LaneContext,
        consumer: SharedConsumer,
        refusals: Option<MinIsrRefusals>,
    ) -> ReadPositions {
        ReadPositions { context, consumer, refusals, tasks: BTreeMap::new() }
    }
}

impl TopicHandler for ReadPositions {
    /// A partition with another preferred leader is another target, so its position is resolved again.
    fn on_layout(&mut self, _: &Topology, topic: &TopicSeen, ownership: &Ownership) {
        let preferred = |seen: &prober_core::topology::PartitionSeen| seen.replicas.first().copied();
        self.tasks.retain(|partition, (broker, _)| {
            topic.partitions.iter().any(|seen| seen.partition == *partition && preferred(seen) == Some(*broker))
        });
        if let Some(refusals) = &mut self.refusals {
            refusals.observe(topic);
        }
        for seen in &topic.partitions {
            let Some(broker) = preferred(seen).filter(|_| !self.tasks.contains_key(&seen.partition)) else {
                continue;
            };
            tracing::info!(broker = broker.0, partition = seen.partition.0, "probing preferred leader");
            let (context, ownership) = (self.context.clone(), ownership.clone());
            let following = follow(context, ownership, self.consumer.handle(), seen.partition, topic.id);
            let task = self.context.supervisor.spawn("read position", following);
            self.tasks.insert(seen.partition, (broker, task));
        }
    }

    fn on_gone(&mut self) {
        self.tasks.clear();
        self.consumer.unassign_all();
        if let Some(refusals) = &mut self.refusals {
            refusals.forget();
        }
    }
}

/// Resolves the position of one partition, and resolves it again each time that it is out of range.
async fn follow(
    context: LaneContext,
    ownership: Ownership,
    mut consumer: ConsumerHandle,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
) {
    let report = |offset, reset| {
        let at = context.clock.now();
        context.emit(LaneInput::Position { partition, at, offset, reset });
    };
    let offset = read_position::initial(&context, &ownership, partition, topic_id).await;
    consumer.read_from(partition, offset);
    // After the time-out the position is reported all the same: a consumer that cannot read must be counted as failing.
    let _ = tokio::time::timeout(FIRST_FETCH_WITHIN, consumer.wait_until_fetching(partition)).await;
    report(offset, false);
    loop {
        let lost = consumer.interrupted(partition).await;
        let offset = read_position::after_out_of_range(&context, partition, lost).await;
        tracing::debug!(partition = partition.0, lost, offset, "read position resolved again");
        consumer.read_from(partition, offset);
        // A log that ends below the position was truncated: no record is skipped, and lost ones are found by their epoch.
        if lost < offset {
            report(offset, true);
        }
        tokio::time::sleep(RESOLVE_INTERVAL).await;
    }
}
