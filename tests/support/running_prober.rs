//! The prober as a process in front of a test's cluster: its pages, and the findings that it reported.

use std::cell::RefCell;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::status::{Status, view_of};
use crate::harness::otlp::OtlpSink;
use crate::harness::prober::{Exit, Prober};
use crate::harness::{ports, wait_for_with_message};

/// The kind of a finding, and the broker that it names.
pub(crate) type FindingId = (String, Option<i32>);

/// One active finding of `/api/v1/findings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FindingOnPage {
    pub(crate) id: FindingId,
    /// The brokers that it is about together, without naming one.
    pub(crate) members: Vec<i32>,
    /// How often it has begun within the last ten minutes, if it recurs.
    pub(crate) episodes: Option<u64>,
    /// Whether it recurs and is between two episodes.
    pub(crate) is_between: bool,
}

/// A prober that runs until it is stopped or dropped.
pub(crate) struct RunningProber {
    pub(crate) prober: Prober,
}

impl RunningProber {
    /// Starts `run` with default settings plus `args` and `env`. It exports to `sink`, if there is one.
    pub(crate) fn start(
        bootstrap: &str,
        sink: Option<&OtlpSink>,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> RunningProber {
        RunningProber::start_at(ports::free_port(), bootstrap, sink, args, env)
    }

    /// As [`RunningProber::start`], with its pages at this port.
    pub(crate) fn start_at(
        port: u16,
        bootstrap: &str,
        sink: Option<&OtlpSink>,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> RunningProber {
        let listen = format!("127.0.0.1:{port}");
        let mut all = vec!["run", "--bootstrap", bootstrap, "--listen", &listen];
        all.extend(args);
        let endpoint = sink.map(OtlpSink::endpoint).unwrap_or_default();
        let mut variables = env.to_vec();
        if sink.is_some() {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint));
        }
        let prober = Prober::spawn(env!("CARGO_BIN_EXE_kafka-prober"), port, &all, &variables);
        RunningProber { prober }
    }

    /// The status page. A prober that does not serve it fails the test.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        let page = self.prober.http_get("/api/v1/status").filter(|page| page.status == 200);
        let page = page.unwrap_or_else(|| panic!("no status page:\n{}", self.prober.stderr()));
        Status::of(serde_json::from_str(&page.body).expect("the status page is JSON"))
    }

    /// The active findings, without those between two episodes: tests that repeat a fault measure the end of each.
    #[track_caller]
    pub(crate) fn findings(&self) -> Vec<FindingId> {
        let page = self.prober.http_get("/api/v1/findings").filter(|page| page.status == 200);
        let page = page.unwrap_or_else(|| panic!("no page of findings:\n{}", self.prober.stderr()));
        let found = parse_findings(&page.body).into_iter().filter(|finding| !finding.is_between);
        found.map(|finding| finding.id).collect()
    }

    /// Whether a finding recurs, so that it is shown between two episodes as well.
    #[track_caller]
    pub(crate) fn has_recurring_finding(&self) -> bool {
        let page = self.prober.http_get("/api/v1/findings").filter(|page| page.status == 200);
        let page = page.unwrap_or_else(|| panic!("no page of findings:\n{}", self.prober.stderr()));
        parse_findings(&page.body).iter().any(|finding| finding.episodes.is_some())
    }

    /// The exit code of `explain`, which asks this prober.
    #[track_caller]
    pub(crate) fn explain_exit(&self) -> Option<i32> {
        let url = format!("http://{}", self.prober.http_address());
        let mut explain = Command::new(env!("CARGO_BIN_EXE_kafka-prober"));
        explain.args(["explain", "--url", &url]).env_clear().stdin(Stdio::null());
        explain.output().expect("the binary under test starts").status.code()
    }

    /// Replays what the prober has recorded since its start: the findings of every evaluation, and so those that it has logged, have
    /// to be the same.
    #[track_caller]
    pub(crate) fn assert_replayed(&self) {
        let page = self.prober.http_get("/api/v1/recording").filter(|page| page.status == 200);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("recording.jsonl");
        fs::write(&file, page.expect("the prober has recorded").body).expect("it is ours");
        let mut replay = Command::new(env!("CARGO_BIN_EXE_kafka-prober"));
        replay.args(["replay", "--output", "json"]).arg(&file).env_clear().stdin(Stdio::null());
        let output = replay.output().expect("the binary under test starts");
        let replayed: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!((&replayed["complete"], &replayed["differing_evaluations"]), (&Value::from(true), &Value::from(0)));
        let broker = |row: &Value| row["broker"].as_str().and_then(|id| id.parse().ok());
        let rows = replayed["findings"].as_array().into_iter().flatten();
        let found: Vec<FindingId> =
            rows.map(|row| (row["kind"].as_str().unwrap_or_default().to_owned(), broker(row))).collect();
        assert_eq!(found, self.findings_so_far());
    }

    /// Every finding that ever began, from the log, so that none is missed between two polls.
    pub(crate) fn findings_so_far(&self) -> Vec<FindingId> {
        let lines = self.prober.stderr();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let begins =
            lines.filter(|line| line["message"].as_str().is_some_and(|message| message.starts_with("finding: ")));
        let broker = |line: &Value| line["broker"].as_i64().and_then(|id| i32::try_from(id).ok());
        begins.map(|line| (line["kind"].as_str().unwrap_or_default().to_owned(), broker(&line))).collect()
    }

    /// Findings named `broker` only, with exactly these kinds in this order.
    #[track_caller]
    pub(crate) fn assert_only_found(&self, broker: i32, kinds: &[&str]) {
        let expected: Vec<FindingId> = kinds.iter().map(|kind| ((*kind).to_owned(), Some(broker))).collect();
        assert_eq!(self.findings_so_far(), expected, "{}", self.prober.stderr());
    }

    /// No finding named a broker.
    #[track_caller]
    pub(crate) fn assert_no_broker_named(&self) {
        let named: Vec<FindingId> = self.findings_so_far().into_iter().filter(|(_, broker)| broker.is_some()).collect();
        assert_eq!(named, [], "{}", self.prober.stderr());
    }

    /// Waits until `shows` holds for the status page.
    #[track_caller]
    pub(crate) fn wait_status(&self, limit: Duration, what: &str, shows: impl Fn(&Status) -> bool) -> Status {
        let last = RefCell::new(None);
        let message = || {
            format!(
                "{what}; the last page counts {}",
                last.take().map_or(Value::Null, |status: Status| status.records())
            )
        };
        wait_for_with_message(limit, message, || {
            let status = self.try_status()?;
            if shows(&status) {
                return Some(status);
            }
            last.replace(Some(status));
            None
        })
    }

    fn try_status(&self) -> Option<Status> {
        let page = self.prober.http_get("/api/v1/status").filter(|page| page.status == 200)?;
        Some(Status::of(serde_json::from_str(&page.body).ok()?))
    }

    /// Waits until each of `brokers` has three good round trips in every lane that is probed.
    #[track_caller]
    pub(crate) fn wait_good(&self, brokers: &[i32]) -> Status {
        self.wait_status(Duration::from_secs(40), "every broker has good round trips", |status| {
            let good = |view: &Status, broker: i32| 3 <= view.outcome(broker, "end_to_end", "good");
            let views: Vec<Status> = status.lanes().iter().map(|lane| status.in_view(view_of(lane))).collect();
            !views.is_empty() && views.iter().all(|view| brokers.iter().all(|broker| good(view, *broker)))
        })
    }

    /// Sends SIGTERM. The prober must exit with code 0 within 5 s.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> Exit {
        eprintln!("findings: {:?}", self.findings_so_far());
        self.prober.terminate();
        let exit = self.prober.wait_exit(Duration::from_secs(10));
        assert_eq!(exit.code, Some(0), "{}", self.prober.stderr());
        assert!(exit.elapsed <= Duration::from_secs(5), "{exit:?}");
        exit
    }
}

/// The findings in the JSON of `/api/v1/findings`.
#[track_caller]
pub(crate) fn parse_findings(page: &str) -> Vec<FindingOnPage> {
    let rows: Vec<Value> = serde_json::from_str(page).expect("the page is JSON");
    let broker = |id: &Value| id.as_str().and_then(|id| id.parse().ok());
    let finding = |row: &Value| FindingOnPage {
        id: (row["kind"].as_str().unwrap_or_default().to_owned(), broker(&row["broker"])),
        members: row["members"].as_array().into_iter().flatten().filter_map(broker).collect(),
        episodes: row["recurrence"]["count"].as_u64(),
        is_between: row["recurrence"]["between"] == true,
    };
    rows.iter().map(finding).collect()
}
