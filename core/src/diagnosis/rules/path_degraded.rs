//! `path_degraded` by packet loss that is too rare to make a whole cell slow: single connections to one broker stall while
//! others to it are answered.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use super::settled::is_settled;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};
use crate::diagnosis::evidence::single_connection_stalls::SingleConnectionStalls;

/// Factor by which most other brokers must stall less often. Otherwise the loss is in the prober's own network, or everywhere.
const PEERS_FACTOR: usize = 4;

/// The findings about the network paths to single brokers. The caller has made sure that nothing else explains late answers.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let is_lossy = |broker: &&BrokerEvidence| {
        let stalls = stalls_of(facts, broker);
        stalls.is_often() && is_settled(facts, broker.id) && PEERS_FACTOR * peers_stalls(facts, broker) <= stalls.stalls
    };
    facts.brokers.iter().filter(is_lossy).map(|broker| finding(facts, broker)).collect()
}

fn stalls_of(facts: &Facts, broker: &BrokerEvidence) -> SingleConnectionStalls {
    facts.table.single_connection_stalls.get(&broker.id).copied().unwrap_or_default()
}

/// Median of the stalls of the other brokers; of two in the middle the larger.
fn peers_stalls(facts: &Facts, broker: &BrokerEvidence) -> usize {
    let others = facts.brokers.iter().filter(|other| other.id != broker.id);
    let mut stalls: Vec<usize> = others.map(|other| stalls_of(facts, other).stalls).collect();
    stalls.sort_unstable();
    stalls.get(stalls.len() / 2).copied().unwrap_or(0)
}

fn finding(facts: &Facts, broker: &BrokerEvidence) -> Finding {
    let SingleConnectionStalls { stalls, connections } = stalls_of(facts, broker);
    let id = broker.id;
    Finding {
        kind: FindingKind::PathDegraded,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Unclear,
        since: facts.now,
        confidence: Confidence::Likely,
        summary: format!(
            "the network path from this prober to broker {id} loses packets: single connections to it stall while others \
             to it are answered; look at the network between"
        )
        .into(),
        evidence: vec![
            format!("{stalls} late answers on {connections} connections in 20 s, each while another connection was answered")
                .into(),
            "connections to most other brokers did not stall like that".into(),
        ],
        runner_up: Some(FindingKind::BrokerSlow),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}
