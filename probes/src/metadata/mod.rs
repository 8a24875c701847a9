//! `metadata`: asks each broker for the metadata of the monitor topics. A broker that is cut off from the controllers
//! still answers; only its outdated metadata shows the fault (K4).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prober_core::fault::Fault;
use prober_core::ids::Broker;
use prober_core::staleness::Staleness;
use prober_core::time::Time;

use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::{MetadataSnapshot, Pool, ProbeResponse};

/// The `metadata` probe of a cluster: compares what each broker shows with what the others do.
pub struct MetadataProbe {
    context: ProbeContext,
    staleness: Mutex<Staleness>,
}

impl MetadataProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> MetadataProbe {
        MetadataProbe { context: context.clone(), staleness: Mutex::default() }
    }

    async fn request(&self, broker: Broker) -> Result<(bool, Time), Fault> {
        let broker = broker.id().ok_or(Fault::NoAddress)?;
        let settings = &self.context.settings;
        let topics = vec![Arc::clone(&settings.pinned), Arc::clone(&settings.replicated)];
        let connection = self.context.cluster.connection(broker, Pool::Control).await?;
        let response = connection.metadata_digest(topics).await?;
        let is_stale = self.staleness().observe(broker, self.context.clock.now(), response.body);
        Ok((is_stale, response.at))
    }

    fn staleness(&self) -> MutexGuard<'_, Staleness> {
        self.staleness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectProbe for MetadataProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        match self.request(attempt.broker).await {
            Ok((false, at)) => ProbeResponse { sent: None, at, result: Ok(()) },
            Ok((true, at)) => ProbeResponse { sent: None, at, result: Err(Fault::Stale) },
            Err(fault) => self.context.failed(fault),
        }
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        metadata.brokers_with_address().map(Broker::Id).collect()
    }

    /// Brokers that are unknown now have no part in the comparison.
    fn on_metadata(&self, metadata: &MetadataSnapshot) {
        self.staleness().retain(&metadata.topology.brokers.keys().copied().collect());
    }
}
