//! `demo`: probes a cluster that lives in this process, freezes one of its brokers, lets another lead for it, heals it,
//! and shows what both views say meanwhile. Needs no Kafka; takes less than a minute.

mod board;
mod ending;
#[cfg(test)]
mod fixture;
mod rows;
mod story;
mod view;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use prober_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::app::{App, Parts};
use crate::config::{self, Config, ConfigError, Flags, LogFormat, Sources, UpkeepMode};
use crate::kafka::mock::{Mock, MockError};

use super::exit::{self, Exit};
use super::logging;

use ending::conclude;
use story::{Act, BROKERS, Chapter, FROZEN, STORY};
use view::View;
use witness::Witness;

/// The monitor topics, named as by default.
const PINNED: &str = "kafka-prober-pinned";
const REPLICATED: &str = "kafka-prober-replicated";

/// The partition of [`REPLICATED`] that prefers the broker that freezes: the mock gives the i-th to its i-th broker.
const PARTITION: i32 = FROZEN.0 - 1;

/// A frozen broker's answers take so long.
const FROZEN_FOR: Duration = Duration::from_secs(60);

/// The mock's fetch sleeps its whole wait, so the wait is the latency.
const FETCH_MAX_WAIT: Duration = Duration::from_millis(10);

/// Shorter than by default, so that a minute is enough to see deadlines pass and a broker recover.
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
    let mut stage = Stage { snapshots: app.snapshots(), witness: Witness::default(), view: View::new(plain) };
    for (number, chapter) in (1..).zip(STORY) {
        stage.open(number, chapter);
        if let Err(error) = act(&mock, &chapter.act) {
            return exit::usage(&format!("the simulated cluster does not obey: {error}"));
        }
        app.block_on(stage.play(chapter));
    }
    let last = app.stop();
    let (exit, words) = conclude(&stage.witness, &last);
    stage.view.conclude(&words);
    exit
}

fn act(mock: &Mock, act: &Act) -> Result<(), MockError> {
    match act {
        Act::Nothing => Ok(()),
        Act::Freeze => mock.delay(FROZEN.0, FROZEN_FOR),
        Act::Restart => mock.restart(FROZEN.0),
        Act::Lead(broker) => mock.lead(REPLICATED, PARTITION, broker.0),
    }
}

/// Where the story is watched and shown.
struct Stage {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    witness: Witness,
    view: View,
}

impl Stage {
    fn open(&mut self, number: usize, chapter: &Chapter) {
        self.look();
        self.witness.chapter();
        self.view.announce(self.witness.elapsed(), number, chapter.words);
    }

    /// Shows every snapshot until the chapter is over.
    async fn play(&mut self, chapter: &Chapter) {
        let mut end = Instant::now() + chapter.at_most;
        let mut seen = false;
        // No more snapshots would mean that the engine is gone; the ending then says what is missing.
        while let Ok(Ok(())) = timeout_at(end, self.snapshots.changed()).await {
            self.look();
            if !seen && chapter.is_seen(&self.witness) {
                seen = true;
                end = end.min(Instant::now() + chapter.stays);
            }
        }
        let newest = self.snapshots.borrow().clone();
        self.view.chapter_ends(&newest);
    }

    fn look(&mut self) {
        let newest = self.snapshots.borrow_and_update().clone();
        for (condition, words) in self.witness.see(&newest) {
            self.view.note(self.witness.elapsed(), condition, &words);
        }
        self.view.draw(&newest, &self.witness);
    }
}

/// The defaults, pointed at the mock and quickened.
fn demo_config(mock: &Mock) -> Result<Config, ConfigError> {
    let bootstrap = Some(mock.bootstrap().join(","));
    let level = Some("off".to_owned());
    let flags = Flags { bootstrap, cluster: Some("demo".into()), log_level: level, ..Flags::default() };
    let mut config = config::load(&Sources { flags, ..Sources::default() })?.config;
    for lane in [&mut config.lanes.pinned, &mut config.lanes.replicated.lane] {
        lane.fetch_max_wait = FETCH_MAX_WAIT;
        lane.interval = INTERVAL;
    }
    config.probes.produce.deadline = DEADLINE;
    config.probes.produce.threshold = THRESHOLD;
    for follows in [&mut config.probes.consume, &mut config.probes.end_to_end] {
        follows.deadline = DEADLINE;
        follows.threshold = THRESHOLD;
    }
    // Two lanes tell this story, and the diagnosis, which wants a look at a suspect: it shares the way of the metadata probe.
    // The simulated cluster has no controller, and no coordinators.
    let probes = &mut config.probes;
    for direct in [&mut probes.fetch, &mut probes.connect, &mut probes.commit, &mut probes.transaction] {
        direct.enabled = false;
    }
    probes.controller.probe.enabled = false;
    config.observation.enabled = false;
    config.upkeep.mode = UpkeepMode::Off;
    config.log.format = LogFormat::Text;
    Ok(config)
}
