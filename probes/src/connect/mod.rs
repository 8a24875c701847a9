//! `connect`: opens a fresh connection and times each phase; a failure names the phase. A broker whose kernel
//! accepts TCP and whose process does not answer ApiVersions is a frozen process.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use prober_core::fault::Fault;
use prober_core::ids::Broker;

use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::{MetadataSnapshot, ProbeInput, ProbeResponse};

/// The `connect` probe of a cluster.
pub struct ConnectProbe {
    context: ProbeContext,
}

impl ConnectProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> ConnectProbe {
        ConnectProbe { context: context.clone() }
    }

    async fn connect(&self, attempt: Attempt) -> Result<(), Fault> {
        let broker = attempt.broker.id().ok_or(Fault::NoAddress)?;
        let dialed = self.context.cluster.dial(broker, attempt.within).await?;
        for (phase, took) in dialed.phases {
            (self.context.report)(ProbeInput::Phase { broker: attempt.broker, phase, took });
        }
        Ok(())
    }
}

impl DirectProbe for ConnectProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        let result = self.connect(attempt).await;
        ProbeResponse { sent: None, at: self.context.clock.now(), result }
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        metadata.brokers_with_address().map(Broker::Id).collect()
    }
}
