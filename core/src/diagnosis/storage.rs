//! A broker whose log directory is gone: it is there, it answers, and its own partition has no leader or cannot be written. Kafka
//! takes a directory that fails offline and goes on with the others (KIP-112).

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::kafka_error::KafkaError;

use super::cells::Column;
use super::input::{Input, Seen};
use super::silence::others;

/// The finding about one broker.
pub fn find(input: &Input, seen: &Seen) -> Option<Finding> {
    let broker = seen.broker;
    let shown = input.table.at(Column::Write, broker)?.shown;
    let fault = shown.fault.filter(|fault| shown.failing && is_of_storage(*fault))?;
    if !input.is_settled(broker) || !seen.answered_within(input.now, input.rhythm) {
        return None;
    }
    Some(Finding {
        kind: FindingKind::StorageFailed,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame: Blame::Cluster,
        since: input.now,
        confidence: if fault == Fault::Kafka(KafkaError::KAFKA_STORAGE_ERROR) { 0.99 } else { 0.9 },
        summary: format!(
            "broker {broker} answers and cannot write its own partition: one of its log directories has failed or is full"
        )
        .into(),
        evidence: vec![
            format!("writes to the partition that lives on it alone end with {}", fault.error_type()).into(),
            "it answers other questions meanwhile, and is in the metadata".into(),
            others(input, seen).into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::BrokerDown, FindingKind::DiskSlow],
    })
}

/// What a broker says that has the partition no more: the directory is offline, or nobody leads it for that reason. Its only
/// replica lives there, so nobody else can.
fn is_of_storage(fault: Fault) -> bool {
    let of_storage =
        [KafkaError::KAFKA_STORAGE_ERROR, KafkaError::NOT_LEADER_OR_FOLLOWER, KafkaError::LEADER_NOT_AVAILABLE];
    matches!(fault, Fault::Kafka(error) if of_storage.contains(&error))
}
