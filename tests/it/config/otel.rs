//! The standard variables of OpenTelemetry.

use std::time::Duration;

use kafka_prober::config::{Compression, Histograms, Protocol, Temporality};

use super::{CANARY, env, env_is_refused, loaded, names, otlp_endpoint, refused, reloaded};

#[test]
fn otel_endpoint_of_metrics_goes_before_the_general_one() {
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4317");
    let metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:4317");
    assert_eq!(otlp_endpoint(&[general]).as_deref(), Some("http://general:4317"));
    assert_eq!(otlp_endpoint(&[general, metrics]).as_deref(), Some("http://metrics:4317"));
    let empty = (metrics.0, "");
    assert_eq!(otlp_endpoint(&[general, empty]).as_deref(), Some("http://general:4317"));
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
        assert_eq!(loaded.config.otlp.endpoint.as_deref(), Some(expected), "{variable}={url}");
        assert_eq!(reloaded(&loaded).config, loaded.config, "{variable}={url}");
    }
}

#[test]
fn otel_variables_fill_the_rest_of_otlp() {
    let otlp = loaded(&env(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "ignored=1"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "Authorization=Basic%20abc%3D, x-team = sre"),
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
    assert_eq!(loaded(&env(&none)).config.otlp.compression, Compression::None);
}

#[test]
fn endpoint_without_a_scheme_is_secure_unless_insecure_is_set() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let insecure = |value| ("OTEL_EXPORTER_OTLP_INSECURE", value);
    assert_eq!(otlp_endpoint(&[endpoint]).as_deref(), Some("https://collector:4317"));
    assert_eq!(otlp_endpoint(&[endpoint, insecure("true")]).as_deref(), Some("http://collector:4317"));
    assert_eq!(otlp_endpoint(&[endpoint, insecure("yes")]).as_deref(), Some("https://collector:4317"));
    let metrics = ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "TRUE");
    assert_eq!(otlp_endpoint(&[endpoint, metrics, insecure("false")]).as_deref(), Some("http://collector:4317"));
    let scheme = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317");
    assert_eq!(otlp_endpoint(&[scheme, metrics]).as_deref(), Some("https://collector:4317"), "a scheme is final");
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let sentence = refused(&env(&[endpoint, http, metrics]));
    assert!(sentence.contains("is not a URL of a collector"), "over HTTP it needs one: {sentence}");
}

#[test]
fn shorter_of_both_timeouts_holds_and_0_is_the_longest() {
    let (exporter, reader) = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_METRIC_EXPORT_TIMEOUT");
    for (vars, expected) in [
        (&[(exporter, "2500")][..], Duration::from_millis(2500)),
        (&[(reader, "1500")], Duration::from_millis(1500)),
        (&[(exporter, "2500"), (reader, "1500")], Duration::from_millis(1500)),
        (&[(exporter, "500"), (reader, "1500")], Duration::from_millis(500)),
        (&[(exporter, "0"), (reader, "1500")], Duration::from_millis(1500)),
        (&[(exporter, "0")], Duration::from_secs(600)),
    ] {
        assert_eq!(loaded(&env(vars)).config.otlp.timeout, expected, "{vars:?}");
    }
}

#[test]
fn temporality_and_aggregation_are_words_in_any_case() {
    let otlp = |vars: &[(&str, &str)]| loaded(&env(vars)).config.otlp;
    let temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    assert_eq!(otlp(&[]).temporality, Temporality::Cumulative);
    assert_eq!(otlp(&[(temporality, "Delta")]).temporality, Temporality::Delta);
    assert_eq!(otlp(&[(temporality, "LowMemory")]).temporality, Temporality::LowMemory);
    let histograms = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    assert_eq!(otlp(&[]).histograms, Histograms::ExplicitBucketHistogram);
    let exponential = [(histograms, "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM")];
    assert_eq!(otlp(&exponential).histograms, Histograms::Base2ExponentialBucketHistogram);
    env_is_refused(
        &[(temporality, "total")],
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: otlp.temporality: \"total\" is not known; \
         use \"cumulative\" or \"delta\" or \"lowmemory\"",
    );
}

#[test]
fn otel_can_turn_the_export_off() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
    for off in
        [("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "prometheus")]
    {
        assert_eq!(otlp_endpoint(&[endpoint, off]), None, "{off:?}");
    }
    for on in
        [("OTEL_SDK_DISABLED", "false"), ("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "console,otlp")]
    {
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
            "ftp://collector:4317",
            "otlp.endpoint: \"ftp://collector:4317\" is not a URL of a collector; write it like http://collector:4317",
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
