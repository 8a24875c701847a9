//! The scheduler of one cluster's direct probes: when each target is due, and the event that each attempt becomes.
//!
//! Its owner drives it, as it drives the round trips: [`DirectScheduler::on_input`] takes in results,
//! [`DirectScheduler::advance`] starts attempts that are due and ends those past their deadline. An attempt ends with its
//! response or at its deadline, whichever is first; what comes later changes nothing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prober_core::coordinator::InternalPartition;
use prober_core::counting::Counting;
use prober_core::event::{Event, Limits, RawOutcome, VoidReason};
use prober_core::ids::{Broker, BrokerId, ClusterName, Probe, Series, Subject};
use prober_core::time::Time;

use crate::clock::Clock;
use crate::port::{ProbeClient, ProbeInput, ProbeRequest, ProbeResponse, RequestId};
use crate::schedule::Schedule;

/// The schedule of one direct probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The time between two attempts at one target.
    pub interval: Duration,
    /// Deadline and threshold of an attempt.
    pub limits: Limits,
}

/// The scheduler of one cluster's direct probes.
#[derive(Debug)]
pub struct DirectScheduler {
    cluster: ClusterName,
    clock: Clock,
    settings: BTreeMap<Probe, Settings>,
    targets: BTreeMap<(Probe, Broker), Schedule>,
    /// The targets of each probe, decommissioned brokers included.
    all_targets: BTreeMap<Probe, BTreeSet<Broker>>,
    /// Brokers that have left the cluster for good.
    decommissioned: BTreeSet<BrokerId>,
    open: BTreeMap<RequestId, OpenAttempt>,
    started: u64,
    /// No target is due before. Cached, because the owner asks after each input, and a broker has a few targets.
    next_due: Time,
    /// No open attempt expires before.
    next_deadline: Time,
}

/// An attempt without a result. One target has at most deadline / interval + 1 of them.
#[derive(Debug)]
struct OpenAttempt {
    series: Series,
    limits: Limits,
    due: Time,
    started: Time,
    internal_partition: Option<InternalPartition>,
}

impl OpenAttempt {
    fn deadline(&self) -> Time {
        self.started + self.limits.deadline
    }
}

impl DirectScheduler {
    /// A scheduler without targets.
    pub fn new(cluster: ClusterName, settings: BTreeMap<Probe, Settings>, clock: Clock) -> DirectScheduler {
        DirectScheduler {
            cluster,
            clock,
            settings,
            targets: BTreeMap::new(),
            all_targets: BTreeMap::new(),
            decommissioned: BTreeSet::new(),
            open: BTreeMap::new(),
            started: 0,
            next_due: Time::NEVER,
            next_deadline: Time::NEVER,
        }
    }

    /// The enabled probes.
    pub fn probes(&self) -> impl Iterator<Item = Probe> + '_ {
        self.settings.keys().copied()
    }

    /// Takes in a result, or new targets.
    pub fn on_input(&mut self, input: ProbeInput, counting: &mut Counting) {
        match input {
            ProbeInput::Targets { probe, at, brokers } => {
                self.set_targets(probe, at, &brokers, counting);
                self.all_targets.insert(probe, brokers);
            }
            ProbeInput::Chosen { id, partition } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.internal_partition = Some(partition);
                }
            }
            ProbeInput::Response { id, response } => {
                if let Some(open) = self.open.remove(&id) {
                    counting.ended(on_response(open, response));
                }
            }
            ProbeInput::Phase { broker, phase, took } => counting.phase(&self.cluster, broker, phase, took),
            ProbeInput::ChannelFailed { broker } => counting.channel_failed(&self.cluster, broker),
            // These are for people and for the diagnosis: no attempt ends with them.
            ProbeInput::Blocked { .. }
            | ProbeInput::Action { .. }
            | ProbeInput::Overdue(_)
            | ProbeInput::ConnectChecked { .. }
            | ProbeInput::MetadataBrokers { .. }
            | ProbeInput::InternalTopic { .. }
            | ProbeInput::DuplicateVantage { .. } => {}
        }
    }

    /// Sets the brokers that have left the cluster for good: they are no targets, whatever the metadata says.
    pub fn set_decommissioned(&mut self, brokers: &BTreeSet<BrokerId>, at: Time, counting: &mut Counting) {
        if self.decommissioned == *brokers {
            return;
        }
        self.decommissioned.clone_from(brokers);
        for (probe, brokers) in self.all_targets.clone() {
            self.set_targets(probe, at, &brokers, counting);
        }
    }

    /// Ends attempts past their deadline, and starts those that are due.
    pub fn advance(&mut self, now: Time, counting: &mut Counting, client: &mut dyn ProbeClient) {
        if self.next_deadline <= now {
            self.expire(now, counting);
        }
        if self.next_due <= now {
            self.start_due(now, counting, client);
        }
    }

    fn expire(&mut self, now: Time, counting: &mut Counting) {
        for open in self.take(|open| open.deadline() <= now) {
            let ended = open.deadline();
            counting.ended(event(open, ended, RawOutcome::TimedOut));
        }
        self.next_deadline = self.open.values().map(OpenAttempt::deadline).min().unwrap_or(Time::NEVER);
    }

    fn start_due(&mut self, now: Time, counting: &mut Counting, client: &mut dyn ProbeClient) {
        for ((probe, broker), schedule) in &mut self.targets {
            let (Some(tick), Some(settings)) = (schedule.take(now), self.settings.get(probe)) else { continue };
            let series = series(&self.cluster, *probe, *broker);
            if 0 < tick.missed {
                counting.missed(&series, tick.missed);
            }
            counting.on_sent(&series);
            let id = RequestId(self.started);
            self.started += 1;
            let started = self.clock.now();
            let open =
                OpenAttempt { series, limits: settings.limits, due: tick.due, started, internal_partition: None };
            self.next_deadline = self.next_deadline.min(open.deadline());
            self.open.insert(id, open);
            client.start(ProbeRequest { id, probe: *probe, broker: *broker }, settings.limits.deadline);
        }
        self.next_due = self.first_due();
    }

    /// When [`DirectScheduler::advance`] has something to do again.
    pub fn next_wake(&self) -> Time {
        self.next_due.min(self.next_deadline)
    }

    /// Inputs were dropped by a full queue: the result of any open attempt may have been among them.
    pub fn input_dropped(&mut self, now: Time, counting: &mut Counting) {
        self.abandon(now, VoidReason::InputDropped, counting, |_| true);
    }

    /// The host was suspended, which the monotonic clock does not show: open attempts are void.
    pub fn on_resume(&mut self, now: Time, counting: &mut Counting) {
        self.abandon(now, VoidReason::Stall, counting, |_| true);
    }

    /// The process ends: open attempts are void, and none is started any more.
    pub fn shut_down(&mut self, now: Time, counting: &mut Counting) {
        self.targets.clear();
        self.next_due = self.first_due();
        self.abandon(now, VoidReason::Shutdown, counting, |_| true);
    }

    /// The number of attempts without a result.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Takes out the open attempts that are `done`.
    fn take(&mut self, done: impl Fn(&OpenAttempt) -> bool) -> Vec<OpenAttempt> {
        let ids: Vec<RequestId> = self.open.iter().filter(|(_, open)| done(open)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.open.remove(id)).collect()
    }

    fn set_targets(&mut self, probe: Probe, at: Time, brokers: &BTreeSet<Broker>, counting: &mut Counting) {
        let Some(settings) = self.settings.get(&probe).copied() else { return };
        let is_one = |broker: &&Broker| broker.id().is_none_or(|id| !self.decommissioned.contains(&id));
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

/// The event of an attempt with this response. A response after the deadline is a time-out: the timer was merely later.
fn on_response(open: OpenAttempt, response: ProbeResponse) -> Event {
    let deadline = open.deadline();
    if deadline < response.at {
        return event(open, deadline, RawOutcome::TimedOut);
    }
    let raw_outcome = match response.result {
        Ok(()) => RawOutcome::Success(response.at.since(response.sent.unwrap_or(open.started))),
        Err(fault) => RawOutcome::Failed(fault),
    };
    event(open, response.at, raw_outcome)
}

fn event(open: OpenAttempt, ended: Time, raw_outcome: RawOutcome) -> Event {
    let OpenAttempt { series, limits, due, started, internal_partition } = open;
    let (broker, stalled) = (series.subject.broker(), Duration::ZERO);
    Event { series, broker, internal_partition, limits, due, sent: Some(started), ended, raw_outcome, stalled }
}

fn series(cluster: &ClusterName, probe: Probe, broker: Broker) -> Series {
    Series { cluster: cluster.clone(), view: probe.direct_view(), probe, subject: Subject::Broker(broker) }
}

/// Spreads targets over their interval, and the probes of one broker over the second.
fn ordinal(probe: Probe, broker: Broker) -> u64 {
    let broker = broker.id().map_or(0, |id| u64::from(id.0.unsigned_abs()));
    broker.wrapping_mul(Probe::ALL.len() as u64).wrapping_add(probe as u64)
}
