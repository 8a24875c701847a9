//! A lane's topic, whoever writes and reads it: found or created, known to be ours, and watched.
//!
//! | file | holds |
//! | --- | --- |
//! | [`observer`] | the loop: observe → plan → apply, and never a word on the data path |
//! | [`picture`] | the cluster as the newest metadata shows it |
//! | [`metadata`] | asking for it: any broker that answers will do |
//! | [`creating`], [`creation`] | whether and how the topic is created |
//! | [`ownership`] | whether the topic of our name is ours |
//! | [`leaders`] | who leads each partition now |
//! | [`position`] | where a reader starts |
//! | [`epochs`] | what an old leader's epoch ended with |
//! | [`second_look`] | one offset, read once more |
//! | [`sight`] | what a record is to us |
//! | [`link`], [`owed`] | one kept connection, and since when it owes an answer |
//! | [`fault`] | what a wire error means to a probe |

mod creating;
mod creation;
mod epochs;
pub(super) mod fault;
pub(super) mod leaders;
pub(super) mod link;
pub(super) mod metadata;
pub(super) mod observer;
pub(super) mod owed;
pub(super) mod ownership;
pub(super) mod picture;
pub(super) mod position;
pub(super) mod second_look;
pub(super) mod sight;

use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::input::Channel;
use prober_core::ids::{BrokerId, Lane};
use prober_core::placement::Mode;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::LaneInput;
use prober_probes::record::Identity;
use tokio::sync::Notify;

use crate::alarm::Alarm;

use super::security::Security;
use super::{Report, Reporter};
use leaders::Leaders;
use owed::Owed;
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
    /// Produce's deadline: the patience with a silent connection.
    pub deadline: Duration,
    /// Whether a missing topic is created.
    pub upkeep: Mode,
    /// Who writes.
    pub identity: Identity,
}

/// What everything that works on one lane's topic shares.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) lane: Lane,
    pub(super) topic: Arc<str>,
    pub(super) client_id: Arc<str>,
    pub(super) security: Arc<Security>,
    pub(super) deadline: Duration,
    pub(super) identity: Identity,
    pub(super) report: Reporter,
    pub(super) alarm: Alarm,
    /// Told when an answer says that our picture of the cluster is old.
    pub(super) stale: Arc<Notify>,
    pub(super) leaders: Leaders,
}

impl Context {
    pub(super) fn new(settings: &TopicSettings, clock: Clock, report: Reporter, alarm: Alarm) -> Context {
        Context {
            clock,
            lane: settings.lane,
            topic: Arc::clone(&settings.topic),
            client_id: Arc::clone(&settings.client_id),
            security: Arc::clone(&settings.security),
            deadline: settings.deadline,
            identity: settings.identity,
            report,
            alarm,
            stale: Arc::new(Notify::new()),
            leaders: Leaders::default(),
        }
    }

    /// What a connection of this lane to a broker owes.
    pub(super) fn owed(&self, broker: BrokerId, channel: Channel, waits: Duration) -> Owed {
        let report = Arc::clone(&self.report);
        Owed::new(self.clock, broker, channel, waits, Arc::new(move |silence| report(Report::Silence(silence))))
    }

    pub(super) fn tell(&self, input: LaneInput) {
        (self.report)(Report::Lane(input));
    }
}

/// Who writes and reads the topic.
pub(super) trait Tenant: Send + 'static {
    /// The topic is there, and lies like this now.
    fn lay_out(&mut self, topology: &Topology, topic: &TopicSeen, ownership: &Ownership);

    /// The topic is gone, or not ours, or another one of the same name: nothing of it may be used any more.
    fn leave(&mut self);
}
