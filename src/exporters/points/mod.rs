//! A snapshot as points of the catalogue's metrics: the one place where counts get their names and attributes.
//!
//! | file | has the points of |
//! | --- | --- |
//! | `attempts.rs` | events, objectives, errors, durations, records |
//! | `state.rs` | broker states, info metrics, findings, coverage |
//! | `prober.rs` | the prober itself |
//! | `observed.rs` | the observation: the cluster's own report |

mod attempts;
mod observed;
mod prober;
mod state;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use prober_core::buckets::Buckets;
use prober_core::ids::{ClusterName, Subject};
use prober_core::metric::{Level, Metric};
use prober_core::snapshot::Snapshot;

use super::ExportStats;

/// One value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// Which metric.
    pub metric: Metric,
    /// The values of [`Metric::attributes`], in that order. An attribute that the point does not have is empty.
    pub attributes: Vec<Cow<'a, str>>,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of a point, by the metric's kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a counter: the total since the start.
    Count(u64),
    /// Of a sum: the total since the start, a fraction.
    Sum(f64),
    /// Of a gauge: the current value.
    Gauge(f64),
    /// Of a histogram: durations since the start.
    Durations(&'a Buckets),
}

impl<'a> Point<'a> {
    /// A point of a cluster. `rest` has the values of the attributes after `kafka_cluster` and `vantage`.
    fn of_cluster(
        snapshot: &'a Snapshot,
        metric: Metric,
        cluster: &'a ClusterName,
        rest: impl IntoIterator<Item = Cow<'a, str>>,
        value: Value<'a>,
    ) -> Point<'a> {
        Point::new(snapshot, metric, cluster.as_str(), rest, value)
    }

    /// A point of the prober as a whole.
    fn of_prober(
        snapshot: &'a Snapshot,
        metric: Metric,
        rest: impl IntoIterator<Item = Cow<'a, str>>,
        value: Value<'a>,
    ) -> Point<'a> {
        Point::new(snapshot, metric, prober_cluster(snapshot).unwrap_or_default(), rest, value)
    }

    fn new(
        snapshot: &'a Snapshot,
        metric: Metric,
        cluster: &'a str,
        rest: impl IntoIterator<Item = Cow<'a, str>>,
        value: Value<'a>,
    ) -> Point<'a> {
        let shared = [Cow::Borrowed(cluster), Cow::Borrowed(&*snapshot.vantage)];
        Point { metric, attributes: shared.into_iter().chain(rest).map(printable).collect(), value }
    }

    /// Attribute names with their values, those left out that the point does not have.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = self.metric.attributes.iter().copied().zip(self.attributes.iter().map(Cow::as_ref));
        all.filter(|(_, value)| !value.is_empty())
    }
}

/// The points of one metric. Boxed, because sixty metrics chained as one type take the compiler minutes.
type Points<'a> = Box<dyn Iterator<Item = Point<'a>> + 'a>;

/// Every point of a snapshot that `level` exports, in the order of [`ALL`](prober_core::metric::ALL), so that the points
/// of one metric stand together.
///
/// Counters of a discovered series are zero from the start for the outcomes that its probe can have; another outcome
/// appears only when it was counted all the same.
pub fn points<'a>(snapshot: &'a Snapshot, stats: &'a ExportStats, level: Level) -> impl Iterator<Item = Point<'a>> {
    let all: [Points<'a>; 4] = [
        Box::new(attempts::points(snapshot, level)),
        Box::new(state::points(snapshot)),
        Box::new(prober::points(snapshot, stats)),
        Box::new(observed::points(snapshot)),
    ];
    all.into_iter().flatten().filter(move |point| point.metric.level <= level)
}

/// The `kafka_cluster` of what belongs to the prober as a whole: the name of its only cluster. With several clusters it
/// has none, because a total that was repeated under each name would be counted twice in every sum.
/// `None` while no cluster is known.
pub(super) fn prober_cluster(snapshot: &Snapshot) -> Option<&str> {
    let mut mentions = mentions(snapshot);
    let first = mentions.next()?;
    let alone = mentions.all(|cluster| cluster == first);
    Some(if alone { first.as_str() } else { "" })
}

fn clusters(snapshot: &Snapshot) -> BTreeSet<&ClusterName> {
    mentions(snapshot).collect()
}

/// Every place that names a cluster; the lanes, known from the configuration, come first.
fn mentions(snapshot: &Snapshot) -> impl Iterator<Item = &ClusterName> {
    let of_lanes = snapshot.lanes.iter().map(|lane| &lane.cluster);
    let of_series = snapshot.series.iter().map(|row| &row.series.cluster);
    of_lanes.chain(of_series).chain(snapshot.brokers.iter().map(|broker| &broker.cluster))
}

/// The values of the attributes `broker` and `partition`, one of which is empty.
fn subject_labels<'a>(subject: Subject) -> [Cow<'a, str>; 2] {
    [subject.broker_label(), subject.partition_label()].map(|label| Cow::Owned(label.unwrap_or_default()))
}

/// Host names and racks come from metadata and may hold anything. Control characters are written as `\u{1b}`, so that no
/// reader of the text, a terminal among them, takes them for commands.
fn printable(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text;
    }
    let escaped = text.chars().fold(String::new(), |mut escaped, next| {
        if next.is_control() {
            escaped.extend(next.escape_unicode())
        } else {
            escaped.push(next)
        }
        escaped
    });
    Cow::Owned(escaped)
}
