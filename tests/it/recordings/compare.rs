//! Where the findings of a replay violate what was promised, by the rules of the incident suite (`tests/incidents`).

use std::collections::BTreeSet;

use super::expectation::{ExpectedFinding, Lasting, RecordedIncident};
use super::replayed::{ActiveFinding, Change, ReplayedFindings};

/// The times of the harness are known to one evaluation (100 ms), and the suite reads the page every 50 ms.
const SLACK: u64 = 150;

/// Episodes from which a finding recurs.
const RECURS_FROM: usize = 3;

/// Every violation; none: as promised.
pub(super) fn violations(incident: &RecordedIncident, replayed: &ReplayedFindings) -> Vec<String> {
    let mut violations: Vec<String> =
        incident.expected.iter().flat_map(|expected| of_expected(expected, incident, replayed)).collect();
    let is_watched = |change: &&Change| incident.watched <= change.at;
    let wrong: BTreeSet<String> = replayed
        .changes
        .iter()
        .filter(is_watched)
        .flat_map(|change| change.active.iter().filter(|finding| incident.is_false(finding)))
        .map(|finding| format!("false: {} of broker {:?}", finding.kind, finding.broker))
        .collect();
    violations.extend(wrong);
    match cleared(replayed) {
        None => violations.push("a finding never ended".to_owned()),
        Some(at) if incident.healed + incident.cleared_within + SLACK < at => {
            violations.push(format!("over {} ms after the end, not {}", at - incident.healed, incident.cleared_within));
        }
        Some(_) => {}
    }
    if incident.none_begins_after_undo {
        violations.extend(begun_after_undo(incident, replayed));
    }
    violations
}

fn of_expected(expected: &ExpectedFinding, incident: &RecordedIncident, replayed: &ReplayedFindings) -> Vec<String> {
    let fault = incident.faults.get(expected.fault).copied().unwrap_or(incident.undo);
    let shown = |change: &Change| change.active.iter().find(|finding| expected.matches(finding)).cloned();
    let is_found = |change: &Change| shown(change).is_some_and(|finding| !finding.is_between);
    let during = || replayed.changes.iter().filter(|change| fault <= change.at + SLACK);
    let Some(begun) = during().find(|change| is_found(change)) else {
        return if expected.is_required { vec![format!("{expected} was not found")] } else { Vec::new() };
    };
    let mut violations = Vec::new();
    let took = begun.at.saturating_sub(fault);
    if let Some(within) = expected.within.filter(|within| within + SLACK < took) {
        violations.push(format!("{expected} after {took} ms, not {within}"));
    }
    let mut until_undo = during().filter(|change| begun.at <= change.at && change.at + SLACK < incident.undo);
    match expected.lasting {
        Lasting::UntilUndone if until_undo.any(|change| !is_found(change)) => {
            violations.push(format!("{expected} was not active all the time"));
        }
        Lasting::Recurs => {
            let at_end =
                replayed.changes.iter().rev().find(|change| change.at <= incident.undo + SLACK).and_then(shown);
            if at_end.as_ref().is_none_or(|finding| finding.episodes < RECURS_FROM) {
                violations.push(format!("{expected} does not recur at the end: {at_end:?}"));
            }
        }
        Lasting::Begins | Lasting::UntilUndone => {}
    }
    violations
}

/// When the last finding ended that did not only stand because it recurs; `None`: it did not.
fn cleared(replayed: &ReplayedFindings) -> Option<u64> {
    let is_calm = |change: &&Change| change.active.iter().all(|finding| finding.is_between);
    let calm = replayed.changes.iter().rev().take_while(is_calm).last();
    calm.map(|change| change.at).filter(|at| *at <= replayed.end)
}

/// Unexpected findings that began while the faults ended or afterwards, and expected ones that began again.
fn begun_after_undo(incident: &RecordedIncident, replayed: &ReplayedFindings) -> Vec<String> {
    let goes_on = |before: &Change, finding: &ActiveFinding| {
        let expected = || incident.expected.iter().filter(|one| one.matches(finding));
        let is_same = |one: &ActiveFinding| (one.kind, one.broker) == (finding.kind, finding.broker);
        let found = || before.active.iter().filter(|one| !one.is_between);
        found().any(|one| is_same(one) || expected().any(|expected| expected.matches(one)))
    };
    let later = replayed.changes.windows(2).filter(|pair| incident.undo + SLACK < pair[1].at);
    let begun = later.flat_map(|pair| {
        let found = pair[1].active.iter().filter(|finding| !finding.is_between && !goes_on(&pair[0], finding));
        found.filter(|finding| incident.expects(finding) || incident.is_false(finding))
    });
    begun.map(|finding| format!("began after the end: {} of broker {:?}", finding.kind, finding.broker)).collect()
}

mod tests {
    use prober_core::finding::Confidence;

    use super::*;

    fn incident() -> RecordedIncident {
        let text = r#"{"incident": "frozen", "watched": 5000, "faults": [10000], "undo": 30000, "healed": 30500,
            "expected": [{"kinds": ["broker_stalled", "broker_frozen"], "broker": 2, "members": [], "fault": 0, "within": 2200,
                          "is_required": true, "lasting": "until_undone"}],
            "cleared_within": 10000, "none_begins_after_undo": true, "others": {"brokers": [], "kinds": []}}"#;
        serde_json::from_str(text).expect("it is an incident")
    }

    fn finding(kind: &'static str, broker: i32) -> ActiveFinding {
        let (members, confidence) = (Vec::new(), Confidence::Certain);
        ActiveFinding { kind, broker: Some(broker), members, confidence, episodes: 1, is_between: false }
    }

    /// The findings that were active from some moments on.
    type Changes<'a> = &'a [(u64, &'a [ActiveFinding])];

    fn compared(changes: Changes<'_>) -> Vec<String> {
        let changes = changes.iter().map(|(at, active)| Change { at: *at, active: active.to_vec() }).collect();
        violations(&incident(), &ReplayedFindings { changes, end: 60_000 })
    }

    #[test]
    fn each_broken_promise_is_a_violation() {
        let (stalled, frozen, other) =
            ([finding("broker_stalled", 2)], [finding("broker_frozen", 2)], [finding("broker_frozen", 1)]);
        assert_eq!(compared(&[(0, &[]), (11_900, &stalled), (20_000, &frozen), (32_000, &[])]), [""; 0]);
        let cases: [(Changes<'_>, &str); 6] = [
            (&[(0, &[])], "was not found"),
            (&[(0, &[]), (12_400, &stalled), (32_000, &[])], "after 2400 ms, not 2200"),
            (
                &[(0, &[]), (11_900, &stalled), (15_000, &[]), (16_000, &frozen), (32_000, &[])],
                "not active all the time",
            ),
            (
                &[(0, &[]), (11_900, &stalled), (20_000, &other), (20_100, &frozen), (32_000, &[])],
                "false: broker_frozen of broker Some(1)",
            ),
            (&[(0, &[]), (11_900, &stalled), (41_000, &[])], "over 10500 ms after the end, not 10000"),
            (&[(0, &[]), (11_900, &stalled), (32_000, &[]), (33_000, &frozen), (34_000, &[])], "began after the end"),
        ];
        for (changes, expected) in cases {
            let found = compared(changes);
            assert!(found.iter().any(|violation| violation.contains(expected)), "{expected}: {found:?}");
        }
        assert_eq!(compared(&[(0, &[]), (11_900, &stalled)]), ["a finding never ended"]);
    }
}
