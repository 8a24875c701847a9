//! What a kind of direct probe implements.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Broker;

use crate::direct::context::Report;
use crate::port::{BoxFuture, MetadataSnapshot, ProbeInput, ProbeResponse, RequestId, TaskGuard};

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its request, under which its response is reported.
    pub id: RequestId,
    /// The target.
    pub broker: Broker,
    /// The newest metadata when the attempt began.
    pub metadata: Arc<MetadataSnapshot>,
    /// The deadline. The runtime enforces it; a probe needs it only to divide it.
    pub within: Duration,
}

/// A kind of direct probe, for one cluster.
pub trait DirectProbe: Send + Sync + 'static {
    /// Runs one attempt. Dropping the future at the deadline must leave the probe usable.
    fn attempt(self: Arc<Self>, attempt: Attempt) -> impl Future<Output = ProbeResponse> + Send
    where
        Self: Sized;

    /// The targets by this metadata. A broker that has left the cluster stays a target at its last address: leaving the
    /// metadata must not end the outage in the numbers.
    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker>;

    /// The internal topic whose leaders are the targets, if they are.
    fn internal_topic(&self) -> Option<&'static str> {
        None
    }

    /// Takes in new metadata.
    fn on_metadata(&self, _: &MetadataSnapshot) {}

    /// Starts what the probe runs beside its attempts.
    fn start_tasks(self: Arc<Self>) -> Vec<TaskGuard> {
        Vec::new()
    }
}

/// A direct probe of any kind, as the runtime holds it.
pub trait AttemptRunner: DirectProbe {
    /// Runs one attempt until its deadline and reports its response.
    fn run(self: Arc<Self>, attempt: Attempt, report: Report) -> BoxFuture<'static, ()>;
}

impl<P: DirectProbe> AttemptRunner for P {
    fn run(self: Arc<Self>, attempt: Attempt, report: Report) -> BoxFuture<'static, ()> {
        let id = attempt.id;
        Box::pin(async move {
            // The scheduler keeps the deadline as well; after it a response changes nothing.
            if let Ok(response) = tokio::time::timeout(attempt.within, self.attempt(attempt)).await {
                report(ProbeInput::Response { id, response });
            }
        })
    }
}
