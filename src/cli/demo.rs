//! `demo`: probes a cluster that lives in this process, freezes one of its brokers, heals it, and shows what the prober
//! says meanwhile. Needs no Kafka; takes half a minute.

mod story;
mod view;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use prober_core::snapshot::Snapshot;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::{App, Parts};
use crate::config::{self, Config, ConfigError, Flags, LogFormat, Sources, UpkeepMode};
use crate::kafka::mock::Mock;

use super::exit::{self, Exit};
use super::logging;

use story::{BROKERS, Chapter, FROZEN_BROKER, STORY, conclude};
use view::View;

/// The monitor topics, named as by default.
const PINNED: &str = "kafka-prober-pinned";
const REPLICATED: &str = "kafka-prober-replicated";

/// A frozen broker's answers take so long.
const FROZEN_FOR: Duration = Duration::from_secs(60);

/// The mock's fetch sleeps its whole wait, so the wait is the latency.
const FETCH_MAX_WAIT: Duration = Duration::from_millis(10);

/// Shorter than by default, so that half a minute is enough to see a deadline pass and a broker recover.
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
    let live = !plain && std::io::stdout().is_terminal();
    let mut view = View::new(live);
    let mut marks = Vec::new();
    for chapter in STORY {
        view.announce(chapter.words);
        marks.push(app.snapshots().borrow().clone());
        if let Some(delay) = chapter.delay(FROZEN_FOR)
            && let Err(error) = mock.delay(FROZEN_BROKER, delay)
        {
            return exit::usage(&format!("the simulated broker does not obey: {error}"));
        }
        app.block_on(watch_chapter(chapter, app.snapshots(), &mut view));
    }
    let last = app.stop();
    view.table(&last);
    let (exit, words) = conclude(&marks, &last);
    view.say(&words);
    exit
}

/// Draws the newest snapshot, again and again, until the chapter is over.
async fn watch_chapter(chapter: &Chapter, snapshots: watch::Receiver<Arc<Snapshot>>, view: &mut View) {
    let end = Instant::now() + chapter.length;
    while Instant::now() < end {
        tokio::time::sleep_until(end.min(Instant::now() + view.draws_every())).await;
        let snapshot = snapshots.borrow().clone();
        view.draw(&snapshot);
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
    config.upkeep.mode = UpkeepMode::Off;
    config.log.format = LogFormat::Text;
    Ok(config)
}
