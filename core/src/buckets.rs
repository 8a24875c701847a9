//! Durations counted in buckets: what a histogram metric carries.

use std::sync::Arc;
use std::time::Duration;

/// The edges that every duration histogram has, in seconds.
pub const EDGES: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Finer edges are the powers of 2^(2^-3), 9 % apart: the buckets of OpenTelemetry's exponential histograms at scale 3.
pub const FINER_SCALE: i8 = 3;

/// The exponents of the finest and the coarsest of the finer edges: from 2^-14 s (61 µs) to 2^6 s (64 s).
const FINER: std::ops::RangeInclusive<i32> = -14 * 8..=6 * 8;

/// Upper edges of buckets, inclusive and ascending; one bucket more has no upper edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges(Arc<[Edge]>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    /// In seconds.
    seconds: f64,
    /// Whether a histogram with explicit buckets has it.
    is_explicit: bool,
}

impl Edges {
    /// [`EDGES`] and every threshold, so that a ratio of events within a threshold can be read off exactly.
    pub fn with(thresholds: &[Duration]) -> Edges {
        let thresholds = thresholds.iter().map(Duration::as_secs_f64).filter(|seconds| 0.0 < *seconds);
        Edges::of(thresholds.chain(EDGES).map(|seconds| Edge { seconds, is_explicit: true }))
    }

    /// The same edges with finer ones between them, for exponential histograms. A series takes about 1.3 KB more.
    pub fn finer(&self) -> Edges {
        let base = 1.0 / f64::from(1 << FINER_SCALE);
        let finer = FINER.map(|power| Edge { seconds: (f64::from(power) * base).exp2(), is_explicit: false });
        Edges::of(self.0.iter().copied().chain(finer))
    }

    /// Of equal edges the first stays.
    fn of(edges: impl Iterator<Item = Edge>) -> Edges {
        let mut edges: Vec<Edge> = edges.collect();
        edges.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        edges.dedup_by_key(|edge| edge.seconds);
        Edges(Arc::from(edges))
    }
}

/// Durations counted by edges, plus their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    edges: Edges,
    counts: Vec<u64>,
    sum: f64,
}

impl Buckets {
    /// Nothing counted yet.
    pub fn new(edges: &Edges) -> Buckets {
        Buckets { edges: edges.clone(), counts: vec![0; edges.0.len() + 1], sum: 0.0 }
    }

    /// Adds one duration.
    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.edges.0.partition_point(|edge| edge.seconds < seconds);
        self.counts[bucket] += 1;
        self.sum += seconds;
    }

    /// Durations added.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Upper edge in seconds and count of each explicit bucket, not cumulative; the last edge is infinite.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut finer = 0;
        self.edges().zip(&self.counts).filter_map(move |(edge, count)| {
            finer += count;
            edge.is_explicit.then(|| (edge.seconds, std::mem::take(&mut finer)))
        })
    }

    /// The same with the finer buckets, where the edges have them.
    pub fn finest(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.edges().map(|edge| edge.seconds).zip(self.counts.iter().copied())
    }

    fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.edges.0.iter().copied().chain([Edge { seconds: f64::INFINITY, is_explicit: true }])
    }
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets::new(&Edges::with(&[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_inclusive_as_in_prometheus_and_otlp() {
        let mut buckets = Buckets::default();
        buckets.add(Duration::from_secs(1));
        buckets.add(Duration::from_secs(60));
        let hit: Vec<f64> = buckets.iter().filter(|(_, count)| 0 < *count).map(|(edge, _)| edge).collect();
        assert_eq!(hit, [1.0, f64::INFINITY]);
        assert_eq!((buckets.count(), buckets.sum()), (2, 61.0));
    }

    #[test]
    fn thresholds_become_edges_once() {
        let edges = Edges::with(&[Duration::from_millis(750), Duration::from_secs(1), Duration::ZERO]);
        assert_eq!(edges.0.len(), EDGES.len() + 1);
        assert!(edges.0.windows(2).all(|pair| pair[0].seconds < pair[1].seconds));
    }

    #[test]
    fn explicit_buckets_are_the_same_with_and_without_finer_ones() {
        let edges = Edges::with(&[Duration::from_millis(750)]);
        let (mut coarse, mut fine) = (Buckets::new(&edges), Buckets::new(&edges.finer()));
        for micros in [0, 40, 999, 1000, 1001, 3_000, 3_100, 700_000, 750_000, 800_000, 9_000_000, 90_000_000] {
            coarse.add(Duration::from_micros(micros));
            fine.add(Duration::from_micros(micros));
        }
        assert_eq!(fine.iter().collect::<Vec<_>>(), coarse.iter().collect::<Vec<_>>());
        assert_eq!((fine.count(), fine.sum()), (coarse.count(), coarse.sum()));
        assert_eq!(coarse.finest().collect::<Vec<_>>(), coarse.iter().collect::<Vec<_>>());
    }

    #[test]
    fn finer_edges_are_at_most_9_1_percent_apart() {
        let buckets = Buckets::new(&Edges::with(&[]).finer());
        let edges: Vec<f64> = buckets.finest().map(|(edge, _)| edge).filter(|edge| edge.is_finite()).collect();
        assert!(edges.windows(2).all(|pair| pair[1] / pair[0] < 1.091), "{edges:?}");
        assert!(edges[0] < 0.000_062 && edges.last().is_some_and(|edge| *edge == 64.0), "{edges:?}");
    }
}
