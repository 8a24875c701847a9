//! What can be typed: subcommands and flags, without a default that the config file has.

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
    after_help = "Exit codes: 0 pass, 1 the cluster is at fault, 2 usage or config, \
                  3 inconclusive, 4 the prober is unhealthy."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Probe until stopped; serve /metrics and export over OTLP
    Run(RunArgs),
    /// Probe each broker once and say what works
    Check(CheckArgs),
    /// Ask a running prober what is wrong, with the evidence
    Explain(ExplainArgs),
    /// Show it at work on a simulated cluster; needs no Kafka
    Demo(DemoArgs),
    /// Look after what the prober keeps in the clusters
    Topics {
        /// What to do with it.
        #[command(subcommand)]
        command: TopicsCommand,
    },
    /// Look at the configuration without starting anything
    Config {
        /// What to do with it.
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
    /// Longest time for the whole check
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = check_timeout())]
    pub timeout: Duration,
    /// Form of the answer on stdout
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub output: Output,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing stands, 1 a finding blames the cluster, 2 usage or config, 3 it is unclear whom \
                  to blame or too early to say, 4 a finding blames the prober, or none answers."
)]
pub struct ExplainArgs {
    /// Only findings of this kind
    #[arg(value_name = "KIND", value_parser = finding_kind(), hide_possible_values = true)]
    pub kind: Option<String>,
    /// Only findings about this broker, and its rows of the table
    #[arg(long, value_name = "ID")]
    pub broker: Option<i32>,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Where the prober listens [default: http.listen of the configuration]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Configuration file of that prober, .toml or .yaml, for its http.listen
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub config: Vec<PathBuf>,
    /// Explain what --json has printed earlier instead of asking; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "config"])]
    pub from: Option<PathBuf>,
    /// Print what the prober says as one JSON document
    #[arg(long)]
    pub json: bool,
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
    /// Delete the consumer groups that the commit probe of this vantage has made
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
    /// Say whether the configuration is usable
    Check(ConfigCheckArgs),
    /// Print the configuration in force as TOML, secrets hidden
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
    /// Say beside each value where it came from
    #[arg(long)]
    pub origin: bool,
}

/// The form of an answer on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// Flags of all subcommands that read the configuration. They are the highest layer; their
/// values are checked by [`config::load`](crate::config::load).
#[derive(Debug, Clone, Default, Args)]
pub struct CommonArgs {
    /// Kafka servers to connect to first, separated by commas
    #[arg(long = "bootstrap-server", visible_alias = "bootstrap", value_name = "HOST:PORT,…")]
    pub bootstrap: Option<String>,
    /// Name of the cluster that --bootstrap-server gives [default: default]; without --bootstrap-server,
    /// the one cluster of the configuration to use
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Where this prober stands, as it shall appear on the metrics
    #[arg(long, value_name = "NAME")]
    pub vantage: Option<String>,
    /// IP address and port of the HTTP listener
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Configuration file, .toml or .yaml; of several, the later goes before the earlier
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// error, warn, info, debug, trace, off, or a filter such as info,kafka_prober=debug
    #[arg(long, value_name = "FILTER")]
    pub log_level: Option<String>,
    /// auto (text on a terminal, JSON otherwise), text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl CommonArgs {
    /// All that the configuration is loaded from; `env` as
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
    fn common_flags_become_the_highest_layer() {
        let line = "kafka-prober run --bootstrap-server a:1,b:2 --cluster prod --vantage v --listen [::]:1 \
                    --config a.toml --config b.yaml --log-level debug --log-format json";
        let Command::Run(RunArgs { common }) = parse(line).expect("valid").command else {
            unreachable!("it says run");
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
    fn check_has_a_time_limit_and_a_form() {
        let Command::Check(args) = parse("kafka-prober check").expect("valid").command else {
            unreachable!("it says check");
        };
        assert_eq!(args.timeout, Duration::from_secs(30));
        assert_eq!(args.output, Output::Text);
        let line = "kafka-prober check --timeout 5s --output json";
        let Command::Check(args) = parse(line).expect("valid").command else {
            unreachable!("it says check");
        };
        assert_eq!(args.timeout, Duration::from_secs(5));
        assert_eq!(args.output, Output::Json);
    }

    #[test]
    fn explain_takes_a_kind_a_broker_and_where_to_ask() {
        let line = "kafka-prober explain broker_frozen --broker 2 --url http://a:1 --json";
        let Command::Explain(args) = parse(line).expect("valid").command else { unreachable!("it says explain") };
        assert_eq!((args.kind.as_deref(), args.broker, args.json), (Some("broker_frozen"), Some(2), true));
        assert_eq!(args.url.as_deref(), Some("http://a:1"));
    }

    #[test]
    fn topics_clean_reads_the_configuration_as_the_others_do() {
        let line = "kafka-prober topics clean --bootstrap-server a:1 --vantage v";
        let Command::Topics { command: TopicsCommand::Clean(args) } = parse(line).expect("valid").command else {
            unreachable!("it says topics clean");
        };
        assert_eq!(args.common.vantage.as_deref(), Some("v"));
    }

    #[test]
    fn config_print_can_show_origins() {
        let line = "kafka-prober config print --origin --bootstrap-server a:1";
        let Command::Config { command: ConfigCommand::Print(args) } = parse(line).expect("valid").command else {
            unreachable!("it says config print");
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
            "kafka-prober topics --bootstrap-server a:1",
            "kafka-prober config print --bootstrap-server a:1 --bootstrap-server b:2",
        ] {
            let error = parse(line).expect_err("invalid");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn version_and_help_are_no_errors() {
        let version = parse("kafka-prober --version").expect_err("it ends the program");
        assert_eq!(version.kind(), ErrorKind::DisplayVersion);
        assert_eq!(version.exit_code(), 0);
        let help = parse("kafka-prober check --help").expect_err("it ends the program");
        assert_eq!(help.exit_code(), 0);
        assert!(help.to_string().contains("Longest time for the whole check"));
    }
}
