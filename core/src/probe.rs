//! The kinds of probe, and one table of what the rest of the code has to know of each.
//!
//! The table is the only list of probes: the configuration, the metrics, the status, `explain` and `check` read it. How a
//! direct probe is built is the other half of its row, in `prober-probes`' `spec.rs`. CONTRIBUTING.md has the list of
//! what a new kind takes.

use serde::{Deserialize, Serialize};

use crate::event::Outcome;
use crate::ids::{ConnectionRole, View};

/// A kind of check, run on a schedule. Serialized as its label value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Writes one record to the target partition and waits for its ack.
    Produce,
    /// Reads that acked record back.
    Consume,
    /// From sending the record to reading it back, as one event.
    EndToEnd,
    /// Reads a known record again, directly from the broker.
    Fetch,
    /// Asks each broker for the metadata of the monitor topics: is it behind the majority of brokers?
    Metadata,
    /// Opens a fresh connection and times each phase.
    Connect,
    /// Commits an offset and reads it back, at the coordinator of a group.
    Commit,
    /// Commits one transaction and aborts one, at the coordinator of a transactional id.
    Transaction,
    /// Has the controller validate the creation of a topic.
    Controller,
}

/// Where the attempts of a probe come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One record feeds `produce`, `consume` and `end_to_end` of its lane.
    Record,
    /// Every attempt is one request with one response, outside the lanes.
    Direct,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSpec {
    /// The probe.
    pub probe: Probe,
    /// Its label value, and its table `[probes.NAME]` in the configuration.
    pub name: &'static str,
    /// Where its attempts come from.
    pub source: Source,
    /// The views that its events can belong to; a direct probe has exactly one.
    pub views: &'static [View],
    /// The outcomes that its attempts can have: counters of these are exported as 0 from the discovery of a target on.
    pub outcomes: &'static [Outcome],
    /// The probe whose success begins its attempts; `None` if they have a schedule of their own.
    pub follows: Option<Probe>,
    /// The connection to a broker that its attempts in the broker view use.
    pub connection: Option<ConnectionRole>,
    /// Whether the state of a broker follows from its newest event. Not for `connect`: at one attempt in 10 s its newest
    /// event may be older than the fault, or than the recovery.
    pub shows_broker_state: bool,
    /// The most brokers that one attempt asks, one after the other, each for one configured deadline.
    pub brokers_per_attempt: u32,
}

const RECORD: &[View] = &[View::Broker, View::Client];
const BROKER: &[View] = &[View::Broker];
/// A commit touches the coordinator and the replicas of its internal partition (K2), so its events blame no broker.
const COORDINATOR: &[View] = &[View::Coordinator];
const CLUSTER: &[View] = &[View::Cluster];

const OF_A_BROKER: &[Outcome] = {
    use Outcome::{Error, Good, Missed, Planned, Slow, Timeout, Void};
    &[Good, Slow, Error, Timeout, Planned, Void, Missed]
};
/// A planned absence of a broker excuses neither a coordinator nor the controller: those move to another broker.
const OF_A_MOVING_ROLE: &[Outcome] = {
    use Outcome::{Error, Good, Missed, Slow, Timeout, Void};
    &[Good, Slow, Error, Timeout, Void, Missed]
};
/// A consume attempt begins at an ack: it is never missed, and no error response belongs to it.
const OF_A_CONSUME: &[Outcome] = {
    use Outcome::{Corrupt, Good, Lost, Planned, Slow, Timeout, Void};
    &[Good, Slow, Timeout, Lost, Corrupt, Planned, Void]
};
const OF_END_TO_END: &[Outcome] = {
    use Outcome::{Corrupt, Error, Good, Lost, Missed, Planned, Slow, Timeout, Void};
    &[Good, Slow, Error, Timeout, Lost, Corrupt, Planned, Void, Missed]
};

/// Every probe, in the order of [`Probe`].
pub const PROBES: [ProbeSpec; 9] = {
    use ConnectionRole::{Control, Fetch, Fresh, Produce};
    use Source::{Direct, Record};
    [
        ProbeSpec { connection: Some(Produce), ..row(Probe::Produce, "produce", Record, RECORD, OF_A_BROKER) },
        ProbeSpec {
            follows: Some(Probe::Produce),
            connection: Some(Fetch),
            ..row(Probe::Consume, "consume", Record, RECORD, OF_A_CONSUME)
        },
        row(Probe::EndToEnd, "end_to_end", Record, RECORD, OF_END_TO_END),
        ProbeSpec { connection: Some(Control), ..row(Probe::Fetch, "fetch", Direct, BROKER, OF_A_BROKER) },
        ProbeSpec { connection: Some(Control), ..row(Probe::Metadata, "metadata", Direct, BROKER, OF_A_BROKER) },
        ProbeSpec {
            connection: Some(Fresh),
            shows_broker_state: false,
            ..row(Probe::Connect, "connect", Direct, BROKER, OF_A_BROKER)
        },
        row(Probe::Commit, "commit", Direct, COORDINATOR, OF_A_MOVING_ROLE),
        row(Probe::Transaction, "transaction", Direct, COORDINATOR, OF_A_MOVING_ROLE),
        // The controller is asked through a second broker if the first does not get it to answer (K17).
        ProbeSpec { brokers_per_attempt: 2, ..row(Probe::Controller, "controller", Direct, CLUSTER, OF_A_MOVING_ROLE) },
    ]
};

const fn row(
    probe: Probe,
    name: &'static str,
    source: Source,
    views: &'static [View],
    outcomes: &'static [Outcome],
) -> ProbeSpec {
    let shows_broker_state = matches!(views[0], View::Broker);
    ProbeSpec {
        probe,
        name,
        source,
        views,
        outcomes,
        follows: None,
        connection: None,
        shows_broker_state,
        brokers_per_attempt: 1,
    }
}

impl Probe {
    /// Every probe.
    pub const ALL: [Probe; PROBES.len()] = select(Some(Source::Record), Some(Source::Direct));

    /// The three probes that one record feeds.
    pub const OF_A_RECORD: [Probe; 3] = select(Some(Source::Record), None);

    /// The direct probes: every attempt is one request with one response.
    pub const DIRECT: [Probe; PROBES.len() - Probe::OF_A_RECORD.len()] = select(None, Some(Source::Direct));

    /// The probes of a view, in the order of the table.
    pub fn of_view(view: View) -> impl Iterator<Item = Probe> {
        PROBES.iter().filter(move |spec| spec.views.contains(&view)).map(|spec| spec.probe)
    }

    /// The probes whose newest events show the state of a broker.
    pub fn showing_broker_state() -> impl Iterator<Item = Probe> {
        PROBES.iter().filter(|spec| spec.shows_broker_state).map(|spec| spec.probe)
    }

    /// Those of them whose newest event is always recent, because no attempt waits for the success of another.
    pub fn showing_answers() -> impl Iterator<Item = Probe> {
        Probe::showing_broker_state().filter(|probe| probe.spec().follows.is_none())
    }

    /// Its row in the table.
    pub const fn spec(self) -> ProbeSpec {
        PROBES[self as usize]
    }

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The probe of that label value.
    pub fn parse(text: &str) -> Option<Probe> {
        PROBES.iter().find(|spec| spec.name == text).map(|spec| spec.probe)
    }

    /// The one view of a direct probe's events, or the first of a record's.
    pub const fn direct_view(self) -> View {
        self.spec().views[0]
    }
}

/// The probes of one or two sources, in the order of the table; does not compile unless there are `N`.
const fn select<const N: usize>(one: Option<Source>, other: Option<Source>) -> [Probe; N] {
    let mut selected = [Probe::Produce; N];
    let (mut row, mut count) = (0, 0);
    while row < PROBES.len() {
        let wanted = match PROBES[row].source {
            Source::Record => one.is_some(),
            Source::Direct => other.is_some(),
        };
        if wanted {
            selected[count] = PROBES[row].probe;
            count += 1;
        }
        row += 1;
    }
    assert!(count == N);
    selected
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn row_is_found_by_probe_and_by_name() {
        for (index, spec) in PROBES.iter().enumerate() {
            assert_eq!(spec.probe as usize, index, "{}", spec.name);
            assert_eq!(spec.probe.spec(), *spec);
            assert_eq!(Probe::parse(spec.name), Some(spec.probe));
        }
        let names: BTreeSet<_> = PROBES.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), PROBES.len());
        assert_eq!(Probe::parse("mirror"), None);
    }

    #[test]
    fn direct_probe_has_one_view() {
        for probe in Probe::DIRECT {
            assert_eq!(probe.spec().views.len(), 1, "{}", probe.as_str());
        }
    }

    #[test]
    fn answers_are_read_from_probes_that_wait_for_no_other() {
        let shown: BTreeSet<Probe> = Probe::showing_answers().collect();
        for spec in PROBES {
            let expected = spec.shows_broker_state && spec.probe != Probe::Consume;
            assert_eq!(shown.contains(&spec.probe), expected, "{}", spec.name);
        }
    }

    #[test]
    fn broker_state_is_read_from_the_probes_of_one_broker_but_not_from_connect() {
        for spec in PROBES {
            let of_a_broker = spec.views.contains(&View::Broker);
            assert_eq!(spec.shows_broker_state, of_a_broker && spec.probe != Probe::Connect, "{}", spec.name);
        }
    }
}
