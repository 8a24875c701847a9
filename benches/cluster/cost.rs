//! What a running prober costs, and how fast its pages stay when a broker freezes.

use std::thread;
use std::time::{Duration, Instant};

use prober_core::ids::View;

use crate::harness::prober::Scrape;
use crate::report::{Goals, ms, short};
use crate::running_prober::RunningProber;

/// How often memory, threads and sockets are sampled.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The prober renders `/metrics` at most once a second, so every second scrape renders.
const FROZEN_SCRAPE_EVERY: Duration = Duration::from_millis(500);

/// What a prober cost over some time.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    over: Duration,
    cpu: Duration,
    round_trips: u64,
    /// The largest sample.
    pub(crate) rss_bytes: u64,
    pub(crate) threads: u32,
    pub(crate) sockets: usize,
    /// Of each scrape.
    pub(crate) pages: Vec<Duration>,
}

impl Cost {
    /// Measures for `length`, during which it scrapes `/metrics`.
    pub(crate) fn of(probing: &RunningProber, length: Duration, scrape_every: Duration) -> Cost {
        let began = Instant::now();
        let mut cost = Cost::default();
        let sample = || probing.prober.resources().expect("the prober runs");
        let (first, round_trips) = (sample(), probing.status().round_trips());
        let mut scraped = None;
        while began.elapsed() < length {
            if scraped.is_none_or(|at: Instant| scrape_every <= at.elapsed() + SAMPLE_INTERVAL / 2) {
                scraped = Some(Instant::now());
                cost.pages.push(probing.metrics().elapsed);
            }
            let now = sample();
            cost.rss_bytes = cost.rss_bytes.max(now.rss_bytes);
            cost.threads = cost.threads.max(now.threads);
            cost.sockets = cost.sockets.max(now.sockets);
            thread::sleep(SAMPLE_INTERVAL.min(length.saturating_sub(began.elapsed())));
        }
        cost.cpu = sample().cpu.saturating_sub(first.cpu);
        cost.over = began.elapsed();
        cost.round_trips = probing.status().round_trips().saturating_sub(round_trips);
        cost
    }

    /// Both together.
    #[must_use]
    pub(crate) fn and(mut self, other: Cost) -> Cost {
        self.over += other.over;
        self.cpu += other.cpu;
        self.round_trips += other.round_trips;
        self.rss_bytes = self.rss_bytes.max(other.rss_bytes);
        self.threads = self.threads.max(other.threads);
        self.sockets = self.sockets.max(other.sockets);
        self.pages.extend(other.pages);
        self
    }

    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a bench makes few round trips")]
    pub(crate) fn cpu_per_round_trip(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.round_trips.max(1) as f64
    }

    /// In percent.
    pub(crate) fn of_one_core(&self) -> f64 {
        100.0 * self.cpu.as_secs_f64() / self.over.as_secs_f64()
    }

    pub(crate) fn slowest_page(&self) -> Duration {
        self.pages.iter().max().copied().unwrap_or_default()
    }
}

/// The healthy brokers and the pages, before and while one broker was frozen.
pub(crate) struct Freeze {
    frozen_for: Duration,
    before: Scrape,
    during: Scrape,
    /// The slowest scrape while it was frozen.
    slowest_page: Duration,
    bad: Vec<BadEvents>,
}

/// Bad events of one view, since the start.
struct BadEvents {
    view: View,
    /// Of healthy brokers.
    healthy: u64,
    frozen: u64,
}

impl Freeze {
    /// Measures for `calm` with `broker` healthy and for `frozen` with it frozen by `freeze`; `thaw` ends that.
    pub(crate) fn of(
        probing: &RunningProber,
        broker: i32,
        calm: Duration,
        frozen: Duration,
        freeze: impl FnOnce(),
        thaw: impl FnOnce(),
    ) -> Freeze {
        let start = probing.metrics_without(broker);
        thread::sleep(calm);
        let before = probing.metrics_without(broker);
        freeze();
        let frozen_at = Instant::now();
        let mut slowest_page = Duration::ZERO;
        while frozen_at.elapsed() < frozen {
            slowest_page = slowest_page.max(probing.metrics().elapsed);
            thread::sleep(FROZEN_SCRAPE_EVERY.min(frozen.saturating_sub(frozen_at.elapsed())));
        }
        let during = probing.metrics_without(broker).since(&before);
        let status = probing.status();
        thaw();
        let culprit = i64::from(broker);
        let bad = probing.views.iter().map(|view| BadEvents {
            view: *view,
            healthy: status.bad(*view, |id| id != culprit),
            frozen: status.bad(*view, |id| id == culprit),
        });
        let bad = bad.collect();
        Freeze { frozen_for: frozen, before: before.since(&start), during, slowest_page, bad }
    }

    /// Compares the slowest page with its goal in milliseconds.
    pub(crate) fn judge_pages(&self, goals: &mut Goals, page_ms: f64) {
        goals.at_most(&format!("`/metrics`, slowest, {}", self.name()), ms(self.slowest_page), page_ms, "ms");
    }

    /// Compares one view of the healthy brokers with the goals.
    pub(crate) fn judge(&self, goals: &mut Goals, view: View) {
        let (name, frozen) = (view.as_str(), self.name());
        for probe in ["end_to_end", "produce"] {
            let [before, during] = [&self.before, &self.during].map(|scrape| p99_ms(scrape, view, probe));
            // The durations of `produce` in the client view are exported at level `full` only.
            let (Some(before), Some(during)) = (before, during) else { continue };
            let what =
                format!("{name} view: {probe} p99 of the healthy brokers, {frozen} (before: {} ms)", short(before));
            goals.at_most(&what, during, flat(before), "ms");
        }
        for bad in self.bad.iter().filter(|bad| bad.view == view) {
            goals.none(&format!("{name} view: bad events of the healthy brokers"), bad.healthy);
            goals.note(&format!("{name} view: bad events of the frozen broker by then"), bad.frozen);
        }
    }

    /// Notes the counts of a view in which the healthy brokers depend on the frozen one.
    pub(crate) fn note(&self, goals: &mut Goals, view: View) {
        for bad in self.bad.iter().filter(|bad| bad.view == view) {
            let what = format!("{} view: bad events of the healthy brokers, of the frozen one", view.as_str());
            goals.note(&what, format!("{}, {}", bad.healthy, bad.frozen));
        }
    }

    fn name(&self) -> String {
        format!("one broker frozen for {} s", self.frozen_for.as_secs())
    }
}

/// Linear within the buckets of the histogram; `None` if it is not exported.
fn p99_ms(scrape: &Scrape, view: View, probe: &str) -> Option<f64> {
    let labels = [("view", view.as_str()), ("probe", probe)];
    scrape.histogram_quantile("kafka_prober_duration_seconds", &labels, 0.99).map(|seconds| seconds * 1e3)
}

/// The largest p99 in milliseconds that still counts as unchanged from `before`.
fn flat(before: f64) -> f64 {
    (2.0 * before).max(before + 20.0)
}
