//! From where each partition is read: resolved over the wire, tag to the consumer, and mended when it interruptions.

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

/// A consumer that reads has its first answer by then: it starts within a second, and the broker holds the first fetch
/// for half of one.
const FIRST_FETCH_WITHIN: Duration = Duration::from_secs(3);

/// A position that was mended is not mended again sooner.
const MEND_PAUSE: Duration = Duration::from_millis(200);

/// The reading of a topic.
pub(super) struct ReadPositions {
    context: LaneContext,
    consumer: SharedConsumer,
    /// With `acks=all` only: a leader alone refuses nobody.
    refusals: Option<MinIsrRefusals>,
    /// Who keeps each partition's position, and for which broker.
    keepers: BTreeMap<Partition, (BrokerId, Task)>,
}

impl ReadPositions {
    pub(super) fn new(
        context: LaneContext,
        consumer: SharedConsumer,
        refusals: Option<MinIsrRefusals>,
    ) -> ReadPositions {
        ReadPositions { context, consumer, refusals, keepers: BTreeMap::new() }
    }
}

impl TopicHandler for ReadPositions {
    /// A partition that stands for another broker now is another target: it needs a position of its own.
    fn on_layout(&mut self, _: &Topology, topic: &TopicSeen, ownership: &Ownership) {
        let preferred = |seen: &prober_core::topology::PartitionSeen| seen.replicas.first().copied();
        self.keepers.retain(|partition, (broker, _)| {
            topic.partitions.iter().any(|seen| seen.partition == *partition && preferred(seen) == Some(*broker))
        });
        if let Some(refusals) = &mut self.refusals {
            refusals.observe(topic);
        }
        for seen in &topic.partitions {
            let Some(broker) = preferred(seen).filter(|_| !self.keepers.contains_key(&seen.partition)) else {
                continue;
            };
            tracing::info!(broker = broker.0, partition = seen.partition.0, "probing preferred leader");
            let (context, ownership) = (self.context.clone(), ownership.clone());
            let keeping = keep(context, ownership, self.consumer.handle(), seen.partition, topic.id);
            let task = self.context.supervisor.spawn("position", keeping);
            self.keepers.insert(seen.partition, (broker, task));
        }
    }

    fn on_gone(&mut self) {
        self.keepers.clear();
        self.consumer.unassign_all();
        if let Some(refusals) = &mut self.refusals {
            refusals.forget();
        }
    }
}

async fn keep(
    context: LaneContext,
    ownership: Ownership,
    mut consumer: ConsumerHandle,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
) {
    let tell = |offset, reset| {
        let at = context.clock.now();
        context.emit(LaneInput::Position { partition, at, offset, reset });
    };
    let offset = read_position::initial(&context, &ownership, partition, topic_id).await;
    consumer.read_from(partition, offset);
    // An error is a consumer that cannot read, which is to be counted.
    let _ = tokio::time::timeout(FIRST_FETCH_WITHIN, consumer.wait_until_fetching(partition)).await;
    tell(offset, false);
    loop {
        let lost = consumer.interrupted(partition).await;
        let offset = read_position::after_out_of_range(&context, partition, lost).await;
        tracing::debug!(partition = partition.0, lost, offset, "read position mended");
        consumer.read_from(partition, offset);
        // A log that ends below us was truncated: nothing of it is skipped, and what is gone is found by its epoch.
        if lost < offset {
            tell(offset, true);
        }
        tokio::time::sleep(MEND_PAUSE).await;
    }
}
