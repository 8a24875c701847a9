//! `run` as a process: it counts from the first second on, also without a cluster, and ends on SIGTERM.

use std::time::Duration;

use serde_json::Value;

use crate::harness::otlp::{Mode, OtlpSink};
use crate::harness::ports::free_port;
use crate::harness::prober::Prober;
use crate::harness::{wait_for, wait_until};
use crate::program::{MOCK_SETTINGS, PROGRAM, mock, probing};

/// Time limit of a start on a busy machine.
const STARTED_WITHIN: Duration = Duration::from_secs(10);

/// Documented time limit after SIGTERM.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// `run` with a closed port of loopback as its only bootstrap server.
fn probing_closed_port(env: &[(&str, &str)]) -> Prober {
    probing(&format!("127.0.0.1:{}", free_port()), env)
}

/// `/api/v1/status`.
#[track_caller]
fn status(prober: &Prober) -> Value {
    wait_for(STARTED_WITHIN, "the status page", || {
        let page = prober.http_get("/api/v1/status").filter(|page| page.status == 200)?;
        Some(serde_json::from_str(&page.body).expect("the status page is JSON"))
    })
}

fn series(status: &Value) -> impl Iterator<Item = &Value> {
    status["clusters"][0]["series"].as_array().into_iter().flatten()
}

/// The sum of these outcomes over all series.
fn outcomes(status: &Value, names: &[&str]) -> u64 {
    series(status).flat_map(|row| names.iter().filter_map(|name| row["outcomes"][*name].as_u64())).sum()
}

/// Waits until events are counted.
#[track_caller]
fn wait_counted(prober: &Prober, outcome: &str, least: u64) {
    wait_until(STARTED_WITHIN, "events are counted", || least <= outcomes(&status(prober), &[outcome]));
}

/// When a snapshot was taken: milliseconds of its day.
fn taken_at(status: &Value) -> i64 {
    let time = status["time"].as_str().expect("a status has a time");
    let parts: Vec<i64> = time[11..23].split([':', '.']).map(|part| part.parse().expect("digits")).collect();
    let [hours, minutes, seconds, millis] = parts[..] else { panic!("no time of day: {time}") };
    ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
}

/// Every attempt due is counted once or in flight.
#[track_caller]
fn assert_balanced(status: &Value) {
    for row in series(status) {
        let counted: u64 = row["outcomes"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        let in_flight = row["in_flight"].as_u64().expect("a number");
        assert_eq!(row["due"].as_u64(), Some(counted + in_flight), "{row}");
    }
    assert_eq!(status["prober"]["imbalances"], 0);
}

#[test]
fn unreachable_cluster_is_counted_from_the_first_second() {
    let mut prober = probing_closed_port(&[]);
    let broker = ("broker", "unknown");
    let bad = [broker, ("probe", "produce"), ("view", "broker"), ("outcome", "error")];
    let counted = || prober.metrics().sum("kafka_prober_events_total", &bad);
    let took = wait_until(STARTED_WITHIN, "the outage is counted", || 3.0 <= counted());
    assert!(took < Duration::from_secs(4), "{took:?} instead of one second and three intervals");

    let page = prober.metrics();
    let of_cause = page.sum("kafka_prober_errors_total", &[("probe", "produce"), ("error_type", "no_metadata")]);
    assert_eq!(of_cause, page.sum("kafka_prober_errors_total", &[("probe", "produce")]), "no other cause is named");
    let status = status(&prober);
    assert_balanced(&status);
    let lane = &status["clusters"][0]["lanes"][0];
    assert_eq!(lane["state"], "connecting");
    assert!(lane["message"].as_str().is_some_and(|text| text.contains("no bootstrap server answers")), "{lane}");
    assert!(prober.is_running(), "it keeps running: {}", prober.stderr());
}

#[test]
fn healthz_is_about_the_process_and_readyz_about_the_first_event() {
    let prober = probing_closed_port(&[]);
    let code = |path: &str| prober.http_get(path).map(|page| page.status);
    wait_until(STARTED_WITHIN, "it listens", || code("/healthz") == Some(200));
    let before = prober.http_get("/readyz").expect("it listens");
    assert_eq!(before.status, 503);
    assert!(before.body.contains("cluster default, lane pinned: connecting"), "{}", before.body);
    wait_until(STARTED_WITHIN, "it gets ready", || code("/readyz") == Some(200));
    wait_counted(&prober, "error", 10);
    assert_eq!((code("/readyz"), code("/healthz")), (Some(200), Some(200)));
}

#[test]
fn no_page_shows_a_secret() {
    let prober = probing_closed_port(&[
        ("KAFKA_PROBER__OTLP__HEADERS", "authorization=canary-51be"),
        ("KAFKA_PROBER__VANTAGE", "west"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PROTOCOL", "sasl_plaintext"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__SASL_MECHANISM", "PLAIN"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__USERNAME", "prober"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PASSWORD", "canary-51be"),
    ]);
    wait_until(STARTED_WITHIN, "it gets ready", || prober.http_get("/readyz").map(|page| page.status) == Some(200));
    let list = prober.http_get("/").expect("it listens");
    let pages: Vec<&str> = list.body.split_whitespace().filter(|word| word.starts_with('/')).collect();
    assert!(["/config", "/api/v1/recording"].iter().all(|page| pages.contains(page)), "{}", list.body);
    for page in pages {
        let answer = prober.http_get(page).expect("it listens");
        assert_eq!(answer.status, 200, "{page}");
        assert!(!answer.body.contains("canary-51be"), "{page} shows the secret");
    }
    let config = prober.http_get("/config").expect("it listens");
    let config: Value = serde_json::from_str(&config.body).expect("it is JSON");
    assert_eq!(config["vantage"], "west");
    assert!(!prober.stderr().contains("canary-51be"), "the log shows the secret");
}

#[test]
fn file_wins_over_the_standard_variables_and_ours_over_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("prober.toml");
    let file = "[otlp]\ncompression = \"\"\nheaders = { x-team = \"file\", x-file = \"file\" }\n";
    std::fs::write(&path, file).expect("it is ours");
    for sink in [OtlpSink::grpc(), OtlpSink::http()] {
        let (endpoint, protocol) = (sink.endpoint(), if sink.is_grpc() { "grpc" } else { "http/protobuf" });
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let closed_port = format!("127.0.0.1:{}", free_port());
        let config = path.display().to_string();
        let args = ["run", "--bootstrap-server", &closed_port, "--listen", &listen, "--config", &config];
        let env = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=variable,x-variable=variable"),
            ("KAFKA_PROBER__OTLP__HEADERS", "x-file=ours"),
        ];
        let _prober = Prober::spawn(PROGRAM, port, &args, &env);
        wait_until(STARTED_WITHIN, "an export arrives", || 1 <= sink.exports());
        let headers = sink.store().headers.clone();
        let header = |name: &str| headers.get(name).map(String::as_str);
        assert_eq!(header("x-team"), Some("file"));
        assert_eq!(header("x-file"), Some("ours"));
        assert_eq!(header("x-variable"), Some("variable"), "layers replace single headers");
        // The one exception: over gRPC `opentelemetry-otlp` reads the variable where no compression is configured, and it
        // has no setting for "none".
        let over_grpc = sink.is_grpc().then_some("gzip");
        assert_eq!((header("grpc-encoding"), header("content-encoding")), (over_grpc, None));
        let agent = concat!("kafka-prober/", env!("CARGO_PKG_VERSION"));
        assert!(header("user-agent").is_some_and(|text| text.starts_with(agent)), "{headers:?}");
    }
}

#[test]
fn sigterm_ends_it_with_exit_code_0_within_five_seconds() {
    let mut prober = probing_closed_port(&[]);
    wait_counted(&prober, "error", 1);
    prober.terminate();
    let exit = prober.wait_exit(ENDS_WITHIN);
    assert_eq!(exit.code, Some(0), "{}", prober.stderr());
    assert_eq!(prober.stdout(), "", "stdout is data, and run has none");
}

#[test]
fn sigterm_ends_it_within_five_seconds_while_the_collector_hangs() {
    let sink = OtlpSink::grpc();
    sink.set_mode(Mode::Hung);
    let endpoint = sink.endpoint();
    let mut prober = probing_closed_port(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    wait_counted(&prober, "error", 1);
    prober.terminate();
    let exit = prober.wait_exit(ENDS_WITHIN);
    assert_eq!(exit.code, Some(0), "{}", prober.stderr());
    assert!(Duration::from_secs(1) < exit.elapsed, "it did not attempt a last export: {exit:?}");
}

#[test]
fn second_sigterm_ends_it_immediately() {
    let sink = OtlpSink::grpc();
    sink.set_mode(Mode::Hung);
    let endpoint = sink.endpoint();
    let mut prober = probing_closed_port(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    wait_counted(&prober, "error", 1);
    prober.terminate();
    wait_until(STARTED_WITHIN, "it is stopping", || prober.stderr().contains("\"message\":\"stopping\""));
    prober.terminate();
    let exit = prober.wait_exit(ENDS_WITHIN);
    assert_eq!(exit.code, Some(128 + 15), "{}", prober.stderr());
    assert!(exit.elapsed < Duration::from_secs(1), "{exit:?}");
}

#[test]
fn frozen_prober_accounts_for_every_attempt_and_names_no_broker() {
    const INTERVAL_MS: i64 = 50;
    let mock = mock();
    let mut env = MOCK_SETTINGS.to_vec();
    env.push(("KAFKA_PROBER__LANES__PINNED__INTERVAL", "50ms"));
    let mut prober = probing(&mock.bootstrap().join(","), &env);
    wait_counted(&prober, "good", 90);
    let before = status(&prober);
    prober.freeze();
    // The test is about elapsed time.
    std::thread::sleep(Duration::from_secs(2));
    prober.thaw();
    let after = wait_for(STARTED_WITHIN, "the prober reports its stall", || {
        let now = status(&prober);
        let good_again = outcomes(&before, &["good"]) + 90 <= outcomes(&now, &["good"]);
        (good_again && 0 < outcomes(&now, &["missed"])).then_some(now)
    });
    assert_balanced(&after);
    assert_eq!(outcomes(&after, &["slow", "error", "timeout", "lost", "corrupt"]), 0, "{after}");
    // The next heartbeat may have been due up to 50 ms after the stop.
    assert!(1_900.0 <= after["prober"]["stalled_ms"].as_f64().expect("a number"), "{}", after["prober"]);

    let passed = (taken_at(&after) - taken_at(&before)).rem_euclid(86_400_000);
    let due = |status: &Value, broker: i32| {
        let of = |row: &&Value| row["view"] == "broker" && row["broker"] == broker && row["probe"] == "produce";
        let row = series(status).find(of).cloned();
        row.and_then(|row| row["due"].as_i64()).expect("the broker is probed")
    };
    for broker in 1..=3 {
        let came_due = due(&after, broker) - due(&before, broker);
        assert!((came_due - passed / INTERVAL_MS).abs() <= 2, "broker {broker}: {came_due} due in {passed} ms");
    }
}

/// Kind and broker of each active finding.
fn findings(prober: &Prober) -> Vec<(String, Value)> {
    let page = prober.http_get("/api/v1/findings").filter(|page| page.status == 200);
    let rows = page.and_then(|page| serde_json::from_str::<Vec<Value>>(&page.body).ok()).unwrap_or_default();
    rows.into_iter().map(|row| (row["kind"].as_str().unwrap_or_default().to_owned(), row["broker"].clone())).collect()
}

/// The log has no finding about a broker.
#[track_caller]
fn assert_no_broker_named(prober: &Prober) {
    let lines = prober.stderr();
    let of_broker = |line: &&str| line.contains("finding: ") && line.contains("\"broker\":");
    assert_eq!(lines.lines().find(of_broker), None);
}

#[test]
fn prober_throttled_to_a_twentieth_of_the_time_names_no_broker() {
    let mock = mock();
    let mut prober = probing(&mock.bootstrap().join(","), &MOCK_SETTINGS);
    wait_counted(&prober, "good", 90);
    // The test is about elapsed time.
    for _ in 0..150 {
        prober.freeze();
        std::thread::sleep(Duration::from_millis(95));
        prober.thaw();
        std::thread::sleep(Duration::from_millis(5));
    }
    let found = wait_for(STARTED_WITHIN, "it reports its own shortage", || {
        Some(findings(&prober)).filter(|found| found.iter().any(|(kind, _)| kind == "prober_stalled"))
    });
    let before = status(&prober);
    wait_counted(&prober, "good", 90 + outcomes(&before, &["good"]));
    let after = status(&prober);
    assert_balanced(&after);
    let bad = outcomes(&after, &["slow", "error", "timeout", "lost", "corrupt"]);
    assert_eq!(bad, 0, "{found:?}\n{after:#}");
    assert_no_broker_named(&prober);
}

/// `run` with a soft limit of open files. Descriptors that it would inherit are closed first: the sockets of the mock clusters of
/// tests that run beside this one, at one time more and at another less.
fn probing_with_descriptors(bootstrap: &str, limit: &str) -> Prober {
    let start = format!(
        "for path in /proc/$$/fd/*; do fd=${{path##*/}}; if ((2 < fd)); then eval \"exec $fd>&-\"; fi; done
         [[ {limit} == unlimited ]] || ulimit -S -n {limit}
         exec \"$0\" \"$@\""
    );
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = ["-c", &start, PROGRAM, "run", "--bootstrap-server", bootstrap, "--listen", &listen];
    Prober::spawn("/bin/bash", port, &args, &MOCK_SETTINGS)
}

#[test]
fn prober_short_of_file_descriptors_reports_it_and_names_no_broker() {
    let mock = mock();
    let bootstrap = mock.bootstrap().join(",");
    let used = {
        let prober = probing_with_descriptors(&bootstrap, "unlimited");
        wait_counted(&prober, "good", 300);
        status(&prober)["prober"]["file_descriptors"]["used"].as_u64().expect("the status page has it")
    };
    // Enough for those in use and a few fresh connections.
    let prober = probing_with_descriptors(&bootstrap, &(used + used / 16 + 1).to_string());
    wait_counted(&prober, "good", 90);
    wait_until(STARTED_WITHIN, "it reports the shortage", || {
        findings(&prober) == [("prober_starved".to_owned(), Value::Null)]
    });
    assert!(prober.stderr().contains("raise its limit of open files"), "{}", prober.stderr());
    assert_no_broker_named(&prober);
    let after = status(&prober);
    assert_eq!(outcomes(&after, &["slow", "error", "timeout", "lost", "corrupt"]), 0, "{after:#}");
}
