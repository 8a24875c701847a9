//! Runs the attempts of a cluster's direct probes, each as a task of its own, so that none delays another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Probe};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::direct::backoff::ProbeBackoff;
use crate::direct::context::{ProbeContext, ProbeSettings, Report};
use crate::direct::log_end_offsets::LogEndOffsets;
use crate::direct::probe::{Attempt, AttemptRunner};
use crate::direct::targets::TargetSelection;
use crate::port::{ClusterClient, MetadataSnapshot, ProbeClient, ProbeInput, ProbeRequest, TaskGuard, Tasks};
use crate::spec;

/// Deadline of a connect check, which is outside the schedule.
const CONNECT_CHECK_WITHIN: Duration = Duration::from_secs(2);

/// The direct probes of one cluster. Dropping it ends everything that it started, except attempts, which end by themselves.
pub struct DirectProbes {
    context: ProbeContext,
    metadata: watch::Receiver<Arc<MetadataSnapshot>>,
    probes: BTreeMap<Probe, Arc<dyn AttemptRunner>>,
    _tasks: Vec<TaskGuard>,
}

impl DirectProbes {
    /// Builds the enabled probes and reports their targets from now on; needs a tokio runtime.
    pub fn start(
        settings: ProbeSettings,
        cluster: Arc<dyn ClusterClient>,
        log_end_offsets: LogEndOffsets,
        clock: Clock,
        tasks: Arc<dyn Tasks>,
        report: Report,
    ) -> DirectProbes {
        let backoff = ProbeBackoff::new(clock, Arc::clone(&report));
        let settings = Arc::new(settings);
        let context = ProbeContext { clock, cluster, tasks, report, backoff, log_end_offsets, settings };
        let enabled = context.settings.deadlines.keys().copied();
        let probes: BTreeMap<Probe, Arc<dyn AttemptRunner>> =
            enabled.filter_map(|probe| Some((probe, spec::factory(probe)?(&context)))).collect();
        let selection = TargetSelection { context: context.clone(), probes: probes.clone() };
        let mut running = vec![context.tasks.spawn_forever("targets", Box::pin(selection.run()))];
        running.extend(probes.values().flat_map(|probe| Arc::clone(probe).start_tasks()));
        DirectProbes { metadata: context.cluster.metadata(), context, probes, _tasks: running }
    }
}

impl ProbeClient for DirectProbes {
    fn start(&mut self, request: ProbeRequest, within: Duration) {
        let Some(probe) = self.probes.get(&request.probe) else { return };
        let metadata = Arc::clone(&self.metadata.borrow());
        let attempt = Attempt { id: request.id, broker: request.broker, metadata, within };
        let run = Arc::clone(probe).run(attempt, Arc::clone(&self.context.report));
        self.context.tasks.spawn_short("attempt", run);
    }

    fn connect_check(&mut self, broker: BrokerId) {
        if self.metadata.borrow().address(broker).is_none() {
            return;
        }
        let context = self.context.clone();
        let check = async move {
            let fault = context.cluster.dial(broker, CONNECT_CHECK_WITHIN).await.err();
            if fault.is_some() {
                // A broker that the cluster still lists has died, another one has left.
                context.cluster.refresh_metadata();
            }
            (context.report)(ProbeInput::ConnectChecked { broker, at: context.clock.now(), fault });
        };
        self.context.tasks.spawn_short("connect_check", Box::pin(check));
    }
}
