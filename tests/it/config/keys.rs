//! Keys, variables and types that do not exist: each named, with what would work.

use super::{CANARY, env_is_refused, file_is_refused};

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
        ("kafka_prober__bootstrap", "KAFKA_PROBER__CLUSTERS__NAME__BOOTSTRAP"),
        ("KAFKA_PROBER__CLUSTERS__PROD__BOOTSRAP", "KAFKA_PROBER__CLUSTERS__PROD__BOOTSTRAP"),
        ("KAFKA_PROBER__LANES__FETCH__INTERVAL", "KAFKA_PROBER__PROBES__FETCH__INTERVAL"),
        ("KAFKA_PROBER__HTTP", "KAFKA_PROBER__HTTP__LISTEN"),
    ] {
        env_is_refused(&[(wrong, CANARY)], &format!("{wrong}: unknown variable; the nearest known one is {near}"));
    }
}

#[test]
fn variable_set_in_two_spellings_is_refused() {
    env_is_refused(
        &[("KAFKA_PROBER__VANTAGE", "a"), ("kafka_prober__vantage", "b")],
        "kafka_prober__vantage: this key is also set by KAFKA_PROBER__VANTAGE; keep one of the two",
    );
}

// Types.

#[test]
fn wrong_type_says_what_would_work() {
    for (file, sentence) in [
        ("invalid-type.toml", "lanes.pinned.record_size: must be a whole number, such as 128, not text"),
        (
            "invalid-list-as-text.toml",
            "clusters.prod.bootstrap: must be a list of text, such as [\"kafka-1:9092\"], not text",
        ),
        ("invalid-table-for-key.toml", "vantage: must be text in quotes, such as \"5s\", not a table"),
        ("invalid-number-for-table.yaml", "probes: must be a table of keys, not a whole number"),
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
        ("KAFKA_PROBER__LANES__PINNED__ENABLED", "lanes.pinned.enabled: must be true or false, not other text"),
        (
            "KAFKA_PROBER__OBJECTIVES__BROKER_PRODUCE__TARGET",
            "objectives.broker_produce.target: must be a number, such as 0.999, not other text",
        ),
    ] {
        env_is_refused(&[(variable, "big")], &format!("{variable}: {sentence}"));
    }
}
