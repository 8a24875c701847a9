//! A mock cluster of a hundred brokers in another process: what a large cluster costs at default settings, and whether one
//! frozen broker affects the other ninety-nine.

use std::thread;
use std::time::Duration;

use crate::cost::{Cost, Freeze};
use crate::harness::prober::Scrape;
use crate::mock_process::MockProcess;
use crate::report::{Goals, mib, ms, quantile, short};
use crate::running_prober::{BOTH, RunningProber};

const BROKERS: i32 = 100;
const PINNED: &str = "__kafka-prober-pinned";
const REPLICATED: &str = "__kafka-prober-replicated";

/// The mock does not wake a waiting fetch for a new record: the wait is the latency. Waiting less, the prober fetches
/// more often than from a real broker, which answers as many fetches as there are records.
const WAITING_LITTLE: [(&str, &str); 2] = [
    ("KAFKA_PROBER__LANES__PINNED__FETCH_MAX_WAIT", "50ms"),
    ("KAFKA_PROBER__LANES__REPLICATED__FETCH_MAX_WAIT", "50ms"),
];
/// As many fetches as from a real broker: each lane waits as long as its interval.
const WAITING_AN_INTERVAL: [(&str, &str); 2] = [
    ("KAFKA_PROBER__LANES__PINNED__FETCH_MAX_WAIT", "200ms"),
    ("KAFKA_PROBER__LANES__REPLICATED__FETCH_MAX_WAIT", "500ms"),
];

const SETTLE: Duration = Duration::from_secs(5);
const BLOCK: Duration = Duration::from_secs(30);

/// A common scrape interval, and an unusually short one.
const SCRAPE_EVERY: Duration = Duration::from_secs(15);
const SCRAPE_OFTEN: Duration = Duration::from_secs(1);

const FROZEN_BROKER: i32 = 7;
const CALM: Duration = Duration::from_secs(20);
/// Long enough for deadlines to pass and connections to be replaced.
const FROZEN: Duration = Duration::from_secs(20);
/// Delay of the frozen broker's answers.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Goal for the slowest page.
const PAGE_MS: f64 = 100.0;

/// Goal for the prober's CPU, in percent of one core.
const CPU_PERCENT: f64 = 20.0;

/// Goal for the direct probes' part of that.
const DIRECT_CPU_PERCENT: f64 = 5.0;
const DIRECT_OFF: [(&str, &str); 6] = [
    ("KAFKA_PROBER__PROBES__FETCH__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__METADATA__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__CONNECT__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__COMMIT__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__TRANSACTION__ENABLED", "false"),
    ("KAFKA_PROBER__PROBES__CONTROLLER__ENABLED", "false"),
];

/// Goals for the flight recorder's part.
const RECORDER_CPU_PERCENT: f64 = 1.0;
const RECORDER_MIB: f64 = 8.0;
const RECORDER_OFF: [(&str, &str); 1] = [("KAFKA_PROBER__RECORDER__ENABLED", "false")];

/// librdkafka has a thread for each broker in each of its two clients; the number of other threads is constant.
const THREADS: u32 = 2 * BROKERS.unsigned_abs() + 20;

const READY_WITHIN: Duration = Duration::from_secs(60);
const PAGES: usize = 10;

pub(crate) fn measure() {
    eprintln!("bench: starting a mock of {BROKERS} brokers");
    let mut mock = MockProcess::start(BROKERS, PINNED, REPLICATED);
    let probing = RunningProber::start(&mock.bootstrap, &BOTH, &WAITING_LITTLE);
    let brokers = usize::try_from(BROKERS).unwrap_or_default();
    let ready = probing.await_good(brokers, READY_WITHIN);
    thread::sleep(SETTLE);
    eprintln!("bench: {BROKERS} brokers at default settings");
    let mock_before = mock.cpu();
    let usual = Cost::of(&probing, BLOCK, SCRAPE_EVERY);
    let mock_cpu = mock.cpu().saturating_sub(mock_before);
    let often = Cost::of(&probing, BLOCK, SCRAPE_OFTEN);
    let statuses: Vec<Duration> = (0..PAGES).map(|_| probing.status().elapsed).collect();
    let page = probing.metrics().body;
    let produce = BOTH.map(|view| ["p50_ms", "p99_ms"].map(|at| probing.status().percentile_ms(view, "produce", at)));

    eprintln!("bench: freezing broker {FROZEN_BROKER}");
    // Both closures use the same process, one after the other.
    let orders = std::cell::RefCell::new(&mut mock);
    let order = |answers| orders.borrow_mut().delay(FROZEN_BROKER, answers);
    let (freeze, thaw) = (|| order(FOR_EVER), || order(Duration::ZERO));
    let freeze = Freeze::of(&probing, FROZEN_BROKER, CALM, FROZEN, freeze, thaw);
    let last = probing.status();
    let exports = probing.stop();
    eprintln!("bench: as many fetches as from real brokers, without and with the direct probes");
    let lanes_alone = as_real(&mock.bootstrap, brokers, &DIRECT_OFF);
    let unrecorded = as_real(&mock.bootstrap, brokers, &RECORDER_OFF);
    let as_real = as_real(&mock.bootstrap, brokers, &[]);

    println!("## A hundred brokers\n");
    println!(
        "librdkafka's mock cluster in another process on the same machine. Both lanes run on default settings, 100 × 5 \
         and 100 × 2 records/s, but for `fetch_max_wait = \"50ms\"` in both, because the mock wakes no waiting fetch: \
         that is up to twenty fetches a second, broker and lane, where a real broker answers as many as there are \
         records. The mock replicates nothing; its partitions of the replicated lane have one replica too.\n"
    );
    let mut goals = Goals::new();
    goals.at_most("CPU, of one core", usual.of_one_core(), CPU_PERCENT, "%");
    let what = "CPU, of one core, with `fetch_max_wait` = `interval`: as many fetches as from real brokers";
    goals.at_most(what, as_real.of_one_core(), CPU_PERCENT, "%");
    let direct = as_real.of_one_core() - lanes_alone.of_one_core();
    let what = "… of which the direct probes (fetch, metadata, connect: those that the mock supports)";
    goals.at_most(what, direct, DIRECT_CPU_PERCENT, "%");
    let recorder = as_real.of_one_core() - unrecorded.of_one_core();
    goals.at_most("… of which the flight recorder", recorder, RECORDER_CPU_PERCENT, "%");
    let recorder = mib(as_real.rss_bytes) - mib(unrecorded.rss_bytes);
    goals.at_most("memory of the flight recorder in the first half minute", recorder, RECORDER_MIB, "MiB");
    goals.note("CPU per round trip (one record: three events)", format!("{} ms", short(usual.cpu_per_round_trip())));
    goals.note("CPU, of one core, scraped every second", format!("{} %", short(often.of_one_core())));
    goals.note("CPU of the mock during that, of one core", format!("{} %", short(percent(mock_cpu, BLOCK))));
    goals.at_most("resident memory, largest", mib(usual.rss_bytes.max(often.rss_bytes)), 120.0, "MiB");
    goals.at_most("threads, of which two a broker are librdkafka's", often.threads.into(), THREADS.into(), "");
    goals.note("sockets", often.sockets);
    goals.note("start → good round trips at every broker", format!("{} s", short(ready.as_secs_f64())));
    goals.note("series; size of `/metrics`", format!("{}; {} MiB", Scrape::parse(&page).series(), page_mib(&page)));
    goals.note("`/metrics`, p50", format!("{} ms", short(ms(quantile(&often.pages, 0.5)))));
    goals.at_most("`/metrics`, slowest", ms(often.slowest_page()), PAGE_MS, "ms");
    goals.at_most("`/api/v1/status`, slowest", ms(quantile(&statuses, 1.0)), PAGE_MS, "ms");
    for (view, [p50, p99]) in BOTH.into_iter().zip(produce) {
        let what = format!("{} view: produce p50, p99 (since the start)", view.as_str());
        goals.note(&what, format!("{}, {} ms", short(p50), short(p99)));
    }
    freeze.judge_pages(&mut goals, PAGE_MS);
    BOTH.into_iter().for_each(|view| freeze.judge(&mut goals, view));
    goals.note("void or missed events of all, to the end", last.void_or_missed());
    goals.note("OTLP exports that arrived", exports);
    goals.print();
}

/// The cost of a prober that fetches as often as from real brokers.
fn as_real(bootstrap: &str, brokers: usize, more: &[(&str, &str)]) -> Cost {
    let settings = [&WAITING_AN_INTERVAL, more].concat();
    let probing = RunningProber::start(bootstrap, &BOTH, &settings);
    probing.await_good(brokers, READY_WITHIN);
    thread::sleep(SETTLE);
    let cost = Cost::of(&probing, BLOCK, SCRAPE_EVERY);
    probing.stop();
    cost
}

fn percent(part: Duration, of: Duration) -> f64 {
    100.0 * part.as_secs_f64() / of.as_secs_f64()
}

fn page_mib(page: &str) -> String {
    short(mib(u64::try_from(page.len()).unwrap_or(u64::MAX)))
}
