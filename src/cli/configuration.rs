//! `config check|print`: checks or prints the configuration without starting anything.

use crate::config::ConfigError;

use super::args::ConfigCommand;
use super::exit::{self, Exit};
use super::{load, output};

pub(super) fn configuration(command: &ConfigCommand) -> Exit {
    let answer: Result<String, ConfigError> = match command {
        ConfigCommand::Check(args) => load(&args.common).map(|loaded| loaded.summary()),
        ConfigCommand::Print(args) => load(&args.common).map(|loaded| loaded.to_toml(args.origin)),
    };
    match answer {
        Ok(text) => {
            output::print(&format!("{}\n", text.trim_end()));
            Exit::Pass
        }
        Err(error) => exit::usage(&error),
    }
}
