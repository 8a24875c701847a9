//! `demo`: probes a simulated cluster in this process, freezes one of its brokers, moves its leadership to another, restarts it,
//! and shows both views. Needs no Kafka; takes less than a minute.

mod brokers;
mod dashboard;
#[cfg(test)]
mod fixture;
mod observer;
mod rows;
mod script;
mod summary;
mod terminal;

use std::sync::Arc;
use std::time::Duration;

use prober_core::placement::Mode;
use prober_core::probe::{Probe, Source};
use prober_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::app::{App, Parts};
use crate::config::{self, Config, ConfigError, Flags, LogFormat, Sources};
use crate::kafka::mock::{Mock, MockError};

use super::exit::{self, Exit};
use super::logging;

use brokers::{BROKERS, FROZEN, PARTITION};
use observer::Observer;
use script::{Action, SCRIPT, Step};
use summary::conclude;
use terminal::Terminal;

/// The monitor topics, named as by default.
const PINNED: &str = "__kafka-prober-pinned";
const REPLICATED: &str = "__kafka-prober-replicated";

/// Response time of the frozen broker; longer than the demo.
const FROZEN_FOR: Duration = Duration::from_secs(60);

/// The mock's fetch always waits this long, so it is the latency of a read.
const FETCH_MAX_WAIT: Duration = Duration::from_millis(10);

/// Shorter than by default, so that deadlines pass and a broker recovers within a minute.
const DEADLINE: Duration = Duration::from_secs(2);
const THRESHOLD: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn demo(plain: bool) -> Exit {
    let mock = match Mock::start(BROKERS, PINNED, REPLICATED) {
        Ok(mock) => mock,
        Err(error) => return exit::usage(&format!("cannot start the simulated cluster: {error}")),
    };
    let config = match demo_config(&mock) {
        Ok(config) => config,
        Err(error) => return exit::usage(&error),
    };
    logging::start(&config.log);
    let app = match App::start(&config, Parts { http: false, otlp: false }) {
        Ok(app) => app,
        Err(error) => return exit::usage(&error),
    };
    let mut player =
        Player { snapshots: app.snapshots(), observer: Observer::default(), terminal: Terminal::new(plain) };
    for (number, step) in (1..).zip(SCRIPT) {
        player.open(number, step);
        if let Err(error) = perform(&mock, &step.action) {
            return exit::usage(&format!("cannot control the simulated cluster: {error}"));
        }
        app.block_on(player.play(step));
    }
    let last = app.stop();
    let (exit, sentences) = conclude(&player.observer, &last);
    player.terminal.conclude(&sentences);
    exit
}

fn perform(mock: &Mock, action: &Action) -> Result<(), MockError> {
    match action {
        Action::Nothing => Ok(()),
        Action::Freeze => mock.delay(FROZEN.0, FROZEN_FOR),
        Action::Restart => mock.restart(FROZEN.0),
        Action::Lead(broker) => mock.lead(REPLICATED, PARTITION, broker.0),
    }
}

/// Runs the steps: observes every snapshot and shows it.
struct Player {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    observer: Observer,
    terminal: Terminal,
}

impl Player {
    fn open(&mut self, number: usize, step: &Step) {
        self.refresh();
        self.observer.step();
        self.terminal.announce(self.observer.elapsed(), number, step.announcement);
    }

    /// Shows every snapshot until the step is over.
    #[expect(clippy::disallowed_methods, reason = "limits how long a step may take")]
    async fn play(&mut self, step: &Step) {
        let mut end = Instant::now() + step.at_most;
        let mut has_effect = false;
        // If the engine is gone there are no more snapshots; the summary then fails.
        while let Ok(Ok(())) = timeout_at(end, self.snapshots.changed()).await {
            self.refresh();
            if !has_effect && step.is_effect_observed(&self.observer) {
                has_effect = true;
                end = end.min(Instant::now() + step.stays);
            }
        }
        let newest = self.snapshots.borrow().clone();
        self.terminal.step_ends(&newest);
    }

    fn refresh(&mut self) {
        let newest = self.snapshots.borrow_and_update().clone();
        for (condition, sentence) in self.observer.observe(&newest) {
            self.terminal.note(self.observer.elapsed(), condition, &sentence);
        }
        self.terminal.draw(&newest, &self.observer);
    }
}

/// The default configuration for the mock, with shorter times.
fn demo_config(mock: &Mock) -> Result<Config, ConfigError> {
    let bootstrap = Some(mock.bootstrap().join(","));
    let level = Some("off".to_owned());
    let flags = Flags { bootstrap, cluster: Some("demo".into()), log_level: level, ..Flags::default() };
    let mut config = config::load(&Sources { flags, ..Sources::default() })?.config;
    let lanes = &mut config.lanes;
    (lanes.pinned.interval, lanes.replicated.interval) = (INTERVAL, INTERVAL);
    (lanes.pinned.fetch_max_wait, lanes.replicated.fetch_max_wait) = (FETCH_MAX_WAIT, FETCH_MAX_WAIT);
    for (probe, settings) in &mut config.probes {
        match probe.spec().source {
            Source::Record => (settings.deadline, settings.threshold) = (DEADLINE, THRESHOLD),
            // The demo shows the two lanes and the diagnosis, whose connect checks need the metadata probe. The simulated
            // cluster has no controller and no coordinators.
            Source::Direct => settings.enabled = Some(*probe == Probe::Metadata),
        }
    }
    config.observation.enabled = false;
    config.upkeep.mode = Mode::Off;
    config.log.format = LogFormat::Text;
    Ok(config)
}
