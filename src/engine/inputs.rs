//! The inputs of the engine, a closed list, and their queue, which any thread can add to without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prober_core::ids::ClusterName;
use prober_core::observed::Observed;
use prober_probes::port::ProbeInput;
use tokio::sync::{mpsc, oneshot};

use crate::kafka::Report;
use crate::vitals::Vital;

use super::Recording;

/// Capacity of the queue: all responses of a hundred brokers that were silent for five seconds fit in.
pub(super) const INPUTS_MAX: usize = 65_536;

/// One input of the engine.
#[derive(Debug)]
pub(super) enum Input {
    /// A report of one lane.
    Kafka {
        /// Its index.
        route: usize,
        /// The report.
        report: Report,
    },
    /// From one cluster's direct probes.
    Direct {
        /// Its index.
        cluster: usize,
        /// The input.
        input: ProbeInput,
    },
    /// The observation of a cluster.
    Observed(Arc<Observed>),
    /// A vital sign of the prober.
    Vital(Vital),
    /// Somebody wants what the recorder of a cluster has.
    Recording {
        /// The cluster.
        cluster: ClusterName,
        /// Where it goes.
        reply: oneshot::Sender<Recording>,
    },
}

/// The sending end of the queue, for any thread, without waiting. An input that finds the queue full is counted, and voids
/// the attempts in flight of its lane.
#[derive(Clone, Debug)]
pub struct Inputs {
    queue: mpsc::Sender<Input>,
    dropped: Arc<[AtomicU64]>,
    responses_dropped: Arc<[AtomicU64]>,
}

impl Inputs {
    /// Queues a report of one lane.
    pub fn report(&self, route: usize, report: Report) {
        if self.queue.try_send(Input::Kafka { route, report }).is_err()
            && let Some(dropped) = self.dropped.get(route)
        {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Queues an input of one cluster's direct probes.
    pub fn direct(&self, cluster: usize, input: ProbeInput) {
        if self.queue.try_send(Input::Direct { cluster, input }).is_err()
            && let Some(dropped) = self.responses_dropped.get(cluster)
        {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Queues an observation. If the queue is full it is dropped: the next one contains it.
    pub fn observed(&self, observed: Arc<Observed>) {
        let _ = self.queue.try_send(Input::Observed(observed));
    }

    /// What the recorder of a cluster has; `None` if the queue is full, the engine has ended, or nothing is recorded there.
    pub async fn recording(&self, cluster: ClusterName) -> Option<Recording> {
        let (reply, recording) = oneshot::channel();
        self.queue.try_send(Input::Recording { cluster, reply }).ok()?;
        recording.await.ok()
    }

    /// Queues a vital sign; false if the engine has ended. If the queue is full it is dropped: the next beat shows the same.
    pub fn vital(&self, vital: Vital) -> bool {
        let sent = self.queue.try_send(Input::Vital(vital));
        !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)))
    }
}

/// The receiving end of the queue, from which an engine is built.
pub struct EngineBuilder {
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) dropped: Arc<[AtomicU64]>,
    pub(super) responses_dropped: Arc<[AtomicU64]>,
}

/// Both ends of the queue, for this number of lanes and of clusters with direct probes.
pub fn queue(routes: usize, clusters: usize) -> (Inputs, EngineBuilder) {
    let (queue, inputs) = mpsc::channel(INPUTS_MAX);
    let counters = |count| -> Arc<[AtomicU64]> { (0..count).map(|_| AtomicU64::new(0)).collect() };
    let (dropped, responses_dropped) = (counters(routes), counters(clusters));
    let ours = Inputs { queue, dropped: Arc::clone(&dropped), responses_dropped: Arc::clone(&responses_dropped) };
    (ours, EngineBuilder { inputs, dropped, responses_dropped })
}
