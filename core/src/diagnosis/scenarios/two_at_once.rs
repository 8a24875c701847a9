//! Any two single troubles at different brokers, one laid over the other at any offset, give the union of their findings. The one
//! combined finding: brokers that stop within two seconds of each other are found together, and neither is named.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Scenario;
use crate::diagnosis::precedence::family;
use crate::diagnosis::recording::timeline::Episode;
use crate::finding::FindingKind;

/// Words of the scenario language, with the family of findings that each has alone.
const TROUBLES: [(&str, FindingKind); 8] = [
    ("freeze", FindingKind::BrokerStalled),
    ("kill", FindingKind::BrokerStalled),
    ("drop", FindingKind::BrokerStalled),
    ("slow", FindingKind::BrokerSlow),
    ("turns", FindingKind::BrokerSlow),
    ("disk", FindingKind::BrokerSlow),
    ("storage", FindingKind::StorageFailed),
    ("stale", FindingKind::BrokerStale),
];

/// Two that stop within this time of each other may be one failure (`correlated::SAME_START`), and a stop is noticed up to half a
/// second later at one broker than at the other.
const MAY_BE_SHARED: u64 = 3000;

type Found = BTreeSet<(FindingKind, Option<i32>)>;

/// The families of findings that a scenario has, over its whole length.
fn found(text: &str) -> Found {
    let (episodes, _) = Scenario::of(text).live();
    episodes.iter().map(|Episode { finding, .. }| (family(finding.kind), finding.broker.map(|id| id.0))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn two_independent_troubles_are_the_union_of_their_findings(
        first in 0..TROUBLES.len(), second in 0..TROUBLES.len(), one in 1..7i32, apart in 1..6i32,
        at in 400u64..600, offset in 0u64..500,
    ) {
        let two = (one - 1 + apart) % 6 + 1;
        let (first, second) = (TROUBLES[first], TROUBLES[second]);
        let (begins, follows) = (at as f64 / 10.0, (at + offset) as f64 / 10.0);
        let text =
            format!("brokers 6\nlasts 200\nat {begins} {} {one}\nat {follows} {} {two}\n", first.0, second.0);
        let union = Found::from([(first.1, Some(one)), (second.1, Some(two))]);
        let found = found(&text);
        let both_stop = first.1 == FindingKind::BrokerStalled && second.1 == FindingKind::BrokerStalled;
        // The first may be named before the second is noticed.
        let combined = (FindingKind::BrokersTogether, None);
        let is_allowed = |one: &(FindingKind, Option<i32>)| *one == combined || union.contains(one);
        let is_combined = both_stop
            && 100 * offset <= MAY_BE_SHARED
            && found.contains(&combined)
            && found.iter().all(is_allowed);
        prop_assert!(found == union || is_combined, "{:?} of\n{}", found, text);
    }
}
