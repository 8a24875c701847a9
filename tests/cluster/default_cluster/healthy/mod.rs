//! Three healthy brokers for a minute: nothing is bad, in any view, whether the metrics have a receiver or not.
//!
//! Two probers with topics of their own share the minute.

mod all_views;
mod without_collector;

use std::thread;

use crate::harness::raw::coordination::create_internal_topics;
use crate::harness::shared_cluster;

#[test]
fn healthy_cluster_has_no_bad_event_from_first_start_on_with_and_without_collector() {
    let Some(cluster) = shared_cluster() else { return };
    // Commits and transactions are probed where Kafka has these topics.
    create_internal_topics(&cluster);
    let cluster = &*cluster;
    thread::scope(|scope| {
        let name = thread::current().name().unwrap_or_default().to_owned();
        let beside = thread::Builder::new().name(name);
        let beside = beside.spawn_scoped(scope, || without_collector::totals_are_exact_after_a_minute(cluster));
        all_views::no_event_is_bad_from_first_start_on(cluster);
        // A panic there fails this test as well.
        beside.expect("there is a thread for it").join().expect("without collector");
    });
}
