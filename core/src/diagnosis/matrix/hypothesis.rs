//! What could be wrong that shows in cells, and which cells it turns bad: the signatures that tell one from another.
//!
//! | | write | fetch | metadata | connect | replicated |
//! | --- | --- | --- | --- | --- | --- |
//! | broker slow | its | its | its | its | wherever it is in sync |
//! | way to it degraded | its | its | its | its | where it leads |
//! | its disk slow | its | | | | wherever it is in sync |
//! | slow to follow | | | | | where it is in sync and others lead |
//! | takes no new connections | | | | its | |
//! | cluster overloaded | all | all | all | | all |

use crate::finding::FindingKind;
use crate::ids::BrokerId;

use super::super::cells::Column;
use super::super::input::ReplicaState;

/// One of them, with its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypothesis {
    /// It is slow in everything.
    BrokerSlow(BrokerId),
    /// The network between it and us is, and its peers do not notice.
    PathDegraded(BrokerId),
    /// It is slow to write.
    DiskSlow(BrokerId),
    /// It is slow to follow others.
    FollowerSlow(BrokerId),
    /// It serves the connections that it has, and no others.
    NewConnectionsFailing(BrokerId),
    /// All are slow together.
    ClusterOverloaded,
}

impl Hypothesis {
    /// All of one broker.
    pub fn about(broker: BrokerId) -> [Hypothesis; 5] {
        [
            Hypothesis::BrokerSlow(broker),
            Hypothesis::PathDegraded(broker),
            Hypothesis::DiskSlow(broker),
            Hypothesis::FollowerSlow(broker),
            Hypothesis::NewConnectionsFailing(broker),
        ]
    }

    /// What it is called once it is found.
    pub fn kind(self) -> FindingKind {
        match self {
            Hypothesis::BrokerSlow(_) => FindingKind::BrokerSlow,
            Hypothesis::PathDegraded(_) => FindingKind::PathDegraded,
            Hypothesis::DiskSlow(_) => FindingKind::DiskSlow,
            Hypothesis::FollowerSlow(_) => FindingKind::FollowerSlow,
            Hypothesis::NewConnectionsFailing(_) => FindingKind::NewConnectionsFailing,
            Hypothesis::ClusterOverloaded => FindingKind::ClusterOverloaded,
        }
    }

    /// Whom it names.
    pub fn broker(self) -> Option<BrokerId> {
        match self {
            Hypothesis::BrokerSlow(broker)
            | Hypothesis::PathDegraded(broker)
            | Hypothesis::DiskSlow(broker)
            | Hypothesis::FollowerSlow(broker)
            | Hypothesis::NewConnectionsFailing(broker) => Some(broker),
            Hypothesis::ClusterOverloaded => None,
        }
    }

    /// Whether it turns this cell bad. `replicated` says where the partition of a replicated write is led and in sync.
    pub fn predicts(self, column: Column, broker: BrokerId, replicated: Option<&ReplicaState>) -> bool {
        let leads = |id| replicated.is_some_and(|partition| partition.leader == Some(id));
        let in_sync = |id: BrokerId| replicated.is_some_and(|partition| partition.in_sync.contains(&id));
        let is_replicated = column == Column::Replicated;
        match self {
            Hypothesis::BrokerSlow(slow) => {
                if is_replicated {
                    in_sync(slow)
                } else {
                    broker == slow
                }
            }
            Hypothesis::PathDegraded(far) => {
                if is_replicated {
                    leads(far)
                } else {
                    broker == far
                }
            }
            Hypothesis::DiskSlow(slow) => match column {
                Column::Write => broker == slow,
                Column::Replicated => in_sync(slow),
                Column::Fetch | Column::Metadata | Column::Connect => false,
            },
            Hypothesis::FollowerSlow(slow) => is_replicated && in_sync(slow) && !leads(slow),
            Hypothesis::NewConnectionsFailing(full) => column == Column::Connect && broker == full,
            Hypothesis::ClusterOverloaded => column != Column::Connect,
        }
    }
}
