//! The command line: subcommands and flags. Defaults that the configuration has are not repeated here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use prober_core::finding::FindingKind;

use crate::config::{Flags, Sources, duration_between};

/// Can I write to each Kafka broker, can I read from it, and how long does it take?
#[derive(Debug, Parser)]
#[command(
    name = "kafka-prober",
    version,
    about,
    after_help = "Exit codes: 0 pass; 1 the cluster is to blame; 2 the command line or the configuration; 3 unclear, or the \
                  prober's own permissions, credentials or network; 4 the prober is unhealthy."
)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Probe until stopped; serve /metrics and export over OTLP
    Run(RunArgs),
    /// Probe each broker a few times, and report what works and who is to blame if it does not
    Check(CheckArgs),
    /// Print the active findings of a running prober, with the evidence and what to do
    Explain(ExplainArgs),
    /// Find the findings of a recording again, with the recorded configuration or another one; probes nothing
    Replay(ReplayArgs),
    /// Probe a simulated cluster in which a broker freezes; needs no Kafka
    Demo(DemoArgs),
    /// Delete what the prober has created in the clusters
    Topics {
        /// The subcommand.
        #[command(subcommand)]
        command: TopicsCommand,
    },
    /// Check or print the configuration without starting anything
    Config {
        /// The subcommand.
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Flags of all subcommands that read the configuration.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Flags of all subcommands that read the configuration.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Time limit of the whole check
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = check_timeout())]
    pub timeout: Duration,
    /// Format of the answer on stdout
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 every enabled probe succeeds and no finding is active; 1 a finding blames the cluster; 2 the \
                  command line or the configuration; 3 unclear, not probed, or the prober's own permissions, credentials \
                  or network; 4 the prober is unhealthy, or does not answer."
)]
pub struct ExplainArgs {
    /// Only findings of this kind; prints its section of the runbook also while it is not active
    #[arg(value_name = "KIND", value_parser = finding_kind(), hide_possible_values = true)]
    pub kind: Option<String>,
    /// Only findings about this broker, and only its rows of the table
    #[arg(long, value_name = "ID")]
    pub broker: Option<i32>,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// URL of the prober [default: http.listen of the configuration]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Configuration file of the prober, .toml or .yaml, to find its http.listen
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub config: Vec<PathBuf>,
    /// Read the output of an earlier --json from a file instead of asking a prober; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "config"])]
    pub from: Option<PathBuf>,
    /// Print the prober's findings and status as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 no finding; 1 a finding blames the cluster; 2 the command line, the configuration, or a file that \
                  cannot be read; 3 unclear, or the prober's own permissions, credentials or network; 4 a finding blames the prober."
)]
pub struct ReplayArgs {
    /// Recording, from GET /api/v1/recording or from `recorder.folder`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Judge by the thresholds, objectives, partition limits and reference of this configuration file, .toml or .yaml, instead of
    /// the recorded ones; repeatable, a later file overrides an earlier one
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Format of the answer on stdout
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Print plain lines: no colours, no redrawing
    #[arg(long)]
    pub plain: bool,
}

/// `topics …`.
#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Delete the consumer groups of this vantage's commit probe
    Clean(TopicsCleanArgs),
}

/// `topics clean`.
#[derive(Debug, Args)]
pub struct TopicsCleanArgs {
    /// Flags of all subcommands that read the configuration.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report whether the configuration is valid
    Check(ConfigCheckArgs),
    /// Print the effective configuration as TOML, with secrets redacted
    Print(ConfigPrintArgs),
}

/// `config check`.
#[derive(Debug, Args)]
pub struct ConfigCheckArgs {
    /// Flags of all subcommands that read the configuration.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `config print`.
#[derive(Debug, Args)]
pub struct ConfigPrintArgs {
    /// Flags of all subcommands that read the configuration.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Print beside each value where it comes from
    #[arg(long)]
    pub origin: bool,
}

/// Format of an answer on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// Flags of all subcommands that read the configuration. They override every other layer; their values are checked by [`config::load`](crate::config::load).
#[derive(Debug, Clone, Default, Args)]
pub struct CommonArgs {
    /// Kafka servers to connect to first, separated by commas
    #[arg(long = "bootstrap-server", visible_alias = "bootstrap", value_name = "HOST:PORT,…")]
    pub bootstrap: Option<String>,
    /// Name of the cluster at --bootstrap-server [default: default]; without --bootstrap-server, the only
    /// cluster of the configuration to probe
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Name of the place that this prober runs at, a label of every metric
    #[arg(long, value_name = "NAME")]
    pub vantage: Option<String>,
    /// IP address and port of the HTTP listener
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Configuration file, .toml or .yaml; repeatable, a later file overrides an earlier one
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Log level: error, warn, info, debug, trace, off, or a filter such as info,kafka_prober=debug
    #[arg(long, value_name = "FILTER")]
    pub log_level: Option<String>,
    /// Log format: auto (text on a terminal, JSON otherwise), text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl CommonArgs {
    /// All sources of the configuration; `env` as
    /// [`relevant_environment`](crate::config::relevant_environment) gives it.
    #[must_use]
    pub fn sources(&self, env: BTreeMap<String, String>) -> Sources {
        Sources { files: self.config.clone(), env, flags: Flags::from(self) }
    }
}

impl From<&CommonArgs> for Flags {
    fn from(args: &CommonArgs) -> Self {
        Self {
            bootstrap: args.bootstrap.clone(),
            cluster: args.cluster.clone(),
            vantage: args.vantage.clone(),
            listen: args.listen.clone(),
            log_level: args.log_level.clone(),
            log_format: args.log_format.clone(),
        }
    }
}

fn check_timeout() -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    duration_between(Duration::from_secs(1), Duration::from_secs(3600))
}

fn finding_kind() -> PossibleValuesParser {
    PossibleValuesParser::new(FindingKind::ALL.map(FindingKind::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_flags_override_every_other_layer() {
        let line = "kafka-prober run --bootstrap-server a:1,b:2 --cluster prod --vantage v --listen [::]:1 \
                    --config a.toml --config b.yaml --log-level debug --log-format json";
        let Command::Run(RunArgs { common }) = parse(line).expect("valid").command else {
            unreachable!("the subcommand is run");
        };
        let sources = common.sources(BTreeMap::new());
        assert_eq!(sources.files, ["a.toml", "b.yaml"].map(PathBuf::from));
        let given = Flags {
            bootstrap: Some("a:1,b:2".to_owned()),
            cluster: Some("prod".to_owned()),
            vantage: Some("v".to_owned()),
            listen: Some("[::]:1".to_owned()),
            log_level: Some("debug".to_owned()),
            log_format: Some("json".to_owned()),
        };
        assert_eq!(sources.flags, given);
    }

    #[test]
    fn bootstrap_is_an_alias_of_bootstrap_server() {
        let Command::Check(args) = parse("kafka-prober check --bootstrap a:1").expect("valid").command else {
            unreachable!("the subcommand is check");
        };
        assert_eq!(args.common.bootstrap.as_deref(), Some("a:1"));
    }

    #[test]
    fn check_has_a_time_limit_and_a_format() {
        let Command::Check(args) = parse("kafka-prober check").expect("valid").command else {
            unreachable!("the subcommand is check");
        };
        assert_eq!(args.timeout, Duration::from_secs(30));
        assert_eq!(args.output, Output::Text);
        let line = "kafka-prober check --timeout 5s --output json";
        let Command::Check(args) = parse(line).expect("valid").command else {
            unreachable!("the subcommand is check");
        };
        assert_eq!(args.timeout, Duration::from_secs(5));
        assert_eq!(args.output, Output::Json);
    }

    #[test]
    fn explain_takes_a_kind_a_broker_and_a_url() {
        let line = "kafka-prober explain broker_frozen --broker 2 --url http://a:1 --json";
        let Command::Explain(args) = parse(line).expect("valid").command else {
            unreachable!("the subcommand is explain")
        };
        assert_eq!((args.kind.as_deref(), args.broker, args.json), (Some("broker_frozen"), Some(2), true));
        assert_eq!(args.url.as_deref(), Some("http://a:1"));
    }

    #[test]
    fn replay_takes_a_file_and_configurations() {
        let line = "kafka-prober replay a.jsonl.gz --config a.toml --config b.yaml --output json";
        let Command::Replay(args) = parse(line).expect("valid").command else {
            unreachable!("the subcommand is replay")
        };
        assert_eq!((args.file, args.output), (PathBuf::from("a.jsonl.gz"), Output::Json));
        assert_eq!(args.config, ["a.toml", "b.yaml"].map(PathBuf::from));
    }

    #[test]
    fn topics_clean_reads_the_configuration() {
        let line = "kafka-prober topics clean --bootstrap-server a:1 --vantage v";
        let Command::Topics { command: TopicsCommand::Clean(args) } = parse(line).expect("valid").command else {
            unreachable!("the subcommand is topics clean");
        };
        assert_eq!(args.common.vantage.as_deref(), Some("v"));
    }

    #[test]
    fn config_print_can_show_origins() {
        let line = "kafka-prober config print --origin --bootstrap-server a:1";
        let Command::Config { command: ConfigCommand::Print(args) } = parse(line).expect("valid").command else {
            unreachable!("the subcommand is config print");
        };
        assert!(args.origin);
    }

    #[test]
    fn bad_usage_exits_2() {
        for line in [
            "kafka-prober",
            "kafka-prober walk",
            "kafka-prober run --bootstrp a:1",
            "kafka-prober check --timeout soon",
            "kafka-prober check --output xml",
            "kafka-prober demo --bootstrap-server a:1",
            "kafka-prober explain broker_sad",
            "kafka-prober explain --from kept.json --url http://a:1",
            "kafka-prober replay",
            "kafka-prober replay a b",
            "kafka-prober topics --bootstrap-server a:1",
            "kafka-prober config print --bootstrap-server a:1 --bootstrap-server b:2",
        ] {
            let error = parse(line).expect_err("invalid");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn version_and_help_exit_0() {
        let version = parse("kafka-prober --version").expect_err("it ends the program");
        assert_eq!(version.kind(), ErrorKind::DisplayVersion);
        assert_eq!(version.exit_code(), 0);
        let help = parse("kafka-prober check --help").expect_err("it ends the program");
        assert_eq!(help.exit_code(), 0);
        assert!(help.to_string().contains("Time limit of the whole check"));
    }
}
