//! `metadata`: each broker asked for the metadata of our topics. One that is cut off from the controllers answers as if
//! nothing had happened; what it shows gives it away (K4).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::staleness::{Picture, Staleness};
use prober_probes::port::Answer;

use crate::kafka::topic::fault;
use crate::kafka::wire::{self, ClusterMetadata};

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

    pub(super) async fn ask(&self, broker: BrokerId) -> Answer {
        let context = &self.context;
        let connection = match self.lines.to(broker).await {
            Ok(connection) => connection,
            Err(fault) => return context.refused(fault),
        };
        let answer = match connection.call(wire::Metadata { topics: self.topics.clone() }) {
            Ok(call) => call.await,
            Err(error) => Err(error),
        };
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => return context.refused(fault::of(&error)),
        };
        let at = context.clock.at(reply.at);
        let stale = self.observe(broker, &reply.body);
        Answer { sent: None, at, result: if stale { Err(Fault::Stale) } else { Ok(()) } }
    }

    /// Whether what the broker shows is behind.
    fn observe(&self, broker: BrokerId, shown: &ClusterMetadata) -> bool {
        let mut staleness = self.staleness.lock().unwrap_or_else(PoisonError::into_inner);
        staleness.observe(broker, self.context.clock.now(), picture(shown))
    }

    /// Forgets brokers that are not asked any more.
    pub(super) fn retain(&self, asked: &BTreeSet<BrokerId>) {
        self.staleness.lock().unwrap_or_else(PoisonError::into_inner).retain(asked);
    }
}

fn picture(shown: &ClusterMetadata) -> Picture {
    let epochs = shown.topics.iter().flat_map(|topic| {
        // Without an id a topic created anew could not be told from one that has lost an epoch.
        topic.id.into_iter().flat_map(|id| {
            let known = topic.partitions.iter().filter(|partition| 0 <= partition.leader_epoch);
            known.map(move |partition| ((id, Partition(partition.index)), partition.leader_epoch))
        })
    });
    Picture { brokers: shown.brokers.iter().map(|broker| BrokerId(broker.id)).collect(), epochs: epochs.collect() }
}
