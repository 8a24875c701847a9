//! Both pages of a prober as one document, which can be saved and read again, reduced to what was asked for.
//!
//! Of the status page only the fields that are needed are read, so that fields can be added to it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::exit::{Exit, Responsible, exit_for};

use super::gaps::gaps;
use super::unknowns::unknowns;

/// Version of the document.
const SCHEMA_VERSION: u32 = 1;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PagesError {
    /// It has other fields.
    #[error("this is not the output of a prober: {0}")]
    Strange(#[from] serde_json::Error),
    /// The prober does not probe the cluster.
    #[error("this prober does not probe cluster {cluster}; it probes {known}")]
    NoSuchCluster {
        /// The requested cluster.
        cluster: String,
        /// The clusters that it probes.
        known: String,
    },
    /// The prober does not know the broker.
    #[error("this prober knows no broker {0} in the clusters asked for")]
    NoSuchBroker(i32),
}

/// What was asked for; `None` means everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Findings of this kind.
    pub(super) kind: Option<String>,
    /// Findings about this broker, and its rows.
    pub(super) broker: Option<i32>,
    /// This cluster.
    pub(super) cluster: Option<String>,
}

/// The document, and what was read from it.
#[derive(Debug)]
pub(super) struct Pages {
    /// As it is printed by `--json`.
    pub(super) document: Value,
    /// Findings asked for.
    pub(super) findings: Vec<Finding>,
    /// How many other findings are active.
    pub(super) others: usize,
    /// The status page.
    pub(super) status: Status,
    /// What is not known to be good although no finding reports it, one sentence each.
    pub(super) gaps: Vec<String>,
    /// What the prober cannot tell without a past, one sentence each. It may be well all the same.
    pub(super) unknowns: Vec<String>,
}

/// `/api/v1/findings`, one of them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) kind: String,
    pub(super) cluster: String,
    pub(super) broker: Option<String>,
    pub(super) blame: String,
    pub(super) since: String,
    pub(super) confidence: String,
    pub(super) summary: String,
    pub(super) evidence: Vec<String>,
    pub(super) runner_up: Option<String>,
    pub(super) explains: Vec<Explained>,
    pub(super) recurrence: Option<Recurrence>,
}

/// What a finding explains.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Explained {
    pub(super) kind: String,
    pub(super) broker: Option<String>,
}

/// How often a finding has begun within the last ten minutes, and when.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recurrence {
    pub(super) count: usize,
    pub(super) began: Vec<String>,
    pub(super) between: bool,
}

/// `/api/v1/status`.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) vantage: String,
    pub(super) time: String,
    pub(super) ready: bool,
    pub(super) clusters: Vec<Cluster>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) brokers: Vec<Broker>,
    #[serde(default)]
    pub(super) lanes: Vec<Lane>,
    #[serde(default)]
    pub(super) blocked_probes: Vec<BlockedProbe>,
    #[serde(default)]
    pub(super) unfindable: Vec<Unfindable>,
    pub(super) series: Vec<Series>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lane {
    pub(super) lane: String,
    pub(super) state: String,
    pub(super) message: Option<String>,
}

/// Kinds of finding that cannot be made, because a part of the prober is off.
#[derive(Debug, Deserialize)]
pub(super) struct Unfindable {
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockedProbe {
    pub(super) probe: String,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Broker {
    pub(super) id: i32,
    pub(super) state: Option<String>,
    #[serde(default = "yes")]
    pub(super) registered: bool,
    #[serde(default = "yes")]
    pub(super) covered: bool,
    /// Its usual latency: `Some(None)` until it is known, and `None` in documents from before the page had it.
    #[serde(default, deserialize_with = "present")]
    pub(super) baseline_ms: Option<Option<f64>>,
}

/// A field that is there, whether or not it is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// For documents from before the page had the field.
const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) view: String,
    pub(super) probe: String,
    /// An id, `"unknown"`, or null for the cluster as a whole and in the client view.
    pub(super) broker: Value,
    /// In the client view, its number or `"unknown"`.
    #[serde(default)]
    pub(super) partition: Value,
    /// In the client view, a broker's id or `"unknown"`.
    #[serde(default)]
    pub(super) preferred_leader: Value,
    /// In the client view, the id of the broker that leads it, `"none"` or `"unknown"`; null in documents of older probers.
    #[serde(default)]
    pub(super) leader: Value,
    pub(super) void: BTreeMap<String, u64>,
    pub(super) latest: Option<Latest>,
}

impl Series {
    /// The row of a table: the id of a broker, or in the client view of a partition; `unknown`, or nothing for the
    /// cluster as a whole.
    pub(super) fn row(&self) -> String {
        text(if self.view == "client" { &self.partition } else { &self.broker })
    }
}

/// A number or a word of the page as text; nothing for null.
pub(super) fn text(value: &Value) -> String {
    match value.as_str() {
        Some(word) => word.to_owned(),
        None => value.as_i64().map_or_else(String::new, |number| number.to_string()),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Latest {
    pub(super) outcome: String,
    pub(super) error_type: Option<String>,
    pub(super) ended_ms_ago: f64,
}

/// A text as JSON.
pub(super) fn parsed(text: &str) -> Result<Value, PagesError> {
    Ok(serde_json::from_str(text)?)
}

/// Both pages as one document.
pub(super) fn document(findings: Value, status: Value) -> Value {
    json!({"schema_version": SCHEMA_VERSION, "findings": findings, "status": status})
}

impl Pages {
    /// Reads a document, and leaves out what was not asked for.
    pub(super) fn of(mut document: Value, filter: &Filter) -> Result<Pages, PagesError> {
        let all: Vec<Finding> = serde_json::from_value(document["findings"].clone())?;
        let mut status: Status = serde_json::from_value(document["status"].clone())?;
        filter.check(&all, &status)?;
        let gaps = gaps(&status, &all, filter);
        let unknowns = unknowns(&status, filter);
        let wanted: Vec<bool> = all.iter().map(|finding| filter.includes(finding)).collect();
        if let Some(rows) = document["findings"].as_array_mut() {
            let mut keep = wanted.iter();
            rows.retain(|_| keep.next().copied().unwrap_or(false));
        }
        let count = all.len();
        let findings: Vec<Finding> =
            all.into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(one, _)| one).collect();
        status.clusters.retain(|cluster| filter.includes_cluster(&cluster.name));
        if let Some(id) = filter.broker {
            for cluster in &mut status.clusters {
                cluster.brokers.retain(|broker| broker.id == id);
            }
        }
        Ok(Pages { document, others: count - findings.len(), findings, status, gaps, unknowns })
    }

    /// The exit code of the findings and gaps asked for.
    pub(super) fn exit(&self) -> Exit {
        let blamed = self.findings.iter().filter_map(|finding| Responsible::for_finding(&finding.kind, &finding.blame));
        exit_for(blamed.chain(self.gaps.iter().map(|_| Responsible::Unclear)))
    }
}

impl Filter {
    /// An error if this prober does not probe the cluster or broker: without it, an empty answer would look good.
    fn check(&self, findings: &[Finding], status: &Status) -> Result<(), PagesError> {
        let mut clusters = status.clusters.iter();
        if let Some(cluster) = self.cluster.as_ref().filter(|name| clusters.all(|known| known.name != **name)) {
            let known: Vec<&str> = status.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
            return Err(PagesError::NoSuchCluster { cluster: cluster.clone(), known: known.join(", ") });
        }
        let Some(id) = self.broker else { return Ok(()) };
        let mut listed = status.clusters.iter().filter(|cluster| self.includes_cluster(&cluster.name));
        let is_listed = listed.any(|cluster| cluster.brokers.iter().any(|broker| broker.id == id));
        let is_named = findings.iter().any(|finding| self.includes(finding));
        if is_listed || is_named { Ok(()) } else { Err(PagesError::NoSuchBroker(id)) }
    }

    /// Whether this cluster was asked about.
    pub(super) fn includes_cluster(&self, name: &str) -> bool {
        self.cluster.as_deref().is_none_or(|cluster| cluster == name)
    }

    fn includes(&self, finding: &Finding) -> bool {
        let broker = self.broker.map(|id| id.to_string());
        self.kind.as_ref().is_none_or(|kind| finding.kind == *kind)
            && self.cluster.as_ref().is_none_or(|cluster| finding.cluster == *cluster)
            && broker.is_none_or(|id| finding.broker.as_deref() == Some(id.as_str()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cli::explain) fn finding(kind: &str, broker: Option<&str>, blame: &str) -> Value {
        json!({"kind": kind, "cluster": "main", "broker": broker, "blame": blame, "since": "2026-03-01T11:59:45.500Z",
               "confidence": "certain", "summary": "it is so", "evidence": ["one saw it", "another saw it"],
               "runner_up": null, "members": [], "explains": [{"kind": "new_connections_failing", "broker": "2"}],
               "recurrence": {"count": 3, "began": ["2026-03-01T11:55:00Z", "2026-03-01T11:57:00Z", "2026-03-01T11:59:45Z"],
                              "between": true}})
    }

    fn series(view: &str, probe: &str, broker: Value, latest: Value) -> Value {
        json!({"view": view, "probe": probe, "broker": broker, "void": {"stall": 0}, "latest": latest})
    }

    fn client_series(probe: &str, partition: i32, preferred: i32, leader: Value, latest: Value) -> Value {
        json!({"view": "client", "probe": probe, "broker": null, "partition": partition,
               "preferred_leader": preferred, "leader": leader, "void": {"stall": 0}, "latest": latest})
    }

    /// Broker 1 is good, broker 2 is failing; in the client view partition 1 fails.
    pub(in crate::cli::explain) fn status() -> Value {
        let good = json!({"outcome": "good", "error_type": null, "ended_ms_ago": 120.0});
        let refused = json!({"outcome": "error", "error_type": "connection_refused", "ended_ms_ago": 300.0});
        let late = json!({"outcome": "timeout", "error_type": "timeout", "ended_ms_ago": 61_000.0});
        let mut all = Vec::new();
        for probe in ["produce", "consume", "end_to_end", "fetch", "metadata", "connect"] {
            all.push(series("broker", probe, json!(1), good.clone()));
            all.push(series("broker", probe, json!(2), refused.clone()));
        }
        all.push(client_series("produce", 0, 1, json!(2), late));
        all.push(client_series("produce", 1, 2, json!("none"), good.clone()));
        all.push(series("coordinator", "commit", json!(1), Value::Null));
        all.push(series("cluster", "controller", Value::Null, good));
        json!({"schema_version": 1, "vantage": "west", "time": "2026-03-01T12:00:00.000Z", "ready": true,
               "clusters": [{"name": "main", "series": all,
                             "brokers": [{"id": 1, "state": "ok"}, {"id": 2, "state": "failing"}]}]})
    }

    pub(in crate::cli::explain) fn pages(findings: &[Value], filter: &Filter) -> Pages {
        Pages::of(document(findings.into(), status()), filter).expect("it is the output of a prober")
    }

    #[test]
    fn gap_without_a_finding_does_not_pass() {
        let mut status = status();
        status["ready"] = false.into();
        let pages = Pages::of(document(json!([]), status), &Filter::default()).expect("it is the output of a prober");
        assert_eq!(pages.exit(), Exit::Inconclusive);
    }

    #[test]
    fn finding_that_blames_the_cluster_counts_more_than_a_gap() {
        let pages = pages(&[finding("broker_down", Some("2"), "cluster")], &Filter::default());
        assert_eq!(pages.exit(), Exit::Fail);
    }

    #[test]
    fn finding_that_was_not_asked_for_is_left_out_and_counted() {
        let findings = [finding("broker_down", Some("2"), "cluster"), finding("prober_stalled", None, "prober")];
        let filter = Filter { broker: Some(2), ..Filter::default() };
        let of_broker = pages(&findings, &filter);
        assert_eq!((of_broker.findings.len(), of_broker.others), (1, 1));
        assert_eq!(of_broker.document["findings"], json!([findings[0]]));
        assert_eq!(of_broker.status.clusters[0].brokers.len(), 1);
        let of_kind = pages(&findings, &Filter { kind: Some("prober_stalled".into()), ..Filter::default() });
        assert_eq!(of_kind.exit(), Exit::Unhealthy);
    }

    #[test]
    fn broker_or_cluster_that_is_not_probed_is_an_error() {
        let refused = |filter: &Filter| {
            let document = document(json!([finding("broker_down", Some("7"), "cluster")]), status());
            Pages::of(document, filter).map(|_| ()).map_err(|error| error.to_string())
        };
        let of_cluster = |name: &str| Filter { cluster: Some(name.into()), ..Filter::default() };
        let of_broker = |broker| Filter { broker: Some(broker), ..Filter::default() };
        assert_eq!(
            refused(&of_cluster("other")),
            Err("this prober does not probe cluster other; it probes main".into())
        );
        assert_eq!(refused(&of_cluster("main")), Ok(()));
        assert_eq!(refused(&of_broker(3)), Err("this prober knows no broker 3 in the clusters asked for".into()));
        assert_eq!((refused(&of_broker(1)), refused(&of_broker(7))), (Ok(()), Ok(())));
    }

    #[test]
    fn other_document_is_refused_in_a_sentence() {
        let error = Pages::of(json!({"findings": []}), &Filter::default()).expect_err("there is no status");
        assert!(error.to_string().starts_with("this is not the output of a prober: "), "{error}");
    }
}
