//! Incidents told as text, and what must be found. The world below turns a story into the evidence that a prober on default
//! settings has of it, every tenth of a second.
//!
//! | line | means |
//! | --- | --- |
//! | `brokers 3` | how many there are |
//! | `at 10 freeze 2` | also `thaw`, `kill`, `start`, `drop` (packets), `undrop`, `leave` (in good order), `list` (it comes back, and does not listen yet), `join`; `all` for everyone |
//! | `at 10 stall 3` | the prober is stopped for so many seconds |
//! | `at 10 stale 2` | broker 2 is cut off from the controllers; `uncommitted 2`: commits there fail; both until `join` |
//! | `at 10 controller hangs` | or `answers`; `at 10 short 3`: so many partitions lack replicas, 0 for none |
//! | `at 60 slow 2` | also `half`, `far`, `disk`, `follower`, `full`, `storage`, `pauses` ([`traffic::Sick`]), until `well`; `load 400` on all |
//! | `at 60 quota 1,2` | these throttle us by a quota; `distrust 1,2`: TLS or SASL fails there; `-` for none |
//! | `at 10 lose 5`, `at 10 forbid 1` | so many acked records vanish; so many permissions are missing |
//! | `at 10 throttle 5` | the CPU limit holds the prober back for so many seconds, though its heartbeat is in time; `press 5`: it waits for memory |
//! | `at 10 descriptors 95` | so many per cent are open; `ports 95`: in use; `at 10 refuse 1`: a connection was refused for want of one |
//! | `at 10 suspend 60` | the machine was suspended for so long, which no clock saw |
//! | `at 0 kernel tells` | what is known of connections that are silent |
//! | `at 0 reference there` | there is a reference that answers; also `lost`; `at 10 loopback lost` or `there` |
//! | `find broker_stalled 2 from 11.5 by 12.2` | about broker 2; `-` for a finding about none |
//! | `blame cluster` | of every finding, at its end |
//! | `over by 60` | nothing stands any more |
//! | `nobody` | no broker is ever named; `nothing`: no finding at all |

#![expect(clippy::panic, reason = "a story that cannot be read fails its test")]

mod slow;
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use super::input::{Channel, Input, Listed, Looks, Seen, Streak, Way};
use super::own::Own;
use super::prober::STALLS_WITHIN;
use super::standing::Standing;
use crate::fault::Fault;
use crate::ids::{BrokerId, ClusterName, Probe};
use crate::time::Time;
use crate::vitals::{Control, Share};

const STEP_MS: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Up,
    Frozen,
    Killed,
    Dropped,
    Left,
    /// Listed again, and not listening yet.
    Starting,
}

#[derive(Default)]
struct World {
    brokers: BTreeMap<i32, (State, u64)>,
    stalls: Vec<(u64, u64)>,
    stale: BTreeMap<i32, u64>,
    uncommitted: BTreeMap<i32, u64>,
    controller: Option<u64>,
    short: Option<(usize, u64)>,
    lost: Option<(u64, u64)>,
    forbidden: usize,
    traffic: traffic::Traffic,
    quotas: BTreeMap<BrokerId, Time>,
    distrusted: BTreeMap<BrokerId, (Time, Fault)>,
    throttled: Vec<(u64, u64)>,
    pressed: Vec<(u64, u64)>,
    descriptors: u64,
    ports: u64,
    refused: Option<u64>,
    suspended: Option<(u64, u64)>,
    /// Whether it answers from then on.
    reference: Vec<(u64, bool)>,
    loopback: Vec<(u64, bool)>,
    kernel: bool,
}

/// A control that is asked every so often, as its answers have come in: those that do not come are known late.
fn control(states: &[(u64, bool)], every: usize, now: u64) -> Control {
    let mut control = Control::default();
    for asked in (0..=now).step_by(every) {
        let there = states.iter().rev().find(|(since, _)| *since <= asked).is_some_and(|(_, there)| *there);
        if there || asked + 900 <= now {
            control.heard(Time::from_millis(asked), there);
        }
    }
    control
}

/// How much of the last `within` lies in these stretches.
fn overlap(stretches: &[(u64, u64)], now: u64, within: Duration) -> Duration {
    let from = now.saturating_sub(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    let overlap = |(begin, end): &(u64, u64)| end.min(&now).saturating_sub(*begin.max(&from));
    Duration::from_millis(stretches.iter().map(overlap).sum())
}

/// Bad answers since then, one every so often; the first takes its deadline.
fn streak(since: u64, now: u64, every: u64, fault: Fault) -> Option<Streak> {
    let bad = u32::try_from(now.saturating_sub(since) / every).unwrap_or(u32::MAX);
    (0 < bad).then(|| Streak { bad, since: Time::from_millis(since), fault })
}

impl World {
    fn streaks(&self, id: i32, now: u64) -> BTreeMap<Probe, Streak> {
        let stale = self.stale.get(&id).and_then(|since| streak(since + 5000, now, 1000, Fault::Stale));
        let commit = self.uncommitted.get(&id).and_then(|since| streak(*since, now, 2000, Fault::Timeout));
        [(Probe::Metadata, stale), (Probe::Commit, commit)]
            .into_iter()
            .filter_map(|(probe, streak)| Some((probe, streak?)))
            .collect()
    }

    fn seen(&self, id: i32, now: u64) -> Seen {
        let (state, since) = self.brokers[&id];
        let at = Time::from_millis;
        let age = now.saturating_sub(since);
        // Records every 200 ms, a fetch that waits for them, fetch and metadata every second.
        let owed = [
            (Channel::Write, since + 150),
            (Channel::Read, since.saturating_sub(100)),
            (Channel::Control, since + 700),
        ];
        let silent = matches!(state, State::Frozen | State::Dropped);
        let owed =
            owed.into_iter().filter(|(_, from)| silent && *from <= now).map(|(channel, from)| (channel, at(from)));
        // The write connection is late after half a second.
        let look_at = since + if silent { 750 } else { 100 };
        let ended = |every: u64| u32::try_from(now.saturating_sub(look_at) / every).unwrap_or(0);
        let looks = match state {
            State::Up => None,
            _ if now < look_at => None,
            // After half a minute of looks and other clients' the queue of accepted connections is full.
            State::Frozen if 30_000 < age => Some((ended(2000), Fault::ConnectTimeout)),
            State::Frozen => Some((ended(2000), Fault::NoHandshake)),
            State::Dropped => Some((ended(2000), Fault::ConnectTimeout)),
            State::Killed | State::Left => Some((1 + ended(1000), Fault::ConnectionRefused)),
            // It has been refused since long before it was listed again.
            State::Starting => Some((20, Fault::ConnectionRefused)),
        };
        let looks = looks.map(|(failed, fault)| Looks {
            began: at(if state == State::Starting { since.saturating_sub(20_000) } else { look_at }),
            failed,
            fault: (0 < failed).then_some(fault),
            silent,
            accepted: state == State::Frozen && 2000 < age,
        });
        // A killed or frozen broker is listed until its session of 9 s ends; metadata are asked for every second in trouble.
        let listed = match state {
            State::Up | State::Starting => true,
            State::Left => false,
            State::Frozen | State::Killed | State::Dropped => age < 9000,
        };
        let others = self.brokers.values().any(|(state, _)| *state == State::Up);
        let asked = if others { now / 1000 * 1000 } else { since };
        let since_listed = if state == State::Starting { since } else { 0 };
        let listed = listed.then(|| Listed { since: at(since_listed), asked: at(asked) });
        let answered = if state == State::Up { now } else { since };
        Seen {
            broker: BrokerId(id),
            listed,
            answered: Some(at(answered)),
            silent: owed.collect(),
            ways: self.ways(state, age),
            streaks: self.streaks(id, now),
            looks,
        }
    }

    /// What the kernel says, if it does: of a process that hangs, and of a way that is closed.
    fn ways(&self, state: State, age: u64) -> BTreeMap<Channel, Way> {
        let write = match state {
            State::Frozen => Way { unacked: 0, resent: 0 },
            // A second's records; sent again after 0.2 s, 0.6 s, 1.4 s.
            State::Dropped => Way { unacked: 640, resent: if age < 1700 { 1 } else { 3 } },
            _ => return BTreeMap::new(),
        };
        let known = self.kernel && 700 < age;
        let read = Way { unacked: 0, resent: 0 };
        [(Channel::Write, write), (Channel::Read, read)].into_iter().filter(|_| known).collect()
    }

    fn stalled(&self, now: u64, within: Duration) -> Duration {
        overlap(&self.stalls, now, within)
    }

    fn own(&self, now: u64) -> Own {
        const A_MINUTE: Duration = Duration::from_secs(60);
        let share = |used: u64| Some(Share { used, limit: 100 });
        Own {
            throttled: overlap(&self.throttled, now, STALLS_WITHIN),
            throttled_lately: overlap(&self.throttled, now, A_MINUTE),
            waited_lately: Some(overlap(&self.pressed, now, A_MINUTE)),
            suspended: self.suspended.map(|(at, length)| (Time::from_millis(at), Duration::from_millis(length))),
            descriptors: share(self.descriptors),
            ports: share(self.ports),
            refused: self.refused.map(Time::from_millis),
            loopback: control(&self.loopback, 500, now),
            reference: (!self.reference.is_empty())
                .then(|| ("elsewhere:4317".into(), control(&self.reference, 1000, now))),
            ..Own::default()
        }
    }

    fn input(&mut self, now: u64) -> Input {
        let woken = self.stalls.iter().find(|(_, end)| (*end..*end + STEP_MS).contains(&now));
        let mut brokers: Vec<Seen> = self.brokers.keys().map(|id| self.seen(*id, now)).collect();
        if let Some((begin, _)) = woken {
            // What has arrived meanwhile is not read yet: everyone seems to owe an answer since the stall began.
            for seen in &mut brokers {
                seen.answered = Some(Time::from_millis(*begin));
                seen.silent =
                    [Channel::Write, Channel::Read].map(|channel| (channel, Time::from_millis(*begin))).into();
            }
        }
        let table = self.traffic.table(Time::from_millis(now), &brokers);
        Input {
            now: Time::from_millis(now),
            cluster: ClusterName::new("c"),
            brokers,
            table,
            replicated: traffic::replicated(now, &self.brokers),
            throttled: self.quotas.clone(),
            refused: self.distrusted.clone(),
            controller: self.controller.and_then(|since| streak(since, now, 10_000, Fault::Timeout)),
            short: self.short.map(|(partitions, since)| (partitions, Time::from_millis(since))),
            lost: self.lost.map(|(count, at)| (count, Time::from_millis(at), Time::from_millis(at))),
            forbidden: (0..self.forbidden).map(|one| format!("grant {one}").into()).collect(),
            rhythm: Duration::from_millis(500),
            stalled: self.stalled(now, STALLS_WITHIN),
            stalled_lately: self.stalled(now, Duration::from_secs(60)),
            own: self.own(now),
        }
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
        let mut world = World {
            brokers: (1..=count).map(|id| (id, (State::Up, 0))).collect(),
            stalls: Vec::new(),
            loopback: vec![(0, true)],
            ..World::default()
        };
        let mut standing = Standing::default();
        let mut told: Vec<Told> = Vec::new();
        let mut before = 0;
        for now in (0..until).step_by(usize::try_from(STEP_MS).expect("small")) {
            for line in self.lines.iter().filter(|line| line[0] == "at" && millis(line[1]) == now) {
                world.act(now, line[2], line[3]);
            }
            if world.stalls.iter().any(|(begin, end)| (*begin..*end).contains(&now)) {
                continue;
            }
            world.traffic.step(now, &world.brokers);
            standing.follow(&world.input(now));
            for finding in standing.findings() {
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

impl World {
    fn act(&mut self, now: u64, what: &str, whom: &str) {
        let number = || whom.parse::<i32>().expect("a number");
        match what {
            "stall" => return self.stalls.push((now, now + millis(whom))),
            "stale" => {
                self.stale.insert(number(), now);
                return;
            }
            "uncommitted" => {
                self.uncommitted.insert(number(), now);
                return;
            }
            "controller" => return self.controller = (whom == "hangs").then_some(now),
            "short" => {
                return self.short = Some((whom.parse().expect("a number"), now)).filter(|(count, _)| 0 < *count);
            }
            "lose" => return self.lost = Some((whom.parse().expect("a number"), now)),
            "forbid" => return self.forbidden = whom.parse().expect("a number"),
            "load" => return self.traffic.load = whom.parse().expect("milliseconds"),
            "quota" => {
                return self.quotas =
                    self.ids(whom).into_iter().map(|id| (BrokerId(id), Time::from_millis(now))).collect();
            }
            "distrust" => {
                let fault = (Time::from_millis(now), Fault::CertificateExpired);
                return self.distrusted = self.ids(whom).into_iter().map(|id| (BrokerId(id), fault)).collect();
            }
            "well" => return self.ids(whom).iter().for_each(|id| _ = self.traffic.sick.remove(id)),
            "throttle" => return self.throttled.push((now, now + millis(whom))),
            "press" => return self.pressed.push((now, now + millis(whom))),
            "descriptors" => return self.descriptors = whom.parse().expect("a number"),
            "ports" => return self.ports = whom.parse().expect("a number"),
            "refuse" => return self.refused = Some(now),
            "suspend" => return self.suspended = Some((now, millis(whom))),
            "kernel" => return self.kernel = whom == "tells",
            "reference" => return self.reference.push((now, whom == "there")),
            "loopback" => return self.loopback.push((now, whom == "there")),
            _ => {}
        }
        if let Some(sick) = traffic::Sick::of(what) {
            return self.traffic.sick.extend(self.ids(whom).into_iter().map(|id| (id, sick)));
        }
        let state = match what {
            "freeze" => State::Frozen,
            "kill" => State::Killed,
            "drop" => State::Dropped,
            "leave" => State::Left,
            "list" => State::Starting,
            "thaw" | "start" | "undrop" | "join" => State::Up,
            other => panic!("no such act: {other}"),
        };
        for id in self.ids(whom) {
            self.brokers.insert(id, (state, now));
            self.stale.remove(&id);
            self.uncommitted.remove(&id);
        }
    }

    fn ids(&self, whom: &str) -> Vec<i32> {
        match whom {
            "all" => self.brokers.keys().copied().collect(),
            "-" => Vec::new(),
            ids => ids.split(',').map(|id| id.parse().expect("an id")).collect(),
        }
    }
}

fn millis(seconds: &str) -> u64 {
    (seconds.parse::<f64>().expect("seconds") * 1000.0).round() as u64
}

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

macro_rules! scenarios {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { tell($text); })* };
}

scenarios! {
    frozen_broker_is_named_within_two_seconds: "
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        at 55 thaw 2
        over by 60"
    broker_frozen_for_five_seconds_is_a_pause_that_is_named: "
        at 10 freeze 1
        find broker_stalled 1 from 11.5 by 12.2
        at 15 thaw 1
        over by 18"
    frozen_broker_of_six_is_named: "
        brokers 6
        at 10 freeze 5
        find broker_stalled 5 from 11.5 by 12.2
        find broker_frozen 5 from 19.5 by 20.5"
    frozen_broker_of_two_is_named: "
        brokers 2
        at 10 freeze 1
        find broker_stalled 1 from 11.5 by 12.2
        find broker_frozen 1 from 19.5 by 20.5"
    killed_broker_is_named_while_it_is_listed: "
        at 10 kill 3
        find broker_down 3 from 11 by 12.2
        over by 22"
    killed_and_started_broker_is_named_and_cleared: "
        at 10 kill 3
        find broker_down 3 from 11 by 12.2
        at 15 start 3
        over by 18"
    dropped_packets_name_the_broker_and_then_the_way_to_it: "
        at 10 drop 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_unreachable 2 from 12.5 by 13.5
        at 40 undrop 2
        over by 45"
    two_brokers_one_after_the_other_are_two_findings: "
        brokers 6
        at 10 freeze 2
        at 30 freeze 4
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        find broker_stalled 4 from 31.5 by 32.2
        find broker_frozen 4 from 39.5 by 40.5"
    two_brokers_at_once_are_one_finding_and_it_names_neither: "
        brokers 6
        at 10 freeze 2,3
        find brokers_together - from 11.5 by 12.2
        nobody"
    rack_of_three_killed_is_one_finding: "
        brokers 6
        at 10 kill 1,2,3
        find brokers_together - from 11 by 12.2
        at 30 start 1,2,3
        nobody"
    all_frozen_is_the_cluster_or_the_network_and_no_broker: "
        at 10 freeze all
        find cluster_unreachable - from 11.5 by 12.5
        nobody
        at 40 thaw all
        over by 45"
    all_killed_is_the_cluster_or_the_network_and_no_broker: "
        at 10 kill all
        find cluster_unreachable - from 11 by 12.5
        nobody"
    all_dropped_is_the_cluster_or_the_network_and_no_broker: "
        brokers 6
        at 10 drop all
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    only_broker_frozen_cannot_be_told_from_a_dead_network: "
        brokers 1
        at 10 freeze 1
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    healthy_cluster_has_no_finding: "
        brokers 6
        nothing"
    pause_of_300_ms_is_nothing: "
        at 10 freeze 2
        at 10.3 thaw 2
        nothing"
    pause_of_900_ms_is_nothing: "
        at 10 freeze 1
        at 10.9 thaw 1
        at 20 freeze 3
        at 20.9 thaw 3
        nothing"
    pause_of_1400_ms_is_nothing: "
        at 10 freeze 2
        at 11.4 thaw 2
        nothing"
    pauses_of_all_brokers_in_turn_are_nothing: "
        at 10 freeze 1
        at 10.9 thaw 1
        at 11 freeze 2
        at 11.9 thaw 2
        at 12 freeze 3
        at 12.9 thaw 3
        nothing"
    pause_of_all_at_once_is_nothing: "
        at 10 freeze all
        at 11 thaw all
        nothing"
    rolling_restart_in_good_order_is_nothing: "
        at 10 leave 1
        at 25 join 1
        at 40 leave 2
        at 55 join 2
        at 70 leave 3
        at 85 join 3
        nothing"
    two_brokers_restarted_in_good_order_at_once_are_nothing: "
        brokers 6
        at 10 leave 1,2
        at 40 join 1,2
        nothing"
    broker_decommissioned_in_good_order_is_nothing: "
        at 10 leave 3
        nothing"
    prober_stopped_for_three_seconds_blames_itself: "
        at 10 stall 3
        find prober_stalled - from 13 by 13.2
        nobody"
    prober_stopped_for_ten_seconds_blames_itself: "
        at 10 stall 10
        find prober_stalled - from 20 by 20.2
        nobody
        over by 26"
    prober_stopped_for_half_a_second_is_nothing: "
        at 10 stall 0.5
        nothing"
    prober_stopped_again_and_again_blames_itself: "
        at 10 stall 0.6
        at 11 stall 0.6
        at 12 stall 0.6
        find prober_stalled - from 11.5 by 13
        nobody"
    prober_stopped_while_a_broker_is_killed_and_back_blames_itself_only: "
        at 10 stall 10
        at 12 kill 2
        at 18 start 2
        find prober_stalled - from 20 by 20.2
        nobody"
    broker_frozen_during_a_stall_is_named_once_the_prober_is_awake: "
        at 10 stall 5
        at 12 freeze 2
        find prober_stalled - from 15 by 15.2
        find broker_stalled 2 from 17.5 by 18.5
        find broker_frozen 2 from 21.5 by 22.5"
    finding_stands_while_the_prober_is_stopped: "
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        at 15 stall 2
        find prober_stalled - from 17 by 17.2
        find broker_frozen 2 from 20 by 21"
    broker_that_is_killed_after_it_left_is_nothing: "
        at 10 leave 2
        at 20 kill 2
        at 20.1 leave 2
        nothing"
    broker_that_comes_back_and_does_not_listen_yet_is_nothing: "
        at 10 leave 2
        at 30 list 2
        at 33 join 2
        nothing"
    broker_that_is_listed_again_and_never_listens_is_down: "
        at 10 leave 2
        at 30 list 2
        find broker_down 2 from 34.9 by 35.5"
    broker_cut_off_from_the_controllers_is_named: "
        at 10 stale 3
        find broker_stale 3 from 15.9 by 16.5
        at 40 join 3
        over by 43"
    controller_that_hangs_names_no_broker: "
        at 10 controller hangs
        find controller_unresponsive - from 29.9 by 30.5
        at 45 controller answers
        nobody
        over by 48"
    one_slow_answer_of_the_controller_is_nothing: "
        at 10 controller hangs
        at 25 controller answers
        nothing"
    controller_that_hangs_because_a_broker_is_frozen_is_explained_by_that: "
        at 10 freeze 2
        at 10 controller hangs
        at 40 controller answers
        at 45 thaw 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        over by 48"
    commits_that_fail_while_the_brokers_are_well_name_no_broker: "
        at 10 uncommitted 2
        find coordinator_failing - from 17.9 by 18.5
        at 40 join 2
        nobody
        over by 43"
    coordinator_that_moves_is_nothing: "
        at 10 uncommitted 2
        at 15 join 2
        nothing"
    commits_that_fail_because_a_broker_is_frozen_are_explained_by_that: "
        at 10 freeze 2
        at 10 uncommitted 1
        at 10 uncommitted 3
        at 24 join 1,3
        at 45 thaw 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        over by 48"
    too_few_replicas_are_said_by_the_leaders_and_accuse_none: "
        at 10 short 3
        find not_enough_replicas - from 10 by 10.2
        at 40 short 0
        nobody
        over by 43"
    lost_records_are_said_and_name_nobody: "
        at 10 lose 5
        find acked_records_lost - from 10 by 10.2
        nobody"
    missing_permission_accuses_nobody: "
        at 10 forbid 2
        find permission_missing - from 10 by 10.2
        at 30 forbid 0
        nobody
        over by 33"
    two_of_three_killed_leave_too_few_replicas_and_name_neither: "
        at 10 kill 2,3
        at 20 short 3
        find brokers_together - from 11 by 12.2
        find not_enough_replicas - from 20 by 20.2
        nobody"
    rolling_restart_with_coordinators_that_move_is_nothing: "
        at 10 leave 1
        at 11 uncommitted 2
        at 15 join 2
        at 25 join 1
        at 40 leave 2
        at 41 uncommitted 3
        at 46 join 3
        at 55 join 2
        nothing"
    commits_that_fail_while_a_broker_is_down_in_good_order_are_not_laid_on_anybody: "
        at 10 leave 1
        at 11 uncommitted 2
        at 30 join 2
        at 40 join 1
        nothing"
    two_brokers_killed_one_moment_after_the_other_are_one_finding: "
        at 10 kill 2
        at 10.1 kill 3
        find brokers_together - from 11 by 12.2
        nobody"
    two_brokers_frozen_one_moment_after_the_other_are_one_finding: "
        brokers 6
        at 10 freeze 2
        at 10.4 freeze 5
        find brokers_together - from 11.5 by 12.6
        nobody"
    broker_killed_while_another_pauses_is_named_all_the_same: "
        brokers 6
        at 10 kill 2
        at 10.5 freeze 3
        at 11.8 thaw 3
        find broker_down 2 from 11 by 13.2"
    own_network_down_blames_the_prober: "
        at 0 reference there
        at 10 drop all
        at 10 reference lost
        find prober_network - from 11.5 by 13.2
        blame prober
        at 39 reference there
        at 41 undrop all
        over by 44"
    network_that_comes_back_to_the_reference_first_is_still_our_own: "
        at 0 reference there
        at 10 drop all
        at 10 reference lost
        at 12 reference there
        find prober_network - from 11.5 by 13.2
        at 15 undrop all
        over by 18"
    all_killed_while_the_reference_answers_is_the_cluster: "
        at 0 reference there
        at 10 kill all
        find cluster_unreachable - from 11 by 12.5
        blame cluster
        at 30 reference lost
        at 40 start all
        over by 43"
    reference_that_was_never_there_says_nothing: "
        at 0 reference lost
        at 10 drop all
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    reference_that_was_away_long_before_says_nothing: "
        at 0 reference there
        at 3 reference lost
        at 20 drop all
        find cluster_unreachable - from 21.5 by 22.5
        blame unclear
        nobody"
    reference_alone_lost_is_nothing: "
        at 0 reference there
        at 10 reference lost
        at 40 reference there
        nothing"
    frozen_broker_is_named_while_the_reference_is_lost: "
        at 0 reference there
        at 5 reference lost
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    loopback_lost_blames_the_prober_and_nobody_else: "
        at 10 loopback lost
        at 11 freeze 2
        find prober_network - from 11.3 by 12
        at 20 thaw 2
        at 21 loopback there
        nobody
        over by 24"
    throttled_prober_blames_its_limit_and_nobody_else: "
        at 10 throttle 20
        at 11 freeze 2
        at 14 thaw 2
        find prober_starved - from 12.9 by 13.2
        nobody
        over by 92"
    short_throttling_is_nothing_and_accuses_nobody: "
        at 10 freeze 2
        at 11.2 throttle 0.5
        at 12.5 thaw 2
        nothing"
    broker_frozen_during_throttling_is_named_when_that_is_over: "
        at 10 throttle 5
        at 12 freeze 2
        find prober_starved - from 12.9 by 13.2
        find broker_stalled 2 from 17.5 by 18.5
        find broker_frozen 2 from 21.5 by 22.5"
    prober_that_waits_for_memory_blames_its_limit: "
        at 10 press 10
        find prober_starved - from 12.9 by 13.2
        nobody"
    descriptors_that_run_short_are_said_once_and_accuse_nobody: "
        at 10 descriptors 95
        find prober_starved - from 10 by 10.2
        at 40 descriptors 20
        nobody
        over by 43"
    frozen_broker_is_named_while_ports_run_short: "
        at 5 ports 92
        at 10 freeze 2
        find prober_starved - from 5 by 5.2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    connection_refused_for_want_of_descriptors_accuses_nobody: "
        at 10 refuse 1
        at 10 freeze 2
        at 12 thaw 2
        find prober_starved - from 10 by 10.2
        nobody
        over by 17.5"
    dropped_packets_are_told_from_a_process_that_hangs_at_once_where_the_kernel_tells: "
        at 0 kernel tells
        at 10 drop 2
        find broker_unreachable 2 from 11.5 by 12.2
        at 40 undrop 2
        over by 45"
    process_that_hangs_is_not_called_unreachable_where_the_kernel_tells: "
        at 0 kernel tells
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    brokers_that_hung_up_while_the_machine_slept_are_not_accused: "
        at 10 suspend 3600
        at 10 drop all
        at 12 undrop all
        nothing"
}
