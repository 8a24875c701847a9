//! Recordings of a running prober, and `replay` of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::harness::prober::Prober;
use crate::harness::{wait_for, wait_until};
use crate::program::{Ended, MOCK_SETTINGS, mock, probing, run};

/// Time limit for a prober to start, and to detect a frozen broker, on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

const FROZEN: Duration = Duration::from_secs(60);

/// Kind, broker, blame and confidence of a finding.
type Row = [String; 4];

fn rows(findings: &Value) -> BTreeSet<Row> {
    let findings = findings.as_array().into_iter().flatten();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    findings.map(|row| ["kind", "broker", "blame", "confidence"].map(|key| text(row, key))).collect()
}

#[track_caller]
fn page(prober: &Prober, path: &str) -> String {
    wait_for(SEEN_WITHIN, path, || Some(prober.http_get(path).filter(|page| page.status == 200)?.body))
}

fn active(prober: &Prober) -> BTreeSet<Row> {
    rows(&serde_json::from_str(&page(prober, "/api/v1/findings")).expect("the page is JSON"))
}

fn write_gzip(path: &Path, text: &str) {
    let mut gzip = GzEncoder::new(fs::File::create(path).expect("it is ours"), Compression::default());
    gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).expect("it is ours");
}

#[track_caller]
fn replay(path: &Path, more: &[&str]) -> (Ended, Value) {
    let file = path.display().to_string();
    let ended = run(&[&["replay", &file, "--output", "json"], more].concat(), &[]);
    assert_eq!(ended.stderr, "");
    let replayed = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
    (ended, replayed)
}

#[test]
fn replay_has_the_findings_of_the_prober_that_was_recorded() {
    let (mock, folder) = (mock(), tempfile::tempdir().expect("a temporary folder"));
    let sealed = folder.path().join("sealed");
    let sealed_text = sealed.display().to_string();
    let recorder =
        [("KAFKA_PROBER__RECORDER__FOLDER", sealed_text.as_str()), ("KAFKA_PROBER__RECORDER__SEAL_AFTER", "1s")];
    let env: Vec<_> = MOCK_SETTINGS.into_iter().chain(recorder).collect();
    let mut prober = probing(&mock.bootstrap().join(","), &env);
    page(&prober, "/readyz");

    mock.delay(2, FROZEN).expect("the mock has this broker");
    let mut live = BTreeSet::new();
    wait_until(SEEN_WITHIN, "broker 2 is named", || {
        live.extend(active(&prober));
        live.iter().any(|[_, broker, ..]| broker == "2")
    });
    mock.restart(2).expect("the mock has this broker");
    wait_until(SEEN_WITHIN, "the finding ends", || {
        let now = active(&prober);
        live.extend(now.clone());
        now.is_empty()
    });
    let path = folder.path().join("fetched.jsonl.gz");
    write_gzip(&path, &page(&prober, "/api/v1/recording"));
    let files =
        || fs::read_dir(&sealed).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default();
    let is_sealed = |file: &std::path::PathBuf| file.to_string_lossy().ends_with("-2.jsonl.gz");
    let sealed = wait_for(SEEN_WITHIN, "a recording is sealed", || {
        let files: Vec<std::path::PathBuf> = files();
        files.into_iter().find(is_sealed)
    });
    prober.terminate();

    let (ended, replayed) = replay(&path, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert_eq!((&replayed["complete"], &replayed["configuration"]), (&true.into(), &"recorded".into()));
    assert_eq!(replayed["differing_evaluations"], 0, "sentences included");
    assert_eq!(rows(&replayed["findings"]), live);
    let produced = replayed["series"].as_array().into_iter().flatten();
    let good: u64 = produced.filter_map(|row| row["outcomes"]["good"].as_u64()).sum();
    assert!(100 < good, "{good} good events");

    // The one that was sealed by itself begins alike.
    let (_, of_sealed) = replay(&sealed, &[]);
    assert_eq!((&of_sealed["differing_evaluations"], &of_sealed["from"]), (&0.into(), &replayed["from"]));
    assert!(rows(&of_sealed["findings"]).iter().any(|[_, broker, ..]| broker == "2"), "{of_sealed}");

    // As text, and by another configuration.
    let file = path.display().to_string();
    let text = run(&["replay", &file], &[]);
    assert_eq!((text.code, text.stderr.as_str()), (Some(1), ""));
    assert!(text.stdout.contains("; the findings are those that were recorded.\n"), "{}", text.stdout);
    assert!(text.stdout.contains("\nbroker_produce "), "{}", text.stdout);
    let config = folder.path().join("other.toml");
    fs::write(&config, "[probes.end_to_end]\nthreshold = \"1ms\"\n[objectives.mine]\nview = \"broker\"\nprobe = \"produce\"\nthreshold = \"\"\ntarget = 0.5\n").expect("it is ours");
    let (_, given) = replay(&path, &["--config", &config.display().to_string()]);
    assert_eq!((&given["configuration"], &given["differing_evaluations"]), (&"given".into(), &Value::Null));
    // The mock wakes no waiting fetch, so that a record is read some milliseconds after its ack.
    let slow = |replayed: &Value| -> u64 {
        let rows = replayed["series"].as_array().into_iter().flatten().filter(|row| row["probe"] == "end_to_end");
        rows.filter_map(|row| row["outcomes"]["slow"].as_u64()).sum()
    };
    assert!(slow(&replayed) < slow(&given), "{given}");
    let mine = given["objectives"].as_array().into_iter().flatten().find(|row| row["objective"] == "mine").cloned();
    assert!(mine.is_some_and(|row| 0 < row["good"].as_u64().unwrap_or(0)), "{given}");
}

#[test]
fn file_that_cannot_be_replayed_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.jsonl.gz");
    let file = path.display().to_string();
    let refused = |sentence: &str| {
        let ended = run(&["replay", &file], &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert_eq!(ended.stderr, format!("error: {sentence}\n"));
    };
    refused(&format!("cannot read {file}: No such file or directory (os error 2)"));
    fs::write(&path, "hello\n").expect("it is ours");
    refused(&format!("{file} is no recording: its first line does not begin with {{\"recording\":"));
    let header = "{\"recording\":{\"format\":{\"major\":9,\"minor\":2},\"prober\":\"7.0.0\"}}\n";
    write_gzip(&path, header);
    refused(&format!(
        "{file} has the format 9.2, and this prober reads 1.x: replay it with kafka-prober 7.0.0, which recorded it"
    ));
}

#[test]
fn recorder_that_is_switched_off_says_so() {
    let mut prober = probing("127.0.0.1:1", &[("KAFKA_PROBER__RECORDER__ENABLED", "false")]);
    page(&prober, "/healthz");
    let answer = prober.http_get("/api/v1/recording").expect("it listens");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, "this prober does not record: recorder.enabled is false\n")
    );
    prober.terminate();
    let folder = ("KAFKA_PROBER__RECORDER__FOLDER", "/tmp/somewhere");
    let ended =
        run(&["config", "check", "--bootstrap-server", "a:1"], &[("KAFKA_PROBER__RECORDER__ENABLED", "false"), folder]);
    let sentence = "recorder.folder: is of no use without recorder.enabled = true; set that, or remove this key\n";
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.ends_with(sentence), "{}", ended.stderr);
}
