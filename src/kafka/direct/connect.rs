//! `connect`: a fresh connection every time, each phase timed, each with a fault of its own. A broker whose kernel accepts
//! and whose process does not answer ApiVersions is a frozen process.

use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Phase};
use prober_probes::port::{ProbeInput, ProbeResponse};

use crate::kafka::session::fault;
use crate::kafka::wire::{Phases, dial};

use super::Context;
use super::scout::Scouted;

/// Asks for nothing but a connection.
pub(super) struct Connect {
    context: Context,
}

impl Connect {
    pub(super) fn new(context: Context) -> Connect {
        Connect { context }
    }

    pub(super) async fn ask(&self, broker: BrokerId, scouted: &Scouted, within: Duration) -> ProbeResponse {
        let context = &self.context;
        let Some(address) = scouted.address(broker) else { return context.refused(Fault::NoAddress) };
        match dial(&address, &context.client_id, &context.security, within, within).await {
            Ok(dialed) => {
                let at = context.clock.now();
                self.tell_phases(broker, dialed.phases);
                ProbeResponse { sent: None, at, result: Ok(()) }
            }
            Err(error) => context.refused(fault::of(&error)),
        }
    }

    fn tell_phases(&self, broker: BrokerId, phases: Phases) {
        let Phases { resolve, connect, tls, api_versions, sasl } = phases;
        let passed = [
            (Phase::Resolve, Some(resolve)),
            (Phase::Connect, Some(connect)),
            (Phase::Tls, tls),
            (Phase::ApiVersions, Some(api_versions)),
            (Phase::Sasl, sasl),
        ];
        for (phase, took) in passed {
            let Some(took) = took else { continue };
            (self.context.tell)(ProbeInput::Phase { broker: Broker::Id(broker), phase, took });
        }
    }
}
