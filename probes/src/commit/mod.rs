//! `commit`: commits an offset at the coordinator of a group and reads it back, for each partition of `__consumer_offsets`
//! in turn: one such partition that had grown too large was a real incident. No group is joined.
//!
//! What is committed is the real end of a pinned partition, so that no listing of consumer groups shows lag where there is
//! none (K15).

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::coordinator::{InternalTopic, Prefix};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Partition};
use prober_core::time::Time;

use crate::coordinators::{CoordinatedId, Coordinators, Turn};
use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::requests::{CommitOffset, CommittedOffset, FetchOffset};
use crate::port::{MetadataSnapshot, Pool, ProbeResponse};

/// A group may hold what was committed up to this many deadlines ago: commits of attempts that were given up may still be
/// carried out, in any order.
const HELD_DEADLINES: u32 = 3;

/// Interval at which a coordinator that is loading is asked again, outside the counts, to measure the time of loading.
const LOADING_EVERY: Duration = Duration::from_millis(500);
/// Largest time of loading that is measured.
const LOADING_MAX: Duration = Duration::from_secs(600);

/// The `commit` probe of a cluster.
pub struct CommitProbe {
    context: ProbeContext,
    /// Metadata of the commit: distinguishes this run's commit from that of a prober with the same vantage name.
    signature: Arc<str>,
    coordinators: Coordinators,
    /// What each group may hold, and when that was last sent.
    recent: Mutex<BTreeMap<Partition, BTreeMap<CommittedEnd, Time>>>,
    held_for: Duration,
}

/// What is committed: a pinned partition and its end offset.
type CommittedEnd = (Partition, i64);

impl CommitProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> CommitProbe {
        let settings = &context.settings;
        let prefix = Prefix::of_groups(&settings.namespace);
        let coordinators = Coordinators::new(InternalTopic::ConsumerOffsets, prefix, context.clone());
        let signature = settings.identity.run.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let held_for = HELD_DEADLINES * Pool::Commit.idle_timeout(&settings.deadlines);
        CommitProbe { context: context.clone(), signature, coordinators, recent: Mutex::default(), held_for }
    }

    /// Returns when the commit was sent, and when it was read back.
    async fn commit(
        self: &Arc<Self>,
        turn: &Turn<'_>,
        broker: BrokerId,
        metadata: &MetadataSnapshot,
    ) -> Result<(Time, Time), Fault> {
        let end = self.end_to_commit(metadata, broker).ok_or(Fault::NoPartition)?;
        let group = turn.choose(broker, metadata, |_| false, |_| true, Fault::NoPartition)?;
        let connection = self.context.cluster.connection(broker, Pool::Commit).await?;
        self.remember(group.partition, end);
        let committed = connection.commit_offset(self.commit_request(&group, end)).await?;
        if let Err(fault) = self.coordinators.on_response(broker, group.partition, committed.body) {
            if self.coordinators.is_loading(group.partition) {
                self.measure_loading(broker, group);
            }
            return Err(fault);
        }
        let read = connection.fetch_offset(self.fetch_request(&group, end.0)).await?;
        self.coordinators.on_response(broker, group.partition, read.body.error)?;
        self.judge(&group, end.0, &read.body)?;
        Ok((committed.sent, read.at))
    }

    fn commit_request(&self, group: &CoordinatedId, (partition, offset): CommittedEnd) -> CommitOffset {
        CommitOffset {
            group: Arc::clone(&group.id),
            topic: Arc::clone(&self.context.settings.pinned),
            partition,
            offset,
            metadata: Arc::clone(&self.signature),
        }
    }

    fn fetch_request(&self, group: &CoordinatedId, partition: Partition) -> FetchOffset {
        FetchOffset { group: Arc::clone(&group.id), topic: Arc::clone(&self.context.settings.pinned), partition }
    }

    /// Whether what was read back is this run's.
    fn judge(&self, group: &CoordinatedId, partition: Partition, read: &CommittedOffset) -> Result<(), Fault> {
        if !read.metadata.is_empty() && *read.metadata != *self.signature {
            // It was committed after this attempt's commit, which was therefore accepted: the coordinator works.
            let evidence = format!("group {} holds an offset that another process committed", group.id);
            self.context.report_duplicate_vantage(evidence);
            return Ok(());
        }
        if self.may_hold(group.partition, (partition, read.offset)) { Ok(()) } else { Err(Fault::Mismatch) }
    }

    /// The pinned partition of `broker`, or else any whose end is known.
    fn end_to_commit(&self, metadata: &MetadataSnapshot, broker: BrokerId) -> Option<CommittedEnd> {
        let pinned = &self.context.settings.pinned;
        let with_end = |partition: Partition| Some((partition, self.context.log_end_offsets.of(partition)?));
        let own = metadata.pinned_partition(pinned, broker).and_then(with_end);
        own.or_else(|| metadata.pinned_partitions(pinned).find_map(|(_, partition)| with_end(partition)))
    }

    fn remember(&self, group: Partition, end: CommittedEnd) {
        let now = self.context.clock.now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = recent.entry(group).or_default();
        recent.retain(|_, sent| now.since(*sent) < self.held_for);
        recent.insert(end, now);
    }

    fn may_hold(&self, group: Partition, end: CommittedEnd) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.get(&group).is_some_and(|recent| recent.contains_key(&end))
    }

    /// Asks a coordinator that is loading until it has loaded, or is not the coordinator any more.
    fn measure_loading(self: &Arc<Self>, broker: BrokerId, group: CoordinatedId) {
        if !self.coordinators.begin_timing(group.partition) {
            return;
        }
        let probe = Arc::clone(self);
        let measure = async move {
            let partition = group.partition;
            let until_loaded = async {
                while probe.coordinators.is_loading(partition) {
                    tokio::time::sleep(LOADING_EVERY).await;
                    let Ok(connection) = probe.context.cluster.connection(broker, Pool::Commit).await else { continue };
                    let request = probe.fetch_request(&group, Partition(0));
                    if let Ok(read) = connection.fetch_offset(request).await {
                        // Any other error ends the loading too; the attempts report it.
                        let _ = probe.coordinators.on_response(broker, partition, read.body.error);
                    }
                }
            };
            let _ = tokio::time::timeout(LOADING_MAX, until_loaded).await;
            probe.coordinators.end_timing(partition);
        };
        self.context.tasks.spawn_short("loading", Box::pin(measure));
    }
}

impl DirectProbe for CommitProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        let Some(broker) = attempt.broker.id() else { return self.context.failed(Fault::NoPartition) };
        let turn = self.coordinators.turn(attempt.id);
        let result = self.commit(&turn, broker, &attempt.metadata).await;
        turn.end(result)
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        if self.context.known_pinned_brokers(metadata).next().is_none() {
            return BTreeSet::new();
        }
        self.coordinators.brokers(metadata).into_iter().map(Broker::Id).collect()
    }

    fn internal_topic(&self) -> Option<&'static str> {
        Some(self.coordinators.topic().as_str())
    }
}
