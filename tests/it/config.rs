//! The configuration: each layer over the one below, and each mistake as one clear sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use kafka_prober::config::{
    self, Compression, ConfigError, DEFAULTS, Flags, Loaded, LogFormat, Origin, ProbeName,
    Protocol, Sources, UpkeepMode, View, load,
};

/// Stands for every secret; no output may contain it.
const CANARY: &str = "canary-7f3a";

// What the tests are written with.

fn data(name: &str) -> PathBuf {
    PathBuf::from("tests/it/testdata/config").join(name)
}

fn files(names: &[&str]) -> Sources {
    Sources {
        files: names.iter().map(|name| data(name)).collect(),
        ..Sources::default()
    }
}

fn bootstrap(servers: &str) -> Flags {
    Flags {
        bootstrap: Some(servers.to_owned()),
        ..Flags::default()
    }
}

/// `--bootstrap` and these variables.
fn env(vars: &[(&str, &str)]) -> Sources {
    Sources {
        env: vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        flags: bootstrap("localhost:9092"),
        ..Sources::default()
    }
}

#[track_caller]
fn loaded(sources: &Sources) -> Loaded {
    load(sources).expect("these sources are valid")
}

#[track_caller]
fn refused(sources: &Sources) -> String {
    let error = load(sources).expect_err("these sources are invalid");
    let sentence = error.to_string();
    assert!(!sentence.contains('\n'), "not one line: {sentence}");
    assert!(!sentence.contains(CANARY), "shows a secret: {sentence}");
    assert!(
        !format!("{error:?}").contains(CANARY),
        "Debug shows a secret"
    );
    sentence
}

/// Asserts the whole sentence for one bad file, without the folder.
#[track_caller]
fn file_is_refused(name: &str, sentence: &str) {
    let mut sources = files(&[name]);
    sources.flags = bootstrap("localhost:9092");
    assert_eq!(
        refused(&sources).replace("tests/it/testdata/config/", ""),
        sentence
    );
}

#[track_caller]
fn env_is_refused(vars: &[(&str, &str)], sentence: &str) {
    assert_eq!(refused(&env(vars)), sentence);
}

#[track_caller]
fn flags_are_refused(flags: Flags, sentence: &str) {
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    assert_eq!(refused(&sources), sentence);
}

fn servers(loaded: &Loaded, cluster: &str) -> Vec<String> {
    let bootstrap = &loaded.config.clusters[cluster].bootstrap;
    bootstrap.iter().map(ToString::to_string).collect()
}

fn names<T>(tables: &BTreeMap<String, T>) -> Vec<&str> {
    tables.keys().map(String::as_str).collect()
}

fn otlp_endpoint(vars: &[(&str, &str)]) -> Option<String> {
    loaded(&env(vars)).config.otlp.endpoint
}

// The defaults.

#[test]
fn defaults_and_bootstrap_alone_load() {
    let loaded = loaded(&env(&[]));
    let config = &loaded.config;
    assert_eq!(servers(&loaded, "default"), ["localhost:9092"]);
    assert_eq!(config.vantage, "default");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9464");
    assert!(config.lanes.pinned.enabled);
    assert_eq!(config.lanes.pinned.topic, "kafka-prober-pinned");
    assert_eq!(
        config.lanes.pinned.fetch_max_wait,
        Duration::from_millis(500)
    );
    assert_eq!(config.lanes.pinned.record_size, 128);
    assert_eq!(config.probes.produce.interval, Duration::from_millis(200));
    assert_eq!(config.probes.consume.deadline, Duration::from_secs(5));
    assert_eq!(config.probes.end_to_end.threshold, Duration::from_secs(1));
    assert_eq!(config.upkeep.mode, UpkeepMode::Create);
    assert_eq!(
        names(&config.objectives),
        ["broker_consume", "broker_end_to_end", "broker_produce"]
    );
    assert_eq!(config.objectives["broker_produce"].threshold, None);
    assert_eq!(config.objectives["broker_end_to_end"].target, 0.99);
    assert_eq!(config.otlp.endpoint, None);
    assert_eq!(config.otlp.protocol, Protocol::Grpc);
    assert_eq!(config.otlp.compression, Compression::None);
    assert_eq!(config.log.level, "info");
    assert_eq!(config.log.format, LogFormat::Auto);
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
    let from_default: BTreeSet<_> = all
        .origins
        .iter()
        .filter(|(_, origin)| **origin == Origin::Default)
        .map(|(key, _)| key.as_str())
        .collect();
    let printed = printed_keys(&all.to_toml(false));
    let others: Vec<_> = printed
        .iter()
        .filter(|key| !from_default.contains(key.as_str()))
        .collect();
    assert_eq!(others, ["clusters.default.bootstrap"]);
    assert_eq!(
        from_default.len() + 1,
        printed.len(),
        "a default is not printed"
    );
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
    assert_eq!(toml.probes.produce.interval, Duration::from_secs(90));
    let objective = &toml.objectives["fast_produce"];
    assert_eq!(objective.view, View::Client);
    assert_eq!(objective.probe, ProbeName::Produce);
    assert_eq!(objective.threshold, Some(Duration::from_millis(250)));
    assert_eq!(toml.clusters["prod"].bootstrap[1].host(), "2001:db8::1");
    assert_eq!(toml.clusters["prod"].bootstrap[1].port(), 9093);
}

#[test]
fn a_later_file_replaces_single_keys_of_an_earlier_one() {
    let loaded = loaded(&files(&["full.toml", "second.yml"]));
    assert_eq!(loaded.config.vantage, "laptop");
    assert_eq!(loaded.config.upkeep.mode, UpkeepMode::Off);
    assert_eq!(servers(&loaded, "dev"), ["localhost:19092"]);
    assert_eq!(
        servers(&loaded, "prod"),
        ["kafka-1:9092", "[2001:db8::1]:9093"]
    );
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
    sources
        .env
        .insert(ours.to_owned(), "http://env:4317".to_owned());
    assert_eq!(
        endpoint(&sources),
        ("http://env:4317".to_owned(), ours.to_owned()),
        "our variable is above a file"
    );

    sources
        .env
        .insert("KAFKA_PROBER__VANTAGE".to_owned(), "env".to_owned());
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
        (
            "KAFKA_PROBER__OTLP__HEADERS",
            "Authorization=Basic%20a%2Cb,x-team=sre",
        ),
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
    let headers: Vec<_> = config
        .otlp
        .headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.expose()))
        .collect();
    assert_eq!(
        headers,
        [
            ("authorization", "Basic a,b"),
            ("x-team", "sre"),
            ("x_api_key", "k")
        ]
    );
}

#[test]
fn variables_of_a_kubernetes_service_are_ignored() {
    let vars = [
        ("KAFKA_PROBER_PORT", "tcp://10.0.0.1:9464"),
        ("KAFKA_PROBER_SERVICE_HOST", "10.0.0.1"),
    ];
    assert_eq!(loaded(&env(&vars)).config, loaded(&env(&[])).config);
}

#[test]
fn only_relevant_variables_are_taken_from_the_process() {
    let vars = [
        "PATH",
        "kafka_prober__vantage",
        "OTEL_SDK_DISABLED",
        "KAFKA_PROBER_PORT",
    ];
    let taken = config::relevant_environment(vars.map(|name| (name.into(), "x".into())));
    assert_eq!(
        names(&taken),
        ["OTEL_SDK_DISABLED", "kafka_prober__vantage"]
    );
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
    assert_eq!(
        loaded.origins["clusters.prod.bootstrap"],
        Origin::Flag("--bootstrap")
    );
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
         to define a new one, give --bootstrap host:port too"
    );
}

#[test]
fn no_cluster_says_to_give_bootstrap() {
    let sentence = "no cluster is configured; give --bootstrap host:port, \
                    or set clusters.NAME.bootstrap in a --config file";
    flags_are_refused(Flags::default(), sentence);
    let cluster = Some("prod".to_owned());
    flags_are_refused(
        Flags {
            cluster,
            ..Flags::default()
        },
        sentence,
    );
}

#[test]
fn empty_bootstrap_says_to_give_bootstrap() {
    let rest = "clusters.prod.bootstrap: no server to start from; give --bootstrap host:port \
                --cluster prod, or list at least one \"host:port\"";
    for name in ["invalid-empty-bootstrap.toml", "invalid-no-bootstrap.toml"] {
        file_is_refused(name, &format!("{name}: {rest}"));
    }
    flags_are_refused(
        bootstrap(" , "),
        "--bootstrap: clusters.default.bootstrap: no server to start from; give --bootstrap \
         host:port --cluster default, or list at least one \"host:port\"",
    );
    let variable = "KAFKA_PROBER__CLUSTERS__PROD__BOOTSTRAP";
    env_is_refused(&[(variable, "")], &format!("{variable}: {rest}"));
}

// Unknown keys and variables.

#[test]
fn unknown_key_names_the_nearest() {
    file_is_refused(
        "invalid-unknown-key.toml",
        "invalid-unknown-key.toml: unknown key htpp; the nearest known one is http",
    );
}

#[test]
fn unknown_key_in_a_named_table_names_the_nearest_there() {
    file_is_refused(
        "invalid-unknown-key-in-named-table.toml",
        "invalid-unknown-key-in-named-table.toml: unknown key clusters.prod.bootstrp; \
         the nearest known one is clusters.prod.bootstrap",
    );
}

#[test]
fn key_in_the_wrong_section_names_the_right_one() {
    file_is_refused(
        "invalid-key-in-wrong-section.yaml",
        "invalid-key-in-wrong-section.yaml: unknown key listen; the nearest known one is http.listen",
    );
}

#[test]
fn unknown_variable_names_the_nearest() {
    for (wrong, near) in [
        ("KAFKA_PROBER__HTP__LISTEN", "KAFKA_PROBER__HTTP__LISTEN"),
        (
            "kafka_prober__bootstrap",
            "KAFKA_PROBER__CLUSTERS__NAME__BOOTSTRAP",
        ),
        (
            "KAFKA_PROBER__CLUSTERS__PROD__BOOTSRAP",
            "KAFKA_PROBER__CLUSTERS__PROD__BOOTSTRAP",
        ),
        (
            "KAFKA_PROBER__PROBES__FETCH__INTERVAL",
            "KAFKA_PROBER__PROBES__PRODUCE__INTERVAL",
        ),
        ("KAFKA_PROBER__HTTP", "KAFKA_PROBER__HTTP__LISTEN"),
    ] {
        env_is_refused(
            &[(wrong, CANARY)],
            &format!("{wrong}: unknown variable; the nearest known one is {near}"),
        );
    }
}

#[test]
fn variable_set_in_two_spellings_is_refused() {
    env_is_refused(
        &[
            ("KAFKA_PROBER__VANTAGE", "a"),
            ("kafka_prober__vantage", "b"),
        ],
        "kafka_prober__vantage: this key is also set by KAFKA_PROBER__VANTAGE; keep one of the two",
    );
}

// Types.

#[test]
fn wrong_type_says_what_would_work() {
    for (file, sentence) in [
        (
            "invalid-type.toml",
            "lanes.pinned.record_size: must be a whole number, such as 128, not text",
        ),
        (
            "invalid-list-as-text.toml",
            "clusters.prod.bootstrap: must be a list of text, such as [\"kafka-1:9092\"], not text",
        ),
        (
            "invalid-table-for-key.toml",
            "vantage: must be text in quotes, such as \"5s\", not a table",
        ),
        (
            "invalid-number-for-table.yaml",
            "probes: must be a table of keys, not a whole number",
        ),
        (
            "invalid-header-type.toml",
            "otlp.headers: must be a table of text, such as { authorization = \"…\" }, not text",
        ),
    ] {
        file_is_refused(file, &format!("{file}: {sentence}"));
    }
}

#[test]
fn wrong_type_in_a_variable_names_it() {
    for (variable, sentence) in [
        (
            "KAFKA_PROBER__LANES__PINNED__RECORD_SIZE",
            "lanes.pinned.record_size: must be a whole number, such as 128, not other text",
        ),
        (
            "KAFKA_PROBER__LANES__PINNED__ENABLED",
            "lanes.pinned.enabled: must be true or false, not other text",
        ),
        (
            "KAFKA_PROBER__OBJECTIVES__BROKER_PRODUCE__TARGET",
            "objectives.broker_produce.target: must be a number, such as 0.999, not other text",
        ),
    ] {
        env_is_refused(&[(variable, "big")], &format!("{variable}: {sentence}"));
    }
}

// Values.

#[test]
fn bad_duration_says_how_to_write_one() {
    file_is_refused(
        "invalid-duration.toml",
        "invalid-duration.toml: probes.produce.interval: \"fast\" is not a duration; \
         write numbers with units, such as \"200ms\", \"5s\" or \"1m 30s\"",
    );
}

#[test]
fn duration_out_of_range_gives_the_range() {
    for (file, sentence) in [
        (
            "invalid-short-interval.toml",
            "probes.produce.interval: \"5ms\" is out of range; use 10ms to 1h",
        ),
        (
            "invalid-long-deadline.toml",
            "probes.consume.deadline: \"2m\" is out of range; use 1ms to 1m",
        ),
    ] {
        file_is_refused(file, &format!("{file}: {sentence}"));
    }
}

#[test]
fn threshold_must_be_below_the_deadline_and_the_changed_one_is_blamed() {
    for (file, sentence) in [
        (
            "invalid-threshold.toml",
            "probes.end_to_end.threshold: 5s must be below probes.end_to_end.deadline, which is 5s; lower it or raise that",
        ),
        (
            "invalid-deadline.toml",
            "probes.produce.deadline: 500ms must be above probes.produce.threshold, which is 1s; raise it or lower that",
        ),
    ] {
        file_is_refused(file, &format!("{file}: {sentence}"));
    }
}

#[test]
fn fetch_wait_must_be_below_the_deadline_of_consume() {
    let variable = "KAFKA_PROBER__LANES__PINNED__FETCH_MAX_WAIT";
    env_is_refused(
        &[(variable, "5s")],
        &format!(
            "{variable}: lanes.pinned.fetch_max_wait: 5s must be below probes.consume.deadline, which is 5s; lower it or raise that"
        ),
    );
}

#[test]
fn bad_address_says_how_to_write_one() {
    for (address, problem) in [
        (
            "kafka-1",
            "has no port; write host:port, such as kafka-1:9092",
        ),
        (":9092", "has no valid host name; write host:port"),
        (
            "kafka://kafka-1:9092",
            "has no valid host name; write host:port",
        ),
        (
            "kafka-1:0",
            "has no valid port; use a number from 1 to 65535",
        ),
        (
            "kafka-1:65536",
            "has no valid port; use a number from 1 to 65535",
        ),
        (
            "kafka-1:+1",
            "has no valid port; use a number from 1 to 65535",
        ),
        (
            "kafka-1:",
            "has no valid port; use a number from 1 to 65535",
        ),
        (
            "::1:9092",
            "has an IPv6 address without brackets; write [::1]:9092",
        ),
        ("[::1]", "is not an IPv6 address and port; write [::1]:9092"),
        (
            "[kafka-1]:9092",
            "is not an IPv6 address and port; write [::1]:9092",
        ),
    ] {
        flags_are_refused(
            bootstrap(&format!("good:9092,{address}")),
            &format!("--bootstrap: clusters.default.bootstrap: \"{address}\" {problem}"),
        );
    }
}

#[test]
fn password_in_an_address_is_not_shown() {
    flags_are_refused(
        bootstrap(&format!("user:{CANARY}@kafka-1:9092")),
        "--bootstrap: clusters.default.bootstrap: \"…@kafka-1:9092\" has no valid host name; write host:port",
    );
}

#[test]
fn good_addresses_are_kept_as_written() {
    let all = "kafka-1.example.com:9092,10.0.0.1:1,[::1]:65535,kafka_1:9092";
    let sources = Sources {
        flags: bootstrap(all),
        ..Sources::default()
    };
    assert_eq!(servers(&loaded(&sources), "default").join(","), all);
}

#[test]
fn bad_flag_value_names_the_flag() {
    let with = |change: fn(&mut Flags)| {
        let mut flags = bootstrap("localhost:9092");
        change(&mut flags);
        flags
    };
    for (flags, sentence) in [
        (
            with(|f| f.listen = Some("localhost:9464".to_owned())),
            "--listen: http.listen: \"localhost:9464\" is not an IP address and port; write it like 127.0.0.1:9464 or [::]:9464",
        ),
        (
            with(|f| f.vantage = Some(String::new())),
            "--vantage: vantage: \"\" must be 1 to 128 printable characters",
        ),
        (
            with(|f| f.log_level = Some("inof".to_owned())),
            "--log-level: log.level: \"inof\" is not a log filter; use error, warn, info, debug, trace, off, or one like \"info,kafka_prober=debug\"",
        ),
        (
            with(|f| f.log_format = Some("xml".to_owned())),
            "--log-format: log.format: \"xml\" is not known; use \"auto\" or \"text\" or \"json\"",
        ),
        (
            with(|f| f.cluster = Some("Prod-EU".to_owned())),
            "--cluster: clusters.Prod-EU: a name is made of a-z, 0-9 and _ only, up to 64 characters",
        ),
    ] {
        flags_are_refused(flags, sentence);
    }
}

#[test]
fn log_filters_of_tracing_are_taken() {
    for filter in [
        "INFO",
        "warn,kafka_prober=debug",
        "kafka_prober[run]=trace",
        "off",
    ] {
        let mut sources = env(&[]);
        sources.flags.log_level = Some(filter.to_owned());
        assert_eq!(loaded(&sources).config.log.level, filter);
    }
}

#[test]
fn unknown_mode_names_both() {
    file_is_refused(
        "invalid-mode.toml",
        "invalid-mode.toml: upkeep.mode: \"full\" is not known; use \"off\" or \"create\"",
    );
}

#[test]
fn bad_name_says_what_names_are_made_of() {
    let rule = "a name is made of a-z, 0-9 and _ only, up to 64 characters";
    for (file, key) in [
        ("invalid-name.toml", "clusters.Prod-EU"),
        ("invalid-objective-name.yaml", "objectives.fast produce"),
    ] {
        file_is_refused(file, &format!("{file}: {key}: {rule}"));
    }
    let variable = "KAFKA_PROBER__CLUSTERS__PROD.EU__BOOTSTRAP";
    env_is_refused(
        &[(variable, "kafka-1:9092")],
        &format!("{variable}: clusters.prod.eu: {rule}"),
    );
}

#[test]
fn objective_that_lacks_a_key_names_it() {
    file_is_refused(
        "invalid-objective-without-probe.toml",
        "invalid-objective-without-probe.toml: objectives.mine.probe: not set; \
         give \"produce\", \"consume\" or \"end_to_end\"",
    );
}

#[test]
fn target_is_a_share_between_0_and_1() {
    file_is_refused(
        "invalid-target.toml",
        "invalid-target.toml: objectives.broker_produce.target: 1 is out of range; \
         use a share between 0 and 1, such as 0.999",
    );
    let variable = "KAFKA_PROBER__OBJECTIVES__BROKER_PRODUCE__TARGET";
    for target in ["0", "NaN", "-0.5", "99.9"] {
        assert!(refused(&env(&[(variable, target)])).contains("out of range"));
    }
}

#[test]
fn record_size_has_bounds() {
    let variable = "KAFKA_PROBER__LANES__PINNED__RECORD_SIZE";
    for size in ["95", "1048577", "-1"] {
        env_is_refused(
            &[(variable, size)],
            &format!(
                "{variable}: lanes.pinned.record_size: {size} is out of range; use 96 to 1048576 bytes"
            ),
        );
    }
    for size in ["96", "1048576"] {
        let config = loaded(&env(&[(variable, size)])).config;
        assert_eq!(config.lanes.pinned.record_size.to_string(), size);
    }
}

#[test]
fn topic_must_be_legal_in_kafka() {
    let variable = "KAFKA_PROBER__LANES__PINNED__TOPIC";
    for topic in ["", "..", "a/b", &"x".repeat(250)] {
        let sentence = refused(&env(&[(variable, topic)]));
        assert!(sentence.contains("is not a topic name"), "{sentence}");
    }
}

// Files.

#[test]
fn missing_file_is_named() {
    let sentence = refused(&files(&["absent.toml"]));
    assert!(
        sentence.starts_with(
            "tests/it/testdata/config/absent.toml: cannot read this config file (No such file"
        ),
        "{sentence}"
    );
    assert!(sentence.ends_with("give --config a readable .toml, .yaml or .yml file"));
}

#[test]
fn file_that_is_no_text_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in [
        ("bytes.toml", vec![0xff, 0xfe]),
        ("big.toml", vec![b'#'; (1 << 20) + 1]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("it is ours");
        let sources = Sources {
            files: vec![path],
            ..Sources::default()
        };
        assert!(refused(&sources).contains("cannot read this config file ("));
    }
    let sources = Sources {
        files: vec![folder.path().join(".toml")],
        ..Sources::default()
    };
    assert!(refused(&sources).contains("must end in .toml, .yaml or .yml"));
}

#[test]
fn unknown_extension_names_the_known() {
    file_is_refused(
        "unknown-extension.ini",
        "unknown-extension.ini: unknown kind of config file; its name must end in .toml, .yaml or .yml",
    );
}

#[test]
fn broken_toml_gives_the_line_and_no_secret() {
    file_is_refused(
        "invalid-syntax.toml",
        "invalid-syntax.toml: broken TOML at line 3: invalid basic string, expected `\"`",
    );
}

#[test]
fn broken_yaml_gives_the_line_and_no_secret() {
    file_is_refused(
        "invalid-syntax.yaml",
        "invalid-syntax.yaml: broken YAML at line 3: while scanning a quoted scalar, found unexpected end of stream",
    );
}

#[test]
fn no_way_of_breaking_a_file_shows_its_content() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [
        ("1.toml", "otlp.headers.a = canary-7f3a"),
        ("2.toml", "otlp.headers.a = \"x\" canary-7f3a"),
        ("3.toml", "otlp.headers.a = \"\\canary-7f3a\""),
        ("4.toml", "canary-7f3a"),
        ("5.toml", "canary-7f3a = 1\ncanary-7f3a = 2"),
        (
            "6.toml",
            "otlp.interval = 99999999999999999999 # canary-7f3a",
        ),
        ("7.toml", "[otlp.headers\na = \"canary-7f3a\""),
        ("8.toml", "vantage = 1e999 # canary-7f3a"),
        ("1.yaml", "a: *canary-7f3a"),
        ("2.yaml", "a: {{ canary-7f3a }}"),
        ("3.yaml", "a: [canary-7f3a"),
        ("4.yaml", "? {b: canary-7f3a}\n: 1\n? {b: canary-7f3a}\n: 2"),
        ("5.yaml", "- canary-7f3a"),
        ("6.yaml", "a: 1\n---\nb: canary-7f3a"),
        ("7.yaml", "a: b: canary-7f3a"),
        ("8.yaml", "a: \"\\canary-7f3a\""),
        ("9.yaml", "a: !canary-7f3a!b c\n\t- x"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it is ours");
        let sources = Sources {
            files: vec![path],
            ..Sources::default()
        };
        let sentence = refused(&sources);
        assert!(sentence.contains(": broken "), "{sentence}");
    }
}

#[test]
fn yaml_that_is_no_table_is_refused_without_quoting_it() {
    file_is_refused(
        "invalid-top-level.yaml",
        "invalid-top-level.yaml: broken YAML: it must be one document, a table of keys, with numbers up to 64 bits",
    );
}

// The standard variables of OpenTelemetry.

#[test]
fn otel_endpoint_of_metrics_goes_before_the_general_one() {
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4317");
    let metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:4317");
    assert_eq!(
        otlp_endpoint(&[general]).as_deref(),
        Some("http://general:4317")
    );
    assert_eq!(
        otlp_endpoint(&[general, metrics]).as_deref(),
        Some("http://metrics:4317")
    );
    let empty = (metrics.0, "");
    assert_eq!(
        otlp_endpoint(&[general, empty]).as_deref(),
        Some("http://general:4317")
    );
}

#[test]
fn over_http_each_endpoint_gets_the_path_that_its_origin_means() {
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let metrics = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    let ours = "KAFKA_PROBER__OTLP__ENDPOINT";
    for (variable, url, expected) in [
        (general, "http://c:4318", "http://c:4318/v1/metrics"),
        (general, "http://c:4318/", "http://c:4318/v1/metrics"),
        (general, "https://c/otlp", "https://c/otlp/v1/metrics"),
        (metrics, "http://c:4318/otlp", "http://c:4318/otlp"),
        (metrics, "http://c:4318", "http://c:4318/"),
        (ours, "http://c:4318", "http://c:4318/v1/metrics"),
        (ours, "http://[::1]:4318", "http://[::1]:4318/v1/metrics"),
        (ours, "http://c:4318/", "http://c:4318/"),
        (ours, "http://c:4318/otlp", "http://c:4318/otlp"),
    ] {
        let loaded = loaded(&env(&[http, (variable, url)]));
        assert_eq!(
            loaded.config.otlp.endpoint.as_deref(),
            Some(expected),
            "{variable}={url}"
        );
        assert_eq!(reloaded(&loaded).config, loaded.config, "{variable}={url}");
    }
}

#[test]
fn otel_variables_fill_the_rest_of_otlp() {
    let otlp = loaded(&env(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "ignored=1"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "Authorization=Basic%20abc%3D, x-team = sre",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "60000"),
        ("OTEL_SERVICE_NAME", "left to the SDK"),
    ]))
    .config
    .otlp;
    assert_eq!(otlp.protocol, Protocol::HttpProtobuf);
    assert_eq!(otlp.timeout, Duration::from_millis(2500));
    assert_eq!(otlp.interval, Duration::from_secs(60));
    assert_eq!(otlp.compression, Compression::Gzip);
    assert_eq!(names(&otlp.headers), ["authorization", "x-team"]);
    assert_eq!(otlp.headers["authorization"].expose(), "Basic abc=");
    let none = [("OTEL_EXPORTER_OTLP_COMPRESSION", "none")];
    assert_eq!(
        loaded(&env(&none)).config.otlp.compression,
        Compression::None
    );
}

#[test]
fn otel_can_turn_the_export_off() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
    for off in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
    ] {
        assert_eq!(otlp_endpoint(&[endpoint, off]), None, "{off:?}");
    }
    for on in [
        ("OTEL_SDK_DISABLED", "false"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "console,otlp"),
    ] {
        assert!(otlp_endpoint(&[endpoint, on]).is_some(), "{on:?}");
    }
}

#[test]
fn bad_otel_variable_is_named() {
    for (variable, value, rest) in [
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            "otlp.timeout: \"10s\" is not a whole number of milliseconds; write it like 10000",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            "otlp.protocol: \"http/json\" is not known; use \"grpc\" or \"http/protobuf\"",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4317",
            "otlp.endpoint: \"collector:4317\" is not a URL of a collector; write it like http://collector:4317",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://:4317",
            "otlp.endpoint: \"http://:4317\" has no valid host and port; write it like http://collector:4317",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            CANARY,
            "otlp.headers: must be written name=value,name=value, with a comma inside a value as %2C",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x=canary-7f3a%0A",
            "otlp.headers.x: a header's value must be visible ASCII characters",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a b=canary-7f3a",
            "otlp.headers.a b: this is not a header name; use a-z, 0-9 and '-'",
        ),
    ] {
        env_is_refused(&[(variable, value)], &format!("{variable}: {rest}"));
    }
    let url = format!("http://user:{CANARY}@collector:4317");
    let sentence = refused(&env(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]));
    assert!(sentence.contains("put credentials into otlp.headers"));
}

// The outputs.

/// Loads what `config print` printed.
#[track_caller]
fn reloaded(loaded: &Loaded) -> Loaded {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("printed.toml");
    std::fs::write(&path, loaded.to_toml(true)).expect("it is ours");
    let sources = Sources {
        files: vec![path],
        ..Sources::default()
    };
    load(&sources).expect("a print loads")
}

#[test]
fn print_loads_to_the_same_config() {
    let mut sources = files(&["full.toml", "second.yml"]);
    sources.flags.vantage = Some("a \"quoted\" \\ vantage # é".to_owned());
    let loaded = loaded(&sources);
    assert_eq!(reloaded(&loaded).config, loaded.config);
}

#[test]
fn print_says_where_each_value_came_from() {
    let mut sources = files(&["second.yml"]);
    sources
        .env
        .insert("KAFKA_PROBER__LOG__LEVEL".to_owned(), "debug".to_owned());
    sources.flags.listen = Some("127.0.0.1:0".to_owned());
    let print = loaded(&sources).to_toml(true);
    for line in [
        "vantage = \"laptop\"  # from tests/it/testdata/config/second.yml",
        "listen = \"127.0.0.1:0\"  # from --listen",
        "[clusters.dev]\nbootstrap = [\"localhost:19092\"]  # from tests/it/testdata/config/second.yml",
        "level = \"debug\"  # from KAFKA_PROBER__LOG__LEVEL",
        "[probes.produce]\ninterval = \"200ms\"  # from default\ndeadline = \"5s\"  # from default\nthreshold = \"1s\"  # from default",
        "target = 0.999  # from default",
        "headers = {}  # from default",
    ] {
        assert!(print.contains(line), "no {line:?} in\n{print}");
    }
    for line in print.lines().filter(|line| line.contains(" = ")) {
        assert!(line.contains("  # from "), "no origin: {line}");
    }
    assert!(!loaded(&sources).to_toml(false).contains('#'));
}

#[test]
fn no_output_shows_a_secret() {
    let mut sources = files(&["secret.toml"]);
    let variable = "KAFKA_PROBER__OTLP__HEADERS";
    sources
        .env
        .insert(variable.to_owned(), format!("x-key={CANARY}"));
    let loaded = loaded(&sources);
    assert_eq!(
        loaded.config.otlp.headers["authorization"].expose(),
        format!("Bearer {CANARY}")
    );
    let print = loaded.to_toml(true);
    assert!(print.contains("authorization = \"<redacted>\""), "{print}");
    assert!(print.contains("\"x.team\" = \"<redacted>\""), "{print}");
    assert!(
        print.contains("x-key = \"<redacted>\"  # from KAFKA_PROBER__OTLP__HEADERS"),
        "{print}"
    );
    let json = serde_json::to_string(&loaded.config).expect("it has a JSON form");
    for output in [
        print,
        loaded.to_toml(false),
        loaded.summary(),
        json,
        format!("{loaded:?}"),
        format!("{loaded:#?}"),
        format!("{sources:?}"),
    ] {
        assert!(!output.contains(CANARY), "shows a secret: {output}");
    }
}

#[test]
fn redaction_mark_is_not_taken_for_a_secret() {
    let variable = "KAFKA_PROBER__OTLP__HEADERS";
    env_is_refused(
        &[(variable, "authorization=<redacted>")],
        "KAFKA_PROBER__OTLP__HEADERS: otlp.headers.authorization: \
         this is the mark that hides a secret in outputs; give the secret",
    );
}

#[test]
fn summary_is_one_line() {
    let loaded = loaded(&files(&["full.toml"]));
    assert_eq!(
        loaded.summary(),
        "OK: vantage office, clusters dev, prod, 4 objectives, OTLP off"
    );
}

#[test]
fn errors_can_be_told_apart() {
    let error = load(&Sources::default()).expect_err("there is no cluster");
    assert_eq!(error, ConfigError::NoCluster);
}
