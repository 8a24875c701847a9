//! A broker whose log directory is gone: it is there, it answers, and says that its own partition cannot be written. Kafka
//! takes a directory that fails offline and goes on with the others (KIP-112).

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::kafka_error::KafkaError;

use super::cells::Column;
use super::input::{BrokerEvidence, Input};
use super::unresponsive::others;

/// The finding about one broker.
pub fn find(input: &Input, seen: &BrokerEvidence) -> Option<Finding> {
    let broker = seen.id;
    let shown = input.table.at(Column::Write, broker)?.stats;
    let is_of_storage = shown.failing && shown.fault == Some(Fault::Kafka(KafkaError::KAFKA_STORAGE_ERROR));
    if !is_of_storage || !input.is_settled(broker) || !seen.answered_within(input.now, input.liveness_timeout) {
        return None;
    }
    Some(Finding {
        kind: FindingKind::StorageFailed,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame: Blame::Cluster,
        since: input.now,
        confidence: 0.99,
        summary: format!(
            "broker {broker} answers and cannot write its own partition: one of its log directories has failed or is full"
        )
        .into(),
        evidence: vec![
            "it says so itself: writes to the partition that lives on it alone end with KAFKA_STORAGE_ERROR".into(),
            "it answers other questions answered_elsewhere, and is in the metadata".into(),
            others(input, seen).into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::BrokerDown, FindingKind::DiskSlow],
    })
}
