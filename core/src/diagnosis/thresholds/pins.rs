//! Runs the tests that the numbers name, each with its number changed. A test that still passes does not pin the number.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "only the tests: each number is changed for a whole process, so the tests are run as processes of their own"
)]

use std::collections::BTreeSet;
use std::env;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

/// Which number is multiplied in this run, and by what: `latency::WINDOW=0.5`.
const VARIABLE: &str = "PROBER_CORE_SCALED";

/// The tests that pin one number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pin {
    /// Path of the number.
    pub(super) name: &'static str,
    /// The test that fails if the number is divided by the factor, if there is one.
    pub(super) less_fails: &'static [&'static str],
    /// The test that fails if the number is multiplied by the factor, if there is one.
    pub(super) more_fails: &'static [&'static str],
    /// The factor is the last of these.
    pub(super) factors: &'static [f64],
}

/// What can be multiplied.
pub trait Scaled: Copy {
    /// The number times `factor`.
    #[must_use]
    fn scaled(self, factor: f64) -> Self;
}

impl Scaled for Duration {
    fn scaled(self, factor: f64) -> Duration {
        self.mul_f64(factor)
    }
}

impl Scaled for f64 {
    fn scaled(self, factor: f64) -> f64 {
        self * factor
    }
}

macro_rules! scaled_integer {
    ($($type:ty)+) => { $(impl Scaled for $type {
        fn scaled(self, factor: f64) -> $type {
            (self as f64 * factor) as $type
        }
    })+ };
}

scaled_integer!(u32 u64 usize);

/// The value of a number in this run.
pub(super) fn scaled<T: Scaled>(name: &str, value: T) -> T {
    static CHANGED: OnceLock<Option<(String, f64)>> = OnceLock::new();
    let changed = CHANGED.get_or_init(|| {
        let variable = env::var(VARIABLE).ok()?;
        let (name, factor) = variable.split_once('=').expect("a name and a factor");
        Some((name.to_owned(), factor.parse().expect("a factor")))
    });
    match changed {
        Some((changed, factor)) if short(name) == changed => value.scaled(*factor),
        _ => value,
    }
}

/// As in `latency::WINDOW`.
fn short(name: &str) -> &str {
    name.rsplit_once("thresholds::").map_or(name, |(_, short)| short)
}

/// One run of a test: as the numbers are, or with one of them changed.
struct Run {
    test: &'static str,
    changed: Option<String>,
}

impl Run {
    /// Why the run is not as it should be: passing as the numbers are, failing with one changed.
    fn flaw(&self) -> Option<String> {
        let test = format!("diagnosis::{}", self.test);
        let mut command = Command::new(env::current_exe().expect("the path of this program"));
        command.args(["--exact", &test]).env_remove(VARIABLE);
        command.envs(self.changed.iter().map(|changed| (VARIABLE, changed)));
        let output = String::from_utf8_lossy(&command.output().expect("the tests can be run").stdout).into_owned();
        let has_passed = output.contains("1 passed");
        match &self.changed {
            None => (!has_passed).then(|| format!("{test} does not pass, or there is no such test")),
            Some(changed) => has_passed.then(|| format!("{test} passes with {changed}")),
        }
    }
}

/// The flaws of these runs, on all processors.
fn flaws(runs: Vec<Run>) -> Vec<String> {
    let (runs, flaws) = (Mutex::new(runs), Mutex::new(Vec::new()));
    let next = || runs.lock().expect("no run panics").pop();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(run) = next() {
                    flaws.lock().expect("no run panics").extend(run.flaw());
                }
            });
        }
    });
    flaws.into_inner().expect("no run panics")
}

impl Pin {
    /// A run of each test that must fail.
    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let factor = self.factors.last().copied().unwrap_or(1.0);
        let less = self.less_fails.iter().map(move |test| (*test, 1.0 / factor));
        let all = less.chain(self.more_fails.iter().map(move |test| (*test, factor)));
        all.map(|(test, factor)| Run { test, changed: Some(format!("{}={factor}", short(self.name))) })
    }
}

fn pins() -> impl Iterator<Item = &'static Pin> {
    super::all().into_iter().flatten()
}

#[test]
fn each_number_is_pinned_by_the_tests_that_it_names() {
    let changed: Vec<Run> = pins().flat_map(Pin::runs).collect();
    let named: BTreeSet<&str> = changed.iter().map(|run| run.test).collect();
    let as_they_are = named.into_iter().map(|test| Run { test, changed: None });
    let flaws = flaws(as_they_are.chain(changed).collect());
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}

#[test]
fn no_number_but_a_bound_is_without_a_test() {
    let is_bound = |pin: &&Pin| short(pin.name).starts_with("bounds::");
    let without = pins().filter(|pin| !is_bound(pin) && pin.runs().next().is_none());
    let without: Vec<&str> = without.map(|pin| short(pin.name)).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn changed_number_is_multiplied_and_no_other() {
    assert_eq!(Duration::from_secs(3).scaled(0.5), Duration::from_millis(1500));
    assert_eq!((5_usize.scaled(0.5), 2_u32.scaled(2.0), 0.1_f64.scaled(10.0)), (2, 4, 1.0));
    assert_eq!(short(super::latency::WINDOW.name), "latency::WINDOW");
}
