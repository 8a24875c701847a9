//! Defaults, files, environment, flags: each layer over the one below.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_prober::config::{self, Compression, DEFAULTS, Flags, LogFormat, Origin, Protocol, RequiredAcks, Sources};

use prober_core::ids::{Lane, Probe, View};
use prober_core::metric::Level;
use prober_core::placement::Mode;

use super::{
    bootstrap, env, env_is_refused, file_is_refused, files, flags_are_refused, loaded, names, refused, servers,
};

// The defaults.

#[test]
fn defaults_and_bootstrap_alone_load() {
    let loaded = loaded(&env(&[]));
    let config = &loaded.config;
    assert_eq!(servers(&loaded, "default"), ["localhost:9092"]);
    assert_eq!(config.vantage, "default");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9464");
    assert!(config.lanes.pinned.enabled);
    assert_eq!(config.topics.of_lane(Lane::Pinned), "__kafka-prober-pinned");
    assert_eq!(config.topics.of_lane(Lane::Replicated), "__kafka-prober-replicated");
    assert_eq!(config.topics.canary(), "__kafka-prober-canary");
    assert_eq!(config.namespace(), "__kafka-prober-default");
    assert_eq!(config.metrics.level, Level::Standard);
    assert_eq!(config.lanes.pinned.fetch_max_wait, Duration::from_millis(500));
    assert_eq!(config.lanes.pinned.record_size, 128);
    assert_eq!(config.lanes.pinned.interval, Duration::from_millis(200));
    assert_eq!(config.lanes.replicated.interval, Duration::from_millis(500));
    assert_eq!(config.lanes.replicated.acks, Some(RequiredAcks::All));
    assert_eq!(config.probes[&Probe::Consume].deadline, Duration::from_secs(5));
    assert_eq!(config.probes[&Probe::EndToEnd].threshold, Duration::from_secs(1));
    assert_eq!(config.upkeep.mode, Mode::Create);
    let of_a_view = ["consume", "end_to_end", "produce"];
    let expected: Vec<_> = ["broker", "client"].iter().flat_map(|v| of_a_view.map(|p| format!("{v}_{p}"))).collect();
    assert_eq!(names(&config.objectives), expected);
    assert_eq!(config.objectives["broker_produce"].threshold, None);
    assert_eq!(config.objectives["broker_end_to_end"].target, 0.99);
    assert_eq!(config.otlp.endpoint, None);
    assert_eq!(config.otlp.protocol, Protocol::Grpc);
    assert_eq!(config.otlp.compression, Compression::None);
    assert_eq!(config.log.level, "info");
    assert_eq!(config.log.format, LogFormat::Auto);
}

#[test]
fn every_probe_has_a_table_and_a_direct_one_has_a_schedule_in_it() {
    let probes = loaded(&env(&[])).config.probes;
    assert!(probes.keys().eq(&Probe::ALL));
    for (probe, settings) in probes {
        let is_direct = Probe::DIRECT.contains(&probe);
        let has = (settings.enabled.is_some(), settings.interval.is_some());
        assert_eq!(has, (is_direct, is_direct), "{}", probe.as_str());
    }
}

#[test]
fn every_default_has_a_comment_above_it() {
    let mut above = "";
    let mut keys = 0;
    for line in DEFAULTS.lines() {
        if line.contains('=') && !line.starts_with('#') {
            keys += 1;
            assert!(above.starts_with("# "), "no comment above: {line}");
        }
        above = line;
    }
    assert!(keys > 25, "found only {keys} keys");
}

#[test]
fn every_key_in_force_stands_in_the_defaults_or_is_the_cluster() {
    let all = loaded(&env(&[]));
    let from_default: BTreeSet<_> =
        all.origins.iter().filter(|(_, origin)| **origin == Origin::Default).map(|(key, _)| key.as_str()).collect();
    let printed = printed_keys(&all.to_toml(false));
    let others: Vec<_> = printed.iter().filter(|key| !from_default.contains(key.as_str())).collect();
    assert_eq!(others, ["clusters.default.bootstrap"]);
    assert_eq!(from_default.len() + 1, printed.len(), "a default is not printed");
}

fn printed_keys(toml: &str) -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.replace(']', ".");
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.push(format!("{table}{key}"));
        }
    }
    keys
}

// The layers.

#[test]
fn toml_and_yaml_say_the_same() {
    let toml = loaded(&files(&["full.toml"])).config;
    assert_eq!(toml, loaded(&files(&["full.yaml"])).config);
    assert_eq!(toml.vantage, "office");
    assert_eq!(toml.lanes.replicated.interval, Duration::from_secs(90));
    let objective = &toml.objectives["fast_produce"];
    assert_eq!(objective.view, View::Client);
    assert_eq!(objective.probe, Probe::Produce);
    assert_eq!(objective.threshold, Some(Duration::from_millis(250)));
    assert_eq!(toml.clusters["prod"].bootstrap[1].to_string(), "[2001:db8::1]:9093");
}

#[test]
fn a_later_file_replaces_single_keys_of_an_earlier_one() {
    let loaded = loaded(&files(&["full.toml", "second.yml"]));
    assert_eq!(loaded.config.vantage, "laptop");
    assert_eq!(loaded.config.upkeep.mode, Mode::Off);
    assert_eq!(servers(&loaded, "dev"), ["localhost:19092"]);
    assert_eq!(servers(&loaded, "prod"), ["kafka-1:9092", "[2001:db8::1]:9093"]);
}

#[test]
fn each_layer_goes_before_the_one_below() {
    let mut sources = files(&["secret.toml"]);
    let endpoint = |sources: &Sources| {
        let loaded = loaded(sources);
        let origin = loaded.origins["otlp.endpoint"].to_string();
        (loaded.config.otlp.endpoint.expect("it is on"), origin)
    };
    let otel = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4317");
    sources.env.insert(otel.0.to_owned(), otel.1.to_owned());
    let (url, origin) = endpoint(&sources);
    assert_eq!(url, "http://collector:4317", "a file is above OTEL_*");
    assert!(origin.ends_with("secret.toml"));

    let ours = "KAFKA_PROBER__OTLP__ENDPOINT";
    sources.env.insert(ours.to_owned(), "http://env:4317".to_owned());
    assert_eq!(endpoint(&sources), ("http://env:4317".to_owned(), ours.to_owned()), "our variable is above a file");

    sources.env.insert("KAFKA_PROBER__VANTAGE".to_owned(), "env".to_owned());
    assert_eq!(loaded(&sources).config.vantage, "env");
    sources.flags.vantage = Some("flag".to_owned());
    let loaded = loaded(&sources);
    assert_eq!(loaded.config.vantage, "flag", "a flag is above all");
    assert_eq!(loaded.origins["vantage"], Origin::Flag("--vantage"));
}

#[test]
fn variables_reach_every_type_in_any_case() {
    let loaded = loaded(&env(&[
        ("KAFKA_PROBER__CLUSTERS__PROD_EU__BOOTSTRAP", "a:1, b:2,"),
        ("KAFKA_PROBER__LANES__PINNED__ENABLED", "False"),
        ("KAFKA_PROBER__LANES__PINNED__RECORD_SIZE", "4096"),
        ("KAFKA_PROBER__OBJECTIVES__BROKER_END_TO_END__THRESHOLD", ""),
        ("KAFKA_PROBER__OTLP__HEADERS", "Authorization=Basic%20a%2Cb,x-team=sre"),
        ("Kafka_Prober__Otlp__Headers__X_Api_Key", "k"),
        ("kafka_prober__objectives__broker_produce__target", "0.5"),
        ("kafka_prober__vantage", "Büro"),
    ]));
    let config = &loaded.config;
    assert_eq!(servers(&loaded, "prod_eu"), ["a:1", "b:2"]);
    assert!(!config.lanes.pinned.enabled);
    assert_eq!(config.lanes.pinned.record_size, 4096);
    assert_eq!(config.objectives["broker_end_to_end"].threshold, None);
    assert_eq!(config.objectives["broker_produce"].target, 0.5);
    assert_eq!(config.vantage, "Büro");
    let headers: Vec<_> = config.otlp.headers.iter().map(|(n, v)| (n.as_str(), v.expose())).collect();
    assert_eq!(headers, [("authorization", "Basic a,b"), ("x-team", "sre"), ("x_api_key", "k")]);
}

#[test]
fn variables_of_a_kubernetes_service_are_ignored() {
    let vars = [("KAFKA_PROBER_PORT", "tcp://10.0.0.1:9464"), ("KAFKA_PROBER_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(loaded(&env(&vars)).config, loaded(&env(&[])).config);
}

#[test]
fn only_relevant_variables_are_taken_from_the_process() {
    let vars = ["PATH", "kafka_prober__vantage", "OTEL_SDK_DISABLED", "KAFKA_PROBER_PORT"];
    let taken = config::relevant_environment(vars.map(|name| (name.into(), "x".into())));
    assert_eq!(names(&taken), ["OTEL_SDK_DISABLED", "kafka_prober__vantage"]);
}

// Clusters by flag.

#[test]
fn bootstrap_and_cluster_override_exactly_that_cluster() {
    let mut sources = files(&["full.toml"]);
    sources.flags = bootstrap("new-1:9092,new-2:9092");
    sources.flags.cluster = Some("prod".to_owned());
    let loaded = loaded(&sources);
    assert_eq!(servers(&loaded, "prod"), ["new-1:9092", "new-2:9092"]);
    assert_eq!(servers(&loaded, "dev"), ["localhost:9092"]);
    assert_eq!(loaded.origins["clusters.prod.bootstrap"], Origin::Flag("--bootstrap-server"));
}

#[test]
fn cluster_alone_keeps_that_one() {
    let mut sources = files(&["full.toml"]);
    sources.flags.cluster = Some("dev".to_owned());
    let loaded = loaded(&sources);
    assert_eq!(names(&loaded.config.clusters), ["dev"]);
    assert!(!loaded.origins.contains_key("clusters.prod.bootstrap"));
}

#[test]
fn unknown_cluster_names_the_known() {
    let mut sources = files(&["full.toml"]);
    sources.flags.cluster = Some("staging".to_owned());
    assert_eq!(
        refused(&sources),
        "--cluster: there is no cluster \"staging\"; known are dev, prod; \
         to define a new one, give --bootstrap-server host:port too"
    );
}

#[test]
fn no_cluster_says_to_give_bootstrap() {
    let sentence = "no cluster is configured; give --bootstrap-server host:port, \
                    or set clusters.NAME.bootstrap in a --config file";
    flags_are_refused(Flags::default(), sentence);
    let cluster = Some("prod".to_owned());
    flags_are_refused(Flags { cluster, ..Flags::default() }, sentence);
}

#[test]
fn empty_bootstrap_says_to_give_bootstrap() {
    let rest = "clusters.prod.bootstrap: no server to start from; give --bootstrap-server host:port \
                --cluster prod, or list at least one \"host:port\"";
    for name in ["invalid-empty-bootstrap.toml", "invalid-no-bootstrap.toml"] {
        file_is_refused(name, &format!("{name}: {rest}"));
    }
    flags_are_refused(
        bootstrap(" , "),
        "--bootstrap-server: clusters.default.bootstrap: no server to start from; give --bootstrap-server \
         host:port --cluster default, or list at least one \"host:port\"",
    );
    let variable = "KAFKA_PROBER__CLUSTERS__PROD__BOOTSTRAP";
    env_is_refused(&[(variable, "")], &format!("{variable}: {rest}"));
}
