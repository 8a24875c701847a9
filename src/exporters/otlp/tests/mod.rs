//! What really arrives: two receivers of the test's own, over gRPC and over HTTP, decode every request.

mod contents;
mod crate_limits;
mod decoded;
mod division;
mod explanations;
mod outages;
mod receiver;
mod refused_settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use prober_core::time::Time;
use prober_probes::clock::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use decoded::{Durations, Key};

const DEADLINE: Duration = Duration::from_secs(20);

/// An exporter at work, and the ends that the test holds.
struct Running {
    publish: watch::Sender<Arc<Snapshot>>,
    stats: Arc<ExportStats>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(settings: OtlpSettings, snapshot: Snapshot) -> Running {
        let (publish, snapshots) = watch::channel(Arc::new(snapshot));
        let stats = Arc::<ExportStats>::default();
        let otlp = Otlp::new(settings, snapshots, &["main"], Arc::clone(&stats)).expect("it is valid");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(otlp.run(async {
            let _ = stopped.await;
        }));
        Running { publish, stats, stop, task }
    }

    async fn until(&self, result: ExportResult, count: u64) {
        let enough = async {
            while self.stats.of(result) < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, enough).await.expect("exports end like this");
    }

    async fn stop(self) -> Duration {
        let clock = Clock::start();
        self.stop.send(()).expect("it runs");
        timeout(DEADLINE, self.task).await.expect("it ends").expect("it does not panic");
        clock.now().since(Time::ORIGIN)
    }
}

fn settings(address: SocketAddr, protocol: Protocol) -> OtlpSettings {
    let path = if protocol == Protocol::HttpProtobuf { "/v1/metrics" } else { "" };
    OtlpSettings {
        endpoint: format!("http://{address}{path}"),
        protocol,
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        headers: vec![("x-tenant".to_owned(), "streams".to_owned())],
        gzip: false,
        tls: TlsSettings::default(),
        temporality: Temporality::Cumulative,
        exponential: false,
        level: Level::Full,
    }
}

/// Every bucket alike, and the sums but for the rounding of additions.
#[track_caller]
fn assert_same_durations(arrived: &BTreeMap<Key, Durations>, expected: &BTreeMap<Key, Durations>) {
    assert_eq!(arrived.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (key, durations) in arrived {
        assert_eq!((&durations.edges, &durations.counts), (&expected[key].edges, &expected[key].counts), "{key:?}");
        assert!((durations.sum - expected[key].sum).abs() < 1e-9, "{key:?}: {durations:?}");
    }
}
