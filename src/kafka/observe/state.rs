//! What is known of the cluster, shared by the loops that send requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::observed::Observed;
use prober_core::observed::parts::{Part, PartState, PartStatus};
use prober_core::observed::versions::Versions;
use prober_probes::clock::Clock;
use tokio::sync::Notify;

use super::ObservationSink;
use super::error::ObservationError;

/// An internal topic with its partitions.
pub(super) type InternalTopic = (Arc<str>, Vec<i32>);

/// The cost of one round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// From a request to its response, the sum of all requests of the round.
    pub(super) took: Duration,
    /// Number of requests.
    pub(super) requests: u64,
}

impl Cost {
    /// Adds one request.
    pub(super) fn add(&mut self, took: Duration) {
        self.took += took;
        self.requests += 1;
    }
}

/// What is known, and where requests can be sent.
pub(super) struct ObservationState {
    pub(super) clock: Clock,
    emit: ObservationSink,
    bootstrap: Vec<String>,
    known: Mutex<Known>,
    /// Notified when the partitions have been requested.
    pub(super) partitions_asked: Notify,
}

struct Known {
    observed: Observed,
    /// Unfenced brokers.
    addresses: BTreeMap<BrokerId, Arc<str>>,
    internal: Arc<Vec<InternalTopic>>,
}

impl ObservationState {
    pub(super) fn new(
        observed: Observed,
        bootstrap: Vec<String>,
        clock: Clock,
        emit: ObservationSink,
    ) -> ObservationState {
        let known = Known { observed, addresses: BTreeMap::new(), internal: Arc::default() };
        ObservationState { clock, emit, bootstrap, known: Mutex::new(known), partitions_asked: Notify::new() }
    }

    /// The addresses to send requests to: unfenced brokers, then the bootstrap servers.
    pub(super) fn candidates(&self) -> Vec<Arc<str>> {
        let known: Vec<Arc<str>> = self.known().addresses.values().cloned().collect();
        let new = |address: &&String| !known.iter().any(|known| **known == ***address);
        let more: Vec<Arc<str>> =
            self.bootstrap.iter().filter(new).map(|address| Arc::from(address.as_str())).collect();
        known.into_iter().chain(more).collect()
    }

    /// Unfenced brokers and their addresses.
    pub(super) fn addresses(&self) -> BTreeMap<BrokerId, Arc<str>> {
        self.known().addresses.clone()
    }

    /// Sets the addresses of the brokers.
    pub(super) fn set_addresses(&self, addresses: BTreeMap<BrokerId, Arc<str>>) {
        self.known().addresses = addresses;
    }

    /// The internal topics that exist.
    pub(super) fn internal(&self) -> Arc<Vec<InternalTopic>> {
        Arc::clone(&self.known().internal)
    }

    /// Sets which internal topics exist.
    pub(super) fn set_internal(&self, internal: Vec<InternalTopic>) {
        self.known().internal = Arc::new(internal);
    }

    /// Sets the versions that the brokers offer; emitted with the next part.
    pub(super) fn versions(&self, versions: Arc<Versions>) {
        self.known().observed.versions = Some(versions);
    }

    /// The state of a part.
    pub(super) fn state(&self, part: Part) -> PartState {
        self.known().observed.parts.get(&part).map_or(PartState::Pending, |status| status.state)
    }

    /// A part was answered; `message` says what is missing from the response, if anything.
    pub(super) fn on_answer(
        &self,
        part: Part,
        cost: Cost,
        message: Option<String>,
        update: impl FnOnce(&mut Observed),
    ) {
        let seen = Some(self.clock.now());
        let message = message.map(Arc::from);
        let status =
            PartStatus { state: PartState::On, message, last_answer: seen, took: cost.took, requests: cost.requests };
        self.publish(part, status, update);
    }

    /// A part was not answered. What a part that is off had shown is dropped; a failing part keeps what it last showed.
    pub(super) fn on_error(&self, part: Part, error: ObservationError) {
        let before = self.known().observed.parts.get(&part).cloned().unwrap_or_default();
        let (state, message) = match error {
            ObservationError::Off(message) => (PartState::Off, message),
            ObservationError::Failing(message) => (PartState::Failing, message),
        };
        let status = PartStatus { state, message: Some(Arc::from(message)), ..before };
        self.publish(part, status, |observed| {
            if state == PartState::Off {
                forget(observed, part);
            }
        });
    }

    fn publish(&self, part: Part, status: PartStatus, update: impl FnOnce(&mut Observed)) {
        let mut known = self.known();
        update(&mut known.observed);
        let before = known.observed.parts.insert(part, status.clone()).unwrap_or_default();
        let observed = Arc::new(known.observed.clone());
        drop(known);
        log(observed.cluster.as_str(), part, before.state, &status);
        (self.emit)(observed);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // The lock is poisoned only if a task panicked, which the supervisor reports.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(observed: &mut Observed, part: Part) {
    match part {
        Part::Brokers => observed.registrations = None,
        Part::Partitions => (observed.partitions, observed.collisions) = (None, None),
        Part::Configs => {}
        Part::Quorum => observed.quorum = None,
        Part::Reassignments => observed.reassignments = None,
        Part::LogDirs => observed.sizes = None,
    }
}

/// Logs one line for each change of state.
fn log(cluster: &str, part: Part, before: PartState, status: &PartStatus) {
    let (part, message) = (part.as_str(), status.message.as_deref());
    match (before, status.state) {
        (before, now) if before == now => {}
        (PartState::Pending, PartState::On) => {}
        (_, PartState::Off) => tracing::info!(cluster, part, message, "observation is off"),
        (_, PartState::Failing) => tracing::warn!(cluster, part, message, "observation fails"),
        (_, PartState::On | PartState::Pending) => tracing::info!(cluster, part, "observation works again"),
    }
}
