//! Histories of clusters written as text, and the findings that they must have. The simulated cluster answers as Kafka does: the
//! registered brokers every ten seconds, the rest once a minute. Times are in minutes.
//!
//! | line | means |
//! | --- | --- |
//! | `brokers 3`, `partitions 60` | how many there are, with three replicas each |
//! | `limit 1000 5000` | replicas that a broker, and the cluster, may have |
//! | `every 10` | seconds between two reads of the metadata and the log directories; 60 without |
//! | `large 10` | MiB from which an internal partition is large |
//! | `checks 20` | seconds between two checks of Kafka whether leaders must be moved back, as the prober was configured |
//! | `auto off` | Kafka moves no leaders back by itself; otherwise it does so every five minutes |
//! | `at 3 leave 2` | broker 2 goes: it is fenced, and others lead; `gone` is the same, and unregistered; `join` brings it back, in sync at once |
//! | `at 3 back 2 7` | it comes back, and 7 of its replicas still lack records |
//! | `at 3 lag 2 7` | 7 replicas on broker 2 are out of sync; 0 for none |
//! | `at 3 move 12` | 12 partitions are being moved; 0 for none |
//! | `at 3 elect all` | the preferred leaders are elected |
//! | `at 3 more 20`, `at 3 fewer 20` | 20 partitions are created, or deleted |
//! | `at 3 size 1 40 900 10` | on broker 1 partition 40 of the offsets has 900 MiB, and grows by 10 a minute |
//! | `at 3 forbid moves` | the cluster does not answer about reassignments; `forbid brokers`: nor about who is registered |
//! | `at 3 mute all` | the cluster answers nothing any more |
//! | `find replicas_missing 2 from 5 by 7` | about broker 2; `-` for a finding about none |
//! | `over by 60` | no finding is active any more; `nothing`: none ever is |

#![expect(clippy::panic, reason = "a scenario that cannot be parsed fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Patterns;
use crate::finding::FindingKind;
use crate::ids::{BrokerId, ClusterName, Partition};
use crate::observed::partitions::{Owner, PartitionState, Partitions};
use crate::observed::parts::{Part, PartState, PartStatus};
use crate::observed::registration::{RegisteredBroker, Registrations};
use crate::observed::sizes::{LogDir, Measures};
use crate::observed::{Named, Observed, PartitionLimits, PartitionName};
use crate::time::Time;

const STEP: u64 = 10;
const MINUTE: u64 = 60;

/// Length of a scenario, in seconds.
const UNTIL: u64 = 90 * MINUTE;

/// Kafka looks at its leaders so often.
const AUTO_EVERY: u64 = 5 * MINUTE;

struct SimulatedCluster {
    away: BTreeSet<i32>,
    gone: BTreeSet<i32>,
    brokers: i32,
    /// Of each partition the broker that leads it.
    leaders: Vec<i32>,
    /// How many of the replicas on a broker lag.
    lag: BTreeMap<i32, usize>,
    moving: u64,
    /// Bytes at a moment, and bytes a second from then on.
    sizes: BTreeMap<(i32, i32), (u64, u64, u64)>,
    auto: bool,
    forbidden: BTreeSet<String>,
    registrations: Registrations,
    measures: Measures,
    observed: Observed,
}

impl SimulatedCluster {
    fn replicas(&self, partition: usize) -> Vec<i32> {
        let count = usize::try_from(self.brokers).expect("few");
        (0..count.min(3)).map(|place| 1 + i32::try_from((partition + place) % count).expect("few")).collect()
    }

    fn is_in_sync(&self, partition: usize, broker: i32) -> bool {
        // Those that follow come first: who leads is in sync by definition.
        let follows = |index: &usize| self.replicas(*index).contains(&broker) && self.leaders[*index] != broker;
        let lags = self.lag.get(&broker).copied().unwrap_or(0);
        let lags = (0..self.leaders.len()).filter(follows).take(lags).any(|index| index == partition);
        !self.away.contains(&broker) && !lags
    }

    fn elect(&mut self) {
        for partition in 0..self.leaders.len() {
            let preferred = self.replicas(partition)[0];
            if self.is_in_sync(partition, preferred) {
                self.leaders[partition] = preferred;
            }
        }
    }

    /// Leaders that are away give way to a replica that is there.
    fn fail_over(&mut self) {
        for partition in 0..self.leaders.len() {
            if self.away.contains(&self.leaders[partition]) {
                let next = self.replicas(partition).into_iter().find(|id| !self.away.contains(id));
                self.leaders[partition] = next.unwrap_or(self.leaders[partition]);
            }
        }
    }

    fn act(&mut self, now: u64, line: &[&str]) {
        let number = |place: usize| line[place].parse::<i32>().expect("a number");
        let size = |place: usize| line[place].parse::<usize>().expect("a number");
        match line[2] {
            "leave" | "gone" => {
                let ids: Vec<i32> = line[3].split(',').map(|id| id.parse().expect("an id")).collect();
                self.away.extend(&ids);
                if line[2] == "gone" {
                    self.gone.extend(&ids);
                }
                self.fail_over();
            }
            "join" | "back" => {
                self.away.remove(&number(3));
                self.gone.remove(&number(3));
                self.lag.insert(number(3), if line[2] == "back" { size(4) } else { 0 });
            }
            "lag" => _ = self.lag.insert(number(3), size(4)),
            "move" => self.moving = line[3].parse().expect("a number"),
            "elect" => self.elect(),
            "more" => {
                let count = self.leaders.len() + size(3);
                while self.leaders.len() < count {
                    self.leaders.push(self.replicas(self.leaders.len())[0]);
                }
                self.fail_over();
            }
            "fewer" => self.leaders.truncate(self.leaders.len() - size(3)),
            "size" => {
                let (bytes, growth) = (size(5) as u64, size(6) as u64);
                self.sizes.insert((number(3), number(4)), (now, bytes << 20, (growth << 20) / MINUTE));
            }
            "forbid" | "mute" => _ = self.forbidden.insert(line[3].to_owned()),
            other => panic!("no such act: {other}"),
        }
    }

    fn answers(&self, what: &str) -> bool {
        !self.forbidden.contains(what) && !self.forbidden.contains("all")
    }

    /// One part is asked; what was forbidden from the start is off, and what falls mute fails.
    fn ask(&mut self, part: Part, now: u64) {
        let at = Time::from_millis(1000 * now);
        let name = match part {
            Part::Brokers => "brokers",
            Part::Reassignments => "moves",
            _ => "rest",
        };
        if !self.answers(name) {
            let state = if self.forbidden.contains("all") { PartState::Failing } else { PartState::Off };
            self.observed.parts.entry(part).or_default().state = state;
            return;
        }
        match part {
            Part::Brokers => {
                let listed = (1..=self.brokers).filter(|id| !self.gone.contains(id)).map(|id| RegisteredBroker {
                    broker: BrokerId(id),
                    fenced: self.away.contains(&id),
                    rack: None,
                });
                self.registrations.observe(listed, true, at);
                self.observed.registrations = Some(Arc::new(self.registrations.clone()));
            }
            Part::Partitions => self.observed.partitions = Some(Arc::new(self.partitions())),
            Part::Reassignments => {
                let mut moving = Named::default();
                (0..self.moving).for_each(|_| moving.add(|| name_of("orders", 0)));
                self.observed.reassignments = Some(moving);
            }
            Part::LogDirs => {
                let answers = (1..=self.brokers).filter(|id| !self.away.contains(id)).map(|id| {
                    let of_broker = self.sizes.iter().filter(|((broker, _), _)| *broker == id);
                    let bytes = of_broker.map(|((_, partition), (from, bytes, growth))| {
                        (name_of("__consumer_offsets", *partition), bytes + growth * (now - from))
                    });
                    (BrokerId(id), at, vec![LogDir { partitions: bytes.collect(), ..LogDir::default() }])
                });
                self.observed.sizes = Some(Arc::new(self.measures.take(answers.collect(), |_| true)));
            }
            _ => {}
        }
        self.observed
            .parts
            .insert(part, PartStatus { state: PartState::On, last_answer: Some(at), ..PartStatus::default() });
    }

    fn partitions(&self) -> Partitions {
        let ids = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect::<Vec<_>>();
        let placed: Vec<(Vec<BrokerId>, Vec<BrokerId>)> = (0..self.leaders.len())
            .map(|partition| {
                let replicas = self.replicas(partition);
                let in_sync = replicas.iter().copied().filter(|id| self.is_in_sync(partition, *id)).collect();
                (ids(replicas), ids(in_sync))
            })
            .collect();
        let states = placed.iter().enumerate().map(|(partition, (replicas, isr))| PartitionState {
            partition: Partition(i32::try_from(partition).expect("few")),
            leader: Some(BrokerId(self.leaders[partition])).filter(|leader| isr.contains(leader)),
            replicas,
            isr,
        });
        let mut sums = Partitions::default();
        sums.add("orders", Owner::Others, Some(2), states);
        sums
    }
}

fn name_of(topic: &str, partition: i32) -> PartitionName {
    PartitionName { topic: topic.into(), partition: Partition(partition) }
}

/// A finding from when to when, in seconds.
#[derive(Debug)]
struct FoundEpisode {
    kind: &'static str,
    broker: Option<i32>,
    from: u64,
    to: u64,
}

/// To the nearest step, so that nothing is skipped.
fn seconds(minutes: &str) -> u64 {
    STEP * (minutes.parse::<f64>().expect("minutes") * (MINUTE / STEP) as f64).round() as u64
}

fn world(lines: &[Vec<&str>]) -> SimulatedCluster {
    let number = |first: &str, place: usize| {
        let line = lines.iter().find(|line| line[0] == first)?;
        line[place].parse::<u64>().ok()
    };
    let default = PartitionLimits::default();
    let limits = PartitionLimits {
        per_broker: number("limit", 1).unwrap_or(default.per_broker),
        per_cluster: number("limit", 2).unwrap_or(default.per_cluster),
        internal_partition_bytes: number("large", 1).map_or(default.internal_partition_bytes, |size| size << 20),
        leader_check_interval: number("checks", 1).map_or(default.leader_check_interval, Duration::from_secs),
    };
    let mut world = SimulatedCluster {
        away: BTreeSet::new(),
        gone: BTreeSet::new(),
        brokers: i32::try_from(number("brokers", 1).unwrap_or(3)).expect("few"),
        leaders: Vec::new(),
        lag: BTreeMap::new(),
        moving: 0,
        sizes: BTreeMap::new(),
        auto: lines.iter().all(|line| line[0] != "auto"),
        forbidden: BTreeSet::new(),
        registrations: Registrations::default(),
        measures: Measures::default(),
        observed: Observed::new(ClusterName::new("c"), limits),
    };
    let partitions = number("partitions", 1).unwrap_or(60).to_string();
    world.act(0, &["at", "0", "more", &partitions]);
    world
}

fn live(lines: &[Vec<&str>]) -> Vec<FoundEpisode> {
    let mut world = world(lines);
    let interval =
        lines.iter().find(|line| line[0] == "every").map_or(MINUTE, |line| line[1].parse().expect("seconds"));
    let mut patterns = Patterns::default();
    let mut episodes: Vec<FoundEpisode> = Vec::new();
    for now in (0..UNTIL).step_by(usize::try_from(STEP).expect("small")) {
        for line in lines.iter().filter(|line| line[0] == "at" && seconds(line[1]) == now) {
            world.act(now, line);
        }
        if world.auto && now % AUTO_EVERY == 0 {
            world.elect();
        }
        world.ask(Part::Brokers, now);
        if now % interval == 0 {
            [Part::Partitions, Part::Reassignments, Part::LogDirs].into_iter().for_each(|part| world.ask(part, now));
        }
        patterns.follow(&world.observed, Time::from_millis(1000 * now));
        for finding in patterns.findings() {
            let (kind, broker) = (finding.kind.as_str(), finding.broker.map(|id| id.0));
            assert!(!finding.summary.is_empty() && !finding.evidence.is_empty());
            assert!(finding.since <= Time::from_millis(1000 * now));
            let open = episodes.iter_mut().rev().find(|episode| episode.kind == kind && episode.broker == broker);
            match open.filter(|episode| episode.to + STEP == now) {
                Some(episode) => episode.to = now,
                None => episodes.push(FoundEpisode { kind, broker, from: now, to: now }),
            }
        }
    }
    episodes
}

/// Runs a scenario and compares the findings with those it expects: each exactly once, and no others.
#[track_caller]
fn check_scenario(text: &str) {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines: Vec<Vec<&str>> = lines.filter(|line| !line.is_empty()).collect();
    let mut episodes = live(&lines);
    let all = format!("{episodes:?}");
    for line in lines.iter().filter(|line| line[0] == "find") {
        let (kind, broker) = (line[1], line[2].parse().ok());
        let place = episodes.iter().position(|episode| episode.kind == kind && episode.broker == broker);
        let found = episodes.remove(place.unwrap_or_else(|| panic!("{line:?} is not among {all}")));
        let within = seconds(line[4])..=seconds(line[6]);
        assert!(within.contains(&found.from), "{line:?}, but it began at {} s: {all}", found.from);
        let over = lines.iter().find(|line| line[0] == "over").map_or(u64::MAX, |line| seconds(line[2]));
        assert!(found.to <= over, "over at {} s: {all}", found.to);
    }
    assert!(episodes.is_empty(), "not expected: {episodes:?}");
    assert!(lines.iter().any(|line| ["find", "nothing"].contains(&line[0])), "it expects nothing");
}

macro_rules! scenarios {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { check_scenario($text); })* };
}

scenarios! {
    healthy_cluster_has_no_pattern: "
        nothing"
    broker_that_is_down_is_named_by_the_replicas_that_it_lacks: "
        at 10 leave 2
        find replicas_missing 2 from 12 by 14
        at 40 join 2
        over by 42"
    unregistered_broker_that_replica_lists_still_name_is_named: "
        at 10 gone 3
        find replicas_missing 3 from 12 by 14"
    broker_that_is_down_is_named_also_where_nobody_says_who_is_registered: "
        at 0 forbid brokers
        at 10 leave 2
        find replicas_missing 2 from 12 by 14"
    broker_that_is_down_is_one_finding_while_topics_come_and_go: "
        partitions 90
        at 10 leave 2
        at 15 fewer 60
        at 20 more 30
        at 25 fewer 10
        find replicas_missing 2 from 12 by 14"
    two_brokers_down_are_one_finding_about_neither: "
        brokers 6
        at 10 leave 2,5
        find replicas_missing - from 12 by 14"
    replica_that_does_not_follow_is_named_although_its_broker_is_there: "
        at 10 lag 3 4
        find replicas_missing 3 from 12 by 14
        at 30 lag 3 0
        over by 32"
    restart_of_two_minutes_is_nothing: "
        at 10 leave 2
        at 12 join 2
        nothing"
    restart_with_a_long_catching_up_is_nothing: "
        at 10 leave 2
        at 11.5 back 2 20
        at 12.5 lag 2 12
        at 13.5 lag 2 6
        at 14.5 lag 2 0
        nothing"
    rolling_restart_of_six_brokers_is_nothing: "
        brokers 6
        at 10 leave 1
        at 11.5 back 1 9
        at 12.5 lag 1 0
        at 13 leave 2
        at 14.5 back 2 9
        at 15.5 lag 2 0
        at 16 leave 3
        at 17.5 back 3 9
        at 18.5 lag 3 0
        at 19 leave 4
        at 20.5 back 4 9
        at 21.5 lag 4 0
        at 22 leave 5
        at 23.5 back 5 9
        at 24.5 lag 5 0
        at 25 leave 6
        at 26.5 back 6 9
        at 27.5 lag 6 0
        nothing"
    restarts_too_quick_to_be_seen_are_nothing: "
        at 10 lag 1 15
        at 11.5 lag 1 0
        at 12 lag 2 15
        at 13.5 lag 2 0
        at 14 lag 3 15
        at 15.5 lag 3 0
        nothing"
    one_broker_restarted_again_and_again_is_nothing: "
        at 10.1 leave 2
        at 10.6 back 2 9
        at 12.5 lag 2 0
        at 14.1 leave 2
        at 14.6 back 2 9
        at 16.5 lag 2 0
        at 18.1 leave 2
        at 18.6 back 2 9
        at 20.5 lag 2 0
        nothing"
    slow_broker_is_named_by_falling_behind_again_and_again: "
        brokers 6
        at 10 lag 4 5
        at 12 lag 4 0
        at 14 lag 4 9
        at 16 lag 4 2
        at 18 lag 4 7
        at 20 lag 4 0
        find replicas_behind 4 from 19.5 by 20.5
        over by 26"
    slow_cluster_names_nobody: "
        at 10 lag 1 5
        at 11 lag 2 4
        at 12 lag 1 0
        at 14 lag 1 3
        at 14 lag 3 6
        at 15 lag 2 0
        at 16 lag 1 0
        at 17 lag 2 7
        at 18 lag 1 5
        at 20 lag 1 0
        at 20 lag 2 0
        at 20 lag 3 0
        find replicas_behind - from 19.5 by 20.5
        over by 26"
    slow_broker_is_named_within_minutes_where_the_metadata_are_read_often: "
        brokers 6
        every 10
        at 10 lag 4 5
        at 10.5 lag 4 0
        at 11 lag 4 9
        at 11.5 lag 4 0
        at 12 lag 4 7
        at 12.5 lag 4 0
        find replicas_behind 4 from 12.5 by 12.7
        over by 13.5"
    tenth_of_the_leaders_elsewhere_is_nothing: "
        auto off
        at 3 leave 2
        at 4 back 2 7
        at 4.5 elect all
        at 5 lag 2 0
        nothing"
    seventh_of_the_leaders_elsewhere_is_found: "
        auto off
        at 3 leave 2
        at 4 back 2 10
        at 4.5 elect all
        at 5 lag 2 0
        find leaders_imbalanced 2 from 14 by 17"
    restart_of_two_minutes_is_nothing_however_often_the_metadata_are_read: "
        every 10
        at 10 leave 2
        at 12 join 2
        nothing"
    replicas_behind_once_in_a_while_are_nothing: "
        at 10 lag 2 5
        at 12 lag 2 0
        at 45 lag 2 5
        at 47 lag 2 0
        at 85 lag 3 5
        at 87 lag 3 0
        nothing"
    reassignment_is_said_and_hides_what_belongs_to_it: "
        at 10 move 40
        at 10 lag 3 20
        at 20 lag 3 12
        at 30 lag 3 0
        at 30 move 0
        find reassignment_running - from 10 by 11
        over by 31"
    leaders_left_elsewhere_after_a_reassignment_are_given_time: "
        auto off
        at 10 leave 2
        at 11 join 2
        at 11 move 40
        at 40 move 0
        at 49 elect all
        find reassignment_running - from 10 by 11
        over by 41"
    replicas_that_may_be_on_the_move_are_missing_all_the_same: "
        at 0 forbid moves
        at 10 lag 3 20
        at 40 lag 3 0
        find replicas_missing 3 from 12 by 14
        over by 41"
    leaders_that_kafka_moves_back_are_nothing: "
        at 11 leave 2
        at 12 join 2
        nothing"
    leaders_that_nobody_moves_back_are_named_by_their_broker: "
        auto off
        at 10 leave 2
        at 11 join 2
        find leaders_imbalanced 2 from 20 by 22
        at 40 elect all
        over by 41"
    leaders_of_two_brokers_that_nobody_moves_back_are_one_finding: "
        brokers 6
        auto off
        at 10 leave 2,3
        at 11 join 2
        at 11 join 3
        find leaders_imbalanced - from 20 by 22"
    leaders_of_a_broker_that_catches_up_belong_to_that: "
        at 10 leave 2
        at 11 back 2 20
        find replicas_missing 2 from 13 by 15
        at 40 lag 2 0
        over by 41"
    leaders_of_a_broker_that_is_away_belong_to_that: "
        auto off
        at 10 leave 2
        find replicas_missing 2 from 12 by 14"
    broker_near_its_limit_is_named: "
        brokers 6
        partitions 63
        limit 36 1000
        find partition_limit 3 from 0 by 0.1
        at 20 fewer 1
        over by 21"
    several_brokers_near_their_limits_are_one_finding: "
        brokers 6
        partitions 60
        limit 33 1000
        find partition_limit - from 0 by 0.1
        at 20 fewer 10
        over by 21"
    cluster_over_its_limit_names_nobody: "
        brokers 6
        limit 4000 150
        find partition_limit - from 0 by 0.1"
    cluster_at_eight_tenths_of_its_limits_is_nothing: "
        limit 75 225
        nothing"
    offsets_partition_that_is_large_and_grows_is_said: "
        at 5 size 1 40 900 10
        at 5 size 2 40 900 10
        at 5 size 3 40 900 10
        find internal_topic_growing - from 26 by 29
        at 60 size 1 40 90 1
        at 60 size 2 40 90 1
        at 60 size 3 40 90 1
        over by 61"
    offsets_that_grow_on_one_broker_alone_name_its_cleaner: "
        at 5 size 1 40 1500 10
        at 5 size 1 41 1200 10
        at 5 size 2 40 90 10
        at 5 size 3 41 90 10
        find internal_topic_growing 1 from 14 by 16"
    large_offsets_that_grow_no_more_are_nothing: "
        at 5 size 1 40 9000 0
        nothing"
    offsets_that_grow_and_are_cleaned_are_nothing: "
        at 5 size 1 40 100 90
        at 13 size 1 40 100 90
        at 21 size 1 40 100 90
        at 29 size 1 40 100 0
        nothing"
    small_offsets_that_grow_are_nothing: "
        at 5 size 1 40 10 5
        nothing"
    cluster_that_falls_mute_says_nothing_after_ten_minutes: "
        at 10 leave 2
        at 20 mute all
        find replicas_missing 2 from 12 by 14
        over by 31"
    broker_that_joins_is_nothing: "
        brokers 6
        at 0 leave 6
        at 1 join 6
        at 20 more 30
        nothing"
}

#[test]
fn moves_that_nobody_tells_of_are_the_runner_up_and_cost_confidence() {
    let found = |forbidden: &str| {
        let mut patterns = Patterns::default();
        let mut world = world(&[vec!["at"]]);
        world.forbidden.insert(forbidden.to_owned());
        world.act(0, &["at", "0", "lag", "3", "20"]);
        for now in (0..5 * MINUTE).step_by(60) {
            [Part::Brokers, Part::Partitions, Part::Reassignments].into_iter().for_each(|part| world.ask(part, now));
            patterns.follow(&world.observed, Time::from_millis(1000 * now));
        }
        patterns.findings().next().cloned().expect("replicas are missing")
    };
    let (with_reassignments, without_reassignments) = (found("nothing"), found("moves"));
    assert_eq!(with_reassignments.runner_up, None);
    assert_eq!(without_reassignments.runner_up, Some(FindingKind::ReassignmentRunning));
    assert!(without_reassignments.confidence < with_reassignments.confidence);
}
