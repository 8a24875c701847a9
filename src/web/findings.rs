//! `/api/v1/findings`: the active findings, an empty array if there are none.
//!
//! The shape: `[{kind, cluster, broker (text or null), members[] (brokers that it is about together), blame (cluster, prober,
//! unclear, nobody), since (RFC 3339, UTC), confidence (certain, likely, possible), summary, evidence[], runner_up (a kind or
//! null), explains[{kind, broker}], recurrence ({count, began[], between} or null)}]`. Blame `nobody` is for intended operations,
//! such as a reassignment.

use std::sync::Arc;

use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::BrokerId;
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
    members: Vec<String>,
    blame: &'static str,
    since: String,
    confidence: &'static str,
    summary: Arc<str>,
    evidence: Vec<Arc<str>>,
    runner_up: Option<&'static str>,
    explains: Vec<Explained>,
    recurrence: Option<RecurrenceRow>,
}

/// What a finding explains, so that it is no finding of its own.
#[derive(Debug, Serialize)]
struct Explained {
    kind: &'static str,
    broker: Option<String>,
}

/// How often a finding has begun within the last ten minutes, and when.
#[derive(Debug, Serialize)]
struct RecurrenceRow {
    count: usize,
    began: Vec<String>,
    /// Whether it stands only because it recurs: now nothing of it is found.
    between: bool,
}

/// Every finding of a snapshot.
pub fn findings(snapshot: &Snapshot) -> Vec<FindingRow> {
    snapshot.findings.iter().map(|finding| row(finding, snapshot)).collect()
}

fn row(finding: &Finding, snapshot: &Snapshot) -> FindingRow {
    let wall = |at| {
        let ago = i64::try_from(snapshot.at.since(at).as_nanos()).unwrap_or(i64::MAX);
        rfc3339(WallTime(snapshot.wall.0.saturating_sub(ago)))
    };
    let name = |id: BrokerId| id.to_string();
    FindingRow {
        kind: finding.kind.as_str(),
        cluster: finding.cluster.to_string(),
        broker: finding.broker.map(name),
        members: finding.members.iter().copied().map(name).collect(),
        blame: finding.blame.as_str(),
        since: wall(finding.since),
        confidence: finding.confidence.as_str(),
        summary: Arc::clone(&finding.summary),
        evidence: finding.evidence.clone(),
        runner_up: finding.runner_up.map(FindingKind::as_str),
        explains: finding
            .consequences
            .iter()
            .map(|explained| Explained { kind: explained.kind.as_str(), broker: explained.broker.map(name) })
            .collect(),
        recurrence: finding.recurrence.as_ref().map(|recurrence| RecurrenceRow {
            count: recurrence.count,
            began: recurrence.began.iter().copied().map(wall).collect(),
            between: recurrence.is_between,
        }),
    }
}
