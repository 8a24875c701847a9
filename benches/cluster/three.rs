//! Three real brokers: the prober and the bare loop in turns, so that both meet the same cluster, the same machine and
//! the same drift; then one broker frozen under the prober.

use std::thread;
use std::time::Duration;

use crate::bare::{Bare, Latencies};
use crate::harness::{Cluster, Options};
use crate::probing::{Probing, Status};
use crate::report::{Goals, Table, mean, mib, ms, quantile, short};
use crate::watch::{Cost, Freeze};

/// Ten records a second at each broker, as in the published numbers of other probers.
const INTERVAL: Duration = Duration::from_millis(100);
const AT_TEN_A_SECOND: [(&str, &str); 1] = [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "100ms")];

/// A JVM compiles what is called often; both kinds of client run at many times the rate first.
const WARM_UP: Duration = Duration::from_secs(20);
const WARM_UP_INTERVAL: Duration = Duration::from_millis(10);
const WARM_UP_SETTINGS: [(&str, &str); 1] = [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "20ms")];

const PAIRS: usize = 3;
const BLOCK: Duration = Duration::from_secs(30);
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

const FROZEN_BROKER: i32 = 2;
const CALM: Duration = Duration::from_secs(20);
const FROZEN: Duration = Duration::from_secs(10);

/// What a page may take.
const PAGE_MS: f64 = 10.0;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Percentiles of one block in milliseconds, each broker's own, then their mean.
#[derive(Clone, Copy, Debug)]
struct Percentiles {
    end_to_end: [f64; 2],
    produce: [f64; 2],
}

pub(crate) fn measure() {
    eprintln!("bench: starting three brokers");
    let cluster = Cluster::start(Options { name: "bench".to_owned(), quick_start: false, ..Options::default() });
    let bare = Bare::new(&cluster);
    eprintln!("bench: warming up");
    warm_up(&cluster, &bare);

    let mut table = Table::new(&[
        "block",
        "end-to-end p50, ms",
        "p99",
        "produce p50, ms",
        "p99",
        "good round trips",
        "bad, void or missed events",
    ]);
    let (mut probers, mut bares, mut cost) = (Vec::new(), Vec::new(), Cost::default());
    for pair in 1..=PAIRS {
        eprintln!("bench: block {pair} of {PAIRS}");
        let (seen, block) = prober_block(&cluster);
        let percentiles = Percentiles::of_status(&seen);
        let not_good = seen.bad(|_| true) + seen.void_or_missed();
        percentiles.put(&mut table, &format!("{pair} prober"), &seen.round_trips().to_string(), &not_good.to_string());
        probers.push(percentiles);
        cost = cost.and(block);

        let seen = bare.run(INTERVAL, BLOCK);
        let percentiles = Percentiles::of_latencies(&seen);
        let round_trips = seen.iter().map(|broker| broker.end_to_end.len()).sum::<usize>();
        percentiles.put(&mut table, &format!("{pair} bare loop"), &round_trips.to_string(), "");
        bares.push(percentiles);
    }
    Percentiles::mean(&probers).put(&mut table, "all, prober", "", "");
    Percentiles::mean(&bares).put(&mut table, "all, bare loop", "", "");
    eprintln!("bench: freezing broker {FROZEN_BROKER}");
    let freeze = freeze(&cluster);

    println!("## Three real brokers\n");
    println!(
        "{PAIRS} × {} s of each in turns; 3 × 10 records/s of 128 bytes, acks=1, replication factor 1, plaintext on \
         loopback. The prober runs on default settings but for the interval, exports over OTLP every 10 s and is scraped \
         every second. Each percentile is the broker's own, then the mean over brokers (and blocks).\n",
        BLOCK.as_secs()
    );
    table.print();
    goals(&probers, &bares, &cost, &freeze).print();
}

fn warm_up(cluster: &Cluster, bare: &Bare) {
    let probing = Probing::start(&cluster.bootstrap(), &WARM_UP_SETTINGS);
    bare.run(WARM_UP_INTERVAL, WARM_UP);
    probing.await_good(cluster.brokers().len(), READY_WITHIN);
    probing.stop();
}

/// A prober of its own for each block, so that its percentiles since the start are the block's.
fn prober_block(cluster: &Cluster) -> (Status, Cost) {
    let probing = Probing::start(&cluster.bootstrap(), &AT_TEN_A_SECOND);
    probing.await_good(cluster.brokers().len(), READY_WITHIN);
    let cost = Cost::of(&probing, BLOCK, SCRAPE_EVERY);
    let status = probing.status();
    let exports = probing.stop();
    assert!(0 < exports, "the cost is to include the export");
    (status, cost)
}

fn freeze(cluster: &Cluster) -> Freeze {
    let probing = Probing::start(&cluster.bootstrap(), &AT_TEN_A_SECOND);
    probing.await_good(cluster.brokers().len(), READY_WITHIN);
    thread::sleep(Duration::from_secs(2));
    let broker = cluster.broker(FROZEN_BROKER);
    let freeze = Freeze::of(&probing, FROZEN_BROKER, CALM, FROZEN, || broker.freeze(), || broker.thaw());
    probing.stop();
    freeze
}

fn goals(probers: &[Percentiles], bares: &[Percentiles], cost: &Cost, freeze: &Freeze) -> Goals {
    let above: Vec<f64> = probers.iter().zip(bares).map(|(a, b)| a.end_to_end[0] - b.end_to_end[0]).collect();
    let pairs: Vec<String> = above.iter().map(|difference| short(*difference)).collect();
    let mut goals = Goals::new();
    goals.at_most("end-to-end p50, prober above bare loop", mean(above), 0.3, "ms");
    goals.note("… pair by pair, ms", pairs.join(", "));
    goals.at_most("CPU per round trip (one record: three events)", cost.cpu_per_round_trip(), 0.35, "ms");
    goals.note("CPU, of one core", format!("{} %", short(cost.of_one_core())));
    goals.at_most("resident memory, largest", mib(cost.rss_bytes), 20.0, "MiB");
    goals.note("threads, sockets", format!("{}, {}", cost.threads, cost.sockets));
    goals.note("`/metrics`, p50", format!("{} ms", short(ms(quantile(&cost.pages, 0.5)))));
    goals.at_most("`/metrics`, slowest", ms(cost.slowest_page()), PAGE_MS, "ms");
    freeze.judge(&mut goals, PAGE_MS);
    goals
}

impl Percentiles {
    fn of_status(status: &Status) -> Percentiles {
        let of = |probe| ["p50_ms", "p99_ms"].map(|percentile| status.percentile_ms(probe, percentile));
        Percentiles { end_to_end: of("end_to_end"), produce: of("produce") }
    }

    fn of_latencies(brokers: &[Latencies]) -> Percentiles {
        let of = |pick: fn(&Latencies) -> &[Duration]| {
            [0.5, 0.99].map(|at| mean(brokers.iter().map(|broker| ms(quantile(pick(broker), at)))))
        };
        Percentiles { end_to_end: of(|broker| &broker.end_to_end), produce: of(|broker| &broker.produce) }
    }

    fn mean(blocks: &[Percentiles]) -> Percentiles {
        let of = |pick: fn(&Percentiles) -> [f64; 2]| [0, 1].map(|at| mean(blocks.iter().map(|block| pick(block)[at])));
        Percentiles { end_to_end: of(|block| block.end_to_end), produce: of(|block| block.produce) }
    }

    fn put(&self, table: &mut Table, block: &str, round_trips: &str, not_good: &str) {
        let [end_to_end, produce] = [self.end_to_end, self.produce].map(|both| both.map(short));
        table.row(&[block, &end_to_end[0], &end_to_end[1], &produce[0], &produce[1], round_trips, not_good]);
    }
}
