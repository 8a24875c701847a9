//! The world of a scenario: what its lines make of brokers, controllers and the prober, as evidence every tenth of a second.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnosis::input::{BrokerEvidence, ConnectChecks, Input, MetadataListing, Streak};
use crate::diagnosis::prober::STALLS_WITHIN;
use crate::fault::Fault;
use crate::ids::{BrokerId, ClusterName, ConnectionRole, Probe};
use crate::time::Time;

use super::{STEP_MS, millis, prober, traffic};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Up,
    Frozen,
    Killed,
    Dropped,
    Left,
    /// Listed again, and not listening yet.
    Starting,
}

#[derive(Default)]
pub(super) struct SimulatedCluster {
    brokers: BTreeMap<i32, (State, u64)>,
    stalls: Vec<(u64, u64)>,
    stale: BTreeMap<i32, u64>,
    uncommitted: BTreeMap<i32, u64>,
    controller: Option<u64>,
    under_min_isr: Option<(usize, u64)>,
    lost: Option<(u64, u64)>,
    missing_permissions: usize,
    traffic: traffic::Traffic,
    quotas: BTreeMap<BrokerId, Time>,
    distrusted: BTreeMap<BrokerId, (Time, Fault)>,
    prober: prober::SimulatedCluster,
}

/// Bad answers since then, one every so often; the first takes its deadline.
fn streak(since: u64, now: u64, every: u64, fault: Fault) -> Option<Streak> {
    let bad = u32::try_from(now.saturating_sub(since) / every).unwrap_or(u32::MAX);
    (0 < bad).then(|| Streak { bad, since: Time::from_millis(since), fault })
}

impl SimulatedCluster {
    /// So many brokers, all well.
    pub(super) fn of(count: i32) -> SimulatedCluster {
        SimulatedCluster {
            brokers: (1..=count).map(|id| (id, (State::Up, 0))).collect(),
            ..SimulatedCluster::default()
        }
    }

    fn streaks(&self, id: i32, now: u64) -> BTreeMap<Probe, Streak> {
        let stale = self.stale.get(&id).and_then(|since| streak(since + 5000, now, 1000, Fault::Stale));
        let commit = self.uncommitted.get(&id).and_then(|since| streak(*since, now, 2000, Fault::Timeout));
        [(Probe::Metadata, stale), (Probe::Commit, commit)]
            .into_iter()
            .filter_map(|(probe, streak)| Some((probe, streak?)))
            .collect()
    }

    fn seen(&self, id: i32, now: u64) -> BrokerEvidence {
        let (state, since) = self.brokers[&id];
        let at = Time::from_millis;
        let age = now.saturating_sub(since);
        // Records every 200 ms, a fetch that waits for them, fetch and metadata every second.
        let owed = [
            (ConnectionRole::Produce, since + 150),
            (ConnectionRole::Fetch, since.saturating_sub(100)),
            (ConnectionRole::Control, since + 700),
        ];
        let silent = matches!(state, State::Frozen | State::Dropped);
        let owed = owed.into_iter().filter(|(_, from)| silent && *from <= now).map(|(role, from)| (role, at(from)));
        // The write connection is late after half a second.
        let look_at = since + if silent { 750 } else { 100 };
        let ended = |every: u64| u32::try_from(now.saturating_sub(look_at) / every).unwrap_or(0);
        let checks = match state {
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
        let checks = checks.map(|(failed, fault)| ConnectChecks {
            began: at(if state == State::Starting { since.saturating_sub(20_000) } else { look_at }),
            failed,
            fault: (0 < failed).then_some(fault),
            unanswered: silent,
            tcp_accepted: state == State::Frozen && 2000 < age,
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
        let listed = listed.then(|| MetadataListing { since: at(since_listed), asked: at(asked) });
        let answered = if state == State::Up { now } else { since };
        BrokerEvidence {
            id: BrokerId(id),
            listed,
            last_answer: Some(at(answered)),
            overdue: owed.collect(),
            tcp_states: self.prober.tcp_states(state, age),
            streaks: self.streaks(id, now),
            connect_checks: checks,
        }
    }

    fn stalled(&self, now: u64, within: Duration) -> Duration {
        prober::overlap(&self.stalls, now, within)
    }

    /// Whether the prober is stopped at `now`, and sees nothing of it.
    pub(super) fn is_stalled(&self, now: u64) -> bool {
        self.stalls.iter().any(|(begin, end)| (*begin..*end).contains(&now))
    }

    /// The evidence at `now`.
    pub(super) fn input(&mut self, now: u64) -> Input {
        self.traffic.step(now, &self.brokers);
        let woken = self.stalls.iter().find(|(_, end)| (*end..*end + STEP_MS).contains(&now));
        let mut brokers: Vec<BrokerEvidence> = self.brokers.keys().map(|id| self.seen(*id, now)).collect();
        if let Some((begin, _)) = woken {
            // What has arrived meanwhile is not read yet: everyone seems to owe an answer since the stall began.
            for seen in &mut brokers {
                seen.last_answer = Some(Time::from_millis(*begin));
                seen.overdue = [ConnectionRole::Produce, ConnectionRole::Fetch]
                    .map(|role| (role, Time::from_millis(*begin)))
                    .into();
            }
        }
        let table = self.traffic.table(Time::from_millis(now), &brokers);
        Input {
            now: Time::from_millis(now),
            cluster: ClusterName::new("c"),
            brokers,
            table: table.into(),
            replicated: traffic::replicated(now, &self.brokers).into(),
            throttled: self.quotas.clone(),
            credentials_refused: self.distrusted.clone(),
            controller: self.controller.and_then(|since| streak(since, now, 10_000, Fault::Timeout)),
            under_min_isr: self.under_min_isr.map(|(partitions, since)| (partitions, Time::from_millis(since))),
            lost: self.lost.map(|(count, at)| (count, Time::from_millis(at), Time::from_millis(at))),
            missing_permissions: (0..self.missing_permissions).map(|one| format!("grant {one}").into()).collect(),
            liveness_timeout: Duration::from_millis(500),
            stalled: self.stalled(now, STALLS_WITHIN),
            stalled_last_minute: self.stalled(now, Duration::from_secs(60)),
            prober: self.prober.health(now),
        }
    }
}

impl SimulatedCluster {
    /// Does what a line says.
    pub(super) fn act(&mut self, now: u64, what: &str, argument: &str) {
        let number = || argument.parse::<i32>().expect("a number");
        match what {
            "stall" => return self.stalls.push((now, now + millis(argument))),
            "stale" => {
                self.stale.insert(number(), now);
                return;
            }
            "uncommitted" => {
                self.uncommitted.insert(number(), now);
                return;
            }
            "controller" => return self.controller = (argument == "hangs").then_some(now),
            "short" => {
                return self.under_min_isr =
                    Some((argument.parse().expect("a number"), now)).filter(|(count, _)| 0 < *count);
            }
            "lose" => return self.lost = Some((argument.parse().expect("a number"), now)),
            "forbid" => return self.missing_permissions = argument.parse().expect("a number"),
            "load" => return self.traffic.load = argument.parse().expect("milliseconds"),
            "quota" => {
                return self.quotas =
                    self.ids(argument).into_iter().map(|id| (BrokerId(id), Time::from_millis(now))).collect();
            }
            "distrust" => {
                let fault = (Time::from_millis(now), Fault::CertificateExpired);
                return self.distrusted = self.ids(argument).into_iter().map(|id| (BrokerId(id), fault)).collect();
            }
            "well" => return self.ids(argument).iter().for_each(|id| _ = self.traffic.impairment.remove(id)),
            _ if self.prober.act(now, what, argument) => return,
            _ => {}
        }
        if let Some(impairment) = traffic::Impairment::of(what) {
            return self.traffic.impairment.extend(self.ids(argument).into_iter().map(|id| (id, impairment)));
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
        for id in self.ids(argument) {
            self.brokers.insert(id, (state, now));
            self.stale.remove(&id);
            self.uncommitted.remove(&id);
        }
    }

    fn ids(&self, argument: &str) -> Vec<i32> {
        match argument {
            "all" => self.brokers.keys().copied().collect(),
            "-" => Vec::new(),
            ids => ids.split(',').map(|id| id.parse().expect("an id")).collect(),
        }
    }
}
