//! One evaluation of the diagnosis, of a hundred brokers in the worst of cases: half of them silent. The goal is two
//! milliseconds.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use prober_core::diagnosis::input::{Channel, Input, Listed, Looks, Seen};
use prober_core::diagnosis::own::Own;
use prober_core::diagnosis::standing::Standing;
use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, ClusterName};
use prober_core::time::Time;

const NOW: Time = Time::from_millis(60_000);

fn broker(id: i32) -> Seen {
    let silent_for = |seconds: u64| NOW - Duration::from_secs(seconds);
    let is_silent = id % 2 == 0;
    // Each at a time of its own, so that each is a finding of its own.
    let since = silent_for(20 + 3 * u64::from(id.unsigned_abs()));
    let channels = [Channel::Write, Channel::Read, Channel::Control].map(|channel| (channel, since));
    Seen {
        broker: BrokerId(id),
        listed: Some(Listed { since: Time::ORIGIN, asked: NOW }),
        answered: Some(if is_silent { since } else { NOW }),
        silent: if is_silent { BTreeMap::from(channels) } else { BTreeMap::new() },
        ways: BTreeMap::new(),
        streaks: BTreeMap::new(),
        looks: is_silent.then_some(Looks {
            began: since,
            failed: 10,
            fault: Some(Fault::NoHandshake),
            silent: true,
            accepted: true,
        }),
    }
}

fn evaluate(criterion: &mut Criterion) {
    let input = Input {
        now: NOW,
        cluster: ClusterName::new("bench"),
        brokers: (1..=100).map(broker).collect(),
        controller: None,
        short: None,
        lost: None,
        forbidden: Vec::new(),
        rhythm: Duration::from_millis(700),
        stalled: Duration::ZERO,
        stalled_lately: Duration::ZERO,
        own: Own::default(),
    };
    let mut standing = Standing::default();
    standing.follow(&input);
    assert_eq!(standing.findings().count(), 50);
    criterion.bench_function("one evaluation of the diagnosis, 100 brokers, 50 of them silent", |bencher| {
        bencher.iter(|| standing.follow(black_box(&input)));
    });
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
