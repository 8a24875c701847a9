//! Values of the right type that cannot be used.

use kafka_prober::config::{Flags, Sources};
use prober_core::ids::Lane;

use super::{CANARY, bootstrap, env, env_is_refused, file_is_refused, flags_are_refused, loaded, refused, servers};

#[test]
fn bad_duration_says_how_to_write_one() {
    file_is_refused(
        "invalid-duration.toml",
        "invalid-duration.toml: lanes.pinned.interval: \"fast\" is not a duration; \
         write numbers with units, such as \"200ms\", \"5s\" or \"1m 30s\"",
    );
}

#[test]
fn duration_out_of_range_gives_the_range() {
    for (file, sentence) in [
        ("invalid-short-interval.toml", "lanes.pinned.interval: \"5ms\" is out of range; use 10ms to 1h"),
        ("invalid-long-deadline.toml", "probes.consume.deadline: \"2m\" is out of range; use 1ms to 1m"),
    ] {
        file_is_refused(file, &format!("{file}: {sentence}"));
    }
}

#[test]
fn limits_of_a_probe_are_refused_by_their_whole_key() {
    for (key, value, problem) in [
        ("commit.interval", "5ms", "\"5ms\" is out of range; use 10ms to 1h"),
        ("transaction.threshold", "2m", "\"2m\" is out of range; use 1ms to 1m"),
        ("controller.canary_interval", "5s", "\"5s\" is out of range; use 10s to 1day"),
        // An attempt of this one may ask two brokers.
        ("controller.deadline", "31s", "\"31s\" is out of range; use 1ms to 30s"),
    ] {
        let variable = format!("KAFKA_PROBER__PROBES__{}", key.replace('.', "__").to_ascii_uppercase());
        env_is_refused(&[(&variable, value)], &format!("{variable}: probes.{key}: {problem}"));
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
fn observation_has_a_shortest_interval_and_limits_above_nothing() {
    for (key, value, problem) in [
        ("INTERVAL", "500ms", "observation.interval: \"500ms\" is out of range; use 1s to 1h"),
        ("CONFIGS_INTERVAL", "2days", "observation.configs_interval: \"2days\" is out of range; use 1s to 1day"),
        ("LEADER_CHECK_INTERVAL", "11m", "observation.leader_check_interval: \"11m\" is out of range; use 1s to 10m"),
        ("PARTITIONS_PER_BROKER", "0", "observation.partitions_per_broker: 0 is out of range; use 1 or more"),
    ] {
        let variable = format!("KAFKA_PROBER__OBSERVATION__{key}");
        env_is_refused(&[(&variable, value)], &format!("{variable}: {problem}"));
    }
    let often = loaded(&env(&[("KAFKA_PROBER__OBSERVATION__INTERVAL", "1s")]));
    assert_eq!(often.config.observation.interval, std::time::Duration::from_secs(1));
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
        ("kafka-1", "has no port; write host:port, such as kafka-1:9092"),
        (":9092", "has no valid host name; write host:port"),
        ("kafka://kafka-1:9092", "has no valid host name; write host:port"),
        ("kafka-1:0", "has no valid port; use a number from 1 to 65535"),
        ("kafka-1:65536", "has no valid port; use a number from 1 to 65535"),
        ("kafka-1:+1", "has no valid port; use a number from 1 to 65535"),
        ("kafka-1:", "has no valid port; use a number from 1 to 65535"),
        ("::1:9092", "has an IPv6 address without brackets; write [::1]:9092"),
        ("[::1]", "is not an IPv6 address and port; write [::1]:9092"),
        ("[kafka-1]:9092", "is not an IPv6 address and port; write [::1]:9092"),
    ] {
        flags_are_refused(
            bootstrap(&format!("good:9092,{address}")),
            &format!("--bootstrap-server: clusters.default.bootstrap: \"{address}\" {problem}"),
        );
    }
}

#[test]
fn password_in_an_address_is_not_shown() {
    flags_are_refused(
        bootstrap(&format!("user:{CANARY}@kafka-1:9092")),
        "--bootstrap-server: clusters.default.bootstrap: \"…@kafka-1:9092\" has no valid host name; write host:port",
    );
}

#[test]
fn good_addresses_are_kept_as_written() {
    let all = "kafka-1.example.com:9092,10.0.0.1:1,[::1]:65535,kafka_1:9092";
    let sources = Sources { flags: bootstrap(all), ..Sources::default() };
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
        (with(|f| f.vantage = Some(String::new())), "--vantage: vantage: \"\" must be 1 to 128 printable characters"),
        (
            with(|f| f.log_level = Some("inof".to_owned())),
            "--log-level: log.level: \"inof\" is not a log filter; use error, warn, info, debug, trace, off, or one like \"info,kafka_prober=debug\"",
        ),
        (
            with(|f| f.log_format = Some("xml".to_owned())),
            "--log-format: log.format: \"xml\" is not known; use \"auto\" or \"text\" or \"json\"",
        ),
        (
            with(|f| f.cluster = Some("Prod EU".to_owned())),
            "--cluster: clusters.Prod EU: the name of a cluster is made of a-z, A-Z, 0-9, '.', '_' and '-' only, up to 64 characters",
        ),
    ] {
        flags_are_refused(flags, sentence);
    }
}

#[test]
fn log_filters_of_tracing_are_taken() {
    for filter in ["INFO", "warn,kafka_prober=debug", "kafka_prober[run]=trace", "off"] {
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
    let cluster = "the name of a cluster is made of a-z, A-Z, 0-9, '.', '_' and '-' only, up to 64 characters";
    let objective = "a name is made of a-z, 0-9 and _ only, up to 64 characters";
    for (file, key, rule) in [
        ("invalid-name.toml", "clusters.Prod EU", cluster),
        ("invalid-objective-name.yaml", "objectives.fast produce", objective),
    ] {
        file_is_refused(file, &format!("{file}: {key}: {rule}"));
    }
    let variable = "KAFKA_PROBER__CLUSTERS__PROD EU__BOOTSTRAP";
    env_is_refused(&[(variable, "kafka-1:9092")], &format!("{variable}: clusters.prod eu: {cluster}"));
    let variable = "KAFKA_PROBER__OBJECTIVES__FAST.PRODUCE__TARGET";
    env_is_refused(&[(variable, "0.9")], &format!("{variable}: objectives.\"fast.produce\": {objective}"));
}

#[test]
fn objective_that_lacks_a_key_names_it() {
    file_is_refused(
        "invalid-objective-without-probe.toml",
        "invalid-objective-without-probe.toml: objectives.mine.probe: not set; \
         give \"produce\", \"consume\" or another probe",
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
            &format!("{variable}: lanes.pinned.record_size: {size} is out of range; use 96 to 1048576 bytes"),
        );
    }
    for size in ["96", "1048576"] {
        let config = loaded(&env(&[(variable, size)])).config;
        assert_eq!(config.lanes.pinned.record_size.to_string(), size);
    }
}

#[test]
fn topics_prefix_must_be_legal_in_kafka() {
    let variable = "KAFKA_PROBER__TOPICS__PREFIX";
    for prefix in ["", "a/b", &"x".repeat(240)] {
        let sentence = refused(&env(&[(variable, prefix)]));
        assert!(sentence.contains("cannot start a topic name; use 1 to 239 of"), "{sentence}");
    }
    let longest = "x".repeat(239);
    let config = loaded(&env(&[(variable, &longest)])).config;
    assert_eq!(config.topics.of_lane(Lane::Replicated).len(), 249);
}
