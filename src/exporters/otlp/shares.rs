//! One export in requests that every receiver takes: the points are divided among several meter providers.
//!
//! `opentelemetry-otlp` makes one request of one collection, and the data of a collection cannot be divided: its fields
//! are private to the SDK. So large clusters have several providers. All points about one broker (or one partition, in
//! the client view) go to the same provider as long as the process lives, because a provider remembers what it has
//! sent: the totals of histograms and, with delta temporality, of counters.

use std::collections::HashMap;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use prober_core::metric::Level;
use prober_core::snapshot::Snapshot;

use super::super::ExportStats;
use super::super::points::{Point, Value, points};
use super::instruments::Instruments;

/// A provider takes further brokers up to this estimate of its request. Receivers of gRPC refuse more than 4 MiB, some
/// proxies somewhat less; a request stays below 3 MiB. The rest is for series that appear later, such as new errors.
const FILL_BYTES: usize = 2 * 1024 * 1024;

/// The attributes that name the broker or partition of a point.
const SUBJECTS: [&str; 2] = ["broker", "partition"];

/// Bytes of a point besides its attributes: two times of 9 bytes, a value of 9, and tags and lengths.
const POINT_BYTES: usize = 40;

/// Bytes of an attribute besides its name and value: tags and lengths.
const ATTRIBUTE_BYTES: usize = 8;

/// Bytes of a bucket: an edge and a count, 8 bytes each.
const BUCKET_BYTES: usize = 16;

/// The meter providers of one exporter.
#[derive(Debug)]
pub(super) struct Shares {
    resource: Resource,
    temporality: Temporality,
    exponential: bool,
    level: Level,
    providers: Vec<Instruments>,
    /// The provider of each broker or partition, by cluster; points about neither go to the first.
    homes: HashMap<String, HashMap<String, usize>>,
    /// Estimated bytes of the last provider's request.
    filled: usize,
}

impl Shares {
    pub(super) fn new(resource: Resource, temporality: Temporality, exponential: bool, level: Level) -> Shares {
        let providers = vec![Instruments::new(resource.clone(), temporality, exponential)];
        Shares { resource, temporality, exponential, level, providers, homes: HashMap::new(), filled: 0 }
    }

    /// The points of a snapshot, one collection a request.
    pub(super) fn collect(&mut self, snapshot: &Snapshot, stats: &ExportStats) -> Result<Vec<ResourceMetrics>, String> {
        let is_first = self.homes.is_empty();
        let mut shares: Vec<Vec<Point<'_>>> = self.providers.iter().map(|_| Vec::new()).collect();
        let mut homeless = Vec::new();
        for point in points(snapshot, stats, self.level) {
            match self.home_of(&point) {
                Some(home) => shares[home].push(point),
                None => homeless.push(point),
            }
        }
        if !homeless.is_empty() {
            if is_first {
                self.filled = shares[0].iter().map(size).sum();
            }
            self.settle_in(&homeless);
            shares.resize_with(self.providers.len(), Vec::new);
            for point in homeless {
                let home = self.home_of(&point).unwrap_or_default();
                shares[home].push(point);
            }
        }
        self.providers.iter_mut().zip(shares).map(|(provider, points)| provider.collect(points)).collect()
    }

    /// The provider of a point; `None` if it is about a new broker or partition.
    fn home_of(&self, point: &Point<'_>) -> Option<usize> {
        let Some((cluster, of)) = subject(point) else { return Some(0) };
        self.homes.get(cluster)?.get(of).copied()
    }

    /// Gives every broker and partition of these points, all of them new, a provider.
    fn settle_in(&mut self, points: &[Point<'_>]) {
        let mut order = Vec::new();
        let mut sizes: HashMap<(&str, &str), usize> = HashMap::new();
        for point in points {
            let Some(subject) = subject(point) else { continue };
            *sizes.entry(subject).or_insert_with(|| {
                order.push(subject);
                0
            }) += size(point);
        }
        for subject @ (cluster, of) in order {
            let bytes = sizes.get(&subject).copied().unwrap_or_default();
            if FILL_BYTES < self.filled + bytes && self.filled != 0 {
                self.providers.push(Instruments::new(self.resource.clone(), self.temporality, self.exponential));
                self.filled = 0;
            }
            self.filled += bytes;
            self.homes.entry(cluster.to_owned()).or_default().insert(of.to_owned(), self.providers.len() - 1);
        }
    }
}

/// The cluster and the broker or partition that a point is about.
fn subject<'a>(point: &'a Point<'_>) -> Option<(&'a str, &'a str)> {
    // Every metric's first attribute is the cluster.
    let cluster = point.attributes.first()?;
    let (_, of) = point.attributes().find(|(name, value)| SUBJECTS.contains(name) && !value.is_empty())?;
    Some((cluster, of))
}

/// About as many bytes as the point takes in a request.
fn size(point: &Point<'_>) -> usize {
    let attributes: usize = point.attributes().map(|(name, value)| name.len() + value.len() + ATTRIBUTE_BYTES).sum();
    let buckets = match point.value {
        Value::Durations(buckets) => buckets.iter().count() * BUCKET_BYTES,
        _ => 0,
    };
    POINT_BYTES + attributes + buckets
}
