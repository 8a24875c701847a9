//! The subcommands. stdout is data, stderr is talk, and the exit code is the answer.

pub mod args;
mod check;
mod configuration;
mod demo;
mod exit;
mod explain;
mod logging;
mod output;
mod run;
mod table;
mod topics;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::config::{self, Config, ConfigError, Flags, Loaded, Sources};
use crate::supervisor;

use args::{Cli, Command, CommonArgs, TopicsCommand};
use exit::Exit;

/// Parses the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    // Usage errors end here, with exit code 2 and clap's own sentence.
    let cli = Cli::parse();
    supervisor::log_panics();
    let exit = match &cli.command {
        Command::Run(args) => with_config(&args.common, run::run),
        Command::Check(args) => with_config(&args.common, |config| check::check(config, args.timeout, args.output)),
        Command::Explain(args) => explain::explain(args),
        Command::Demo(args) => demo::demo(args.plain),
        Command::Topics { command: TopicsCommand::Clean(args) } => with_config(&args.common, topics::clean),
        Command::Config { command } => configuration::configuration(command),
    };
    exit.into()
}

fn load(common: &CommonArgs) -> Result<Loaded, ConfigError> {
    config::load(&common.sources(config::relevant_environment(std::env::vars_os())))
}

/// Where the prober of that configuration listens; it need not name a cluster.
fn load_listener(files: &[PathBuf]) -> Result<SocketAddr, ConfigError> {
    let env = config::relevant_environment(std::env::vars_os());
    config::listener(&Sources { files: files.to_vec(), env, flags: Flags::default() })
}

/// Loads the configuration and settles logging, or says in one sentence why not.
fn with_config(common: &CommonArgs, act: impl FnOnce(Config) -> Exit) -> Exit {
    match load(common) {
        Err(error) => exit::usage(&error),
        Ok(loaded) => {
            logging::start(&loaded.config.log);
            act(loaded.config)
        }
    }
}
