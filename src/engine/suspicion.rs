//! The evidence about one cluster, as it comes in; looks at suspects; and which findings stand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::input::{Channel, Input, Listed, Looks, Seen, Streak};
use prober_core::diagnosis::prober::STALLS_WITHIN;
use prober_core::diagnosis::standing::Standing;
use prober_core::event::{Event, Saw};
use prober_core::fault::Fault;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{BrokerId, ClusterName, Partition, Probe, Series, View};
use prober_core::settle::Stall;
use prober_core::time::Time;
use prober_core::topology::Topology;
use prober_probes::port::{self, AskInput, Silence};

/// A suspect is looked at this often; after a while more seldom, since each look at a process that hangs takes a place in
/// its queue of accepted connections.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SELDOM_AFTER: Duration = Duration::from_secs(10);
const SELDOM: Duration = Duration::from_secs(10);

/// A look that has not come back by then was put to nobody: there was no address.
const LOOK_LOST_AFTER: Duration = Duration::from_secs(5);

/// What a well broker may take at least from one answer to the next.
const RHYTHM_MIN: Duration = Duration::from_millis(500);

/// An event settles for so long before it is heard of here.
const SETTLING: Duration = Duration::from_millis(300);

/// Leaders of what is short are asked every five seconds.
const SAID_AGAIN_WITHIN: Duration = Duration::from_secs(12);

const A_MINUTE: Duration = Duration::from_secs(60);

/// What is known of one cluster.
pub(super) struct Suspicion {
    cluster: ClusterName,
    rhythm: Duration,
    brokers: BTreeMap<BrokerId, Suspect>,
    listed: BTreeMap<BrokerId, Listed>,
    controller: Option<Streak>,
    /// Partitions of the replicated lane whose leaders refuse every record: since when, and when that was last said.
    short: BTreeMap<Partition, (Time, Time)>,
    lost: Option<(u64, Time, Time)>,
    standing: Standing,
    logged: BTreeSet<(FindingKind, Option<BrokerId>)>,
}

#[derive(Debug, Default)]
struct Suspect {
    answered: Option<Time>,
    silent: BTreeMap<Channel, Time>,
    /// The newest event of the broker view found nobody, or was hung up on.
    is_closed: bool,
    looking_since: Option<Time>,
    looked_at: Option<Time>,
    looks: Option<Looks>,
    streaks: BTreeMap<Probe, Streak>,
}

/// What else is known at a moment, and by whom brokers can be looked at.
pub(super) struct Around<'a> {
    /// The brokers that the metadata of our topics have shown.
    pub(super) topology: &'a Topology,
    /// Those that are none any more.
    pub(super) forgotten: &'a BTreeSet<BrokerId>,
    /// The prober's own stalls.
    pub(super) stalls: &'a Stalls,
    /// Acked records of the replicated lane that were lost so far.
    pub(super) lost: u64,
    /// What the cluster does not permit.
    pub(super) forbidden: Vec<Arc<str>>,
}

impl Suspicion {
    /// Nothing is known yet. A broker that is well answers something every `interval`.
    pub(super) fn new(cluster: ClusterName, interval: Duration) -> Suspicion {
        Suspicion {
            cluster,
            rhythm: RHYTHM_MIN.max(2 * interval + SETTLING),
            brokers: BTreeMap::new(),
            listed: BTreeMap::new(),
            controller: None,
            short: BTreeMap::new(),
            lost: None,
            standing: Standing::default(),
            logged: BTreeSet::new(),
        }
    }

    /// A connection fell silent, or speaks again.
    pub(super) fn silence(&mut self, silence: Silence) {
        let suspect = self.brokers.entry(silence.broker).or_default();
        match silence.since {
            Some(since) => suspect.silent.insert(silence.channel, since),
            None => suspect.silent.remove(&silence.channel),
        };
    }

    /// What comes back to the direct probes.
    pub(super) fn hear(&mut self, input: &AskInput) {
        match input {
            AskInput::Silence(silence) => self.silence(*silence),
            AskInput::Looked { broker, at, fault } => self.brokers.entry(*broker).or_default().looked(*at, *fault),
            AskInput::Listed { asked, brokers } => {
                let before = std::mem::take(&mut self.listed);
                let since = |id: &BrokerId| before.get(id).map_or(*asked, |listed| listed.since);
                let listed = |id: &BrokerId| (*id, Listed { since: since(id), asked: *asked });
                self.listed = brokers.iter().map(listed).collect();
            }
            _ => {}
        }
    }

    /// The leader of a partition of the replicated lane says that it refuses every record, or does not any more.
    pub(super) fn refuses(&mut self, partition: Partition, at: Time, fault: Option<Fault>) {
        if fault.is_none() {
            self.short.remove(&partition);
            return;
        }
        let since = self.short.get(&partition).map_or(at, |(since, _)| *since);
        self.short.insert(partition, (since, at));
    }

    /// An event was counted.
    pub(super) fn counted(&mut self, event: &Event) {
        let Series { cluster, view, probe, broker } = &event.series;
        if *cluster != self.cluster {
            return;
        }
        match (view, broker.id()) {
            (View::Broker, Some(id)) => self.brokers.entry(id).or_default().counted(event),
            (View::Coordinator, Some(id)) => {
                let streaks = &mut self.brokers.entry(id).or_default().streaks;
                continued(event, streaks.remove(probe)).map(|streak| streaks.insert(*probe, streak));
            }
            (View::Cluster, _) => self.controller = continued(event, self.controller),
            _ => {}
        }
    }

    /// Looks at suspects, and holds the evidence of this moment against the rules.
    pub(super) fn follow(&mut self, now: Time, around: Around<'_>, ask: &mut dyn port::Ask) {
        let known = |id: &BrokerId| around.topology.brokers.contains_key(id) && !around.forgotten.contains(id);
        self.brokers.retain(|id, _| known(id));
        for id in around.topology.brokers.keys().filter(|id| known(id)) {
            let suspect = self.brokers.entry(*id).or_default();
            if suspect.wants_a_look(now) {
                suspect.look(now);
                ask.look(*id);
            }
        }
        // A leader that is not asked any more, or does not answer, says nothing.
        self.short.retain(|_, (_, last)| now.since(*last) < SAID_AGAIN_WITHIN);
        if self.lost.map_or(0, |(count, ..)| count) < around.lost {
            let first = self.lost.map_or(now, |(_, first, _)| first);
            self.lost = Some((around.lost, first, now));
        }
        self.excuse();
        let input = self.input(now, around);
        self.standing.follow(&input);
        self.log();
    }

    /// What failed while a broker was away or in doubt says nothing of the controller and of coordinators: their answers wait
    /// on others. They start anew when all are there.
    fn excuse(&mut self) {
        let away = |id: &BrokerId| !self.listed.contains_key(id);
        let in_doubt =
            |(id, suspect): (&BrokerId, &Suspect)| !suspect.silent.is_empty() || suspect.looks.is_some() || away(id);
        if self.brokers.iter().any(in_doubt) {
            self.controller = None;
            for suspect in self.brokers.values_mut() {
                suspect.streaks.retain(|probe, _| *probe == Probe::Metadata);
            }
        }
    }

    /// What stands.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.standing.findings().cloned()
    }

    fn input(&self, now: Time, around: Around<'_>) -> Input {
        let seen = |(id, suspect): (&BrokerId, &Suspect)| Seen {
            broker: *id,
            listed: self.listed.get(id).copied(),
            answered: suspect.answered,
            silent: suspect.silent.clone(),
            streaks: suspect.streaks.clone(),
            looks: suspect.looks,
        };
        Input {
            now,
            cluster: self.cluster.clone(),
            brokers: self.brokers.iter().map(seen).collect(),
            controller: self.controller,
            short: self.short.values().map(|(since, _)| *since).min().map(|since| (self.short.len(), since)),
            lost: self.lost,
            forbidden: around.forbidden,
            rhythm: self.rhythm,
            stalled: around.stalls.within(now, STALLS_WITHIN),
            stalled_lately: around.stalls.within(now, A_MINUTE),
        }
    }

    /// One line for each finding that begins or is over.
    fn log(&mut self) {
        let cluster = self.cluster.as_str();
        let mut stands = BTreeSet::new();
        for finding in self.standing.findings() {
            let key = (finding.kind, finding.broker);
            if !self.logged.contains(&key) {
                let (kind, blame) = (finding.kind.as_str(), finding.blame.as_str());
                let broker = finding.broker.map(|id| id.0);
                tracing::warn!(cluster, kind, broker, blame, "finding: {}", finding.summary);
            }
            stands.insert(key);
        }
        for (kind, broker) in self.logged.difference(&stands) {
            tracing::info!(cluster, kind = kind.as_str(), broker = broker.map(|id| id.0), "finding is over");
        }
        self.logged = stands;
    }
}

/// A row of bad answers after one more event; none after a good one. What is void says nothing.
fn continued(event: &Event, before: Option<Streak>) -> Option<Streak> {
    let fault = match event.saw {
        Saw::Success(_) => return None,
        Saw::Failed(fault) | Saw::Unheard(fault) => fault,
        Saw::TimedOut => Fault::Timeout,
        Saw::Lost => Fault::Lost,
        Saw::Corrupt => Fault::Corrupt,
        Saw::Void(_) | Saw::Missed => return before,
    };
    let (bad, since) = before.map_or((0, event.due), |streak| (streak.bad, streak.since));
    Some(Streak { bad: bad + 1, since, fault })
}

impl Suspect {
    /// An event of the broker view was counted.
    fn counted(&mut self, event: &Event) {
        match event.saw {
            Saw::Success(_) | Saw::Failed(Fault::Kafka(_) | Fault::Stale) => self.has_answered(event.ended),
            Saw::Failed(Fault::ConnectionRefused | Fault::ConnectionReset) if event.series.probe != Probe::Consume => {
                self.is_closed = true;
            }
            _ => {}
        }
        if event.series.probe == Probe::Metadata {
            let streak = continued(event, self.streaks.remove(&Probe::Metadata));
            // Only that it is behind is told by this probe and by no other.
            if let Some(streak) = streak.filter(|streak| streak.fault == Fault::Stale) {
                self.streaks.insert(Probe::Metadata, streak);
            }
        }
    }

    /// It is there: what looks have found before is over, and nobody looks again to find that out.
    fn has_answered(&mut self, at: Time) {
        self.answered = self.answered.max(Some(at));
        self.is_closed = false;
        if self.looked_at.is_none_or(|looked| looked < at) {
            self.looks = None;
        }
    }

    fn wants_a_look(&self, now: Time) -> bool {
        let suspicious = !self.silent.is_empty() || self.is_closed;
        let idle = self.looking_since.is_none_or(|since| LOOK_LOST_AFTER <= now.since(since));
        let for_long = self.looks.is_some_and(|looks| SELDOM_AFTER <= now.since(looks.began));
        let every = if for_long { SELDOM } else { LOOK_EVERY };
        suspicious && idle && self.looked_at.is_none_or(|at| every <= now.since(at))
    }

    fn look(&mut self, now: Time) {
        self.looking_since = Some(now);
        self.looked_at = Some(now);
        // The first of a row is silent until it has ended.
        self.looks.get_or_insert(Looks { began: now, failed: 0, fault: None, silent: true, accepted: false });
    }

    fn looked(&mut self, at: Time, fault: Option<Fault>) {
        let began = self.looking_since.take().unwrap_or(at);
        // Nothing else clears a look that ends after the suspicion has.
        let answered_since = self.answered.is_some_and(|answered| began < answered);
        let Some(fault) = fault.filter(|_| !answered_since) else {
            self.looks = None;
            self.is_closed &= answered_since;
            return;
        };
        let silent = matches!(
            fault,
            Fault::Timeout | Fault::ConnectTimeout | Fault::NoHandshake | Fault::NoTlsHandshake | Fault::NoSaslAnswer
        );
        let same = self.looks.filter(|looks| looks.failed == 0 || looks.silent == silent);
        let (began, failed, accepted) =
            same.map_or((began, 0, false), |looks| (looks.began, looks.failed, looks.accepted));
        let accepted = accepted || silent && fault != Fault::ConnectTimeout;
        self.looks = Some(Looks { began, failed: failed + 1, fault: Some(fault), silent, accepted });
    }
}

/// The prober's own stalls of the last minute.
#[derive(Debug, Default)]
pub(super) struct Stalls(VecDeque<Stall>);

impl Stalls {
    /// Stalls are rare; a machine on which they are not needs no more of them to be in trouble.
    const KEPT: usize = 1024;

    pub(super) fn heard(&mut self, stall: Stall) {
        while self.0.front().is_some_and(|first| A_MINUTE < stall.to.since(first.to)) || Self::KEPT <= self.0.len() {
            self.0.pop_front();
        }
        self.0.push_back(stall);
    }

    fn within(&self, now: Time, length: Duration) -> Duration {
        let from = now - length;
        self.0.iter().map(|stall| stall.to.since(stall.from.max(from))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn look_that_is_answered_clears_the_suspect() {
        let mut suspect = Suspect { is_closed: true, ..Suspect::default() };
        assert!(suspect.wants_a_look(at(0)));
        suspect.look(at(0));
        assert!(!suspect.wants_a_look(at(4000)), "one at a time");
        suspect.looked(at(100), Some(Fault::ConnectionRefused));
        assert!(!suspect.wants_a_look(at(999)) && suspect.wants_a_look(at(1000)));
        let looks = suspect.looks.expect("a row");
        assert_eq!((looks.began, looks.failed, looks.silent), (at(0), 1, false));
        suspect.look(at(1000));
        suspect.looked(at(1001), None);
        assert_eq!((suspect.looks, suspect.wants_a_look(at(9000))), (None, false));
    }

    #[test]
    fn row_of_unanswered_looks_begins_anew_with_a_refusal() {
        let mut suspect = Suspect { silent: BTreeMap::from([(Channel::Write, at(0))]), ..Suspect::default() };
        for begin in [0, 2000] {
            suspect.look(at(begin));
            suspect.looked(at(begin + 2000), Some(Fault::NoHandshake));
        }
        assert_eq!(suspect.looks.map(|looks| (looks.began, looks.failed, looks.silent)), Some((at(0), 2, true)));
        suspect.look(at(4000));
        suspect.looked(at(6000), Some(Fault::ConnectTimeout));
        assert!(suspect.looks.is_some_and(|looks| looks.accepted), "its machine was there");
        suspect.look(at(7000));
        suspect.looked(at(7001), Some(Fault::ConnectionRefused));
        assert_eq!(suspect.looks.map(|looks| (looks.began, looks.failed, looks.silent)), Some((at(7000), 1, false)));
    }

    fn event(due: u64, saw: Saw) -> Event {
        let broker = prober_core::ids::Broker::Id(BrokerId(2));
        let series = Series { cluster: ClusterName::new("c"), view: View::Coordinator, probe: Probe::Commit, broker };
        let limits = prober_core::event::Limits { deadline: Duration::from_secs(4), threshold: Duration::from_secs(1) };
        let (due, stalled) = (at(due), Duration::ZERO);
        Event { series, limits, due, sent: Some(due), ended: due + Duration::from_secs(4), saw, stalled }
    }

    #[test]
    fn row_of_bad_answers_is_counted_from_its_first_and_ends_with_a_good_one() {
        let first = continued(&event(1000, Saw::TimedOut), None);
        let second = continued(&event(3000, Saw::Failed(Fault::ConnectionReset)), first).expect("a row");
        assert_eq!((second.bad, second.since, second.fault), (2, at(1000), Fault::ConnectionReset));
        let void = Saw::Void(prober_core::event::VoidReason::Stall);
        assert_eq!(continued(&event(5000, void), Some(second)), Some(second), "what is void says nothing");
        assert_eq!(continued(&event(7000, Saw::Success(Duration::ZERO)), Some(second)), None);
    }

    #[test]
    fn commits_that_fail_while_a_broker_is_away_excuse_their_coordinators() {
        let mut suspicion = Suspicion::new(ClusterName::new("c"), Duration::from_millis(200));
        let all = BTreeSet::from([BrokerId(1), BrokerId(2)]);
        suspicion.brokers.insert(BrokerId(1), Suspect::default());
        suspicion.hear(&AskInput::Listed { asked: at(0), brokers: all });
        suspicion.counted(&event(1000, Saw::TimedOut));
        suspicion.excuse();
        assert_eq!(suspicion.brokers[&BrokerId(2)].streaks[&Probe::Commit].bad, 1);
        suspicion.hear(&AskInput::Listed { asked: at(5000), brokers: BTreeSet::from([BrokerId(2)]) });
        suspicion.excuse();
        assert!(suspicion.brokers[&BrokerId(2)].streaks.is_empty());
    }

    #[test]
    fn answer_ends_what_looks_have_found_before_it_and_not_what_they_find_after() {
        let mut suspect = Suspect { is_closed: true, ..Suspect::default() };
        suspect.look(at(1000));
        suspect.looked(at(1001), Some(Fault::ConnectionRefused));
        suspect.has_answered(at(900));
        assert!(suspect.looks.is_some(), "it answered before it was refused");
        suspect.has_answered(at(1500));
        assert_eq!((suspect.looks, suspect.is_closed), (None, false));
    }

    #[test]
    fn broker_that_hangs_for_long_is_looked_at_seldom() {
        let mut suspect = Suspect { silent: BTreeMap::from([(Channel::Write, at(0))]), ..Suspect::default() };
        let looks = (0..60_000).step_by(100).filter(|now| {
            let wanted = suspect.wants_a_look(at(*now));
            if wanted {
                suspect.look(at(*now));
                suspect.looked(at(now + 2000), Some(Fault::NoHandshake));
            }
            wanted
        });
        assert_eq!(looks.count(), 10 + 5);
    }

    #[test]
    fn look_without_an_address_is_not_waited_for_for_ever() {
        let mut suspect = Suspect { is_closed: true, ..Suspect::default() };
        suspect.look(at(0));
        assert!(suspect.wants_a_look(at(5000)));
    }

    #[test]
    fn stalls_are_added_up_within_their_time() {
        let mut stalls = Stalls::default();
        stalls.heard(Stall { from: at(1000), to: at(2000) });
        stalls.heard(Stall { from: at(9000), to: at(9500) });
        let within = |now, seconds| stalls.within(at(now), Duration::from_secs(seconds));
        assert_eq!(within(10_000, 60), Duration::from_millis(1500));
        assert_eq!(within(10_000, 3), Duration::from_millis(500));
        assert_eq!(within(12_250, 3), Duration::from_millis(250));
        assert_eq!(within(20_000, 3), Duration::ZERO);
    }
}
