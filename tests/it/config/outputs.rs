//! What is printed: complete, readable again, and without a secret.

use kafka_prober::config::{ConfigError, Sources, load};

use super::{CANARY, env_is_refused, files, loaded, reloaded};

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
    sources.env.insert("KAFKA_PROBER__LOG__LEVEL".to_owned(), "debug".to_owned());
    sources.flags.listen = Some("127.0.0.1:0".to_owned());
    let print = loaded(&sources).to_toml(true);
    for line in [
        "vantage = \"laptop\"  # from tests/it/testdata/config/second.yml",
        "listen = \"127.0.0.1:0\"  # from --listen",
        "[clusters.dev]\nbootstrap = [\"localhost:19092\"]  # from tests/it/testdata/config/second.yml",
        "level = \"debug\"  # from KAFKA_PROBER__LOG__LEVEL",
        "[probes.produce]\ndeadline = \"5s\"  # from default\nthreshold = \"1s\"  # from default",
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
    sources.env.insert(variable.to_owned(), format!("x-key={CANARY}"));
    let loaded = loaded(&sources);
    assert_eq!(loaded.config.otlp.headers["authorization"].expose(), format!("Bearer {CANARY}"));
    let print = loaded.to_toml(true);
    assert!(print.contains("authorization = \"<redacted>\""), "{print}");
    assert!(print.contains("\"x.team\" = \"<redacted>\""), "{print}");
    assert!(print.contains("x-key = \"<redacted>\"  # from KAFKA_PROBER__OTLP__HEADERS"), "{print}");
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
    assert_eq!(loaded.summary(), "OK: vantage office, clusters dev, prod, 7 objectives, OTLP off");
}

#[test]
fn errors_can_be_distinguished() {
    let error = load(&Sources::default()).expect_err("there is no cluster");
    assert_eq!(error, ConfigError::NoCluster);
}
