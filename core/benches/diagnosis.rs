//! One evaluation of the diagnosis, of a hundred brokers in the worst of cases: half of them silent, or half of them slow, the
//! table of their cells read anew. The goal is two milliseconds.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use prober_core::diagnosis::cells::Cells;
use prober_core::diagnosis::input::{Input, Listed, Looks, Replicated, Seen};
use prober_core::diagnosis::own::Own;
use prober_core::diagnosis::standing::Standing;
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, ConnectionRole, Probe, Series, Subject, View};
use prober_core::time::Time;

const NOW: Time = Time::from_millis(600_000);

fn broker(id: i32) -> Seen {
    let silent_for = |seconds: u64| NOW - Duration::from_secs(seconds);
    let is_silent = id % 2 == 0;
    // Each at a time of its own, so that each is a finding of its own.
    let since = silent_for(20 + 3 * u64::from(id.unsigned_abs()));
    let role = [ConnectionRole::Produce, ConnectionRole::Fetch, ConnectionRole::Control].map(|role| (role, since));
    Seen {
        broker: BrokerId(id),
        listed: Some(Listed { since: Time::ORIGIN, asked: NOW }),
        answered: Some(if is_silent { since } else { NOW }),
        silent: if is_silent { BTreeMap::from(role) } else { BTreeMap::new() },
        tcp_states: BTreeMap::new(),
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

/// What a minute of probes has seen of them, at default rates.
fn cells() -> Cells {
    let probes = [
        (View::Broker, Probe::Produce, 200),
        (View::Broker, Probe::Fetch, 1000),
        (View::Broker, Probe::Metadata, 1000),
    ];
    let mut cells = Cells::default();
    for now in (540_000..600_000u64).step_by(200) {
        for id in 1..=100 {
            for (view, probe, every) in probes.into_iter().chain([(View::Client, Probe::Produce, 500)]) {
                if !now.is_multiple_of(every) {
                    continue;
                }
                let latency = Duration::from_millis(if id % 2 == 0 && 590_000 < now { 400 } else { 3 });
                let broker = Broker::Id(BrokerId(id));
                let series =
                    Series { cluster: ClusterName::new("bench"), view, probe, subject: Subject::Broker(broker) };
                let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
                let ended = Time::from_millis(now);
                let sent = ended - latency;
                let (raw_outcome, stalled) = (RawOutcome::Success(latency), Duration::ZERO);
                cells.counted(&Event {
                    series,
                    broker,
                    limits,
                    due: sent,
                    sent: Some(sent),
                    ended,
                    raw_outcome,
                    stalled,
                });
            }
        }
    }
    cells
}

/// Three replicas each, all in sync.
fn replicated() -> BTreeMap<BrokerId, Replicated> {
    let of = |id: i32| {
        let in_sync = (0..3).map(|next| BrokerId((id - 1 + next) % 100 + 1)).collect();
        (BrokerId(id), Replicated { leader: Some(BrokerId(id)), in_sync })
    };
    (1..=100).map(of).collect()
}

fn well(id: i32) -> Seen {
    Seen { answered: Some(NOW), silent: BTreeMap::new(), looks: None, ..broker(id) }
}

fn evaluate(criterion: &mut Criterion) {
    let silent = input((1..=100).map(broker).collect());
    let mut standing = Standing::default();
    standing.follow(&silent);
    assert_eq!(standing.findings().count(), 50);
    criterion.bench_function("one evaluation of the diagnosis, 100 brokers, 50 of them silent", |bencher| {
        bencher.iter(|| standing.follow(black_box(&silent)));
    });
    let (mut cells, mut slow) = (cells(), input((1..=100).map(well).collect()));
    slow.replicated = replicated().into();
    slow.table = cells.table(NOW).into();
    assert!(50 <= slow.table.cells.values().filter(|bits| bits.is_bad()).count());
    let mut standing = Standing::default();
    criterion.bench_function("one evaluation of the diagnosis, 100 brokers, 50 of them slow", |bencher| {
        bencher.iter(|| {
            slow.table = cells.table(NOW).into();
            standing.follow(black_box(&slow));
        });
    });
}

fn input(brokers: Vec<Seen>) -> Input {
    Input {
        now: NOW,
        cluster: ClusterName::new("bench"),
        brokers,
        controller: None,
        short: None,
        lost: None,
        table: Arc::default(),
        replicated: Arc::default(),
        throttled: BTreeMap::new(),
        refused: BTreeMap::new(),
        forbidden: Vec::new(),
        rhythm: Duration::from_millis(700),
        stalled: Duration::ZERO,
        stalled_lately: Duration::ZERO,
        own: Own::default(),
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
