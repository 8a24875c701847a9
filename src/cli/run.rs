//! `run`: probes until SIGTERM or SIGINT, which ends it within 5 s even if something hangs; a second signal ends it at once.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, Parts};
use crate::config::Config;

use super::exit::{self, Exit};

/// Exit code of a process that SIGTERM ended, as shells report it.
const TERMINATED: i32 = 128 + 15;

pub(super) fn run(config: Config) -> Exit {
    let app = match App::start(&config, Parts { http: true, otlp: true }) {
        Ok(app) => app,
        Err(error) => return exit::usage(&error),
    };
    let mut failure = app.failure();
    let exit = app.block_on(async {
        let Ok(mut signals) = Signals::new() else { return Exit::Unhealthy };
        let stopped = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                Exit::Pass
            }
            _ = failure.wait_for(Option::is_some) => Exit::Unhealthy,
        };
        tokio::spawn(async move {
            signals.next().await;
            process::exit(TERMINATED);
        });
        stopped
    });
    let last = app.stop();
    let in_flight: u64 = last.series.iter().map(|row| row.counts.in_flight()).sum();
    tracing::info!(in_flight, "stopped");
    exit
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
