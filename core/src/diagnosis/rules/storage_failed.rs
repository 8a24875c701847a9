//! `storage_failed`: a log directory of a broker is gone. The broker answers, but its pinned partition cannot be written. Kafka
//! takes a failed directory offline and goes on with the others (KIP-112).

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::kafka_error::KafkaError;

use super::peers::others_answer;
use super::settled::is_settled;
use crate::diagnosis::evidence::cells::Column;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// The finding about one broker.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let id = broker.id;
    let stats = facts.table.at(Column::Write, id)?.stats;
    let is_storage_error = stats.failing && stats.fault == Some(Fault::Kafka(KafkaError::KAFKA_STORAGE_ERROR));
    if !is_storage_error || !is_settled(facts, id) || !broker.answered_within(facts.now, facts.liveness_timeout) {
        return None;
    }
    Some(Finding {
        kind: FindingKind::StorageFailed,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Cluster,
        since: facts.now,
        confidence: Confidence::Certain,
        summary: format!(
            "broker {id} answers but cannot write its pinned partition: one of its log directories has failed or is full"
        )
        .into(),
        evidence: vec![
            "it refuses writes to the partition that only it holds with KAFKA_STORAGE_ERROR".into(),
            "it answers other requests and is in the metadata".into(),
            others_answer(facts, broker).into(),
        ],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
