//! What fails in a simulated lane, and when.

use std::collections::VecDeque;
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

/// An incident of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    /// No metadata is available.
    ClusterDown,
    /// Metadata is available again.
    ClusterUp,
    /// The topic is deleted and created again, empty.
    Recreate,
    /// An incident of one broker.
    At(BrokerId, At),
}

/// An incident of one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// SIGSTOP: requests are taken and not answered.
    Freeze,
    /// SIGCONT: requests that were taken are answered now.
    Thaw,
    /// Connections are refused.
    Kill,
    /// Connections are accepted again.
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
    /// A record in another format is appended.
    ForeignRecord,
}

/// Incidents by time.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Vec<(Time, Incident)>);

impl Timeline {
    /// No incident.
    pub fn quiet() -> Timeline {
        Timeline::default()
    }

    /// Adds an incident of one broker, `millis` after the clock's origin.
    #[must_use]
    pub fn at(mut self, millis: u64, broker: i32, what: At) -> Timeline {
        self.0.push((Time::from_millis(millis), Incident::At(BrokerId(broker), what)));
        self
    }

    /// Adds an incident of the cluster, `millis` after the clock's origin.
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
