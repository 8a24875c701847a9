//! The prober with one lane and its baseline in alternating blocks, so that both run on the same cluster and machine with the
//! same drift.

use std::process;
use std::time::Duration;

use prober_core::ids::View;

use crate::baseline_socket::Latencies;
use crate::cost::Cost;
use crate::harness::Cluster;
use crate::harness::prober::Resources;
use crate::report::{Goals, Table, mean, ms, quantile, short};
use crate::running_prober::{RunningProber, Status};

/// Ten records a second at each broker, as in the published numbers of other probers.
const INTERVAL: Duration = Duration::from_millis(100);
/// The same, for whichever lanes are on.
pub(crate) const AT_TEN_A_SECOND: [(&str, &str); 2] =
    [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "100ms"), ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "100ms")];

pub(crate) const PAIRS: usize = 3;
pub(crate) const BLOCK: Duration = Duration::from_secs(30);
pub(crate) const SCRAPE_EVERY: Duration = Duration::from_secs(1);
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(60);

/// How much the prober's `end_to_end` p50 may exceed the baseline's.
const ABOVE_MS: f64 = 0.3;

/// The results of all blocks.
pub(crate) struct Interleaved {
    baseline_name: &'static str,
    table: Table,
    probers: Vec<Percentiles>,
    baselines: Vec<Percentiles>,
    /// Percentiles of the prober, by block.
    pub(crate) cost: Cost,
    /// Percentiles of the baseline, by block, in milliseconds.
    baseline_cpu_per_round_trip: Vec<f64>,
}

/// Percentiles of one block in milliseconds, each broker's own, then their mean.
#[derive(Clone, Copy, Debug)]
struct Percentiles {
    end_to_end: [f64; 2],
    produce: [f64; 2],
}

impl Interleaved {
    /// Runs the lane of `view` alone, alternating with `baseline`, which takes an interval and a length; `baseline_name` names it
    /// in the report.
    pub(crate) fn take(
        cluster: &Cluster,
        view: View,
        baseline_name: &'static str,
        baseline: impl Fn(Duration, Duration) -> Vec<Latencies>,
    ) -> Interleaved {
        let columns = ["block", "end-to-end p50, ms", "p99", "produce p50, ms", "p99", "good round trips"];
        let mut results = Interleaved {
            baseline_name,
            table: Table::new(&[&columns[..], &["bad, void or missed events"]].concat()),
            probers: Vec::new(),
            baselines: Vec::new(),
            cost: Cost::default(),
            baseline_cpu_per_round_trip: Vec::new(),
        };
        for pair in 1..=PAIRS {
            eprintln!("bench: {} view, block {pair} of {PAIRS}", view.as_str());
            results.prober(pair, cluster, view);
            results.baseline(pair, &baseline);
        }
        Percentiles::mean(&results.probers).put(&mut results.table, "all, prober", "", "");
        Percentiles::mean(&results.baselines).put(&mut results.table, &format!("all, {baseline_name}"), "", "");
        results
    }

    /// A new prober for each block, so that its percentiles since the start are those of the block.
    fn prober(&mut self, pair: usize, cluster: &Cluster, view: View) {
        let probing = RunningProber::start(&cluster.bootstrap(), &[view], &AT_TEN_A_SECOND);
        probing.await_good(cluster.brokers().len(), READY_WITHIN);
        let cost = Cost::of(&probing, BLOCK, SCRAPE_EVERY);
        let seen = probing.status();
        let exports = probing.stop();
        assert!(0 < exports, "the cost is to include the export");
        let percentiles = Percentiles::of_status(&seen, view);
        let not_good = seen.bad(view, |_| true) + seen.void_or_missed();
        let block = format!("{pair} prober");
        percentiles.put(&mut self.table, &block, &seen.round_trips().to_string(), &not_good.to_string());
        self.probers.push(percentiles);
        self.cost = std::mem::take(&mut self.cost).and(cost);
    }

    #[expect(clippy::cast_precision_loss, reason = "a bench makes few round trips")]
    fn baseline(&mut self, pair: usize, baseline: impl Fn(Duration, Duration) -> Vec<Latencies>) {
        let cpu = own_cpu();
        let seen = baseline(INTERVAL, BLOCK);
        let cpu = own_cpu().saturating_sub(cpu);
        let round_trips = seen.iter().map(|broker| broker.end_to_end.len()).sum::<usize>();
        let percentiles = Percentiles::of_latencies(&seen);
        percentiles.put(&mut self.table, &format!("{pair} {}", self.baseline_name), &round_trips.to_string(), "");
        self.baselines.push(percentiles);
        self.baseline_cpu_per_round_trip.push(ms(cpu) / round_trips.max(1) as f64);
    }

    pub(crate) fn print(&self) {
        self.table.print();
    }

    /// Compares the latencies with their goal, and the CPU time per round trip with `cpu_ms`.
    pub(crate) fn judge(&self, goals: &mut Goals, cpu_ms: f64) {
        let pairs = self.probers.iter().zip(&self.baselines);
        let above: Vec<f64> = pairs.map(|(prober, baseline)| prober.end_to_end[0] - baseline.end_to_end[0]).collect();
        let each: Vec<String> = above.iter().map(|difference| short(*difference)).collect();
        let (baseline_name, cost) = (self.baseline_name, &self.cost);
        goals.at_most(&format!("end-to-end p50, prober minus {baseline_name}"), mean(above), ABOVE_MS, "ms");
        goals.note("… pair by pair, ms", each.join(", "));
        goals.at_most("CPU per round trip (one record: three events)", cost.cpu_per_round_trip(), cpu_ms, "ms");
        let baseline = mean(self.baseline_cpu_per_round_trip.iter().copied());
        goals.note(
            &format!("… of the {baseline_name}, which neither counts nor exports"),
            format!("{} ms", short(baseline)),
        );
        goals.note("CPU, of one core", format!("{} %", short(cost.of_one_core())));
    }
}

/// CPU time of this process, which does nothing else while a baseline runs.
fn own_cpu() -> Duration {
    Resources::of(process::id()).expect("this process runs").cpu
}

impl Percentiles {
    fn of_status(status: &Status, view: View) -> Percentiles {
        let of = |probe| ["p50_ms", "p99_ms"].map(|percentile| status.percentile_ms(view, probe, percentile));
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
