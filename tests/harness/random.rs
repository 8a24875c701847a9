//! Reproducible random numbers: the same seed gives the same run.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::time::Duration;

/// SplitMix64, which is good enough to choose brokers and moments.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A random seed.
    pub(crate) fn seed() -> u64 {
        RandomState::new().hash_one(())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).expect("a few");
        all[usize::try_from(self.next() % count).expect("one of a few")]
    }

    /// All of these, in a random order.
    pub(crate) fn shuffled<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let (mut left, mut shuffled) = (all.to_vec(), Vec::new());
        while !left.is_empty() {
            let place = usize::try_from(self.next() % u64::try_from(left.len()).expect("a few")).expect("one of a few");
            shuffled.push(left.swap_remove(place));
        }
        shuffled
    }

    /// A time in this range, to the millisecond.
    pub(crate) fn between(&mut self, range: &Range<Duration>) -> Duration {
        let span = u64::try_from((range.end - range.start).as_millis()).expect("a short time").max(1);
        range.start + Duration::from_millis(self.next() % span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_numbers() {
        let times = Duration::from_millis(300)..Duration::from_millis(900);
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.between(&times)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|time| times.contains(time)));
    }

    #[test]
    fn every_value_is_chosen() {
        let mut random = Random::new(1);
        let drawn: std::collections::BTreeSet<i32> = (0..50).map(|_| random.one_of(&[1, 2, 3])).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn shuffled_has_everybody_once_and_each_first_at_times() {
        let mut random = Random::new(1);
        let drawn: Vec<Vec<i32>> = (0..50).map(|_| random.shuffled(&[1, 2, 3])).collect();
        let sorted = |order: &Vec<i32>| {
            let mut order = order.clone();
            order.sort_unstable();
            order
        };
        assert!(drawn.iter().all(|order| sorted(order) == [1, 2, 3]));
        let firsts: std::collections::BTreeSet<i32> = drawn.iter().map(|order| order[0]).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
