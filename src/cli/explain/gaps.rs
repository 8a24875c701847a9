//! What is not known to be good although no finding reports it: lanes and probes that do not run, brokers without a probed
//! partition, and failures that no finding explains.

use std::collections::BTreeMap;

use super::pages::{Cluster, Filter, Finding, Status};

/// One sentence each, for the clusters and the broker asked about. Findings of all brokers are taken into account.
pub(super) fn gaps(status: &Status, findings: &[Finding], filter: &Filter) -> Vec<String> {
    let mut sentences = Vec::new();
    for cluster in status.clusters.iter().filter(|cluster| filter.includes_cluster(&cluster.name)) {
        of_cluster(cluster, findings, filter, &mut sentences);
    }
    if sentences.is_empty() && !status.ready {
        sentences.push("Not every lane has resolved an event yet.".to_owned());
    }
    sentences
}

fn of_cluster(cluster: &Cluster, findings: &[Finding], filter: &Filter, sentences: &mut Vec<String>) {
    let name = &cluster.name;
    let of_cluster = findings.iter().filter(|finding| finding.cluster == *name && finding.blame != "nobody");
    if cluster.brokers.is_empty() {
        let message = cluster.lanes.iter().find_map(|lane| lane.message.as_deref());
        sentences.push(with_reason(format!("No broker of cluster {name} is known"), message));
        return;
    }
    for lane in cluster.lanes.iter().filter(|lane| lane.state != "probing") {
        let what = format!("Lane {} of cluster {name} is {}", lane.lane, lane.state);
        sentences.push(with_reason(what, lane.message.as_deref()));
    }
    if !of_cluster.clone().any(|finding| finding.kind == "permission_missing") {
        for blocked in &cluster.blocked_probes {
            sentences.push(with_reason(
                format!("Probe {} of cluster {name} is blocked", blocked.probe),
                Some(&blocked.message),
            ));
        }
    }
    let about_cluster = of_cluster.clone().any(|finding| finding.broker.is_none());
    let is_named = |id: &str| of_cluster.clone().any(|finding| finding.broker.as_deref() == Some(id));
    let mut failing = Vec::new();
    for broker in cluster.brokers.iter().filter(|broker| filter.broker.is_none_or(|id| broker.id == id)) {
        let id = broker.id.to_string();
        let state = broker.state.as_deref().unwrap_or("not judged yet");
        if !matches!(state, "ok" | "planned") && !about_cluster && !is_named(&id) {
            sentences.push(format!("Broker {id} of cluster {name} is {state}, and no finding explains it."));
            failing.push(id.clone());
        }
        if broker.registered && !broker.covered {
            sentences
                .push(format!("Broker {id} of cluster {name} is not probed: it has no partition of a monitor topic."));
        }
    }
    let is_explained = |view: &str, id: Option<&str>| match (view, id) {
        ("broker", Some(id)) => about_cluster || is_named(id) || failing.iter().any(|failing| failing == id),
        _ => of_cluster.clone().count() != 0 || !failing.is_empty(),
    };
    sentences.extend(failing_probes(cluster, filter, &is_explained));
}

/// Probes whose newest event is bad, one sentence for each view and probe.
fn failing_probes(
    cluster: &Cluster,
    filter: &Filter,
    is_explained: &dyn Fn(&str, Option<&str>) -> bool,
) -> Vec<String> {
    let mut failing: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for series in &cluster.series {
        let row = series.row();
        let id = Some(row.as_str()).filter(|row| row.parse::<i32>().is_ok());
        let broker = if series.view == "client" { &series.preferred_leader } else { &series.broker };
        let is_asked = filter.broker.is_none_or(|asked| *broker == asked);
        // Events from before the first metadata are counted for `unknown`, where none follow.
        if row == "unknown" || !is_asked || is_explained(&series.view, id) {
            continue;
        }
        let why = match &series.latest {
            Some(latest) if matches!(latest.outcome.as_str(), "good" | "slow" | "planned") => continue,
            Some(latest) => latest.error_type.clone().unwrap_or_else(|| latest.outcome.clone()),
            None if series.void.values().any(|count| 0 < *count) => "void".to_owned(),
            None => continue,
        };
        let place = if row.is_empty() { why } else { format!("{row}: {why}") };
        failing.entry((&series.view, &series.probe)).or_default().push(place);
    }
    let name = &cluster.name;
    let sentence = |((view, probe), places): ((&str, &str), Vec<String>)| {
        format!(
            "The newest {probe} of the {view} view of cluster {name} failed ({}), and no finding explains it.",
            places.join(", ")
        )
    };
    failing.into_iter().map(sentence).collect()
}

/// A sentence, with the reason if it is known.
fn with_reason(what: String, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{what}: {}.", reason.trim_end_matches('.')),
        None => format!("{what}."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::pages::tests::{finding, status};
    use super::super::pages::{Pages, document};
    use super::*;

    fn gaps_of(findings: &[Value], status: Value, filter: &Filter) -> Vec<String> {
        Pages::of(document(findings.into(), status), filter).expect("it is the output of a prober").gaps
    }

    /// The status of a prober with good events only.
    fn good() -> Value {
        let mut status = status();
        for row in status["clusters"][0]["series"].as_array_mut().into_iter().flatten() {
            row["latest"] = json!({"outcome": "good", "error_type": null, "ended_ms_ago": 120.0});
        }
        status["clusters"][0]["brokers"][1]["state"] = "ok".into();
        status["clusters"][0]["lanes"] = json!([{"lane": "pinned", "state": "probing", "message": null}]);
        status
    }

    /// The gaps of the good status after this change.
    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut status = good();
        change(&mut status);
        gaps_of(&[], status, &Filter::default())
    }

    #[test]
    fn status_with_good_events_only_has_no_gap() {
        assert_eq!(gaps_of(&[], good(), &Filter::default()), [""; 0]);
    }

    #[test]
    fn everything_that_is_not_probed_is_a_gap() {
        let refused = json!([{"lane": "pinned", "state": "refused", "message": "topic t is not ours"}]);
        let cases: [(&str, Vec<String>); 5] = [
            (
                "Lane pinned of cluster main is refused: topic t is not ours.",
                after(|status| status["clusters"][0]["lanes"] = refused),
            ),
            (
                "Probe commit of cluster main is blocked: grant READ on group g.",
                after(|status| {
                    let blocked = json!([{"probe": "commit", "message": "grant READ on group g"}]);
                    status["clusters"][0]["blocked_probes"] = blocked;
                }),
            ),
            (
                "Broker 2 of cluster main is not probed: it has no partition of a monitor topic.",
                after(|status| status["clusters"][0]["brokers"][1]["covered"] = false.into()),
            ),
            (
                "No broker of cluster main is known: connection refused.",
                after(|status| {
                    status["clusters"][0]["brokers"] = json!([]);
                    status["clusters"][0]["lanes"][0]["message"] = "connection refused".into();
                }),
            ),
            ("Not every lane has resolved an event yet.", after(|status| status["ready"] = false.into())),
        ];
        for (sentence, gaps) in cases {
            assert_eq!(gaps, [sentence]);
        }
    }

    #[test]
    fn failure_without_a_finding_is_a_gap_and_one_with_a_finding_is_none() {
        let absent = || {
            let mut status = good();
            status["clusters"][0]["brokers"][1]["state"] = "absent".into();
            status
        };
        let sentence = "Broker 2 of cluster main is absent, and no finding explains it.";
        assert_eq!(gaps_of(&[], absent(), &Filter::default()), [sentence]);
        let named = finding("broker_down", Some("2"), "cluster");
        assert_eq!(gaps_of(&[named], absent(), &Filter::default()), [""; 0]);
        let of_another = finding("broker_down", Some("1"), "cluster");
        assert_eq!(gaps_of(&[of_another], absent(), &Filter::default()), [sentence]);
        let wanted = finding("reassignment_running", None, "nobody");
        assert_eq!(gaps_of(&[wanted], absent(), &Filter::default()), [sentence]);
        let of_broker_1 = Filter { broker: Some(1), ..Filter::default() };
        assert_eq!(gaps_of(&[], absent(), &of_broker_1), [""; 0]);
    }

    #[test]
    fn probe_whose_newest_event_is_bad_is_a_gap() {
        let gaps = after(|status| {
            for row in status["clusters"][0]["series"].as_array_mut().into_iter().flatten() {
                if row["probe"] == "connect" {
                    row["latest"] = json!({"outcome": "error", "error_type": "resolve", "ended_ms_ago": 1.0});
                }
            }
        });
        let sentence = "The newest connect of the broker view of cluster main failed (1: resolve, 2: resolve), and no finding \
                        explains it.";
        assert_eq!(gaps, [sentence]);
    }
}
