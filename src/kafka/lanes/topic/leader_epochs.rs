//! Asks for the end offset of each leader epoch that has ended. It is the only way to find that acked records were truncated
//! by an unclean election, including records that had been read before (docs/kafka-facts.md K6).

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_core::topology::TopicSeen;
use prober_probes::port::LaneInput;

use crate::kafka::wire::{EpochEndOffset, OffsetForLeaderEpoch, WireError};

use super::LaneContext;
use crate::kafka::session::fault;

/// How often, and for how long, a new leader is asked until it answers.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// Time-out of one request.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Follows the leader epoch of each partition.
pub(super) struct LeaderEpochs {
    context: LaneContext,
    newest: BTreeMap<Partition, i32>,
}

impl LeaderEpochs {
    pub(super) fn new(context: LaneContext) -> LeaderEpochs {
        LeaderEpochs { context, newest: BTreeMap::new() }
    }

    /// Takes in new metadata, and asks for the end offset of each epoch that has ended.
    pub(super) fn observe(&mut self, topic: &TopicSeen) {
        for seen in &topic.partitions {
            let (Some(epoch), true) = (seen.leader_epoch, seen.leader.is_some()) else { continue };
            let newest = self.newest.entry(seen.partition).or_insert(epoch);
            // A broker with stale metadata shows an older epoch, which is ignored.
            if *newest < epoch {
                let (context, partition, ended) = (self.context.clone(), seen.partition, *newest);
                *newest = epoch;
                tracing::debug!(topic = &*context.topic, partition = partition.0, epoch, "new leader epoch");
                let asking = async move { ask_until_answered(context, partition, ended).await };
                self.context.supervisor.spawn_brief("epoch", asking);
            }
        }
    }

    /// The topic was deleted or replaced.
    pub(super) fn forget(&mut self) {
        self.newest.clear();
    }
}

async fn ask_until_answered(context: LaneContext, partition: Partition, epoch: i32) {
    let asking = async {
        loop {
            match tokio::time::timeout(ANSWER_WITHIN, ask(&context, partition, epoch)).await {
                Ok(Ok(Some(answer))) => match KafkaError::of(answer.error) {
                    None => return Some(answer.end),
                    Some(error) if fault::is_stale_metadata(error) => context.stale.notify_one(),
                    Some(_) => {}
                },
                // librdkafka's mock cluster does not offer this request.
                Ok(Err(WireError::UnsupportedVersion { .. })) => return None,
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    };
    let end = tokio::time::timeout(GIVE_UP_AFTER, asking).await.ok().flatten();
    match end.filter(|end| 0 <= *end) {
        Some(end) => {
            tracing::debug!(partition = partition.0, epoch, end, "end offset of the leader epoch");
            context.emit(LaneInput::EpochEnded { partition, at: context.clock.now(), end });
        }
        None => tracing::debug!(partition = partition.0, epoch, "the end offset of the leader epoch is unknown"),
    }
}

async fn ask(context: &LaneContext, partition: Partition, epoch: i32) -> Result<Option<EpochEndOffset>, WireError> {
    let Some(control) = context.leader_of(partition) else { return Ok(None) };
    let connection = control.dial(ANSWER_WITHIN).await?;
    let call = connection.call(OffsetForLeaderEpoch { topic: context.topic.clone(), partition: partition.0, epoch })?;
    Ok(Some(call.await?.body))
}
