//! A hundred brokers of a mock cluster in another process: what a large cluster costs on default settings, and whether
//! the ninety-nine notice that one is frozen.

use std::thread;
use std::time::Duration;

use crate::harness::prober::Scrape;
use crate::mock::MockProcess;
use crate::probing::Probing;
use crate::report::{Goals, mib, ms, quantile, short};
use crate::watch::{Cost, Freeze};

const BROKERS: i32 = 100;
const PINNED: &str = "kafka-prober-pinned";
const REPLICATED: &str = "kafka-prober-replicated";

/// The mock does not wake a waiting fetch for a new record: the wait is the latency.
const SETTINGS: [(&str, &str); 1] = [("KAFKA_PROBER__LANES__PINNED__FETCH_MAX_WAIT", "50ms")];

const SETTLE: Duration = Duration::from_secs(5);
const BLOCK: Duration = Duration::from_secs(30);

/// As Prometheus is often set; and as nobody sets it.
const SCRAPE_EVERY: Duration = Duration::from_secs(15);
const SCRAPE_OFTEN: Duration = Duration::from_secs(1);

const FROZEN_BROKER: i32 = 7;
const CALM: Duration = Duration::from_secs(20);
/// Long enough for deadlines to pass and connections to be replaced.
const FROZEN: Duration = Duration::from_secs(20);
/// What the frozen broker's answers take.
const FOR_EVER: Duration = Duration::from_secs(60);

/// What a page may take.
const PAGE_MS: f64 = 100.0;

const READY_WITHIN: Duration = Duration::from_secs(60);
const PAGES: usize = 10;

pub(crate) fn measure() {
    eprintln!("bench: starting a mock of {BROKERS} brokers");
    let mut mock = MockProcess::start(BROKERS, PINNED, REPLICATED);
    let probing = Probing::start(&mock.bootstrap, &SETTINGS);
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
    let percentiles = ["p50_ms", "p99_ms"].map(|at| short(probing.status().percentile_ms("produce", at)));

    eprintln!("bench: freezing broker {FROZEN_BROKER}");
    // Both orders are given by the same hand, one after the other.
    let orders = std::cell::RefCell::new(&mut mock);
    let order = |answers| orders.borrow_mut().delay(FROZEN_BROKER, answers);
    let (freeze, thaw) = (|| order(FOR_EVER), || order(Duration::ZERO));
    let freeze = Freeze::of(&probing, FROZEN_BROKER, CALM, FROZEN, freeze, thaw);
    let last = probing.status();
    let exports = probing.stop();

    println!("## A hundred brokers\n");
    println!(
        "librdkafka's mock cluster in another process on the same machine; default settings (100 × 5 records/s) but for \
         `lanes.pinned.fetch_max_wait = \"50ms\"`, because the mock wakes no waiting fetch. Only the pinned lane exists \
         yet: the goals for CPU and memory are for both lanes, so that half of each should be left.\n"
    );
    let mut goals = Goals::new();
    goals.at_most("CPU, of one core", usual.of_one_core(), 20.0, "%");
    goals.note("CPU per round trip (one record: three events)", format!("{} ms", short(usual.cpu_per_round_trip())));
    goals.note("CPU, of one core, scraped every second", format!("{} %", short(often.of_one_core())));
    goals.note("CPU of the mock meanwhile, of one core", format!("{} %", short(percent(mock_cpu, BLOCK))));
    goals.at_most("resident memory, largest", mib(usual.rss_bytes.max(often.rss_bytes)), 120.0, "MiB");
    goals.note("threads, sockets", format!("{}, {}", often.threads, often.sockets));
    goals.note("start → good round trips at every broker", format!("{} s", short(ready.as_secs_f64())));
    goals.note("series; size of `/metrics`", format!("{}; {} MiB", Scrape::parse(&page).series(), page_mib(&page)));
    goals.note("`/metrics`, p50", format!("{} ms", short(ms(quantile(&often.pages, 0.5)))));
    goals.at_most("`/metrics`, slowest", ms(often.slowest_page()), PAGE_MS, "ms");
    goals.at_most("`/api/v1/status`, slowest", ms(quantile(&statuses, 1.0)), PAGE_MS, "ms");
    goals.note("produce p50, p99 (since the start)", format!("{} ms", percentiles.join(", ")));
    freeze.judge(&mut goals, PAGE_MS);
    goals.note("void or missed events of all, to the end", last.void_or_missed());
    goals.note("OTLP exports that arrived", exports);
    goals.print();
}

fn percent(part: Duration, of: Duration) -> f64 {
    100.0 * part.as_secs_f64() / of.as_secs_f64()
}

fn page_mib(page: &str) -> String {
    short(mib(u64::try_from(page.len()).unwrap_or(u64::MAX)))
}
