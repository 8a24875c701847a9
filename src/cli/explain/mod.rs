//! `explain`: asks a running prober for its active findings, and prints each with its evidence and its section of the
//! runbook, and the newest outcome of every probe at every broker. It reads two pages of the prober and makes no diagnosis of its
//! own.

mod client;
mod gaps;
mod matrix;
mod pages;
mod runbook;
mod text;
mod unknowns;

use std::io::Read;
use std::path::Path;

use console::Term;
use serde_json::Value;

use super::args::ExplainArgs;
use super::exit::{self, Exit};
use super::{load_listener, output};

use client::ClientError;
use pages::{Filter, Pages, PagesError};

/// Columns where stdout is no terminal.
const COLUMNS: usize = 100;

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Pages(#[from] PagesError),
    #[error("cannot read {from}: {error}")]
    File { from: String, error: std::io::Error },
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl ExplainError {
    /// A prober that does not answer is unhealthy. Everything else is an error in the command line.
    fn exit(&self) -> fn(&dyn std::fmt::Display) -> Exit {
        match self {
            ExplainError::Client(ClientError::NoAnswer { .. }) | ExplainError::System(_) => exit::unhealthy,
            _ => exit::usage,
        }
    }
}

pub(super) fn explain(args: &ExplainArgs) -> Exit {
    let pages = pages(args);
    // A kind that is not active is explained all the same, also while no prober answers.
    let is_active = pages.as_ref().is_ok_and(|pages| !pages.findings.is_empty());
    if let Some(kind) = args.kind.as_ref().filter(|_| !is_active && !args.json)
        && let Some(section) = runbook::section(kind, 2, columns())
    {
        output::print(&format!("{kind}, from the runbook:\n{section}\n"));
    }
    match pages {
        Ok(pages) => {
            print(args, &pages);
            pages.exit()
        }
        Err(error) => error.exit()(&error),
    }
}

fn pages(args: &ExplainArgs) -> Result<Pages, ExplainError> {
    let document: Value = match &args.from {
        Some(from) => {
            let refuse = |error| ExplainError::File { from: from.display().to_string(), error };
            pages::parsed(&saved(from).map_err(refuse)?)?
        }
        None => {
            let url = match &args.url {
                Some(url) => url.clone(),
                None => format!("http://{}", client::reachable(load_listener(&args.config)?)),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let [findings, status] = runtime.block_on(client::pages(&url))?;
            pages::document(pages::parsed(&findings)?, pages::parsed(&status)?)
        }
    };
    let filter = Filter { kind: args.kind.clone(), broker: args.broker, cluster: args.cluster.clone() };
    Ok(Pages::of(document, &filter)?)
}

/// The output of an earlier `--json`; `-` is stdin.
fn saved(from: &Path) -> std::io::Result<String> {
    if from == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(from)
}

fn print(args: &ExplainArgs, pages: &Pages) {
    if args.json {
        output::print(&format!("{:#}\n", pages.document));
        return;
    }
    let width = columns();
    output::print(&(text::findings(pages, width) + &matrix::matrix(pages, width)));
}

fn columns() -> usize {
    let terminal = Term::stdout();
    if terminal.is_term() { usize::from(terminal.size().1) } else { COLUMNS }
}
