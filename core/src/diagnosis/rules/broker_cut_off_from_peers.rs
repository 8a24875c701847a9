//! `broker_cut_off_from_peers`: clients and controllers reach a broker, and the other brokers do not: its inter-broker listener is
//! closed to them. It keeps its leaderships, so what it leads has a single copy, and writes with acks=all and commits there fail.
//!
//! It rests on the in-sync replicas alone (see `evidence/peer_isolation.rs`), and holds only while the broker and one of those that
//! do not follow it answer the prober: then neither it nor they have stopped.

use crate::fault::Blame;
use crate::finding::{Confidence, Consequence, Finding, FindingKind};
use crate::ids::BrokerId;

use super::peers::{answering, others_answer};
use super::sentences::listed;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// The finding about one broker.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let (id, cut_off) = (broker.id, facts.cut_off.get(&broker.id)?);
    let answering: Vec<BrokerId> = answering(facts).map(|broker| broker.id).collect();
    let is_contrasted = cut_off.peers.iter().any(|peer| answering.contains(peer));
    if cut_off.ended.is_some() || !answering.contains(&id) || !is_contrasted {
        return None;
    }
    let peers = listed(cut_off.peers.iter().copied());
    Some(Finding {
        kind: FindingKind::BrokerCutOffFromPeers,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Cluster,
        since: cut_off.since,
        confidence: Confidence::Likely,
        summary: format!(
            "the other brokers do not reach broker {id}, although this prober does: what it leads is replicated nowhere, and \
             writes with acks=all to it fail; look at its inter-broker listener, and at the firewalls between the brokers"
        )
        .into(),
        evidence: vec![
            format!("no other replica is in sync in any of the {} partitions that it leads", cut_off.partitions).into(),
            format!("replicas of these at brokers {peers} are in sync where other brokers lead").into(),
            "it answers this prober, and is listed in the metadata".into(),
            others_answer(facts, broker).into(),
        ],
        runner_up: None,
        members: Vec::new(),
        consequences: consequences(facts, id),
        recurrence: None,
    })
}

/// What fails because of it: coordinators that it leads, and writes that it refuses.
fn consequences(facts: &Facts, id: BrokerId) -> Vec<Consequence> {
    let leads = |leader: Option<BrokerId>| leader == Some(id);
    let coordinators = facts.coordinators.values().any(|one| leads(one.replicas.leader) && one.row.is_some());
    let writes = facts.under_min_isr.iter().any(|one| leads(one.leader));
    let all = [(coordinators, FindingKind::CoordinatorFailing), (writes, FindingKind::NotEnoughReplicas)];
    all.into_iter().filter(|(fails, _)| *fails).map(|(_, kind)| Consequence { kind, broker: None }).collect()
}
