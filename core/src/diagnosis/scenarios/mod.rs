//! Incidents written as text, and the findings that they must have. The simulated cluster turns each into the evidence that a prober
//! on default settings has, every tenth of a second.
//!
//! | line | means |
//! | --- | --- |
//! | `brokers 3` | how many there are |
//! | `at 10 freeze 2` | also `thaw`, `kill`, `start`, `drop` (packets), `undrop`, `leave` (in good order), `list` (it comes back, and does not listen yet), `join`; `all` for everyone |
//! | `at 10 stall 3` | the prober is stalled for 3 s |
//! | `at 10 stale 2` | broker 2 is cut off from the controllers; `uncommitted 2`: commits there fail; both until `join` |
//! | `at 10 controller hangs` | or `answers`; `at 10 short 3`: so many partitions lack replicas, 0 for none |
//! | `at 60 slow 2` | also `half`, `turns`, `far`, `disk`, `follower`, `full`, `storage`, `unled`, `lossy`, `pauses` ([`traffic::Sick`]), until `well`; `load 400` on all |
//! | `at 60 quota 1,2` | these throttle us by a quota; `distrust 1,2`: TLS or SASL fails there; `-` for none |
//! | `at 10 lose 5`, `at 10 forbid 1` | so many acked records vanish; so many permissions are missing |
//! | `at 10 throttle 5` … | what befalls the prober itself: see [`prober`] |
//! | `find broker_stalled 2 from 11.5 by 12.2` | about broker 2; `-` for a finding about none |
//! | `blame cluster` | of every finding, at its end |
//! | `over by 60` | no finding is active any more |
//! | `nobody` | no broker is ever named; `nothing`: no finding at all |

#![expect(clippy::panic, reason = "a scenario that cannot be parsed fails its test")]

mod prober;
mod slow;
mod traffic;
mod unresponsive;
mod world;

use super::active_findings::ActiveFindings;

use world::{State, World};

const STEP_MS: u64 = 100;

/// A test for each story.
macro_rules! scenarios {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { tell($text); })* };
}

use scenarios;

/// Lives through a story and holds what was found against what it expects: that, and nothing else.
#[track_caller]
fn tell(text: &str) {
    let story = Story::of(text);
    let mut told = story.live(120_000);
    let all = format!("{told:?}");
    if let Some(line) = story.lines.iter().find(|line| line[0] == "blame") {
        assert!(told.iter().all(|told| told.blame == line[1]), "{line:?}, but {all}");
    }
    for line in story.lines.iter().filter(|line| line[0] == "find") {
        let (kind, broker) = (line[1], line[2].parse().ok());
        let place = told.iter().position(|told| told.kind == kind && told.broker == broker);
        let found = told.remove(place.unwrap_or_else(|| panic!("{line:?} is not among {all}")));
        let within = millis(line[4])..=millis(line[6]);
        assert!(within.contains(&found.from), "{line:?}, but it began at {} ms: {all}", found.from);
    }
    let expects = story.lines.iter().any(|line| line[0] == "find");
    assert!(expects || story.lines.iter().any(|line| ["nobody", "nothing"].contains(&line[0])), "it expects nothing");
    if story.lines.iter().any(|line| line[0] == "nobody") {
        assert!(told.iter().all(|told| told.broker.is_none()), "{all}");
    } else {
        assert!(told.is_empty(), "not expected: {told:?}");
    }
    if let Some(line) = story.lines.iter().find(|line| line[0] == "over") {
        let end = Story::of(text).live(120_000).iter().map(|told| told.to).max().unwrap_or(0);
        assert!(end <= millis(line[2]), "over at {end} ms: {all}");
    }
}

/// A finding from when to when.
#[derive(Debug)]
struct Told {
    kind: &'static str,
    blame: &'static str,
    broker: Option<i32>,
    from: u64,
    to: u64,
}

struct Story<'a> {
    lines: Vec<Vec<&'a str>>,
}

impl<'a> Story<'a> {
    fn of(text: &'a str) -> Story<'a> {
        Story {
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

    /// Lives through it, and writes down what stood when.
    fn live(&self, until: u64) -> Vec<Told> {
        let count = i32::try_from(self.number("brokers").unwrap_or(3)).expect("few");
        let mut world = World::of(count);
        let mut active_findings = ActiveFindings::default();
        let mut told: Vec<Told> = Vec::new();
        let mut before = 0;
        for now in (0..until).step_by(usize::try_from(STEP_MS).expect("small")) {
            for line in self.lines.iter().filter(|line| line[0] == "at" && millis(line[1]) == now) {
                world.act(now, line[2], line[3]);
            }
            if world.is_stalled(now) {
                continue;
            }
            active_findings.follow(&world.input(now));
            for finding in active_findings.findings() {
                let (kind, broker) = (finding.kind.as_str(), finding.broker.map(|id| id.0));
                let open = told.iter_mut().rev().find(|told| told.kind == kind && told.broker == broker);
                match open.filter(|told| told.to == before) {
                    Some(told) => (told.to, told.blame) = (now, finding.blame.as_str()),
                    None => told.push(Told { kind, blame: finding.blame.as_str(), broker, from: now, to: now }),
                }
                assert!(!finding.summary.is_empty() && !finding.evidence.is_empty());
            }
            before = now;
        }
        told
    }
}

fn millis(seconds: &str) -> u64 {
    (seconds.parse::<f64>().expect("seconds") * 1000.0).round() as u64
}
