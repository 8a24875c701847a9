//! `path_degraded` by packet loss that is too rare to make a whole cell slow: single connections to one broker stall while
//! others to it are answered.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::settled::is_settled;
use crate::diagnosis::evidence::cells::single_connection_stalls::SingleConnectionStalls;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// Factor by which every other broker must stall less often. Otherwise the loss is in the prober's own network, or everywhere.
const PEERS_FACTOR: usize = 4;

/// The finding about the network path to one broker. The caller has made sure that nothing else explains late answers.
pub fn find(facts: &Facts) -> Option<Finding> {
    let stalls_of =
        |broker: &BrokerEvidence| facts.table.single_connection_stalls.get(&broker.id).copied().unwrap_or_default();
    let is_lossy = |broker: &&BrokerEvidence| stalls_of(broker).is_often() && is_settled(facts, broker.id);
    let mut lossy = facts.brokers.iter().filter(is_lossy);
    let (broker, None) = (lossy.next()?, lossy.next()) else { return None };
    let SingleConnectionStalls { stalls, connections } = stalls_of(broker);
    let mut others = facts.brokers.iter().filter(|other| other.id != broker.id);
    if others.any(|other| stalls < PEERS_FACTOR * stalls_of(other).stalls) {
        return None;
    }
    let id = broker.id;
    Some(Finding {
        kind: FindingKind::PathDegraded,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Unclear,
        since: facts.now,
        confidence: 0.9,
        summary: format!(
            "the network path from this prober to broker {id} loses packets: single connections to it stall while others \
             to it are answered; look at the network between"
        )
        .into(),
        evidence: vec![
            format!("{stalls} late answers on {connections} connections in 20 s, each while another connection was answered")
                .into(),
            "connections to the other brokers did not stall like that".into(),
        ],
        runner_up: Some(FindingKind::BrokerSlow),
        ruled_out: vec![FindingKind::BrokerStalled, FindingKind::ClusterOverloaded, FindingKind::ProberStalled],
    })
}
