//! `metadata`: each broker asked for the metadata of our topics. One that is cut off from the controllers answers as if
//! nothing had happened; what it shows gives it away (K4).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::staleness::{MetadataDigest, Staleness};
use prober_probes::port::ProbeResponse;

use crate::kafka::session::fault;
use crate::kafka::wire::{self, MetadataSummary, SummarizedMetadata};

use super::Context;
use super::line::Lines;

/// Asks, and holds what each broker shows against what the others do.
pub(super) struct Metadata {
    context: Context,
    lines: Lines,
    topics: Vec<Arc<str>>,
    staleness: Mutex<Staleness>,
}

impl Metadata {
    pub(super) fn new(context: Context, lines: Lines, topics: Vec<Arc<str>>) -> Metadata {
        Metadata { context, lines, topics, staleness: Mutex::default() }
    }

    pub(super) async fn ask(&self, broker: BrokerId) -> ProbeResponse {
        let context = &self.context;
        let connection = match self.lines.to(broker).await {
            Ok(connection) => connection,
            Err(fault) => return context.refused(fault),
        };
        let answer = match connection.call(MetadataSummary(wire::Metadata { topics: self.topics.clone() })) {
            Ok(call) => call.await,
            Err(error) => Err(error),
        };
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => return context.refused(fault::of(&error)),
        };
        let at = context.clock.at(reply.at);
        let stale = self.observe(broker, reply.body);
        ProbeResponse { sent: None, at, result: if stale { Err(Fault::Stale) } else { Ok(()) } }
    }

    /// Whether what the broker shows is behind.
    fn observe(&self, broker: BrokerId, shown: SummarizedMetadata) -> bool {
        let mut staleness = self.staleness.lock().unwrap_or_else(PoisonError::into_inner);
        staleness.observe(broker, self.context.clock.now(), picture(shown))
    }

    /// Forgets brokers that are not asked any more.
    pub(super) fn retain(&self, asked: &BTreeSet<BrokerId>) {
        self.staleness.lock().unwrap_or_else(PoisonError::into_inner).retain(asked);
    }
}

/// Without an id a topic created anew could not be told from one that has lost an epoch: such are left out.
fn picture(shown: SummarizedMetadata) -> MetadataDigest {
    let epochs = shown.epochs.into_iter().map(|(topic, partition, epoch)| ((topic, Partition(partition)), epoch));
    MetadataDigest { brokers: shown.brokers.into_iter().map(BrokerId).collect(), epochs: epochs.collect() }
}
