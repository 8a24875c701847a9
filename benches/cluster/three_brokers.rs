//! Three real brokers: each lane alone, alternating with its baseline; both lanes together; and one broker frozen.

use std::thread;
use std::time::Duration;

use prober_core::ids::View;

use crate::baseline_client::ClientBaseline;
use crate::baseline_socket::SocketBaseline;
use crate::cost::{Cost, Freeze};
use crate::harness::{Cluster, Options};
use crate::interleaved::{AT_TEN_A_SECOND, BLOCK, Interleaved, PAIRS, READY_WITHIN, SCRAPE_EVERY};
use crate::report::{Goals, mib, ms, quantile, short};
use crate::running_prober::{BOTH, RunningProber};

/// The JVMs have to compile the hot code first, so every client runs at a high rate before the measurement.
const WARM_UP: Duration = Duration::from_secs(20);
const WARM_UP_INTERVAL: Duration = Duration::from_millis(10);
/// A connection's next write waits until the last one is replicated, which takes cold brokers tens of milliseconds.
const WARM_UP_INTERVAL_REPLICATED: Duration = Duration::from_millis(50);
const WARM_UP_SETTINGS: [(&str, &str); 2] =
    [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "20ms"), ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "50ms")];

const FROZEN_BROKER: i32 = 2;
const CALM: Duration = Duration::from_secs(20);
const FROZEN: Duration = Duration::from_secs(10);

/// Goal for the slowest page.
const PAGE_MS: f64 = 10.0;

/// Goal for the CPU time of one record, in milliseconds.
const WIRE_CPU_MS: f64 = 0.35;
const CLIENT_CPU_MS: f64 = 0.75;

/// Goal for the resident memory with both lanes.
const RSS_MIB: f64 = 20.0;

pub(crate) fn measure() {
    eprintln!("bench: starting three brokers");
    let cluster = Cluster::start(Options { name: "bench".to_owned(), quick_start: false, ..Options::default() });
    let (socket, client_pair) = (SocketBaseline::new(&cluster), ClientBaseline::new(&cluster));
    eprintln!("bench: warming up");
    warm_up(&cluster, &socket, &client_pair);
    let wire =
        Interleaved::take(&cluster, View::Broker, "socket baseline", |interval, length| socket.run(interval, length));
    let client = Interleaved::take(&cluster, View::Client, "librdkafka baseline", |interval, length| {
        client_pair.run(interval, length)
    });
    eprintln!("bench: both lanes, then freezing broker {FROZEN_BROKER}");
    let (both, freeze) = both_lanes(&cluster);

    println!("## Three real brokers\n");
    println!(
        "{PAIRS} × {} s of each, alternating; 3 × 10 records/s of 128 bytes, plaintext on loopback. The prober runs on \
         default settings but for the interval, exports over OTLP every 10 s and is scraped every second. Each \
         percentile is the broker's own, since the block's start with its fresh connections, then the mean over brokers \
         (and blocks).\n",
        BLOCK.as_secs()
    );
    println!("### Broker view alone\n");
    println!(
        "The pinned lane, acks=1, replication factor 1, alternating with the socket baseline: a \
         produce-and-fetch loop over blocking sockets.\n"
    );
    one_lane(&wire, WIRE_CPU_MS);
    println!("### Client view alone\n");
    println!(
        "The replicated lane, acks=all, replication factor 3, alternating with the librdkafka baseline: one producer and one \
         consumer with the same settings. The prober also requests metadata of its topic.\n"
    );
    one_lane(&client, CLIENT_CPU_MS);
    println!("### Both views\n");
    println!(
        "{} s of both lanes, each with 3 × 10 records/s; then one broker is frozen. In the client view every leader \
         waits for the frozen follower until it leaves the in-sync replicas, so that only the broker view has goals \
         there.\n",
        BLOCK.as_secs()
    );
    both_goals(&both, &freeze).print();
}

fn warm_up(cluster: &Cluster, socket: &SocketBaseline, pair: &ClientBaseline) {
    let probing = RunningProber::start(&cluster.bootstrap(), &BOTH, &WARM_UP_SETTINGS);
    thread::scope(|scope| {
        scope.spawn(|| pair.warm_up(WARM_UP_INTERVAL_REPLICATED, WARM_UP));
        socket.run(WARM_UP_INTERVAL, WARM_UP);
    });
    probing.await_good(cluster.brokers().len(), READY_WITHIN);
    probing.stop();
}

fn both_lanes(cluster: &Cluster) -> (Cost, Freeze) {
    let probing = RunningProber::start(&cluster.bootstrap(), &BOTH, &AT_TEN_A_SECOND);
    probing.await_good(cluster.brokers().len(), READY_WITHIN);
    let cost = Cost::of(&probing, BLOCK, SCRAPE_EVERY);
    let broker = cluster.broker(FROZEN_BROKER);
    let freeze = Freeze::of(&probing, FROZEN_BROKER, CALM, FROZEN, || broker.freeze(), || broker.thaw());
    probing.stop();
    (cost, freeze)
}

fn one_lane(results: &Interleaved, cpu_ms: f64) {
    results.print();
    let mut goals = Goals::new();
    results.judge(&mut goals, cpu_ms);
    size_and_pages(&mut goals, &results.cost);
    goals.print();
}

fn both_goals(cost: &Cost, freeze: &Freeze) -> Goals {
    let mut goals = Goals::new();
    size_and_pages(&mut goals, cost);
    goals.note("CPU per round trip, over both lanes", format!("{} ms", short(cost.cpu_per_round_trip())));
    goals.note("CPU, of one core", format!("{} %", short(cost.of_one_core())));
    freeze.judge_pages(&mut goals, PAGE_MS);
    freeze.judge(&mut goals, View::Broker);
    freeze.note(&mut goals, View::Client);
    goals
}

fn size_and_pages(goals: &mut Goals, cost: &Cost) {
    goals.at_most("resident memory, largest", mib(cost.rss_bytes), RSS_MIB, "MiB");
    goals.note("threads, sockets", format!("{}, {}", cost.threads, cost.sockets));
    goals.note("`/metrics`, p50", format!("{} ms", short(ms(quantile(&cost.pages, 0.5)))));
    goals.at_most("`/metrics`, slowest", ms(cost.slowest_page()), PAGE_MS, "ms");
}
