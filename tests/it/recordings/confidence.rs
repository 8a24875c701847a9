//! The promise of each word of confidence, measured over the recordings: the share of findings that blame nothing healthy.

use std::collections::{BTreeMap, BTreeSet};

use prober_core::finding::Confidence;

use super::all;
use super::replayed::ActiveFinding;

/// The least share of right findings that each word promises (docs/architecture.md).
const PROMISES: [(Confidence, f64); 3] =
    [(Confidence::Certain, 1.0), (Confidence::Likely, 0.95), (Confidence::Possible, 0.8)];

/// Findings of one confidence.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    right: usize,
    wrong: usize,
}

#[test]
#[expect(clippy::print_stdout, reason = "the shares are what people read")]
fn findings_are_as_often_right_as_their_confidence_promises() {
    let mut tallies: BTreeMap<Confidence, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (incident, replayed) in all() {
        // A finding counts once for each confidence that it had while it was active.
        let key = |finding: &ActiveFinding| (finding.kind, finding.broker, finding.confidence);
        let mut before = BTreeSet::new();
        for change in replayed.changes.iter().filter(|change| incident.watched <= change.at) {
            let now: BTreeSet<_> = change.active.iter().map(key).collect();
            for finding in change.active.iter().filter(|finding| !before.contains(&key(finding))) {
                let tally = tallies.entry(finding.confidence).or_default();
                match incident.is_false(finding) {
                    true => {
                        tally.wrong += 1;
                        wrong.push(format!("{}: {} of broker {:?}", incident.name, finding.kind, finding.broker));
                    }
                    false => tally.right += 1,
                }
            }
            before = now;
        }
    }
    for (confidence, promise) in PROMISES {
        let Tally { right, wrong: of_them } = tallies.get(&confidence).copied().unwrap_or_default();
        println!("{}: {right} of {} right, {promise} promised", confidence.as_str(), right + of_them);
        let is_kept = right + of_them == 0 || promise <= right as f64 / (right + of_them) as f64;
        assert!(is_kept, "{}: {right} of {}, not {promise}: {wrong:?}", confidence.as_str(), right + of_them);
    }
    assert!(0 < tallies.get(&Confidence::Certain).copied().unwrap_or_default().right, "{tallies:?}");
}
