//! `/metrics` as Prometheus itself reads it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::ports::free_port;
use crate::harness::prober::Prober;
use crate::harness::requirements::promtool;
use crate::harness::{skip_without_promtool, wait_for};
use crate::program::PROGRAM;

/// On a machine that is busy with the other tests.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn prometheus_own_parser_accepts_the_text_format_and_has_no_advice() {
    if skip_without_promtool() {
        return;
    }
    let (nobody, port) = (format!("127.0.0.1:{}", free_port()), free_port());
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["run", "--bootstrap-server", &nobody, "--listen", &listen];
    let prober = Prober::spawn(PROGRAM, port, &arguments, &[]);
    // Series with counts, not the names alone: the outage is counted from the first second on.
    let page = wait_for(STARTED_WITHIN, "an event is on the page", || {
        let page = prober.http_get("/metrics").filter(|page| page.status == 200)?;
        let counted = |line: &str| line.starts_with("kafka_prober_errors_total{") && !line.ends_with(" 0");
        page.body.lines().any(counted).then_some(page)
    });
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");

    let mut check = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    check.stdin.take().expect("piped").write_all(page.body.as_bytes()).expect("promtool reads the page");
    let checked = check.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{}: {said}\n{}", checked.status, page.body);
}
