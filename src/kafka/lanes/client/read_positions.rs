//! From where each partition is read: resolved over the wire, handed to the consumer, and mended when it stumbles.

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::port::LaneInput;

use crate::alarm::Task;
use crate::kafka::lanes::topic::ownership::Ownership;
use crate::kafka::lanes::topic::{Context, Tenant, read_position};

use super::consumer::{Consuming, Handle};
use super::min_isr_refusals::Refusals;

/// A consumer that reads has its first answer by then: it starts within a second, and the broker holds the first fetch
/// for half of one.
const FLOWS_WITHIN: Duration = Duration::from_secs(3);

/// A position that was mended is not mended again sooner.
const MEND_PAUSE: Duration = Duration::from_millis(200);

/// The reading of a topic.
pub(super) struct Reading {
    context: Context,
    consuming: Consuming,
    /// With `acks=all` only: a leader alone refuses nobody.
    refusals: Option<Refusals>,
    /// Who keeps each partition's position, and for which broker.
    keepers: BTreeMap<Partition, (BrokerId, Task)>,
}

impl Reading {
    pub(super) fn new(context: Context, consuming: Consuming, refusals: Option<Refusals>) -> Reading {
        Reading { context, consuming, refusals, keepers: BTreeMap::new() }
    }
}

impl Tenant for Reading {
    /// A partition that stands for another broker now is another target: it needs a position of its own.
    fn lay_out(&mut self, _: &Topology, topic: &TopicSeen, ownership: &Ownership) {
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
            let keeping = keep(context, ownership, self.consuming.handle(), seen.partition, topic.id);
            let task = self.context.alarm.spawn("position", keeping);
            self.keepers.insert(seen.partition, (broker, task));
        }
    }

    fn leave(&mut self) {
        self.keepers.clear();
        self.consuming.leave();
        if let Some(refusals) = &mut self.refusals {
            refusals.forget();
        }
    }
}

async fn keep(
    context: Context,
    ownership: Ownership,
    mut consumer: Handle,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
) {
    let tell = |offset, reset| {
        let at = context.clock.now();
        context.tell(LaneInput::Position { partition, at, offset, reset });
    };
    let offset = read_position::first(&context, &ownership, partition, topic_id).await;
    consumer.read_from(partition, offset);
    // An error is a consumer that cannot read, which is to be counted.
    let _ = tokio::time::timeout(FLOWS_WITHIN, consumer.flows(partition)).await;
    tell(offset, false);
    loop {
        let lost = consumer.stumbled(partition).await;
        let offset = read_position::after(&context, partition, lost).await;
        tracing::debug!(partition = partition.0, lost, offset, "read position mended");
        consumer.read_from(partition, offset);
        // A log that ends below us was truncated: nothing of it is skipped, and what is gone is found by its epoch.
        if lost < offset {
            tell(offset, true);
        }
        tokio::time::sleep(MEND_PAUSE).await;
    }
}
