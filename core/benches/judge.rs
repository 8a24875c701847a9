//! Judging and recording one event: the goal is one microsecond.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use prober_core::buckets::Edges;
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Probe, Target, View};
use prober_core::ledger::Ledger;
use prober_core::objective::Objective;
use prober_core::time::Time;

fn judge_and_record(criterion: &mut Criterion) {
    let objective = |name: &str, threshold| Objective {
        name: name.into(),
        view: View::Broker,
        probe: Probe::EndToEnd,
        threshold,
        target: 0.999,
    };
    let objectives = [objective("availability", None), objective("latency", Some(Duration::from_secs(1)))];
    let mut ledger = Ledger::new(Arc::from(objectives), Edges::with(&[]));
    let events: Vec<Event> = (0..100)
        .map(|broker| {
            let target = Target {
                cluster: ClusterName::new("bench"),
                lane: Lane::Pinned,
                broker: Broker::Id(BrokerId(broker)),
                partition: None,
            };
            ledger.discover(&target);
            Event {
                series: target.series(Probe::EndToEnd),
                broker: target.broker,
                limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
                due: Time::from_millis(1),
                sent: Some(Time::from_millis(1)),
                ended: Time::from_millis(4),
                raw_outcome: RawOutcome::Success(Duration::from_millis(3)),
                stalled: Duration::ZERO,
                internal_partition: None,
            }
        })
        .collect();
    let mut next = events.iter().cycle();
    criterion.bench_function("judge and record one event, 100 brokers, 2 objectives", |bencher| {
        bencher.iter(|| next.next().map(|event| ledger.record(event)));
    });
}

criterion_group!(benches, judge_and_record);
criterion_main!(benches);
