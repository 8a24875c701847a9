//! The subcommands. Data goes to stdout, messages go to stderr, and the exit code is the answer.

pub mod args;
mod check;
mod configuration;
mod demo;
mod exit;
mod explain;
mod logging;
mod output;
mod replay;
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

/// Parses the command line, runs the subcommand, and returns the exit code.
pub fn main() -> ExitCode {
    // Usage errors end here, with exit code 2 and clap's message.
    let cli = Cli::parse();
    supervisor::log_panics();
    let exit = match &cli.command {
        Command::Run(args) => with_config(&args.common, run::run),
        Command::Check(args) => with_config(&args.common, |config| check::check(config, args.timeout, args.output)),
        Command::Explain(args) => explain::explain(args),
        Command::Replay(args) => replay::replay(args),
        Command::Demo(args) => demo::demo(args.plain),
        Command::Topics { command: TopicsCommand::Clean(args) } => with_config(&args.common, topics::clean),
        Command::Config { command } => configuration::configuration(command),
    };
    exit.into()
}

fn load(common: &CommonArgs) -> Result<Loaded, ConfigError> {
    config::load(&common.sources(config::relevant_environment(std::env::vars_os())))
}

/// The listener's address from a configuration, which need not have a cluster.
fn load_listener(files: &[PathBuf]) -> Result<SocketAddr, ConfigError> {
    let env = config::relevant_environment(std::env::vars_os());
    config::listener(&Sources { files: files.to_vec(), env, flags: Flags::default() })
}

/// Loads the configuration and starts logging, or prints one sentence why that failed.
fn with_config(common: &CommonArgs, act: impl FnOnce(Config) -> Exit) -> Exit {
    match load(common) {
        Err(error) => exit::usage(&error),
        Ok(loaded) => {
            logging::start(&loaded.config.log);
            act(loaded.config)
        }
    }
}
