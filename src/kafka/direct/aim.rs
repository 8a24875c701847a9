//! Whom each probe can be asked of, told anew as the picture of the cluster changes, and what keeps one from asking.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{Broker, BrokerId, Probe};
use prober_probes::port::ProbeInput;
use tokio::sync::watch;

use super::known::Known;
use super::metadata::Metadata;
use super::rest::Rests;
use super::scout::{OFFSETS, Scouted, TRANSACTIONS};
use super::{Context, Settings, coordinators};

/// How often it is looked at what has become known of the pinned partitions, and who has rested.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the task knows.
pub(super) struct Aiming {
    pub(super) context: Context,
    pub(super) settings: Settings,
    pub(super) scouted: watch::Receiver<Arc<Scouted>>,
    pub(super) metadata: Arc<Metadata>,
    pub(super) known: Known,
    pub(super) rests: Rests,
}

impl Aiming {
    pub(super) async fn run(mut self) {
        let mut told: BTreeMap<Probe, BTreeSet<Broker>> = BTreeMap::new();
        let mut blind: BTreeSet<Probe> = BTreeSet::new();
        loop {
            let picture = Arc::clone(&self.scouted.borrow_and_update());
            self.metadata.retain(&picture.topology.brokers.keys().copied().collect());
            for probe in self.settings.deadlines.keys().copied() {
                let brokers = if self.rests.is_on(probe) {
                    BTreeSet::new()
                } else {
                    targets(probe, &picture, &self.settings, &self.known)
                };
                if told.get(&probe) != Some(&brokers) {
                    told.insert(probe, brokers.clone());
                    (self.context.tell)(ProbeInput::Targets { probe, at: self.context.clock.now(), brokers });
                }
                self.tell_blind(probe, &picture, &mut blind);
            }
            // What is known has no bell; it is looked at now and then.
            if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, self.scouted.changed()).await {
                // The scout was dropped, and with it soon this task.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Says that a probe has nobody to ask because its internal topic may not be described, or that this is over.
    fn tell_blind(&self, probe: Probe, picture: &Scouted, blind: &mut BTreeSet<Probe>) {
        let Some(topic) = internal(probe) else { return };
        let message = picture.forbidden.contains(topic).then(|| {
            format!(
                "grant DESCRIBE on topic {topic}, or set probes.{0}.enabled = false: nobody to ask for a {0}",
                probe.as_str()
            )
        });
        let changed = if message.is_some() { blind.insert(probe) } else { blind.remove(&probe) };
        if changed {
            (self.context.tell)(ProbeInput::Blocked { probe, message: message.map(Arc::from) });
        }
    }
}

/// The internal topic that tells whom to ask.
fn internal(probe: Probe) -> Option<&'static str> {
    match probe {
        Probe::Commit => Some(OFFSETS),
        Probe::Transaction => Some(TRANSACTIONS),
        _ => None,
    }
}

/// Whom a probe can be asked of. A broker that has left stays due at its last address: leaving the metadata must not end
/// the outage in the numbers.
fn targets(probe: Probe, picture: &Scouted, settings: &Settings, known: &Known) -> BTreeSet<Broker> {
    let with_address = || picture.topology.brokers.iter().filter(|(_, seen)| seen.address.is_some());
    // Nothing is committed or written before the pinned topic is known to be ours.
    let ends = || {
        let ours = picture.pinned(&settings.pinned).filter(|(_, partition)| known.end_of(*partition).is_some());
        ours.map(|(id, _)| id)
    };
    let brokers = |ids: &mut dyn Iterator<Item = BrokerId>| ids.map(Broker::Id).collect();
    match probe {
        Probe::Metadata | Probe::Connect => brokers(&mut with_address().map(|(id, _)| *id)),
        Probe::Fetch => brokers(&mut picture.pinned(&settings.pinned).map(|(id, _)| id)),
        Probe::Commit if ends().next().is_some() => brokers(&mut coordinators::brokers(OFFSETS, picture).into_iter()),
        Probe::Transaction => {
            let coordinators = coordinators::brokers(TRANSACTIONS, picture);
            brokers(&mut ends().filter(|id| coordinators.contains(id)))
        }
        Probe::Controller if with_address().next().is_some() => BTreeSet::from([Broker::Cluster]),
        _ => BTreeSet::new(),
    }
}
