//! One attempt at a coordinator: which partition it is about, and how it ends.

use std::sync::OnceLock;

use prober_core::coordinator::InternalPartition;
use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;

use super::{CoordinatedId, Coordinators};
use crate::port::{MetadataSnapshot, ProbeInput, ProbeResponse, RequestId};

/// One attempt. It is dropped without an end at its deadline, if the coordinator has not responded: another broker may be the
/// coordinator now, or soon, so the metadata is refreshed then.
pub struct Turn<'a> {
    coordinators: &'a Coordinators,
    id: RequestId,
    chosen: OnceLock<Partition>,
    has_answered: bool,
    is_good: bool,
}

impl Turn<'_> {
    pub(super) fn new(coordinators: &Coordinators, id: RequestId) -> Turn<'_> {
        Turn { coordinators, id, chosen: OnceLock::new(), has_answered: false, is_good: false }
    }

    /// Chooses the id whose turn it is at a broker, and reports its partition. An `urgent` one goes before all others that are
    /// `free`.
    ///
    /// # Errors
    /// [`Fault::NoPartition`] if the broker coordinates no partition any more; `busy` if none is free.
    pub fn choose(
        &self,
        broker: BrokerId,
        metadata: &MetadataSnapshot,
        urgent: impl Fn(Partition) -> bool,
        free: impl Fn(Partition) -> bool,
        busy: Fault,
    ) -> Result<CoordinatedId, Fault> {
        let chosen = self.coordinators.next(broker, metadata, urgent, free, busy)?;
        let partition = InternalPartition { topic: self.coordinators.topic, partition: chosen.partition };
        if self.chosen.set(chosen.partition).is_ok() {
            (self.coordinators.context.report)(ProbeInput::Chosen { id: self.id, partition });
        }
        Ok(chosen)
    }

    /// The response of the attempt, which was sent and answered at these times. A success shows that every permission that the
    /// probe needs is there.
    pub fn end(mut self, result: Result<(Time, Time), Fault>) -> ProbeResponse {
        self.has_answered = matches!(result, Ok(_) | Err(Fault::Kafka(_)));
        self.is_good = result.is_ok();
        let context = &self.coordinators.context;
        match result {
            Ok((sent, at)) => {
                context.backoff.on_success(self.coordinators.topic.probe());
                ProbeResponse { sent: Some(sent), at, result: Ok(()) }
            }
            Err(fault) => context.failed(fault),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(partition) = self.chosen.get() {
            self.coordinators.rotation().on_end(*partition, self.is_good);
        }
        if !self.has_answered {
            self.coordinators.context.cluster.refresh_metadata();
        }
    }
}
