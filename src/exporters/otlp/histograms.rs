//! The SDK's histograms, filled at each export from the ledger's.
//!
//! The ledger counts every duration once, in [`Buckets`]. The SDK takes single measurements only: it has no producer of
//! foreign data, and the fields of its data points are private. So an export records what each of the ledger's buckets
//! has gained since the export before, with values that [`Gain::values`] places in that bucket.
//!
//! For exponential histograms the ledger has finer buckets: those of scale 3, 9 % apart. The prober's own lag alone has
//! the usual ones.
//!
//! The count of every bucket and the sum of every series are the ledger's (the sum but for the rounding of additions).
//! A minimum and a maximum would be values of ours: they are not sent.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry_sdk::metrics::Aggregation;
use prober_core::buckets::{Buckets, FINER_SCALE};
use prober_core::metric::Metric;

use super::lock;

/// The specification's size of an exponential histogram, at the scale of the ledger's finer buckets.
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: FINER_SCALE, record_min_max: false };

/// How each histogram is aggregated; the SDK asks when the instrument is made.
#[derive(Clone, Debug)]
pub(super) struct Aggregations {
    exponential: bool,
    /// By metric name: the edges of the ledger's buckets.
    edges: Arc<Mutex<HashMap<&'static str, Vec<f64>>>>,
}

impl Aggregations {
    pub(super) fn new(exponential: bool) -> Aggregations {
        Aggregations { exponential, edges: Arc::default() }
    }

    /// The aggregation of the histogram with this name.
    pub(super) fn of(&self, name: &str) -> Aggregation {
        if self.exponential {
            return EXPONENTIAL;
        }
        let boundaries = lock(&self.edges).get(name).cloned().unwrap_or_default();
        Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: false }
    }
}

/// The histograms of one meter, and how much of the ledger's they already hold.
pub(super) struct Histograms {
    meter: Meter,
    aggregations: Aggregations,
    instruments: HashMap<&'static str, Histogram<f64>>,
    recorded: HashMap<(&'static str, Vec<KeyValue>), Buckets>,
}

impl Histograms {
    pub(super) fn new(meter: Meter, aggregations: Aggregations) -> Histograms {
        Histograms { meter, aggregations, instruments: HashMap::new(), recorded: HashMap::new() }
    }

    /// Records what the series gained since it was last recorded.
    pub(super) fn record(&mut self, metric: Metric, attributes: Vec<KeyValue>, buckets: &Buckets) {
        let (meter, aggregations) = (&self.meter, &self.aggregations);
        let histogram = self.instruments.entry(metric.name).or_insert_with(|| {
            let edges = buckets.iter().map(|(edge, _)| edge).filter(|edge| edge.is_finite()).collect();
            lock(&aggregations.edges).insert(metric.name, edges);
            meter.f64_histogram(metric.name).with_unit(metric.unit).with_description(metric.help).build()
        });
        let key = (metric.name, attributes);
        let gain = Gain::between(self.recorded.get(&key), buckets);
        if gain.buckets.is_empty() {
            return;
        }
        for (value, count) in gain.values() {
            for _ in 0..count {
                histogram.record(value, &key.1);
            }
        }
        self.recorded.insert(key, buckets.clone());
    }
}

impl fmt::Debug for Histograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histograms").field("instruments", &self.instruments.len()).finish_non_exhaustive()
    }
}

/// What a series gained between two exports.
#[derive(Debug)]
struct Gain {
    /// Lower edge, upper edge and new durations of each bucket that gained any; the last upper edge may be infinite.
    buckets: Vec<(f64, f64, u64)>,
    /// The sum of the new durations, in seconds.
    sum: f64,
}

impl Gain {
    fn between(before: Option<&Buckets>, now: &Buckets) -> Gain {
        let earlier = before.into_iter().flat_map(Buckets::finest).map(|(_, count)| count);
        let earlier = earlier.chain(std::iter::repeat(0));
        let lower_edges = std::iter::once(0.0).chain(now.finest().map(|(edge, _)| edge));
        let buckets = lower_edges
            .zip(now.finest())
            .zip(earlier)
            .map(|((lower, (upper, count)), earlier)| (lower, upper, count.saturating_sub(earlier)))
            .filter(|(_, _, gained)| *gained != 0)
            .collect();
        Gain { buckets, sum: now.sum() - before.map_or(0.0, Buckets::sum) }
    }

    /// One value a bucket, and how often to record it: all at the same fraction of the way from the lower to the upper
    /// edge of their bucket, the fraction at which they add up to the sum.
    fn values(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        // No single duration is longer than all of them together.
        let upper_of = |lower: f64, upper: f64| if upper.is_finite() { upper } else { self.sum.max(lower) };
        let total = |edge: &dyn Fn(f64, f64) -> f64| -> f64 {
            self.buckets.iter().map(|(lower, upper, count)| edge(*lower, *upper) * *count as f64).sum()
        };
        let (lowest, highest) = (total(&|lower, _| lower), total(&upper_of));
        let fraction = if lowest < highest { ((self.sum - lowest) / (highest - lowest)).clamp(0.0, 1.0) } else { 1.0 };
        self.buckets.iter().map(move |(lower, upper, count)| {
            let value = lower + fraction * (upper_of(*lower, *upper) - lower);
            // A lower edge belongs to the bucket below, but for the first: durations can be 0.
            let least = if *lower == 0.0 { 0.0 } else { lower.next_up() };
            (value.max(least).min(*upper), *count)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prober_core::buckets::EDGES;

    use super::*;

    fn buckets(durations: &[u64]) -> Buckets {
        let mut buckets = Buckets::default();
        durations.iter().for_each(|micros| buckets.add(Duration::from_micros(*micros)));
        buckets
    }

    /// Records the gains as an SDK histogram does, with the same rule for edges.
    fn recorded(gains: &[Gain]) -> (Vec<u64>, f64) {
        let (mut counts, mut sum) = (vec![0; EDGES.len() + 1], 0.0);
        for (value, count) in gains.iter().flat_map(Gain::values) {
            counts[EDGES.partition_point(|edge| *edge < value)] += count;
            sum += value * count as f64;
        }
        (counts, sum)
    }

    #[track_caller]
    fn assert_equal(gains: &[Gain], ledger: &Buckets) {
        let (counts, sum) = recorded(gains);
        assert_eq!(counts, ledger.iter().map(|(_, count)| count).collect::<Vec<_>>());
        assert!((sum - ledger.sum()).abs() < 1e-9, "{sum} is not {}", ledger.sum());
    }

    #[test]
    fn every_bucket_and_the_sum_are_those_of_the_ledger() {
        for durations in [
            &[][..],
            &[0, 0, 0],
            &[1000],
            &[1, 999, 1000, 1001, 2500, 2501],
            &[5_000_000, 5_000_000, 12_345],
            &[60_000_000],
            &[10_000_001, 3_600_000_000, 1],
            &[10_000_000, 10_000_000],
        ] {
            let ledger = buckets(durations);
            assert_equal(&[Gain::between(None, &ledger)], &ledger);
        }
    }

    #[test]
    fn gains_of_several_exports_add_up() {
        let steps = [&[700, 3000][..], &[700, 3000, 90_000], &[700, 3000, 90_000], &[700, 3000, 90_000, 20_000_000]];
        let ledgers = steps.map(buckets);
        let mut gains = vec![Gain::between(None, &ledgers[0])];
        gains.extend(ledgers.windows(2).map(|pair| Gain::between(Some(&pair[0]), &pair[1])));
        assert!(gains[2].buckets.is_empty());
        assert_equal(&gains, &ledgers[3]);
    }
}
