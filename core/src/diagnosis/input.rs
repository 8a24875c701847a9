//! What the diagnosis of one cluster takes in: a closed list. Whoever feeds the same inputs and asks at the same times gets the
//! same findings; the engine, the scenarios and a replay all do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::coordinator::InternalTopic;
use crate::event::Event;
use crate::fault::Fault;
use crate::ids::{BrokerId, ConnectionRole, Partition};
use crate::observed::Observed;
use crate::settle::Stall;
use crate::tcp_state::TcpState;
use crate::time::{Time, nanoseconds};
use crate::topology::TopicSeen;
use crate::vitals::{ControlKind, Readings};

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// An event of this cluster was counted.
    Event(Event),
    /// A pooled connection has become overdue, or is no longer.
    Overdue(OverdueConnection),
    /// A connect check that an evaluation asked for has ended.
    ConnectChecked {
        /// The broker.
        broker: BrokerId,
        /// When it ended.
        at: Time,
        /// Why ApiVersions was not answered; `None`: it was.
        fault: Option<Fault>,
    },
    /// The brokers in a metadata response.
    MetadataBrokers {
        /// When the metadata was requested.
        asked: Time,
        /// The brokers.
        brokers: BTreeSet<BrokerId>,
    },
    /// The brokers that are probed, listed or not, without the decommissioned ones; replaces those before.
    Brokers(BTreeSet<BrokerId>),
    /// The leader of a partition of the replicated lane refuses every record with this fault, or no longer does (`None`).
    Refuses {
        /// The partition.
        partition: Partition,
        /// When the leader reported it.
        at: Time,
        /// The fault.
        fault: Option<Fault>,
    },
    /// The leaders and in-sync replicas of the replicated lane.
    Topic(TopicSeen),
    /// The leaders and in-sync replicas of an internal topic.
    InternalTopic {
        /// The topic.
        topic: InternalTopic,
        /// When the metadata were requested.
        asked: Time,
        /// Its partitions.
        seen: TopicSeen,
    },
    /// Acked records of the replicated lane that were lost until now, since the prober began.
    Lost {
        /// How many.
        count: u64,
        /// When the count changed.
        at: Time,
    },
    /// Messages about missing permissions, one sentence each with the grant that would help; replaces those before.
    MissingPermissions(Vec<Arc<str>>),
    /// Another prober uses this prober's vantage name.
    DuplicateVantage {
        /// When that was noticed.
        at: Time,
        /// A sentence about what was noticed.
        evidence: Arc<str>,
    },
    /// The cluster's own answers about brokers, partitions, disks and quorum, whenever a part of them was requested.
    Observed {
        /// When they were taken in.
        at: Time,
        /// The newest answer of each part.
        observed: Arc<Observed>,
    },
    /// The prober itself was stalled.
    Stall(Stall),
    /// The kernel's counters of the prober's process and host.
    Readings(Readings),
    /// The prober's host was suspended and has resumed.
    Resumed {
        /// When that was noticed.
        at: Time,
        /// Length of the suspend.
        #[serde(with = "nanoseconds")]
        length: Duration,
    },
    /// A control was asked, and has answered in time or not.
    Control {
        /// Which.
        control: ControlKind,
        /// When it was asked.
        asked: Time,
        /// Whether it answered in time.
        has_answered: bool,
    },
    /// This host had no file descriptor, port or memory left for the prober.
    ResourceShortage(Time),
}

/// A pooled connection with an overdue response, or one that is answered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverdueConnection {
    /// The broker.
    pub broker: BrokerId,
    /// Which of its connections.
    pub role: ConnectionRole,
    /// Since when the response is outstanding; `None`: nothing is overdue any more.
    pub since: Option<Time>,
    /// What our kernel knows of the socket, if it does.
    pub tcp_state: Option<TcpState>,
}
