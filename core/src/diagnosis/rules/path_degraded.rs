//! `path_degraded` by packet loss that is too rare to make a whole cell slow: single connections to one broker stall while
//! others to it are answered.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use super::settled::is_settled;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};
use crate::diagnosis::evidence::single_connection_stalls::SingleConnectionStalls;

/// The findings about the network paths to single brokers. The caller has made sure that nothing else explains late answers.
pub fn find(facts: &Facts) -> Vec<Finding> {
    let is_lossy = |broker: &&BrokerEvidence| {
        facts.table.stalls_of(broker.id).is_ongoing
            && facts.table.is_path_lossy(broker.id)
            && is_settled(facts, broker.id)
    };
    facts.brokers.iter().filter(is_lossy).map(|broker| finding(facts, broker)).collect()
}

fn finding(facts: &Facts, broker: &BrokerEvidence) -> Finding {
    let id = broker.id;
    let SingleConnectionStalls { stalls, connections, .. } = facts.table.stalls_of(id);
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
