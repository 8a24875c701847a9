//! Direct probes of one cluster: when each target is due, and what comes of each question.
//!
//! Driven by its owner, as the round trips are: [`Direct::hear`] takes in what comes back, [`Direct::advance`] asks what is
//! due and ends what has expired. An attempt ends by its answer or by the deadline, whichever is first; what comes after
//! that changes nothing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prober_core::counting::Counting;
use prober_core::event::{Event, Limits, RawOutcome, VoidReason};
use prober_core::ids::{Broker, BrokerId, ClusterName, Probe, Series, Subject};
use prober_core::time::Time;

use crate::clock::Clock;
use crate::port::{ProbeClient, ProbeInput, ProbeRequest, ProbeResponse, RequestId};
use crate::schedule::Schedule;

/// Settings of one direct probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Between two attempts at one target.
    pub interval: Duration,
    /// How long an attempt may take.
    pub limits: Limits,
}

/// The direct probes of one cluster.
#[derive(Debug)]
pub struct Direct {
    cluster: ClusterName,
    clock: Clock,
    settings: BTreeMap<Probe, Settings>,
    targets: BTreeMap<(Probe, Broker), Schedule>,
    /// Whom each probe can be asked of, forgotten brokers among them.
    aimed: BTreeMap<Probe, BTreeSet<Broker>>,
    /// Brokers that are none any more.
    forgotten: BTreeSet<BrokerId>,
    open: BTreeMap<RequestId, Open>,
    asked: u64,
    /// No target is due before. Kept, because the owner asks after each input, and there are a few targets a broker.
    next_due: Time,
    /// No open attempt expires before.
    next_deadline: Time,
}

/// An attempt on its way. One target has at most deadline / interval + 1 of them.
#[derive(Debug)]
struct Open {
    series: Series,
    limits: Limits,
    due: Time,
    asked: Time,
}

impl Open {
    fn deadline(&self) -> Time {
        self.asked + self.limits.deadline
    }
}

impl Direct {
    /// Probes that have nobody to ask yet.
    pub fn new(cluster: ClusterName, settings: BTreeMap<Probe, Settings>, clock: Clock) -> Direct {
        Direct {
            cluster,
            clock,
            settings,
            targets: BTreeMap::new(),
            aimed: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            open: BTreeMap::new(),
            asked: 0,
            next_due: Time::NEVER,
            next_deadline: Time::NEVER,
        }
    }

    /// Takes in what comes back.
    pub fn hear(&mut self, input: ProbeInput, counting: &mut Counting) {
        match input {
            ProbeInput::Targets { probe, at, brokers } => {
                self.aim(probe, at, &brokers, counting);
                self.aimed.insert(probe, brokers);
            }
            ProbeInput::Response { id, response } => {
                if let Some(open) = self.open.remove(&id) {
                    counting.ended(answered(open, response));
                }
            }
            ProbeInput::Phase { broker, phase, took } => counting.phase(&self.cluster, broker, phase, took),
            ProbeInput::ChannelFailed { broker } => counting.channel_failed(&self.cluster, broker),
            // For people, and for the findings: no attempt ends by these.
            ProbeInput::Blocked { .. }
            | ProbeInput::Action { .. }
            | ProbeInput::Overdue(_)
            | ProbeInput::ConnectChecked { .. }
            | ProbeInput::MetadataBrokers { .. }
            | ProbeInput::DuplicateVantage { .. } => {}
        }
    }

    /// These brokers are none any more, and no others: nobody asks them.
    pub fn forget(&mut self, brokers: &BTreeSet<BrokerId>, at: Time, counting: &mut Counting) {
        if self.forgotten == *brokers {
            return;
        }
        self.forgotten.clone_from(brokers);
        for (probe, brokers) in self.aimed.clone() {
            self.aim(probe, at, &brokers, counting);
        }
    }

    /// Ends what has expired and asks what is due.
    pub fn advance(&mut self, now: Time, counting: &mut Counting, client: &mut dyn ProbeClient) {
        if self.next_deadline <= now {
            self.expire(now, counting);
        }
        if self.next_due <= now {
            self.ask_due(now, counting, client);
        }
    }

    fn expire(&mut self, now: Time, counting: &mut Counting) {
        for open in self.take(|open| open.deadline() <= now) {
            let ended = open.deadline();
            counting.ended(event(open, ended, RawOutcome::TimedOut));
        }
        self.next_deadline = self.open.values().map(Open::deadline).min().unwrap_or(Time::NEVER);
    }

    fn ask_due(&mut self, now: Time, counting: &mut Counting, client: &mut dyn ProbeClient) {
        for ((probe, broker), schedule) in &mut self.targets {
            let (Some(tick), Some(settings)) = (schedule.take(now), self.settings.get(probe)) else { continue };
            let series = series(&self.cluster, *probe, *broker);
            if 0 < tick.missed {
                counting.missed(&series, tick.missed);
            }
            counting.on_sent(&series);
            let id = RequestId(self.asked);
            self.asked += 1;
            let asked = self.clock.now();
            let open = Open { series, limits: settings.limits, due: tick.due, asked };
            self.next_deadline = self.next_deadline.min(open.deadline());
            self.open.insert(id, open);
            client.start(ProbeRequest { id, probe: *probe, broker: *broker }, settings.limits.deadline);
        }
        self.next_due = self.first_due();
    }

    /// When [`Direct::advance`] has something to do again.
    pub fn next_wake(&self) -> Time {
        self.next_due.min(self.next_deadline)
    }

    /// Inputs were dropped before they reached us: any answer may have been among them.
    pub fn input_dropped(&mut self, now: Time, counting: &mut Counting) {
        self.abandon(now, VoidReason::InputDropped, counting, |_| true);
    }

    /// The machine was suspended, and no clock of ours saw it: what was open was cut off by us.
    pub fn slept(&mut self, now: Time, counting: &mut Counting) {
        self.abandon(now, VoidReason::Stall, counting, |_| true);
    }

    /// The process ends: what is open is void, and nothing is asked any more.
    pub fn shut_down(&mut self, now: Time, counting: &mut Counting) {
        self.targets.clear();
        self.next_due = self.first_due();
        self.abandon(now, VoidReason::Shutdown, counting, |_| true);
    }

    /// Attempts that have not ended.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Takes out the open attempts that are `done`.
    fn take(&mut self, done: impl Fn(&Open) -> bool) -> Vec<Open> {
        let ids: Vec<RequestId> = self.open.iter().filter(|(_, open)| done(open)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.open.remove(id)).collect()
    }

    fn aim(&mut self, probe: Probe, at: Time, brokers: &BTreeSet<Broker>, counting: &mut Counting) {
        let Some(settings) = self.settings.get(&probe).copied() else { return };
        let is_one = |broker: &&Broker| broker.id().is_none_or(|id| !self.forgotten.contains(&id));
        let brokers: BTreeSet<Broker> = brokers.iter().filter(is_one).copied().collect();
        self.targets.retain(|(of, broker), _| *of != probe || brokers.contains(broker));
        self.abandon(at, VoidReason::TargetRemoved, counting, |series| {
            series.probe == probe && !brokers.iter().any(|broker| series.subject == Subject::Broker(*broker))
        });
        for broker in &brokers {
            let (cluster, ordinal) = (&self.cluster, ordinal(probe, *broker));
            self.targets.entry((probe, *broker)).or_insert_with(|| {
                counting.open(&series(cluster, probe, *broker));
                Schedule::new(settings.interval, ordinal, at)
            });
        }
        self.next_due = self.first_due();
    }

    fn first_due(&self) -> Time {
        self.targets.values().map(Schedule::next_due).min().unwrap_or(Time::NEVER)
    }

    fn abandon(&mut self, now: Time, reason: VoidReason, counting: &mut Counting, of: impl Fn(&Series) -> bool) {
        for open in self.take(|open| of(&open.series)) {
            counting.ended(event(open, now, RawOutcome::Void(reason)));
        }
    }
}

/// What an answer makes of its attempt. Stamped after the deadline, it is none: the timer was merely slower.
fn answered(open: Open, answer: ProbeResponse) -> Event {
    let deadline = open.deadline();
    if deadline < answer.at {
        return event(open, deadline, RawOutcome::TimedOut);
    }
    let raw_outcome = match answer.result {
        Ok(()) => RawOutcome::Success(answer.at.since(answer.sent.unwrap_or(open.asked))),
        Err(fault) => RawOutcome::Failed(fault),
    };
    event(open, answer.at, raw_outcome)
}

fn event(open: Open, ended: Time, raw_outcome: RawOutcome) -> Event {
    let Open { series, limits, due, asked } = open;
    let broker = series.subject.broker();
    Event { series, broker, limits, due, sent: Some(asked), ended, raw_outcome, stalled: Duration::ZERO }
}

fn series(cluster: &ClusterName, probe: Probe, broker: Broker) -> Series {
    Series { cluster: cluster.clone(), view: probe.direct_view(), probe, subject: Subject::Broker(broker) }
}

/// Spreads targets over their interval, and the probes of one broker over the second.
fn ordinal(probe: Probe, broker: Broker) -> u64 {
    let broker = broker.id().map_or(0, |id| u64::from(id.0.unsigned_abs()));
    broker.wrapping_mul(Probe::ALL.len() as u64).wrapping_add(probe as u64)
}
