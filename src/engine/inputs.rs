//! What the engine hears, and the queue in front of it: a closed list, taken in from any thread without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prober_core::observed::Observed;
use prober_probes::port::ProbeInput;
use tokio::sync::mpsc;

use crate::kafka::Report;
use crate::vitals::Vital;

/// Inputs under way at most. A burst of every answer of a hundred brokers' five seconds of silence fits in.
pub(super) const INPUTS_MAX: usize = 65_536;

/// Everything that the engine hears.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// From one route's Kafka.
    Kafka {
        /// Its index.
        route: usize,
        /// What it says.
        report: Report,
    },
    /// From one cluster's direct probes.
    Direct {
        /// Its index.
        cluster: usize,
        /// What comes back.
        input: ProbeInput,
    },
    /// What a cluster says of itself.
    Observed(Arc<Observed>),
    /// From the prober about itself.
    Vital(Vital),
}

/// The way in, from any thread, without waiting. What finds no room is counted, and voids its route's attempts.
#[derive(Clone, Debug)]
pub struct Inputs {
    queue: mpsc::Sender<Input>,
    dropped: Arc<[AtomicU64]>,
    responses_dropped: Arc<[AtomicU64]>,
}

impl Inputs {
    /// Takes a report of one route in.
    pub fn report(&self, route: usize, report: Report) {
        if self.queue.try_send(Input::Kafka { route, report }).is_err()
            && let Some(dropped) = self.dropped.get(route)
        {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes in what comes back to one cluster's direct probes.
    pub fn direct(&self, cluster: usize, input: ProbeInput) {
        if self.queue.try_send(Input::Direct { cluster, input }).is_err()
            && let Some(dropped) = self.responses_dropped.get(cluster)
        {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes in what a cluster says of itself. What finds no room is made up by the next part that is answered.
    pub fn observed(&self, observed: Arc<Observed>) {
        let _ = self.queue.try_send(Input::Observed(observed));
    }

    /// Takes a vital sign in; false when nobody listens any more. A beat that finds no room is made up by the next.
    pub fn vital(&self, vital: Vital) -> bool {
        let sent = self.queue.try_send(Input::Vital(vital));
        !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)))
    }
}

/// An engine that has its queue and no lanes yet.
pub struct EngineBuilder {
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) dropped: Arc<[AtomicU64]>,
    pub(super) responses_dropped: Arc<[AtomicU64]>,
}

/// The queue, both ends, for so many routes and clusters.
pub fn queue(routes: usize, clusters: usize) -> (Inputs, EngineBuilder) {
    let (queue, inputs) = mpsc::channel(INPUTS_MAX);
    let counters = |count| -> Arc<[AtomicU64]> { (0..count).map(|_| AtomicU64::new(0)).collect() };
    let (dropped, responses_dropped) = (counters(routes), counters(clusters));
    let ours = Inputs { queue, dropped: Arc::clone(&dropped), responses_dropped: Arc::clone(&responses_dropped) };
    (ours, EngineBuilder { inputs, dropped, responses_dropped })
}
