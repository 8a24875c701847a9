//! Incidents written as text, and the findings that they must have. The simulated cluster turns each into the inputs that a prober on
//! default settings has, and the diagnosis is evaluated every tenth of a second.
//!
//! | line | means |
//! | --- | --- |
//! | `brokers 3` | how many there are |
//! | `interval 40` | time between two records of the pinned lane in milliseconds; 200 without |
//! | `partitions 50` | how many `__consumer_offsets` has; two for each broker without |
//! | `seldom 60000` | least time between two attempts of any probe in milliseconds |
//! | `lasts 180` | its length in seconds; 120 without |
//! | `started 40` | when the prober began; what went before it does not know |
//! | `at 10 freeze 2` | also `thaw`, `kill`, `start`, `drop` (packets), `undrop`, `leave` (in good order), `list` (it comes back, and does not listen yet), `join`; `all` for everyone |
//! | `at 10 stale 2` | broker 2 is cut off from the controllers; `uncommitted 2`: commits there fail; both until `join` |
//! | `at 10 isolate 2` | the other brokers cannot reach broker 2, until `join` |
//! | `at 10 sick_partition 4` | its coordinator never serves it; also `loading_partition`, `lone_partition` (only its leader is in sync), until `well_partition`; `move_partition 4:3`: broker 3 leads it from now on |
//! | `at 10 controller hangs` | or `answers`; `at 10 short 3`: 3 partitions lack replicas, 0 for none |
//! | `at 60 slow 2` | also `half`, `turns`, `far`, `disk`, `follower`, `full`, `choked`, `storage`, `unled`, `lossy`, `leaky`, `pauses` ([`traffic::Impairment`]), until `well`; `load 400` on all |
//! | `at 60 quota 1,2` | these throttle us by a quota; `distrust 1,2`: TLS or SASL fails there; `unresolve 1,2`: their names do not resolve; `-` for none |
//! | `at 10 lose 5`, `at 10 forbid 1` | 5 acked records vanish; 1 permission is missing |
//! | `at 10 stall 3` … | what befalls the prober itself: see [`simulated_prober`] |
//! | `find broker_stalled 2 from 11.5 by 12.2` | about broker 2; `-` for a finding about none |
//! | `blame cluster` | of every finding, at its end |
//! | `over by 60` | no finding is active any more |
//! | `nobody` | no broker is ever named; `nothing`: no finding at all |

#![expect(clippy::panic, reason = "a scenario that cannot be parsed fails its test")]

mod coordinators;
mod cut_off;
mod degraded;
mod internal_topic;
mod other_intervals;
mod prober_at_fault;
mod recorded;
mod refused;
mod several_troubles;
mod simulated_prober;
mod started_late;
mod traffic;
mod two_at_once;
mod unresponsive;
mod world;

use std::time::Duration;

use super::catalog;
use super::evidence::{Evidence, Settings};
use super::recording::timeline::{Episode, Timeline};
use crate::finding::Finding;
use crate::ids::{BrokerId, ClusterName};
use crate::time::Time;

use recorded::{Recorded, assert_replayed};
use world::{Brokers, SimulatedCluster, State};

const STEP_MS: u64 = 100;

/// A test for each scenario.
macro_rules! scenarios {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { check_scenario($text); })* };
}

use scenarios;

/// Runs a scenario and compares the findings with those it expects; no others may occur.
#[track_caller]
fn check_scenario(text: &str) {
    let scenario = Scenario::of(text);
    let (mut episodes, recorded) = scenario.live();
    assert_replayed(&recorded);
    let all = listed(&episodes);
    if let Some(line) = scenario.lines.iter().find(|line| line[0] == "blame") {
        assert!(episodes.iter().all(|episode| episode.finding.blame.as_str() == line[1]), "{line:?}, but {all}");
    }
    if let Some(line) = scenario.lines.iter().find(|line| line[0] == "over") {
        let by = Time::from_millis(millis(line[2]));
        assert!(episodes.iter().all(|episode| episode.ended.is_some_and(|ended| ended <= by)), "{line:?}, but {all}");
    }
    for line in scenario.lines.iter().filter(|line| line[0] == "find") {
        let (kind, broker) = (line[1], line[2].parse().ok().map(BrokerId));
        let is_it = |Episode { finding, .. }: &Episode| finding.kind.as_str() == kind && finding.broker == broker;
        let place = episodes.iter().position(is_it).unwrap_or_else(|| panic!("{line:?} is not among {all}"));
        let began = episodes.remove(place).began;
        let within = Time::from_millis(millis(line[4]))..=Time::from_millis(millis(line[6]));
        assert!(within.contains(&began), "{line:?}, but {all}");
    }
    let expects = scenario.lines.iter().any(|line| line[0] == "find");
    assert!(
        expects || scenario.lines.iter().any(|line| ["nobody", "nothing"].contains(&line[0])),
        "it expects nothing"
    );
    if scenario.lines.iter().any(|line| line[0] == "nobody") {
        assert!(episodes.iter().all(|episode| episode.finding.broker.is_none()), "{all}");
    } else {
        assert!(episodes.is_empty(), "not expected: {}", listed(&episodes));
    }
}

/// As in `broker_frozen Some(BrokerId(2)) from 19.5 s to 56.8 s`.
fn listed(episodes: &[Episode]) -> String {
    let seconds = |at: Time| at.as_nanos() as f64 / 1e9;
    let one = |Episode { began, ended, finding }: &Episode| {
        let ended = ended.map_or("the end".to_owned(), |ended| format!("{} s", seconds(ended)));
        format!("{} {:?} from {} s to {ended}", finding.kind.as_str(), finding.broker, seconds(*began))
    };
    episodes.iter().map(one).collect::<Vec<_>>().join("; ")
}

struct Scenario<'a> {
    lines: Vec<Vec<&'a str>>,
}

impl<'a> Scenario<'a> {
    fn of(text: &'a str) -> Scenario<'a> {
        Scenario {
            lines: text
                .lines()
                .map(|line| line.split_whitespace().collect())
                .filter(|line: &Vec<_>| !line.is_empty())
                .collect(),
        }
    }

    fn number(&self, first: &str) -> Option<u64> {
        self.lines.iter().find(|line| line[0] == first).and_then(|line| line[1].parse().ok())
    }

    /// Runs the scenario and records when each finding was active.
    fn live(&self) -> (Vec<Episode>, Recorded) {
        let until = 1000 * self.number("lasts").unwrap_or(120);
        let started = 1000 * self.number("started").unwrap_or(0);
        let count = i32::try_from(self.number("brokers").unwrap_or(3)).expect("few");
        let seldom = self.number("seldom").unwrap_or(0);
        let interval = self.number("interval").unwrap_or(200).max(seldom);
        let step = STEP_MS.min(interval);
        let mut world = SimulatedCluster::of(count, started, interval, seldom);
        world.set_partitions(self.number("partitions").map(|count| i32::try_from(count).expect("few")));
        let has_reference = self.lines.iter().any(|line| line[0] == "at" && line[2] == "reference");
        let settings = Settings {
            cluster: ClusterName::new("c"),
            answer_interval: Duration::from_millis(interval),
            has_connect_checks: true,
            reference: has_reference.then(|| "elsewhere:4317".into()),
        };
        let mut recorded = Recorded::of(settings.clone());
        let mut evidence = Evidence::new(settings);
        let mut timeline = Timeline::default();
        for now in (0..until).step_by(usize::try_from(step).expect("small")) {
            for line in self.lines.iter().filter(|line| line[0] == "at" && millis(line[1]) == now) {
                world.act(now, line[2], line[3]);
            }
            if now < started || world.is_stalled(now) {
                continue;
            }
            for input in world.step(now) {
                evidence.observe(&input);
                recorded.input(now, input);
            }
            let evaluation = evidence.evaluate(Time::from_millis(now));
            recorded.evaluation(now, &evaluation.findings);
            evaluation.connect_checks.into_iter().for_each(|broker| world.begin_connect_check(now, broker));
            timeline.follow(Time::from_millis(now), &evaluation.findings);
            for Finding { kind, blame, summary, evidence, .. } in &evaluation.findings {
                assert!(!summary.is_empty() && !evidence.is_empty());
                let expected = catalog::row(*kind).blame.unwrap_or(*blame);
                assert_eq!(*blame, expected, "{}", kind.as_str());
            }
        }
        (timeline.into_episodes(), recorded)
    }
}

fn millis(seconds: &str) -> u64 {
    (seconds.parse::<f64>().expect("seconds") * 1000.0).round() as u64
}
