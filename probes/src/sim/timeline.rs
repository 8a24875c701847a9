//! What goes wrong in a simulated cluster, and when.

use std::collections::VecDeque;
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

/// Something that happens to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    /// No metadata is to be had.
    ClusterDown,
    /// It is again.
    ClusterUp,
    /// The topic is deleted and created again, empty.
    Recreate,
    /// Something happens to one broker.
    At(BrokerId, At),
}

/// Something that happens to one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// SIGSTOP: requests are taken and not answered.
    Freeze,
    /// SIGCONT: what was taken is answered now.
    Thaw,
    /// Connections are refused.
    Kill,
    /// They are accepted again.
    Start,
    /// Answers take this long.
    Slow(Duration),
    /// Produces are refused with this error.
    Refuse(KafkaError),
    /// Produces are accepted again.
    Accept,
    /// The next record is acked and not stored.
    LoseNext,
    /// The next record is stored twice.
    DuplicateNext,
    /// The next record is stored with a bit flipped.
    CorruptNext,
    /// Somebody else's bytes are appended.
    Garbage,
}

/// Incidents by time.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Vec<(Time, Incident)>);

impl Timeline {
    /// Nothing ever happens.
    pub fn quiet() -> Timeline {
        Timeline::default()
    }

    /// At `millis` after the clock's origin, this happens to a broker.
    #[must_use]
    pub fn at(mut self, millis: u64, broker: i32, what: At) -> Timeline {
        self.0.push((Time::from_millis(millis), Incident::At(BrokerId(broker), what)));
        self
    }

    /// At `millis` after the clock's origin, this happens to the cluster.
    #[must_use]
    pub fn cluster(mut self, millis: u64, incident: Incident) -> Timeline {
        self.0.push((Time::from_millis(millis), incident));
        self
    }

    pub(super) fn into_sorted(mut self) -> VecDeque<(Time, Incident)> {
        self.0.sort_by_key(|(at, _)| *at);
        self.0.into()
    }
}
