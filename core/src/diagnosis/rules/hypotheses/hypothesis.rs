//! What can make cells bad, and which cells each predicts: the signatures that tell one failure from another.
//!
//! | | write | fetch | metadata | connect | replicated |
//! | --- | --- | --- | --- | --- | --- |
//! | broker slow | its own | its own | its own | its own | where it is in sync |
//! | network path degraded | its own | its own | its own | its own | where it leads |
//! | disk slow | its own | | | | where it is in sync |
//! | follower slow | | | | | where it is in sync and another broker leads |
//! | new connections failing | | | | its own | |
//! | cluster overloaded | all | all | all | | all |

use crate::finding::FindingKind;
use crate::ids::BrokerId;

use crate::diagnosis::evidence::cells::Column;
use crate::diagnosis::evidence::facts::ReplicaState;

/// A hypothesis, with the broker that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypothesis {
    /// The broker is slow in everything.
    BrokerSlow(BrokerId),
    /// The network path between the prober and the broker is slow; its peers do not notice.
    PathDegraded(BrokerId),
    /// The broker is slow to write.
    DiskSlow(BrokerId),
    /// The broker is slow to replicate from other leaders.
    FollowerSlow(BrokerId),
    /// The broker serves existing connections and accepts no new ones.
    NewConnectionsFailing(BrokerId),
    /// Most brokers are slow at the same time.
    ClusterOverloaded,
}

impl Hypothesis {
    /// Every hypothesis about one broker.
    pub fn about(broker: BrokerId) -> [Hypothesis; 5] {
        [
            Hypothesis::BrokerSlow(broker),
            Hypothesis::PathDegraded(broker),
            Hypothesis::DiskSlow(broker),
            Hypothesis::FollowerSlow(broker),
            Hypothesis::NewConnectionsFailing(broker),
        ]
    }

    /// The kind of finding that it becomes.
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

    /// The broker that it names, if any.
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

    /// Whether it predicts that this cell is bad. `replicated` are the leader and in-sync replicas of a replicated write.
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
