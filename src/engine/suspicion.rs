//! The evidence about one cluster, as it comes in; looks at suspects; and which findings stand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use prober_core::diagnosis::input::{Channel, Input, Listed, Looks, Seen};
use prober_core::diagnosis::prober::STALLS_WITHIN;
use prober_core::diagnosis::standing::Standing;
use prober_core::event::{Event, Saw};
use prober_core::fault::Fault;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{BrokerId, ClusterName, Probe, View};
use prober_core::settle::Stall;
use prober_core::time::Time;
use prober_core::topology::Topology;
use prober_probes::port::{self, AskInput, Silence};

/// A suspect is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look that has not come back by then was put to nobody: there was no address.
const LOOK_LOST_AFTER: Duration = Duration::from_secs(5);

/// What a well broker may take at least from one answer to the next.
const RHYTHM_MIN: Duration = Duration::from_millis(500);

/// An event settles for so long before it is heard of here.
const SETTLING: Duration = Duration::from_millis(300);

const A_MINUTE: Duration = Duration::from_secs(60);

/// What is known of one cluster.
pub(super) struct Suspicion {
    cluster: ClusterName,
    rhythm: Duration,
    brokers: BTreeMap<BrokerId, Suspect>,
    listed: BTreeMap<BrokerId, Listed>,
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
}

impl Suspicion {
    /// Nothing is known yet. A broker that is well answers something every `interval`.
    pub(super) fn new(cluster: ClusterName, interval: Duration) -> Suspicion {
        Suspicion {
            cluster,
            rhythm: RHYTHM_MIN.max(2 * interval + SETTLING),
            brokers: BTreeMap::new(),
            listed: BTreeMap::new(),
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

    /// An event of the broker view was counted.
    pub(super) fn counted(&mut self, event: &Event) {
        let of_this = event.series.cluster == self.cluster && event.series.view == View::Broker;
        let Some(broker) = event.series.broker.id().filter(|_| of_this) else { return };
        let suspect = self.brokers.entry(broker).or_default();
        match event.saw {
            Saw::Success(_) | Saw::Failed(Fault::Kafka(_) | Fault::Stale) => {
                suspect.answered = suspect.answered.max(Some(event.ended));
                suspect.is_closed = false;
            }
            Saw::Failed(Fault::ConnectionRefused | Fault::ConnectionReset) if event.series.probe != Probe::Consume => {
                suspect.is_closed = true;
            }
            _ => {}
        }
    }

    /// Looks at suspects, and holds the evidence of this moment against the rules.
    pub(super) fn follow(
        &mut self,
        now: Time,
        (topology, forgotten): (&Topology, &BTreeSet<BrokerId>),
        stalls: &Stalls,
        ask: &mut dyn port::Ask,
    ) {
        let known = |id: &BrokerId| topology.brokers.contains_key(id) && !forgotten.contains(id);
        self.brokers.retain(|id, _| known(id));
        for id in topology.brokers.keys().filter(|id| known(id)) {
            let suspect = self.brokers.entry(*id).or_default();
            if suspect.wants_a_look(now) {
                suspect.look(now);
                ask.look(*id);
            }
        }
        let input = self.input(now, stalls);
        self.standing.follow(&input);
        self.log();
    }

    /// What stands.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.standing.findings().cloned()
    }

    fn input(&self, now: Time, stalls: &Stalls) -> Input {
        let seen = |(id, suspect): (&BrokerId, &Suspect)| Seen {
            broker: *id,
            listed: self.listed.get(id).copied(),
            answered: suspect.answered,
            silent: suspect.silent.clone(),
            looks: suspect.looks,
        };
        Input {
            now,
            cluster: self.cluster.clone(),
            brokers: self.brokers.iter().map(seen).collect(),
            rhythm: self.rhythm,
            stalled: stalls.within(now, STALLS_WITHIN),
            stalled_lately: stalls.within(now, A_MINUTE),
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

impl Suspect {
    fn wants_a_look(&self, now: Time) -> bool {
        let suspicious = !self.silent.is_empty() || self.is_closed;
        let idle = self.looking_since.is_none_or(|since| LOOK_LOST_AFTER <= now.since(since));
        suspicious && idle && self.looked_at.is_none_or(|at| LOOK_EVERY <= now.since(at))
    }

    fn look(&mut self, now: Time) {
        self.looking_since = Some(now);
        self.looked_at = Some(now);
        // The first of a row is silent until it has ended.
        self.looks.get_or_insert(Looks { began: now, failed: 0, fault: None, silent: true });
    }

    fn looked(&mut self, at: Time, fault: Option<Fault>) {
        let began = self.looking_since.take().unwrap_or(at);
        let Some(fault) = fault else {
            self.looks = None;
            self.is_closed = false;
            return;
        };
        let silent = matches!(
            fault,
            Fault::Timeout | Fault::ConnectTimeout | Fault::NoHandshake | Fault::NoTlsHandshake | Fault::NoSaslAnswer
        );
        let same = self.looks.filter(|looks| looks.failed == 0 || looks.silent == silent);
        let (began, failed) = same.map_or((began, 0), |looks| (looks.began, looks.failed));
        self.looks = Some(Looks { began, failed: failed + 1, fault: Some(fault), silent });
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
        suspect.looked(at(4001), Some(Fault::ConnectionRefused));
        assert_eq!(suspect.looks.map(|looks| (looks.began, looks.failed, looks.silent)), Some((at(4000), 1, false)));
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
