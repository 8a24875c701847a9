//! A lane's topic, whoever writes and reads it: found or created, known to be ours, and watched.
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

/// What a lane is told of its topic, and of how far it may go.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// The lane.
    pub lane: Lane,
    /// Where to ask first, `host:port` each.
    pub bootstrap: Vec<String>,
    /// The topic.
    pub topic: Arc<str>,
    /// What the brokers' logs and quotas know us by.
    pub client_id: Arc<str>,
    /// TLS and SASL.
    pub security: Arc<Security>,
    /// Produce's deadline: the idle time-out of a silent connection.
    pub deadline: Duration,
    /// Whether a missing topic is created.
    pub upkeep: Mode,
    /// Who writes.
    pub identity: Identity,
}

/// What everything that works on one lane's topic shares.
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
    /// Told when an answer says that our picture of the cluster is old.
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

    /// What a connection of this lane to a broker owes.
    pub(super) fn overdue_monitor(&self, broker: BrokerId, role: ConnectionRole, waits: Duration) -> OverdueMonitor {
        let report = Arc::clone(&self.report);
        OverdueMonitor::new(self.clock, broker, role, waits, Arc::new(move |silence| report(Report::Silence(silence))))
    }

    pub(super) fn emit(&self, input: LaneInput) {
        (self.report)(Report::Lane(input));
    }
}

/// Who writes and reads the topic.
pub(super) trait TopicHandler: Send + 'static {
    /// The topic is there, and lies like this now.
    fn on_layout(&mut self, topology: &Topology, topic: &TopicSeen, ownership: &Ownership);

    /// The topic is gone, or not ours, or another one of the same name: nothing of it may be used any more.
    fn on_gone(&mut self);
}
