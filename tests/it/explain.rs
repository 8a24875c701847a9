//! `explain`: the findings and status of a running prober as text, as a table and as an exit code.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::ports::free_port;
use crate::harness::prober::Prober;
use crate::harness::wait_for;
use crate::program::{Ended, MOCK_SETTINGS, PROGRAM, mock, run};

/// Time limit for a prober to start, and to detect a frozen broker, on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

const FROZEN: Duration = Duration::from_secs(60);

/// The kind, broker and blame of a finding.
type Row<'a> = (&'a str, Option<&'a str>, &'a str);

/// The output of a prober with these findings.
fn document(findings: &[Row<'_>], ready: bool) -> Value {
    let finding = |(kind, broker, blame): &Row<'_>| {
        json!({"kind": kind, "cluster": "main", "broker": broker, "blame": blame, "since": "2026-03-01T11:59:00.000Z",
               "confidence": "likely", "summary": "it is so", "evidence": ["it was seen"], "runner_up": null, "members": [],
               "explains": [], "recurrence": null})
    };
    let status = json!({"schema_version": 1, "vantage": "default", "time": "2026-03-01T12:00:00.000Z", "ready": ready,
                        "clusters": [{"name": "main", "brokers": [{"id": 3, "state": "ok"}], "series": []}]});
    json!({"schema_version": 1, "findings": findings.iter().map(finding).collect::<Vec<_>>(), "status": status})
}

/// `explain --from` a file with this text, and more arguments.
fn explained(document: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kept.json");
    std::fs::write(&file, document).expect("it is ours");
    run(&[&["explain", "--from", &file.to_string_lossy()], args].concat(), &[])
}

/// Whether the output has a line of these words.
fn has_line(ended: &Ended, words: &str) -> bool {
    let expected: Vec<&str> = words.split(' ').collect();
    ended.stdout.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == expected)
}

#[test]
fn exit_code_follows_the_blame_of_the_findings() {
    let cases: [(&[Row<'_>], bool, i32); 7] = [
        (&[], true, 0),
        (&[("reassignment_running", None, "nobody")], true, 0),
        (&[("broker_down", Some("2"), "cluster")], true, 1),
        (&[("broker_down", Some("2"), "cluster"), ("duplicate_vantage", None, "prober")], true, 1),
        (&[("cluster_unreachable", None, "unclear")], true, 3),
        (&[], false, 3),
        (&[("prober_stalled", None, "prober")], true, 4),
    ];
    for (findings, ready, code) in cases {
        let ended = explained(&document(findings, ready).to_string(), &[]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(code), ""), "{findings:?}");
    }
}

#[test]
fn only_findings_that_were_asked_for_are_printed_and_set_the_exit_code() {
    let findings = [("broker_down", Some("2"), "cluster"), ("cluster_unreachable", None, "unclear")];
    let kept = document(&findings, true).to_string();
    let ended = explained(&kept, &["cluster_unreachable"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(!ended.stdout.contains("broker_down") && ended.stdout.contains("; 1 more not shown ("), "{}", ended.stdout);
    assert_eq!(explained(&kept, &["--broker", "3"]).code, Some(0));
    assert_eq!(explained(&kept, &["--broker", "2"]).code, Some(1));
    let unknown = explained(&kept, &["--broker", "9"]);
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(2), "error: this prober knows no broker 9 in the clusters asked for\n")
    );
}

#[test]
fn other_document_is_refused_in_a_sentence() {
    for text in ["", "[]", "{\"findings\": []}"] {
        let ended = explained(text, &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{text}: {ended:?}");
        assert!(ended.stderr.starts_with("error: this is not the output of a prober: "), "{}", ended.stderr);
    }
    let ended = run(&["explain", "--from", "tests/it/testdata/absent.json"], &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.starts_with("error: cannot read tests/it/testdata/absent.json: "), "{}", ended.stderr);
}

#[test]
fn prober_that_does_not_answer_is_unhealthy_and_its_address_is_named() {
    let listen = format!("127.0.0.1:{}", free_port());
    let ended = run(&["explain"], &[("KAFKA_PROBER__HTTP__LISTEN", &listen)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), ""), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("error: no prober answers at http://{listen}/")), "{}", ended.stderr);
    assert!(ended.stderr.contains("Connection refused"), "{}", ended.stderr);
}

#[test]
fn another_http_server_is_not_taken_for_a_prober() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let answering = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().expect("it calls");
        let _ = caller.read(&mut [0; 1024]);
        let _ = caller.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let ended = run(&["explain", "--url", &url], &[]);
    answering.join().expect("it answered");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr, format!("error: the server at {url}/api/v1/findings is not a prober: HTTP 404\n"));
}

#[test]
fn refused_lane_does_not_pass_and_comes_first() {
    let mut document = document(&[], true);
    let message = "topic t is not ours";
    document["status"]["clusters"][0]["lanes"] = json!([{"lane": "pinned", "state": "refused", "message": message}]);
    let ended = explained(&document.to_string(), &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let first = ended.stdout.lines().next().unwrap_or_default();
    assert_eq!(first, "Lane pinned of cluster main is refused: topic t is not ours.");
}

#[test]
fn kind_that_is_not_active_is_explained_by_the_runbook() {
    let ended = explained(&document(&[], true).to_string(), &["broker_down"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("broker_down, from the runbook:\n  - Means: "), "{}", ended.stdout);
}

#[test]
fn closed_pipe_is_no_error_and_keeps_the_exit_code_of_the_findings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kept.json");
    let document = document(&[("broker_down", Some("2"), "cluster")], true);
    std::fs::write(&file, document.to_string()).expect("it is ours");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(PROGRAM);
    let output = command.arg("explain").arg("--from").arg(&file).stdout(writer).output().expect("it starts");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
}

#[test]
fn frozen_broker_is_explained_with_its_evidence_and_its_row_of_the_table() {
    let mock = mock();
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let bootstrap = mock.bootstrap().join(",");
    let args = ["run", "--bootstrap-server", &bootstrap, "--cluster", "main", "--listen", &listen];
    let mut prober = Prober::spawn(PROGRAM, port, &args, &MOCK_SETTINGS);
    let page = |path: &str| Some(prober.http_get(path).filter(|page| page.status == 200)?.body);
    wait_for(SEEN_WITHIN, "it is ready", || page("/readyz"));

    mock.delay(2, FROZEN).expect("the mock has this broker");
    wait_for(SEEN_WITHIN, "broker 2 is named", || {
        let findings: Value = serde_json::from_str(&page("/api/v1/findings")?).ok()?;
        let mut rows = findings.as_array()?.iter();
        rows.find(|row| row["broker"] == "2" && row["blame"] == "cluster").cloned()
    });
    wait_for(SEEN_WITHIN, "its newest record timed out", || {
        let status: Value = serde_json::from_str(&page("/api/v1/status")?).ok()?;
        let mut rows = status["clusters"][0]["series"].as_array()?.iter();
        rows.find(|row| {
            row["view"] == "broker"
                && row["probe"] == "produce"
                && row["broker"] == 2
                && row["latest"]["outcome"] == "timeout"
        })
        .cloned()
    });
    let ended = run(&["explain", "--broker", "2", "--url", &url], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "colours are for terminals");
    let named = |line: &str| line.starts_with("broker_") && line.ends_with("  broker 2, cluster main");
    assert!(ended.stdout.lines().any(named), "{}", ended.stdout);
    assert!(ended.stdout.contains("  from the runbook:\n    - Means: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("- no response on a fresh connection for "), "{}", ended.stdout);
    assert!(has_line(&ended, "broker state produce consume end_to_end fetch metadata connect"), "{}", ended.stdout);
    let row = ended.stdout.lines().find(|line| line.starts_with("2 ")).unwrap_or_default();
    assert!(row.contains("failing") && row.contains("timeout"), "{}", ended.stdout);

    // A saved document gives the same answer.
    let kept = run(&["explain", "--url", &url, "--json"], &[]);
    assert_eq!(kept.code, Some(1), "{kept:?}");
    let again = explained(&kept.stdout, &["--broker", "2"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stdout.contains("broker 2, cluster main"), "{}", again.stdout);
    let tables = again.stdout.split_once("Broker view").and_then(|(_, after)| after.split_once("Client view"));
    let (broker_view, _) = tables.expect("both tables are printed");
    let healthy = broker_view.lines().filter(|line| line.starts_with("1 ") || line.starts_with("3 ")).count();
    assert_eq!(healthy, 0, "{}", again.stdout);
    prober.terminate();
}
