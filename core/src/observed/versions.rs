//! Which brokers support other API versions than the rest: a fingerprint of each ApiVersions answer (KIP-35), since no request returns
//! the release of a broker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::BrokerId;

/// The API versions of a broker as one number: equal for equal answers, also across releases of the prober.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// FNV-1a, 64 bits (draft-eastlake-fnv), over (request, oldest, newest) in ascending order.
    pub fn of(offers: impl IntoIterator<Item = (i16, i16, i16)>) -> Fingerprint {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut offers: Vec<_> = offers.into_iter().collect();
        offers.sort_unstable();
        let bytes = offers.iter().flat_map(|(key, min, max)| [key, min, max].map(|number| number.to_be_bytes()));
        let hash = bytes.flatten().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        Fingerprint(hash)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// API versions of the brokers of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// By broker.
    pub brokers: BTreeMap<BrokerId, Fingerprint>,
}

impl Versions {
    /// The API versions that most brokers have; of two equally common ones, those of the broker with the lowest id.
    pub fn common(&self) -> Option<Fingerprint> {
        let mut counts: BTreeMap<Fingerprint, usize> = BTreeMap::new();
        for fingerprint in self.brokers.values() {
            *counts.entry(*fingerprint).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        self.brokers.values().copied().find(|fingerprint| counts.get(fingerprint) == Some(&most))
    }

    /// The brokers that have other API versions, as during a rolling upgrade.
    pub fn differing(&self) -> Vec<BrokerId> {
        let common = self.common();
        self.brokers.iter().filter(|(_, fingerprint)| Some(**fingerprint) != common).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_does_not_depend_on_the_order_and_never_changes() {
        let one = Fingerprint::of([(1, 4, 17), (0, 3, 12)]);
        assert_eq!(one, Fingerprint::of([(0, 3, 12), (1, 4, 17)]));
        assert_ne!(one, Fingerprint::of([(0, 3, 12), (1, 4, 18)]));
        assert_eq!(Fingerprint::of([]).to_string(), "cbf29ce484222325");
    }

    #[test]
    fn broker_with_other_api_versions_is_named() {
        let versions =
            Versions { brokers: [(1, 7), (2, 9), (3, 7)].map(|(id, hash)| (BrokerId(id), Fingerprint(hash))).into() };
        assert_eq!(versions.common(), Some(Fingerprint(7)));
        assert_eq!(versions.differing(), [BrokerId(2)]);
        assert_eq!(Versions::default().differing(), []);
    }
}
