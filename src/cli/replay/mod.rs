//! `replay`: judge, ledger and diagnosis over a recording, with the recorded configuration or another one. It probes nothing.

mod report;

use prober_core::diagnosis::recording::Header;
use prober_core::diagnosis::recording::replay::{Overrides, Replay, Replayed};
use prober_core::finding::Finding;

use crate::app;
use crate::config::{self, ConfigError, Sources};
use crate::recording::file::{ReadError, Reader};

use super::args::{Output, ReplayArgs};
use super::exit::{self, Exit, Responsible, exit_for};
use super::output;

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What was replayed, and over what.
struct Report {
    header: Header,
    replayed: Replayed,
    /// Lines of a newer prober that were left out.
    skipped: u64,
    has_other_configuration: bool,
}

pub(super) fn replay(args: &ReplayArgs) -> Exit {
    match replayed(args) {
        Ok(report) => {
            output::print(&match args.output {
                Output::Text => report::text(&report),
                Output::Json => format!("{:#}\n", report::json(&report)),
            });
            exit(&report)
        }
        Err(error) => exit::usage(&error),
    }
}

fn replayed(args: &ReplayArgs) -> Result<Report, ReplayError> {
    let overrides = if args.config.is_empty() { None } else { Some(overrides(args)?) };
    let mut reader = Reader::open(&args.file)?;
    let header = reader.header().clone();
    let has_other_configuration = overrides.is_some();
    let mut replay = Replay::new(&header, overrides);
    while let Some(line) = reader.next_line()? {
        replay.take(line);
    }
    Ok(Report { header, replayed: replay.end(), skipped: reader.skipped(), has_other_configuration })
}

fn overrides(args: &ReplayArgs) -> Result<Overrides, ConfigError> {
    let env = config::relevant_environment(std::env::vars_os());
    let sources = Sources { files: args.config.clone(), env, ..Sources::default() };
    config::load_without_cluster(&sources).map(|config| app::overrides(&config))
}

/// As `explain` would have ended: by the findings of the whole recording.
fn exit(report: &Report) -> Exit {
    let of = |finding: &Finding| Responsible::for_finding(finding.kind.as_str(), finding.blame.as_str());
    exit_for(report.replayed.episodes.iter().filter_map(|episode| of(&episode.finding)))
}
