//! Points of what is known now: broker states, info metrics, findings, coverage.

use std::borrow::Cow;
use std::collections::BTreeMap;

use prober_core::fault::Blame;
use prober_core::finding::FindingKind;
use prober_core::finding_history::FindingKey;
use prober_core::ids::BrokerId;
use prober_core::metric;
use prober_core::observed::flavour::Flavour;
use prober_core::snapshot::{BrokerState, BrokerStatus, Snapshot};

use super::{Point, Points, Value, clusters};

/// The source commit, if the build has one.
const COMMIT: &str = match option_env!("KAFKA_PROBER_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Every point of what is known now, in the order of the catalogue.
pub(super) fn points(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let all: Vec<Points<'_>> = vec![
        Box::new(broker_states(snapshot)),
        Box::new(broker_infos(snapshot)),
        Box::new(cluster_infos(snapshot)),
        Box::new(build_info(snapshot)),
        Box::new(findings(snapshot)),
        Box::new(missing_brokers(snapshot)),
    ];
    all.into_iter().flatten()
}

fn broker_states(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.brokers.iter().flat_map(move |status| {
        BrokerState::ALL.into_iter().map(move |state| {
            let hot = if status.state == Some(state) { 1.0 } else { 0.0 };
            let rest = [status.broker.to_string().into(), state.as_str().into()];
            Point::of_cluster(snapshot, metric::BROKER_STATE, &status.cluster, rest, Value::Gauge(hot))
        })
    })
}

fn broker_infos(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.brokers.iter().map(|status| {
        let rest = [
            status.broker.to_string().into(),
            host(status).into(),
            status.rack.as_deref().unwrap_or_default().into(),
            version(snapshot, status).into(),
        ];
        Point::of_cluster(snapshot, metric::BROKER_INFO, &status.cluster, rest, Value::Gauge(1.0))
    })
}

/// The advertised host, without the port.
fn host(status: &BrokerStatus) -> &str {
    let address = status.address.as_deref().unwrap_or_default();
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// The fingerprint of the API versions that the broker offers; empty while it is not known.
fn version(snapshot: &Snapshot, status: &BrokerStatus) -> String {
    let versions = snapshot.observed(&status.cluster).and_then(|observed| observed.versions.as_ref());
    let fingerprint = versions.and_then(|versions| versions.brokers.get(&status.broker));
    fingerprint.map(ToString::to_string).unwrap_or_default()
}

/// Of each cluster whose id is known.
fn cluster_infos(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.observed.iter().filter_map(|observed| {
        let controller = observed.controller().map(|id| id.to_string()).unwrap_or_default();
        let flavour = observed.flavour.map(Flavour::as_str).unwrap_or_default();
        let rest = [Cow::Borrowed(observed.cluster_id.as_deref()?), flavour.into(), controller.into()];
        Some(Point::of_cluster(snapshot, metric::CLUSTER_INFO, &observed.cluster, rest, Value::Gauge(1.0)))
    })
}

fn build_info(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let rest = [env!("CARGO_PKG_VERSION"), COMMIT].map(Cow::Borrowed);
    [Point::of_prober(snapshot, metric::BUILD_INFO, rest, Value::Gauge(1.0))].into_iter()
}

/// Each kind is zero for the cluster as a whole, so that the first finding is an increase. What has ended lately is zero
/// beside it.
fn findings(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    type Row<'a> = (&'a prober_core::ids::ClusterName, FindingKind, Option<BrokerId>, Option<Blame>);
    let of_clusters = clusters(snapshot).into_iter();
    let mut counts: BTreeMap<Row<'_>, u32> = of_clusters
        .flat_map(|cluster| FindingKind::ALL.map(|kind| ((cluster, kind, None, None), 0)))
        .chain(
            snapshot
                .ended_findings
                .iter()
                .map(|FindingKey { cluster, kind, broker, blame }| ((cluster, *kind, *broker, Some(*blame)), 0)),
        )
        .collect();
    for finding in &snapshot.findings {
        *counts.entry((&finding.cluster, finding.kind, finding.broker, Some(finding.blame))).or_default() += 1;
    }
    counts.into_iter().map(|((cluster, kind, broker, blame), count)| {
        let rest = [
            kind.as_str().into(),
            broker.map(|broker| broker.to_string()).unwrap_or_default().into(),
            blame.map(Blame::as_str).unwrap_or_default().into(),
        ];
        Point::of_cluster(snapshot, metric::FINDINGS, cluster, rest, Value::Gauge(f64::from(count)))
    })
}

fn missing_brokers(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    clusters(snapshot).into_iter().map(|cluster| {
        let missing = Value::Gauge(snapshot.uncovered(cluster) as f64);
        Point::of_cluster(snapshot, metric::MISSING_BROKERS, cluster, [], missing)
    })
}
