//! How each direct probe is built: the other half of its row in core's `PROBES`.
//!
//! CONTRIBUTING.md has the list of what a new kind of direct probe takes.

use std::sync::Arc;

use prober_core::ids::Probe;

use crate::direct::context::ProbeContext;
use crate::direct::probe::AttemptRunner;
use crate::{commit, connect, controller, fetch, metadata, transaction};

/// Builds a direct probe for one cluster.
pub type Factory = fn(&ProbeContext) -> Arc<dyn AttemptRunner>;

/// Builds this probe; `None` for the probes that a record feeds, which [`round_trip`](crate::round_trip) runs.
pub const fn factory(probe: Probe) -> Option<Factory> {
    match probe {
        Probe::Produce | Probe::Consume | Probe::EndToEnd => None,
        Probe::Fetch => Some(|context| Arc::new(fetch::FetchProbe::new(context))),
        Probe::Metadata => Some(|context| Arc::new(metadata::MetadataProbe::new(context))),
        Probe::Connect => Some(|context| Arc::new(connect::ConnectProbe::new(context))),
        Probe::Commit => Some(|context| Arc::new(commit::CommitProbe::new(context))),
        Probe::Transaction => Some(|context| Arc::new(transaction::TransactionProbe::new(context))),
        Probe::Controller => Some(|context| Arc::new(controller::ControllerProbe::new(context))),
    }
}

#[cfg(test)]
mod tests {
    use prober_core::probe::{PROBES, Source};

    use super::*;

    #[test]
    fn direct_probes_and_no_others_have_a_factory() {
        for spec in PROBES {
            assert_eq!(factory(spec.probe).is_some(), spec.source == Source::Direct, "{}", spec.name);
        }
    }
}
