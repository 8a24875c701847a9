//! `commit`: an offset committed and read back at the coordinator of a group, for each partition of `__consumer_offsets`
//! in its turn; one partition that has grown sick was a real incident. No group is joined.
//!
//! What is committed is the real end of a pinned partition, so that no listing shows a lag that is none (K15).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::coordinator::Prefix;
use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition, Probe};
use prober_core::time::Time;
use prober_probes::port::ProbeResponse;

use crate::kafka::session::fault;
use crate::kafka::wire::{OffsetCommit, OffsetFetch, OffsetFetched, Reply};

use super::Context;
use super::coordinators::{Coordinated, Coordinating, Coordinators, known_end, tell_twin};
use super::known::Known;
use super::line::Lines;
use super::scout::{OFFSETS, Scouted};

/// What was committed may be held for so many deadlines: commits of attempts that were given up may still be carried out,
/// in any order.
const HELD_DEADLINES: u32 = 3;

/// A coordinator that is loading is asked again after this, outside the counts, so that its time is known; for so long.
const LOADING_EVERY: Duration = Duration::from_millis(500);
const LOADING_MAX: Duration = Duration::from_secs(600);

/// Commits, and reads back.
pub(super) struct Commit {
    context: Context,
    lines: Lines,
    known: Known,
    pinned: Arc<str>,
    /// Stands beside the offset: tells our commit from that of a prober with the same name.
    signature: Arc<str>,
    coordinators: Coordinators,
    /// What each group may hold, and when that was last sent.
    recent: Mutex<BTreeMap<Partition, BTreeMap<Place, Time>>>,
    held_for: Duration,
}

/// What is committed: a pinned partition and an offset in it.
type Place = (Partition, i64);

impl Commit {
    pub(super) fn new(told: Coordinating) -> Commit {
        let Coordinating { context, rests, lines, known, hint, pinned, namespace, identity, deadline } = told;
        let prefix = Prefix::of_groups(&namespace);
        let coordinators = Coordinators::new(Probe::Commit, OFFSETS, prefix, context.clone(), rests, hint);
        let signature = identity.run.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let held_for = HELD_DEADLINES * deadline;
        Commit { context, lines, known, pinned, signature, coordinators, recent: Mutex::default(), held_for }
    }

    pub(super) async fn ask(self: &Arc<Self>, broker: BrokerId, scouted: &Scouted) -> ProbeResponse {
        let mut hint = self.coordinators.hint_on_silence();
        let answer = match self.commit(broker, scouted).await {
            Ok((sent, at)) => ProbeResponse { sent: Some(sent), at, result: Ok(()) },
            Err(fault) => self.context.refused(fault),
        };
        hint.ended(answer.result);
        if answer.result.is_ok() {
            self.coordinators.permitted();
        }
        answer
    }

    /// When the commit was sent, and when it was read back.
    async fn commit(self: &Arc<Self>, broker: BrokerId, scouted: &Scouted) -> Result<(Time, Time), Fault> {
        let place = known_end(&self.pinned, &self.known, scouted, broker).ok_or(Fault::NoPartition)?;
        let any = |_| true;
        let group = self.coordinators.next(broker, scouted, |_| false, any, Fault::NoPartition)?;
        let connection = self.lines.to(broker).await?;
        self.remember(group.partition, place);
        let committing = connection.call(self.committing(&group, place)).map_err(|error| fault::of(&error))?;
        let sent = self.context.clock.at(committing.sent());
        let committed = committing.await.map_err(|error| fault::of(&error))?.body;
        if let Err(fault) = self.coordinators.answered(broker, group.partition, committed.error) {
            if self.coordinators.is_loading(group.partition) {
                self.time_loading(broker, group);
            }
            return Err(fault);
        }
        let read = connection.call(self.reading(&group, place.0)).map_err(|error| fault::of(&error))?;
        let read = read.await.map_err(|error| fault::of(&error))?;
        self.coordinators.answered(broker, group.partition, read.body.error)?;
        self.judge(&group, place, &read)?;
        Ok((sent, self.context.clock.at(read.at)))
    }

    fn committing(&self, group: &Coordinated, (partition, offset): Place) -> OffsetCommit {
        OffsetCommit {
            group: Arc::clone(&group.id),
            topic: Arc::clone(&self.pinned),
            partition: partition.0,
            offset,
            metadata: Arc::clone(&self.signature),
        }
    }

    fn reading(&self, group: &Coordinated, partition: Partition) -> OffsetFetch {
        OffsetFetch { group: Arc::clone(&group.id), topic: Arc::clone(&self.pinned), partition: partition.0 }
    }

    /// Whether what was read back is ours.
    fn judge(&self, group: &Coordinated, (partition, _): Place, read: &Reply<OffsetFetched>) -> Result<(), Fault> {
        let OffsetFetched { offset, metadata, .. } = &read.body;
        if !metadata.is_empty() && **metadata != *self.signature {
            // It was committed after ours, so ours was accepted; what was wanted is shown, though not to us.
            tell_twin(&self.context, format!("group {} holds an offset that another process committed", group.id));
            return Ok(());
        }
        if self.may_hold(group.partition, (partition, *offset)) { Ok(()) } else { Err(Fault::Mismatch) }
    }

    fn remember(&self, group: Partition, place: Place) {
        let now = self.context.clock.now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = recent.entry(group).or_default();
        recent.retain(|_, sent| now.since(*sent) < self.held_for);
        recent.insert(place, now);
    }

    fn may_hold(&self, group: Partition, place: Place) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.get(&group).is_some_and(|recent| recent.contains_key(&place))
    }

    /// Asks a coordinator that is loading until it is not, or not the coordinator any more.
    fn time_loading(self: &Arc<Self>, broker: BrokerId, group: Coordinated) {
        if !self.coordinators.begin_timing(group.partition) {
            return;
        }
        let commit = Arc::clone(self);
        self.context.supervisor.spawn_brief("loading", async move {
            let partition = group.partition;
            let timing = async {
                while commit.coordinators.is_loading(partition) {
                    tokio::time::sleep(LOADING_EVERY).await;
                    let Ok(connection) = commit.lines.to(broker).await else { continue };
                    let Ok(call) = connection.call(commit.reading(&group, Partition(0))) else { continue };
                    if let Ok(read) = call.await {
                        // An error is an answer too; the attempts say which.
                        let _ = commit.coordinators.answered(broker, partition, read.body.error);
                    }
                }
            };
            let _ = tokio::time::timeout(LOADING_MAX, timing).await;
            commit.coordinators.end_timing(partition);
        });
    }
}
