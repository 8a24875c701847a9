//! `/api/v1/findings`: the active findings, an empty array if there are none.
//!
//! The shape: `[{kind, cluster, broker (text or null), blame (cluster, prober, unclear, nobody),
//! since (RFC 3339, UTC), confidence (0 to 1), summary, evidence[], runner_up (a kind or null), ruled_out[]}]`. Blame
//! `nobody` is for intended operations, such as a reassignment.

use std::sync::Arc;

use prober_core::finding::{Finding, FindingKind};
use prober_core::snapshot::Snapshot;
use prober_core::time::WallTime;
use serde::Serialize;

use super::format::rfc3339;

/// One finding.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    kind: &'static str,
    cluster: String,
    broker: Option<String>,
    blame: &'static str,
    since: String,
    confidence: f64,
    summary: Arc<str>,
    evidence: Vec<Arc<str>>,
    runner_up: Option<&'static str>,
    ruled_out: Vec<&'static str>,
}

/// Every finding of a snapshot.
pub fn findings(snapshot: &Snapshot) -> Vec<FindingRow> {
    snapshot.findings.iter().map(|finding| row(finding, snapshot)).collect()
}

fn row(finding: &Finding, snapshot: &Snapshot) -> FindingRow {
    let ago = i64::try_from(snapshot.at.since(finding.since).as_nanos()).unwrap_or(i64::MAX);
    FindingRow {
        kind: finding.kind.as_str(),
        cluster: finding.cluster.to_string(),
        broker: finding.broker.map(|broker| broker.to_string()),
        blame: finding.blame.as_str(),
        since: rfc3339(WallTime(snapshot.wall.0.saturating_sub(ago))),
        confidence: finding.confidence,
        summary: Arc::clone(&finding.summary),
        evidence: finding.evidence.clone(),
        runner_up: finding.runner_up.map(FindingKind::as_str),
        ruled_out: finding.ruled_out.iter().map(|kind| kind.as_str()).collect(),
    }
}
