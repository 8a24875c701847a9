//! What the prober cannot tell without a past: whether a broker is slower than usual, before its usual latency is known, and whether
//! one that has always been slower than the others is slow or far away.

use super::pages::{Broker, Cluster, Filter, Status};

/// Multiple of the others' usual latency, and latency in milliseconds, from which a broker's own is worth a sentence. Below, an answer
/// is not late for the diagnosis either.
const FACTOR: f64 = 3.0;
const NOTABLE_MS: f64 = 50.0;

/// One sentence each, for the clusters and the broker asked about.
pub(super) fn unknowns(status: &Status, filter: &Filter) -> Vec<String> {
    let clusters = status.clusters.iter().filter(|cluster| filter.includes_cluster(&cluster.name));
    clusters.flat_map(|cluster| without_baseline(cluster, filter).into_iter().chain(slower(cluster, filter))).collect()
}

fn asked<'a>(cluster: &'a Cluster, filter: &Filter) -> impl Iterator<Item = &'a Broker> {
    let asked = filter.broker;
    cluster.brokers.iter().filter(move |broker| asked.is_none_or(|id| broker.id == id))
}

fn without_baseline(cluster: &Cluster, filter: &Filter) -> Option<String> {
    let is_new = |broker: &&Broker| broker.registered && broker.covered && broker.baseline_ms == Some(None);
    let new: Vec<String> = asked(cluster, filter).filter(is_new).map(|broker| broker.id.to_string()).collect();
    let (brokers, its) = match new.len() {
        0 => return None,
        1 => ("broker", "its"),
        _ => ("brokers", "their"),
    };
    Some(format!(
        "The usual latency of {brokers} {} of cluster {} is not known before half a minute of answers: until then a slow broker is \
         found by the thresholds of {its} probes only.",
        new.join(", "),
        cluster.name
    ))
}

fn slower<'a>(cluster: &'a Cluster, filter: &Filter) -> impl Iterator<Item = String> + 'a {
    let asked: Vec<&Broker> = asked(cluster, filter).collect();
    asked.into_iter().filter_map(|broker| {
        let own = broker.baseline_ms.flatten()?;
        let others = cluster.brokers.iter().filter(|other| other.id != broker.id);
        let mut others: Vec<f64> = others.filter_map(|other| other.baseline_ms.flatten()).collect();
        others.sort_by(f64::total_cmp);
        let usual = *others.get(others.len() / 2)?;
        (NOTABLE_MS <= own && FACTOR * usual <= own).then(|| {
            format!(
                "Broker {} of cluster {} has usually answered within {own:.0} ms, most others within {usual:.0} ms: it is far away, \
                 or has been slow since before this prober knew it. Which one cannot be told.",
                broker.id, cluster.name
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::pages::tests::status;
    use super::super::pages::{Pages, document};
    use super::*;
    use crate::cli::exit::Exit;

    /// The lines about three brokers with these usual latencies.
    fn unknowns_of(baselines: [Value; 3], filter: &Filter) -> Vec<String> {
        let brokers =
            (1..).zip(baselines).map(|(id, baseline)| json!({"id": id, "state": "ok", "baseline_ms": baseline}));
        let mut status = status();
        status["clusters"][0]["brokers"] = brokers.collect();
        status["clusters"][0]["series"] = json!([]);
        let pages = Pages::of(document(json!([]), status), filter).expect("it is the output of a prober");
        assert_eq!(pages.exit(), Exit::Pass, "what cannot be told is no fault");
        pages.unknowns
    }

    #[test]
    fn brokers_without_a_usual_latency_are_listed() {
        let unknowns = unknowns_of([json!(2.0), Value::Null, Value::Null], &Filter::default());
        let sentence = "The usual latency of brokers 2, 3 of cluster main is not known before half a minute of answers: until then a \
                        slow broker is found by the thresholds of their probes only.";
        assert_eq!(unknowns, [sentence]);
        let of_broker_1 = Filter { broker: Some(1), ..Filter::default() };
        assert_eq!(unknowns_of([json!(2.0), Value::Null, Value::Null], &of_broker_1), [""; 0]);
    }

    #[test]
    fn broker_that_was_always_slower_may_be_far_away() {
        let unknowns = unknowns_of([json!(2.0), json!(150.0), json!(3.0)], &Filter::default());
        let sentence = "Broker 2 of cluster main has usually answered within 150 ms, most others within 3 ms: it is far away, or has \
                        been slow since before this prober knew it. Which one cannot be told.";
        assert_eq!(unknowns, [sentence]);
    }

    #[test]
    fn like_latencies_and_short_ones_are_nothing_to_say() {
        assert_eq!(unknowns_of([json!(120.0), json!(150.0), json!(110.0)], &Filter::default()), [""; 0]);
        assert_eq!(unknowns_of([json!(1.0), json!(20.0), json!(2.0)], &Filter::default()), [""; 0]);
    }

    #[test]
    fn page_of_an_older_prober_says_nothing_about_it() {
        let pages = Pages::of(document(json!([]), status()), &Filter::default()).expect("it is the output of a prober");
        assert_eq!(pages.unknowns, [""; 0]);
    }
}
