//! What an old leader's epoch ended with: the one way to know that acked records were truncated by an unclean election,
//! also those that had been read (K6).

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_core::topology::TopicSeen;
use prober_probes::port::LaneInput;

use crate::kafka::wire::{EpochEndOffset, OffsetForLeaderEpoch, WireError};

use super::LaneContext;
use crate::kafka::session::fault;

/// A new leader that does not answer is asked again after this, for so long.
const ASK_EVERY: Duration = Duration::from_millis(500);
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// One answer is waited for so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The newest leader epoch of each partition.
pub(super) struct LeaderEpochs {
    context: LaneContext,
    newest: BTreeMap<Partition, i32>,
}

impl LeaderEpochs {
    pub(super) fn new(context: LaneContext) -> LeaderEpochs {
        LeaderEpochs { context, newest: BTreeMap::new() }
    }

    /// Takes in the newest metadata; asks about each epoch that has ended.
    pub(super) fn observe(&mut self, topic: &TopicSeen) {
        for seen in &topic.partitions {
            let (Some(epoch), true) = (seen.leader_epoch, seen.leader.is_some()) else { continue };
            let newest = self.newest.entry(seen.partition).or_insert(epoch);
            // A broker that lags behind shows an older one.
            if *newest < epoch {
                let (context, partition, ended) = (self.context.clone(), seen.partition, *newest);
                *newest = epoch;
                tracing::debug!(topic = &*context.topic, partition = partition.0, epoch, "new leader epoch");
                let asking = async move { ask_until_answered(context, partition, ended).await };
                self.context.supervisor.spawn_brief("epoch", asking);
            }
        }
    }

    /// The topic is another one now.
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
                // Before Kafka 3.6, or the mock: nothing can be known this way.
                Ok(Err(WireError::UnsupportedVersion { .. })) => return None,
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    let end = tokio::time::timeout(GIVE_UP_AFTER, asking).await.ok().flatten();
    match end.filter(|end| 0 <= *end) {
        Some(end) => {
            tracing::debug!(partition = partition.0, epoch, end, "where this leader epoch ended");
            context.emit(LaneInput::EpochEnded { partition, at: context.clock.now(), end });
        }
        None => tracing::debug!(partition = partition.0, epoch, "where this leader epoch ended is not known"),
    }
}

async fn ask(context: &LaneContext, partition: Partition, epoch: i32) -> Result<Option<EpochEndOffset>, WireError> {
    let Some(control) = context.leader_of(partition) else { return Ok(None) };
    let connection = control.dial(ANSWER_WITHIN).await?;
    let call = connection.call(OffsetForLeaderEpoch { topic: context.topic.clone(), partition: partition.0, epoch })?;
    Ok(Some(call.await?.body))
}
