//! The real OpenTelemetry Collector: over every protocol and security it forwards the prober's counts unchanged, and a prober
//! that exports to a wrong port names the setting to change.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::collector::{Collector, Security};
use crate::harness::otlp::{OtlpSink, Store, Value as Sent};
use crate::harness::ports::free_port;
use crate::harness::prober::Prober;
use crate::harness::{wait_for, wait_until};
use crate::program::{MOCK_SETTINGS, PROGRAM, mock};

/// Time limit for some probers and a collector to start at the same time on a busy machine.
const WITHIN: Duration = Duration::from_secs(40);

/// Long intervals, so that the counts do not change between two attempts and can be compared.
const QUIET: [(&str, &str); 6] = [
    ("KAFKA_PROBER__LANES__PINNED__INTERVAL", "3s"),
    ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "3s"),
    // One direct probe is enough.
    ("KAFKA_PROBER__PROBES__FETCH__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__METADATA__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__CONTROLLER__ENABLED", "false"),
    ("KAFKA_PROBER__OBSERVATION__ENABLED", "false"),
];

type Variables = Vec<(&'static str, String)>;

/// `run` as this vantage, exporting with these variables.
fn probing(vantage: &str, bootstrap: &str, env: &[(&str, String)]) -> Prober {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = ["run", "--bootstrap-server", bootstrap, "--listen", &listen, "--vantage", vantage];
    let mut all = MOCK_SETTINGS.to_vec();
    all.extend(QUIET);
    all.push(("OTEL_METRIC_EXPORT_INTERVAL", "200"));
    all.extend(env.iter().map(|(name, value)| (*name, value.as_str())));
    Prober::spawn(PROGRAM, port, &args, &all)
}

/// Only the standard variables, as a platform sets them for every program.
fn endpoint_of(collector: &Collector, security: Security, grpc: bool) -> Variables {
    let scheme = if security == Security::Plain { "http" } else { "https" };
    let protocol = if grpc { "grpc" } else { "http/protobuf" };
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{scheme}://{}", collector.address(security, grpc))),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
    ]
}

fn with(mut variables: Variables, more: Variables) -> Variables {
    variables.extend(more);
    variables
}

fn status(prober: &Prober) -> Option<Value> {
    let page = prober.http_get("/api/v1/status").filter(|page| page.status == 200)?;
    serde_json::from_str(&page.body).ok()
}

#[test]
fn every_protocol_and_security_delivers_the_counts_of_the_status_page() {
    let sink = OtlpSink::http();
    let Some(collector) = Collector::start(&sink) else { return };
    let mock = mock();
    let bootstrap = mock.bootstrap().join(",");
    let gzip = || vec![("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".to_owned())];
    // The variable for metrics wins over the general one, whose file does not exist.
    let trust = || {
        vec![
            ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", collector.ca()),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem".to_owned()),
        ]
    };
    let (certificate, key) = collector.client_identity();
    let identity = || {
        vec![
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate.clone()),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key.clone()),
        ]
    };
    let probers: Vec<(String, Prober)> = [true, false]
        .into_iter()
        .flat_map(|grpc| {
            let plain = || endpoint_of(&collector, Security::Plain, grpc);
            let tls = endpoint_of(&collector, Security::Tls, grpc);
            let mutual = endpoint_of(&collector, Security::MutualTls, grpc);
            let name = if grpc { "grpc" } else { "http" };
            [
                (name.to_owned(), plain()),
                (format!("{name}-gzip"), with(plain(), gzip())),
                (format!("{name}-tls"), with(tls, trust())),
                (format!("{name}-mutual-tls-gzip"), with(mutual, [trust(), identity(), gzip()].concat())),
            ]
        })
        .map(|(vantage, env)| {
            let prober = probing(&vantage, &bootstrap, &env);
            (vantage, prober)
        })
        .collect();
    for (vantage, prober) in &probers {
        let began = Instant::now();
        wait_until(2 * WITHIN, "the sink has the counts of the page", || {
            let Some(page) = status(prober) else {
                assert!(began.elapsed() < WITHIN, "{vantage} shows no page:\n{}", prober.stderr());
                return false;
            };
            let last = differences(&page, &sink.store(), vantage);
            assert!(began.elapsed() < WITHIN, "{vantage}, {} good: {last:#?}\n{}", good(&page), prober.stderr());
            last.is_empty() && 9 <= good(&page)
        });
    }
}

fn series(status: &Value) -> impl Iterator<Item = &Value> {
    status["clusters"][0]["series"].as_array().into_iter().flatten()
}

/// Good round trips so far.
fn good(status: &Value) -> u64 {
    series(status).filter(|row| row["probe"] == "end_to_end").filter_map(|row| row["outcomes"]["good"].as_u64()).sum()
}

/// Differences between the page and the received metrics: events, attempts, errors, durations, objectives.
fn differences(status: &Value, store: &Store, vantage: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |metric: &str, attributes: &[(&str, &str)], shown: &Value| {
        let mut wanted = vec![("vantage", vantage)];
        wanted.extend(attributes);
        let arrived = store.sum(metric, &wanted);
        if shown.as_f64() != Some(arrived) {
            found.push(format!("{metric} {wanted:?}: the page shows {shown}, {arrived} arrived"));
        }
    };
    let mut durations = Vec::new();
    for row in series(status) {
        let about = if row["view"] == "client" { "partition" } else { "broker" };
        let subject = row[about].as_i64().map_or_else(|| "unknown".to_owned(), |number| number.to_string());
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let of = [("view", text("view")), ("probe", text("probe")), (about, subject.as_str())];
        let and = |name, value| [of[0], of[1], of[2], (name, value)];
        for (outcome, count) in row["outcomes"].as_object().into_iter().flatten() {
            compare("kafka_prober.events", &and("outcome", outcome), count);
        }
        for (error, count) in row["errors"].as_object().into_iter().flatten() {
            compare("kafka_prober.errors", &and("error.type", error), count);
        }
        compare("kafka_prober.attempts.due", &of, &row["due"]);
        compare("kafka_prober.attempts.sent", &of, &row["sent"]);
        durations.push((of.map(|(name, value)| (name, value.to_owned())), row["durations"]["count"].clone()));
    }
    for objective in status["clusters"][0]["objectives"].as_array().into_iter().flatten() {
        let name = objective["name"].as_str().unwrap_or_default();
        for verdict in ["good", "bad"] {
            compare("kafka_prober.objective.events", &[("objective", name), ("verdict", verdict)], &objective[verdict]);
        }
    }
    for (of, count) in durations {
        let [a, b, c] = &of;
        let wanted = [("vantage", vantage), (a.0, a.1.as_str()), (b.0, b.1.as_str()), (c.0, c.1.as_str())];
        let arrived = store.histogram("kafka_prober.duration", &wanted).map_or(0, |histogram| histogram.count);
        if count.as_u64() != Some(arrived) {
            found.push(format!("kafka_prober.duration {wanted:?}: the page shows {count}, {arrived} arrived"));
        }
    }
    if found.is_empty() && store.points("kafka_prober.events").iter().any(|point| point.value == Sent::Unexpected) {
        found.push("a point of a kind that the prober never sends".to_owned());
    }
    found
}

#[test]
fn explanation_of_a_wrong_port_names_the_setting_to_change() {
    let sink = OtlpSink::http();
    let Some(collector) = Collector::start(&sink) else { return };
    let closed_port = format!("127.0.0.1:{}", free_port());
    let endpoint = |url: String| ("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let protocol = |grpc: bool| {
        let protocol = if grpc { "grpc" } else { "http/protobuf" };
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned())
    };
    let ca = || ("OTEL_EXPORTER_OTLP_CERTIFICATE", collector.ca());
    let at = |security, grpc| collector.address(security, grpc);
    for grpc in [true, false] {
        let mut cases: Vec<(String, Variables, &[&str])> = Vec::new();
        let name = |what: &str| format!("{what}-{}", if grpc { "grpc" } else { "http" });
        let other: &[&str] = if grpc {
            &["OTEL_EXPORTER_OTLP_PROTOCOL", "otlp.protocol", "to http/protobuf", "4317"]
        } else {
            &["OTEL_EXPORTER_OTLP_PROTOCOL", "otlp.protocol", "to grpc", "4318"]
        };
        let url = format!("http://{}", at(Security::Plain, !grpc));
        cases.push((name("other-protocol"), vec![endpoint(url), protocol(grpc)], other));
        let url = format!("https://{}", at(Security::Tls, !grpc));
        // A collector's HTTP port speaks HTTP/2 as well over TLS, without gRPC's method.
        cases.push((name("other-protocol-tls"), vec![endpoint(url), protocol(grpc), ca()], other));
        let url = format!("http://{}", at(Security::Tls, grpc));
        let https: &[&str] = &["write https:// in otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)"];
        cases.push((name("http-to-tls"), vec![endpoint(url), protocol(grpc)], https));
        let url = format!("https://{}", at(Security::Plain, grpc));
        let http: &[&str] = &["write http:// in otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)"];
        cases.push((name("https-to-plain"), vec![endpoint(url), protocol(grpc), ca()], http));
        let (stranger, _) = collector.client_identity();
        let url = format!("https://{}", at(Security::Tls, grpc));
        let unknown = vec![endpoint(url), protocol(grpc), ("OTEL_EXPORTER_OTLP_CERTIFICATE", stranger)];
        cases.push((name("unknown-ca"), unknown, &["OTEL_EXPORTER_OTLP_CERTIFICATE"]));
        let url = format!("https://localhost:{}", at(Security::Tls, grpc).rsplit(':').next().unwrap_or_default());
        let host: &[&str] = &["is for another host name", "127.0.0.1", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        cases.push((name("wrong-host"), vec![endpoint(url), protocol(grpc), ca()], host));
        let url = format!("https://{}", at(Security::MutualTls, grpc));
        let demanded: &[&str] = &["demands a client certificate", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
        cases.push((name("no-client-certificate"), vec![endpoint(url), protocol(grpc), ca()], demanded));
        let probers: Vec<_> = cases
            .into_iter()
            .map(|(vantage, env, parts)| {
                let prober = probing(&vantage, &closed_port, &env);
                (vantage, prober, parts)
            })
            .collect();
        for (vantage, prober, parts) in &probers {
            let line = wait_for(WITHIN, "the failure is in the log", || {
                let log = prober.stderr();
                log.lines().find(|line| line.contains("OTLP export fails")).map(str::to_owned)
            });
            for part in *parts {
                assert!(line.contains(part), "{vantage}: no {part:?} in {line}");
            }
        }
        wait_until(WITHIN, "all of them still probe", || probers.iter().all(|(_, prober, _)| status(prober).is_some()));
    }
    assert_eq!(sink.exports(), 0, "no export arrives through a wrong port");
}
