//! The wiring: which part runs on which runtime, and in which order the parts end. `run`, `check` and `demo` start the same
//! [`App`] with different schedules.
//!
//! ```text
//!  probe runtime (one thread of its own)          edge runtime
//!    schedule · wire · heartbeat ─► engine ─watch─► OTLP · /metrics · status
//!                                      ◄─────────── observation
//! ```

mod overrides;
mod plan;
pub(crate) mod security;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use prober_core::buckets::Edges;
use prober_core::ids::{ClusterName, Lane};
use prober_core::snapshot::Snapshot;
use prober_probes::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::config::{self, Config};
use crate::engine::{self, EngineBuilder, Inputs, Route, Setup};
use crate::exporters::otlp::{ClientIdentity, ExportError, Otlp, OtlpSettings, Temporality, TlsSettings};
use crate::exporters::prometheus::Prometheus;
use crate::exporters::{ExportResult, ExportStats};
use crate::kafka::observe;
use crate::kafka::{Report, Reporter};
use crate::recording;
use crate::recording::folder::{Folder, FolderError};
use crate::supervisor::{FailureReceiver, Supervisor};
use crate::vitals;
use crate::web::{self, WebError, WebState};

use plan::{DirectPlan, LaneSettings, Plan};

pub(crate) use overrides::overrides;

/// Time-out for the end of the probe runtime, which has nothing to wait for. If it hangs, the rest is stopped without it.
const PROBES_END_WITHIN: Duration = Duration::from_millis(500);

/// Time-out for the last export, which has its own of 3 s.
const EXPORT_ENDS_WITHIN: Duration = Duration::from_millis(3_300);

/// Time-out for the end of the edge runtime.
const EDGE_ENDS_WITHIN: Duration = Duration::from_millis(500);

/// Which optional parts an app has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The HTTP listener.
    pub http: bool,
    /// The OTLP export, if the configuration has an endpoint.
    pub otlp: bool,
}

/// Why an app cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener.
    #[error(transparent)]
    Web(#[from] WebError),
    /// OTLP.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The folder for recordings.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// TLS or SASL towards Kafka.
    #[error("{0}")]
    Security(String),
    /// The operating system has no thread or no random bytes.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// A running prober.
pub struct App {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    failure: FailureReceiver,
    stop_probes: watch::Sender<bool>,
    stop_edge: watch::Sender<bool>,
    probes: JoinHandle<()>,
    export: Option<tokio::task::JoinHandle<()>>,
    edge: Runtime,
}

impl App {
    /// Starts all parts. It does not wait for Kafka or the collector, and succeeds without them.
    ///
    /// # Errors
    /// The address is in use, the OTLP endpoint or the security is invalid, or the system lacks a resource.
    pub fn start(config: &Config, parts: Parts) -> Result<App, StartError> {
        let clock = Clock::start();
        let (supervisor, failure) = Supervisor::new();
        let edge = Builder::new_multi_thread().worker_threads(1).thread_name("edge").enable_all().build()?;
        let identity = plan::identity(&config.vantage)?;
        let plan = Plan::of(config, identity).map_err(StartError::Security)?;
        let vantage: Arc<str> = Arc::from(config.vantage.as_str());
        let first = engine::empty_snapshot(&vantage, &plan.objectives);
        let (publish, snapshots) = watch::channel(Arc::new(first));
        let (stop_probes, probes_stopped) = watch::channel(false);
        let (stop_edge, edge_stopped) = watch::channel(false);
        let edge_ends = edge_stopped.clone();
        let stats = Arc::new(ExportStats::default());

        // Every part of the configuration that may be invalid is checked before anything is spawned.
        let _entered = edge.enter();
        let otlp = match otlp_settings(config).filter(|_| parts.otlp) {
            None => None,
            Some(settings) => {
                let endpoint = settings.endpoint.clone();
                let clusters: Vec<&str> = config.clusters.keys().map(String::as_str).collect();
                Some((endpoint, Otlp::new(settings, snapshots.clone(), &clusters, Arc::clone(&stats))?))
            }
        };
        let folder = recorder_folder(config);
        folder.as_ref().map(Folder::prepare).transpose()?;
        let Plan { routes, directs, observations, objectives, thresholds } = plan;
        let (inputs, builder) = engine::queue(routes.len(), directs.len());
        let page = if parts.http { Some(edge.block_on(web::bind(config.http.listen))?) } else { None };
        if let Some(page) = page {
            tracing::info!(address = %page.address(), "listening");
            let server = serve(page, config, (&snapshots, &inputs), &stats, edge_stopped.clone());
            watch_over(&edge, &supervisor, "web", server, edge_stopped.clone());
        }
        let export = otlp.map(|(endpoint, otlp)| {
            tracing::info!(endpoint, "exporting over OTLP");
            watch_over(&edge, &supervisor, "otlp", otlp.run(stopped(edge_stopped.clone())), edge_stopped)
        });
        let reference = config.diagnosis.reference.address(config.otlp.endpoint.as_deref()).map(Arc::from);
        if let Some(folder) = folder {
            let sealing = recording::folder::run(folder, inputs.clone(), snapshots.clone());
            watch_over(&edge, &supervisor, "recorder", sealing, edge_ends.clone());
        }
        let observed = observations.iter().map(|settings| settings.cluster.clone()).collect();
        for settings in observations {
            let inputs = inputs.clone();
            let observing = observe::run(settings, clock, Box::new(move |observed| inputs.observed(observed)));
            watch_over(&edge, &supervisor, "observation", observing, edge_ends.clone());
        }
        let edges = edges(config, &thresholds);
        let is_recording = config.recorder.enabled;
        let setup = Setup { clock, vantage, objectives, edges, publish, reference, observed, is_recording };
        let probes = spawn_probes(routes, directs, (inputs, builder), setup, probes_stopped, supervisor)?;
        drop(_entered);
        Ok(App { snapshots, failure, stop_probes, stop_edge, probes, export, edge })
    }

    /// The newest snapshot, as it changes.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Resolves to the first failure of a part of the prober.
    pub fn failure(&self) -> FailureReceiver {
        self.failure.clone()
    }

    /// Runs a task on the edge runtime to its end.
    pub fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.edge.block_on(task)
    }

    /// Stops the probes, makes the last export, and stops the rest, all within 5 s even if something hangs. Returns the last
    /// snapshot, in which every attempt that was due is counted.
    #[expect(
        clippy::disallowed_methods,
        reason = "runs on the main thread, which no runtime owns, and limits how long the probes take to stop"
    )]
    pub fn stop(self) -> Arc<Snapshot> {
        self.stop_probes.send_replace(true);
        let began = Instant::now();
        while !self.probes.is_finished() && began.elapsed() < PROBES_END_WITHIN {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.stop_edge.send_replace(true);
        if let Some(export) = self.export {
            let ended = self.edge.block_on(async { tokio::time::timeout(EXPORT_ENDS_WITHIN, export).await });
            if ended.is_err() {
                tracing::warn!("the last export did not end in time");
            }
        }
        let last = self.snapshots.borrow().clone();
        self.edge.shutdown_timeout(EDGE_ENDS_WITHIN);
        last
    }
}

/// Serves the pages until `stop` is true.
fn serve(
    listener: web::Listener,
    config: &Config,
    (snapshots, inputs): (&watch::Receiver<Arc<Snapshot>>, &Inputs),
    stats: &Arc<ExportStats>,
    stop: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    let metrics = Prometheus::new(snapshots.clone(), Arc::clone(stats), config.metrics.level).route();
    let counted = Arc::clone(stats);
    let shown = serde_json::to_value(config).unwrap_or_default();
    let clusters = config.clusters.keys().map(|name| ClusterName::new(name)).collect();
    let recordings = recording::route::route(inputs.clone(), clusters, config.recorder.enabled);
    let state = WebState::new(snapshots.clone(), move || exports(&counted));
    let state = state.lend(metrics).lend(recordings).show_config(shown);
    let served = web::serve(listener, state, stopped(stop));
    async move {
        if let Err(error) = served.await {
            tracing::error!("{error}");
        }
    }
}

/// Starts the probe runtime on a thread of its own.
fn spawn_probes(
    routes: Vec<(Route, LaneSettings)>,
    directs: Vec<DirectPlan>,
    (inputs, builder): (Inputs, EngineBuilder),
    setup: Setup,
    stop: watch::Receiver<bool>,
    supervisor: Supervisor,
) -> io::Result<JoinHandle<()>> {
    let clock = setup.clock;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("probes".into()).spawn(move || {
        let panicked = supervisor.guard_thread("the probe thread");
        runtime.block_on(async {
            let thread_inputs = inputs.clone();
            if let Err(error) = vitals::beat_on_thread(clock, move |vital| thread_inputs.vital(vital)) {
                supervisor.report_failure(format!("no thread for the vitals: {error}"));
            }
            let report = || {
                let inputs = inputs.clone();
                move |vital| _ = inputs.vital(vital)
            };
            let _heartbeat = supervisor.spawn("heartbeat", vitals::beat(clock, report()));
            let _loopback = supervisor.spawn("loopback", vitals::loopback::run(clock, report()));
            let _reference = setup.reference.clone().map(|address| {
                supervisor
                    .spawn("reference", vitals::reference::run(address, setup.publish.subscribe(), clock, report()))
            });
            let routes = routes
                .into_iter()
                .enumerate()
                .map(|(index, (route, settings))| {
                    let report = reporter(index, &route, &directs, inputs.clone());
                    (route, settings.start(clock, report, supervisor.clone()))
                })
                .collect();
            let directs = directs
                .into_iter()
                .enumerate()
                .map(|(index, plan)| {
                    let inputs = inputs.clone();
                    plan.start(clock, Arc::new(move |input| inputs.direct(index, input)), supervisor.clone())
                })
                .collect();
            builder.build(routes, directs, setup).run(stop).await;
        });
        // A name lookup runs on a blocking thread: do not wait for it.
        runtime.shutdown_background();
        drop(panicked);
    })
}

/// Queues a lane's reports for the engine; those of the pinned lane also update its cluster's direct probes.
fn reporter(index: usize, route: &Route, directs: &[DirectPlan], inputs: Inputs) -> Reporter {
    let direct = directs.iter().find(|plan| route.lane == Lane::Pinned && plan.cluster == route.cluster);
    let log_end_offsets = direct.map(|plan| plan.log_end_offsets.clone());
    Arc::new(move |report| {
        if let (Some(offsets), Report::Lane(input)) = (&log_end_offsets, &report) {
            offsets.on_lane_input(input);
        }
        inputs.report(index, report);
    })
}

/// Spawns a supervised task on the edge runtime that runs until `stop` is true.
fn watch_over(
    edge: &Runtime,
    supervisor: &Supervisor,
    name: &'static str,
    part: impl Future<Output = ()> + Send + 'static,
    stop: watch::Receiver<bool>,
) -> tokio::task::JoinHandle<()> {
    let supervisor = supervisor.clone();
    edge.spawn(async move {
        let ended = tokio::spawn(part).await;
        match ended {
            Err(error) if error.is_panic() => supervisor.report_failure(format!("task {name} panicked")),
            Ok(()) if !*stop.borrow() => supervisor.report_failure(format!("task {name} ended")),
            _ => {}
        }
    })
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the app is gone, which is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Where recordings are sealed to, if they are.
fn recorder_folder(config: &Config) -> Option<Folder> {
    let recorder = &config.recorder;
    let path = recorder.folder.clone().filter(|_| recorder.enabled)?;
    let files = usize::try_from(recorder.files).unwrap_or(usize::MAX);
    let bytes = recorder.megabytes.saturating_mul(1_000_000);
    Some(Folder { path, seal_after: recorder.seal_after, files, bytes })
}

/// Exponential histograms are filled from finer buckets than explicit ones.
fn edges(config: &Config, thresholds: &[Duration]) -> Edges {
    let edges = Edges::with(thresholds);
    let is_exponential = config.otlp.histograms == config::Histograms::Base2ExponentialBucketHistogram;
    if is_exponential { edges.finer() } else { edges }
}

fn otlp_settings(config: &Config) -> Option<OtlpSettings> {
    let otlp = &config.otlp;
    Some(OtlpSettings {
        endpoint: otlp.endpoint.clone()?,
        protocol: otlp.protocol,
        interval: otlp.interval,
        timeout: otlp.timeout,
        headers: otlp.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
        gzip: otlp.compression == config::Compression::Gzip,
        tls: TlsSettings { ca: otlp.ca.as_ref().map(|ca| ca.content.clone()), client: client_identity(otlp) },
        temporality: match otlp.temporality {
            config::Temporality::Cumulative => Temporality::Cumulative,
            config::Temporality::Delta => Temporality::Delta,
            config::Temporality::LowMemory => Temporality::LowMemory,
        },
        level: config.metrics.level,
        exponential: otlp.histograms == config::Histograms::Base2ExponentialBucketHistogram,
    })
}

fn client_identity(otlp: &config::Otlp) -> Option<ClientIdentity> {
    let (certificate, key) = (otlp.client_certificate.as_ref()?, otlp.client_key.as_ref()?);
    Some(ClientIdentity { chain: certificate.content.clone(), key: Arc::clone(&key.content) })
}

/// The exporter's counts for the status page.
fn exports(stats: &ExportStats) -> web::Exports {
    web::Exports {
        success: stats.of(ExportResult::Success),
        failure: stats.of(ExportResult::Failure),
        timeout: stats.of(ExportResult::Timeout),
        last_success: stats.last_success(),
    }
}
