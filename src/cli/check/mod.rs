//! `check`: probes every broker a few times and reports what works. The same app as `run`, on a faster schedule.

mod judgement;
mod report;
mod rows;
#[cfg(test)]
mod tests;

use std::time::Duration;

use prober_core::ids::View;
use prober_core::snapshot::Snapshot;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};

use crate::app::{App, Parts};
use crate::config::Config;

use super::args::Output;
use super::exit::{self, Exit};

use judgement::{Judgement, judge};

/// Interval of each probe: fast, and no load for a broker.
const INTERVAL: Duration = Duration::from_millis(100);

/// Time limit of a name lookup; a slow resolver does not prove that a name does not exist.
const RESOLVES_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn check(mut config: Config, time_limit: Duration, output: Output) -> Exit {
    quicken(&mut config);
    let app = match App::start(&config, Parts { http: false, otlp: false }) {
        Ok(app) => app,
        Err(error) => return exit::usage(&error),
    };
    let mut judgement = app.block_on(async {
        let judgement = decide(&app, time_limit).await;
        match unresolvable(&config, &app.snapshots().borrow().clone()).await {
            Some(problem) if judgement.exit == Exit::Inconclusive => judgement.into_usage(problem),
            _ => judgement,
        }
    });
    // The counts are from before the end: attempts that were still in flight are void in the last snapshot.
    let last = app.stop();
    judgement.take_latencies(&last);
    report::print(&judgement, output);
    judgement.exit
}

/// Shortens the schedule for an answer within seconds.
fn quicken(config: &mut Config) {
    for interval in [&mut config.lanes.pinned.interval, &mut config.lanes.replicated.interval] {
        *interval = INTERVAL.min(*interval);
    }
    for (probe, settings) in &mut config.probes {
        settings.interval = settings.interval.map(|interval| interval.min(INTERVAL));
        if !probe.spec().views.contains(&View::Broker) {
            // The coordinator and cluster views name no broker, and their deadlines are longer than a check should take.
            settings.enabled = Some(false);
        }
    }
    // The answer does not use the observation, which costs a large cluster something.
    config.observation.enabled = false;
}

/// Judges every snapshot until the answer is final, or the time limit has passed.
#[expect(clippy::disallowed_methods, reason = "limits how long a check may take")]
async fn decide(app: &App, time_limit: Duration) -> Judgement {
    let mut snapshots = app.snapshots();
    let mut failure = app.failure();
    let end = Instant::now() + time_limit;
    let decided = async {
        loop {
            if snapshots.changed().await.is_err() {
                return Judgement::unhealthy("the engine ended");
            }
            let judgement = judge(&snapshots.borrow_and_update());
            if judgement.is_final {
                return judgement;
            }
        }
    };
    tokio::select! {
        judgement = decided => judgement,
        () = tokio::time::sleep_until(end) => judge(&app.snapshots().borrow()).at_timeout(time_limit),
        cause = failure.wait_for(Option::is_some) => {
            let cause = cause.ok().and_then(|cause| cause.clone()).unwrap_or_default();
            Judgement::unhealthy(&cause)
        }
    }
}

/// A cluster of which no broker is known and no bootstrap name resolves: an error in the command line or the configuration.
async fn unresolvable(config: &Config, snapshot: &Snapshot) -> Option<String> {
    for (name, cluster) in &config.clusters {
        if snapshot.brokers.iter().any(|status| status.cluster.as_str() == name) {
            continue;
        }
        let mut unknown = Vec::new();
        for server in cluster.bootstrap.iter().map(ToString::to_string) {
            if let Ok(Err(error)) = timeout(RESOLVES_WITHIN, lookup_host(server.as_str())).await {
                unknown.push(format!("{server} ({error})"));
            }
        }
        if !unknown.is_empty() && unknown.len() == cluster.bootstrap.len() {
            return Some(format!("cluster {name}: no bootstrap server can be resolved: {}", unknown.join(", ")));
        }
    }
    None
}
