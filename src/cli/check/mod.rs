//! `check`: probes every broker a few times and says what works. The same app as `run`, on a quicker schedule.

mod judgement;
mod report;

use std::time::Duration;

use tokio::time::Instant;

use crate::app::{App, Parts};
use crate::config::Config;

use super::args::Output;
use super::exit::{self, Exit};

use judgement::{Judgement, judge};

/// Quick, and still far from a load.
const INTERVAL: Duration = Duration::from_millis(100);

#[expect(clippy::disallowed_methods, reason = "limits how long a check may take")]
pub(super) fn check(mut config: Config, timeout: Duration, output: Output) -> Exit {
    for lane in [&mut config.lanes.pinned, &mut config.lanes.replicated.lane] {
        lane.interval = lane.interval.min(INTERVAL);
    }
    let probes = &mut config.probes;
    for probe in [&mut probes.fetch, &mut probes.metadata, &mut probes.connect] {
        probe.interval = probe.interval.min(INTERVAL);
    }
    // These speak for no broker, and a check shall end soon.
    for probe in [&mut probes.commit, &mut probes.transaction, &mut probes.controller.probe] {
        probe.enabled = false;
    }
    // What it would tell is not asked here, and costs a large cluster something.
    config.observation.enabled = false;
    let app = match App::start(&config, Parts { http: false, otlp: false }) {
        Ok(app) => app,
        Err(error) => return exit::usage(&error),
    };
    let mut snapshots = app.snapshots();
    let mut failure = app.failure();
    let judgement = app.block_on(async {
        let end = Instant::now() + timeout;
        let decided = async {
            loop {
                if snapshots.changed().await.is_err() {
                    return Judgement::unhealthy("the engine ended");
                }
                let judgement = judge(&snapshots.borrow_and_update());
                if judgement.is_final() {
                    return judgement;
                }
            }
        };
        tokio::select! {
            judgement = decided => Some(judgement),
            () = tokio::time::sleep_until(end) => None,
            cause = failure.wait_for(Option::is_some) => {
                let cause = cause.ok().and_then(|cause| cause.clone()).unwrap_or_default();
                Some(Judgement::unhealthy(&cause))
            }
        }
    });
    // Attempts that were still on the way are void in the last snapshot: the judgement is from before the end.
    let judgement = judgement.unwrap_or_else(|| judge(&app.snapshots().borrow()).at_timeout(timeout));
    app.stop();
    report::print(&judgement, output);
    judgement.exit
}
