//! Scenarios of the prober itself: most must have no finding about a broker.
//!
//! | line | means |
//! | --- | --- |
//! | `at 10 throttle 5` | the CPU limit throttles the prober for 5 s, though its heartbeat is in time |
//! | `at 10 press 5` | it waits for memory for as long |
//! | `at 10 descriptors 95` | 95 % are open; `ports 95`: in use |
//! | `at 10 refuse 1` | a connection was refused for want of one |
//! | `at 10 suspend 60` | the machine was suspended for 60 s, which no clock shows |
//! | `at 0 reference there` | there is a reference that answers; also `lost` |
//! | `at 10 loopback lost` | it answers until then; also `there` |
//! | `at 0 kernel tells` | what is known of connections that are silent |

use std::collections::BTreeMap;
use std::time::Duration;

use super::{State, check_scenario, millis};
use crate::diagnosis::prober::STALLS_WITHIN;
use crate::diagnosis::prober_health::ProberHealth;
use crate::ids::ConnectionRole;
use crate::tcp_state::TcpState;
use crate::time::Time;
use crate::vitals::{Control, Usage};

/// What befalls the prober.
#[derive(Default)]
pub(super) struct SimulatedCluster {
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

impl SimulatedCluster {
    /// Whether it was an act of this kind.
    pub(super) fn act(&mut self, now: u64, what: &str, argument: &str) -> bool {
        let number = || argument.parse().expect("a number");
        match what {
            "throttle" => self.throttled.push((now, now + millis(argument))),
            "press" => self.pressed.push((now, now + millis(argument))),
            "descriptors" => self.descriptors = number(),
            "ports" => self.ports = number(),
            "refuse" => self.refused = Some(now),
            "suspend" => self.suspended = Some((now, millis(argument))),
            "reference" => self.reference.push((now, argument == "there")),
            "loopback" => self.loopback.push((now, argument == "there")),
            "kernel" => self.kernel = argument == "tells",
            _ => return false,
        }
        true
    }

    pub(super) fn health(&self, now: u64) -> ProberHealth {
        const A_MINUTE: Duration = Duration::from_secs(60);
        let share = |used: u64| Some(Usage { used, limit: 100 });
        let loopback: Vec<_> = [(0, true)].into_iter().chain(self.loopback.iter().copied()).collect();
        let reference = (!self.reference.is_empty()).then(|| control(&self.reference, 1000, now));
        ProberHealth {
            throttled: overlap(&self.throttled, now, STALLS_WITHIN),
            throttled_last_minute: overlap(&self.throttled, now, A_MINUTE),
            memory_wait_last_minute: Some(overlap(&self.pressed, now, A_MINUTE)),
            suspended: self.suspended.map(|(at, length)| (Time::from_millis(at), Duration::from_millis(length))),
            descriptors: share(self.descriptors),
            ports: share(self.ports),
            resource_refused: self.refused.map(Time::from_millis),
            loopback: control(&loopback, 500, now),
            reference: reference.map(|control| ("elsewhere:4317".into(), control)),
            ..ProberHealth::default()
        }
    }

    /// What the kernel says, if it does: of a process that hangs, and of a way that is closed.
    pub(super) fn tcp_states(&self, state: State, age: u64) -> BTreeMap<ConnectionRole, TcpState> {
        let write = match state {
            State::Frozen => TcpState { unacked_bytes: 0, retransmits: 0 },
            // A second's records; sent again after 0.2 s, 0.6 s, 1.4 s.
            State::Dropped => TcpState { unacked_bytes: 640, retransmits: if age < 1700 { 1 } else { 3 } },
            _ => return BTreeMap::new(),
        };
        let known = self.kernel && 700 < age;
        let read = TcpState { unacked_bytes: 0, retransmits: 0 };
        [(ConnectionRole::Produce, write), (ConnectionRole::Fetch, read)].into_iter().filter(|_| known).collect()
    }
}

/// How much of the last `within` lies in these stretches.
pub(super) fn overlap(stretches: &[(u64, u64)], now: u64, within: Duration) -> Duration {
    let from = now.saturating_sub(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    let overlap = |(begin, end): &(u64, u64)| end.min(&now).saturating_sub(*begin.max(&from));
    Duration::from_millis(stretches.iter().map(overlap).sum())
}

/// A control that is asked every so often, as its answers have come in: those that do not come are known late.
fn control(states: &[(u64, bool)], every: usize, now: u64) -> Control {
    let mut control = Control::default();
    for asked in (0..=now).step_by(every) {
        let there = states.iter().rev().find(|(since, _)| *since <= asked).is_some_and(|(_, there)| *there);
        if there || asked + 900 <= now {
            control.on_answer(Time::from_millis(asked), there);
        }
    }
    control
}

super::scenarios! {
    own_network_down_blames_the_prober: "
        at 0 reference there
        at 10 drop all
        at 10 reference lost
        find prober_network - from 11.5 by 13.2
        blame prober
        at 39 reference there
        at 41 undrop all
        over by 44"
    brokers_cut_off_one_moment_after_the_other_are_everybody_and_not_some_of_them: "
        at 10 drop 2,3
        at 10.4 drop 1
        find cluster_unreachable - from 11.5 by 13
        nobody
        at 40 undrop all
        over by 45"
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
