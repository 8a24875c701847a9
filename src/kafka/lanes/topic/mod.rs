//! The topic of a lane: found or created, checked to be ours, and watched. Both lanes use it.
//!
//! | file | holds |
//! | --- | --- |
//! | [`reconciler`] | the control loop: requests metadata, plans, creates the topic, and reports its layout |
//! | [`creation_state`], [`create_topic`] | when the topic is created, and the request for it |
//! | [`ownership`] | whether the topic of our name is ours |
//! | [`leaders`] | the leader of each partition |
//! | [`read_position`] | the offset at which a reader starts |
//! | [`leader_epochs`] | the end offset of each leader epoch that has ended |
//! | [`rereader`] | reads one offset again |
//! | [`records`] | the origin of a record |

mod create_topic;
mod creation_state;
mod leader_epochs;
pub(super) mod leaders;
pub(super) mod ownership;
pub(super) mod read_position;
pub(super) mod reconciler;
mod records;
pub(super) mod rereader;

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::ConnectionRole;
use prober_core::ids::{BrokerId, Lane};
use prober_core::placement::Mode;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::LaneInput;
use prober_probes::record::Identity;
use tokio::sync::Notify;

use crate::supervisor::Supervisor;

use crate::kafka::security::Security;
use crate::kafka::session::overdue_monitor::OverdueMonitor;
use crate::kafka::{Report, Reporter};
use leaders::Leaders;
use ownership::Ownership;

/// Settings of a lane's topic.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// The lane.
    pub lane: Lane,
    /// Bootstrap servers, `host:port`.
    pub bootstrap: Vec<String>,
    /// The topic.
    pub topic: Arc<str>,
    /// Kafka's `client.id`: appears in the brokers' logs and quotas.
    pub client_id: Arc<str>,
    /// TLS and SASL.
    pub security: Arc<Security>,
    /// Deadline of produce; also the idle time-out of the lane's connections.
    pub deadline: Duration,
    /// Whether a missing topic is created.
    pub upkeep: Mode,
    /// Run and vantage, written into each record.
    pub identity: Identity,
}

/// What all tasks of one lane share.
#[derive(Clone)]
pub(in crate::kafka) struct LaneContext {
    pub(super) clock: Clock,
    pub(super) lane: Lane,
    pub(super) topic: Arc<str>,
    pub(super) client_id: Arc<str>,
    pub(super) security: Arc<Security>,
    pub(super) deadline: Duration,
    pub(super) identity: Identity,
    pub(super) report: Reporter,
    pub(super) supervisor: Supervisor,
    /// Notified when a response shows that the metadata are stale.
    pub(super) stale: Arc<Notify>,
    pub(super) leaders: Leaders,
}

impl LaneContext {
    pub(super) fn new(settings: &TopicSettings, clock: Clock, report: Reporter, supervisor: Supervisor) -> LaneContext {
        LaneContext {
            clock,
            lane: settings.lane,
            topic: Arc::clone(&settings.topic),
            client_id: Arc::clone(&settings.client_id),
            security: Arc::clone(&settings.security),
            deadline: settings.deadline,
            identity: settings.identity,
            report,
            supervisor,
            stale: Arc::new(Notify::new()),
            leaders: Leaders::default(),
        }
    }

    /// The monitor of overdue responses of one connection of this lane.
    pub(super) fn overdue_monitor(&self, broker: BrokerId, role: ConnectionRole, waits: Duration) -> OverdueMonitor {
        let report = Arc::clone(&self.report);
        OverdueMonitor::new(self.clock, broker, role, waits, Arc::new(move |overdue| report(Report::Overdue(overdue))))
    }

    /// Reports an input of this lane to the engine.
    pub(super) fn emit(&self, input: LaneInput) {
        (self.report)(Report::Lane(input));
    }
}

/// What reads and writes the topic: starts and stops its tasks as the topic changes.
pub(super) trait TopicHandler: Send + 'static {
    /// The topic exists, with these partitions and replicas.
    fn on_layout(&mut self, topology: &Topology, topic: &TopicSeen, ownership: &Ownership);

    /// The topic was deleted, is not ours, or was replaced by another one of the same name: stop using it.
    fn on_gone(&mut self);
}
