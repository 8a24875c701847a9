//! `coordinator_partition_failing`: one partition of an internal topic fails at its coordinator, while the other partitions of that
//! broker are well. The groups, or the transactional ids, that hash to it are down, and nobody else notices.
//!
//! It accuses the partition. Every answer of a coordinator waits for the partition's in-sync replicas (K2), so its leader is where
//! it fails and not necessarily why.

use std::sync::Arc;

use crate::coordinator::{InternalPartition, InternalTopic};
use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::kafka_error::KafkaError;

use super::sentences::{listed, seconds};
use crate::diagnosis::dependencies::Explained;
use crate::diagnosis::evidence::facts::{CoordinatorEvidence, Facts, PartitionFailures, failing_alone, others_at};
use crate::diagnosis::thresholds::bounds;

/// A partition that fails by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing<'a> {
    pub(super) id: InternalPartition,
    pub(super) evidence: &'a CoordinatorEvidence,
    pub(super) row: PartitionFailures,
}

impl Failing<'_> {
    fn is_with(&self, error: KafkaError) -> bool {
        self.row.streak.fault == Fault::Kafka(error)
    }

    /// Coordinators answer COORDINATOR_NOT_AVAILABLE when their own write meets NOT_ENOUGH_REPLICAS.
    fn lacks_replicas(&self) -> bool {
        let replicas = &self.evidence.replicas;
        replicas.in_sync.len() < replicas.replicas.len()
            && (self.is_with(KafkaError::COORDINATOR_NOT_AVAILABLE) || self.is_with(KafkaError::NOT_ENOUGH_REPLICAS))
    }
}

/// The partitions that fail, without those that depend on a failing broker.
pub(super) fn failing<'a>(facts: &'a Facts, explained: &Explained) -> Vec<Failing<'a>> {
    let one = |(id, evidence): (&InternalPartition, &'a CoordinatorEvidence)| {
        let row = failing_alone(&facts.coordinators, *id).filter(|_| !explained.covers_coordinator(evidence))?;
        Some(Failing { id: *id, evidence, row })
    };
    facts.coordinators.iter().filter_map(one).collect()
}

/// One finding about all of these.
pub(super) fn find(facts: &Facts, failing: &[Failing<'_>]) -> Option<Finding> {
    let since = failing.iter().map(|one| one.row.streak.since).min()?;
    Some(Finding {
        kind: FindingKind::CoordinatorPartitionFailing,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Certain,
        summary: summary(facts, failing).into(),
        evidence: failing
            .iter()
            .take(bounds::PARTITIONS_NAMED_MAX.get())
            .flat_map(|one| evidence(facts, one))
            .collect(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn summary(facts: &Facts, failing: &[Failing<'_>]) -> String {
    if let [one] = failing {
        let (place, rest, whose) = (place(one), rest(facts, one), whose(one.id.topic));
        if one.is_with(KafkaError::COORDINATOR_LOAD_IN_PROGRESS) {
            let length = seconds(facts.now.since(one.row.streak.since));
            return format!(
                "{place} has been loading for {length}{rest}: {whose} wait until that is done; look at its size"
            );
        }
        if one.lacks_replicas() {
            return format!(
                "{place} takes no write{rest}: fewer replicas are in sync than min.insync.replicas demands, and {whose} cannot \
                 commit; bring its other replicas back"
            );
        }
        return format!("{place} fails{rest}: {whose} cannot commit; elect another leader for it, and look at its log");
    }
    let named: Vec<String> = failing.iter().take(bounds::PARTITIONS_NAMED_MAX.get()).map(place).collect();
    let more = match failing.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} partitions of the internal topics fail while others of their brokers are well: {}{more}; elect other leaders for \
         them, and look at their logs",
        failing.len(),
        named.join("; ")
    )
}

/// Partition, leader and in-sync replicas.
fn place(one: &Failing<'_>) -> String {
    let replicas = &one.evidence.replicas;
    let leader = replicas.leader.map_or_else(|| "without a leader".to_owned(), |leader| format!("leader {leader}"));
    format!("{} ({leader}, in sync {})", one.id, listed(replicas.in_sync.iter().copied()))
}

/// That the other partitions of its broker are well, where that is known.
fn rest(facts: &Facts, one: &Failing<'_>) -> &'static str {
    if well_since(facts, one) == 0 { "" } else { " while the other partitions of its broker are well" }
}

fn whose(topic: InternalTopic) -> &'static str {
    match topic {
        InternalTopic::ConsumerOffsets => "its groups",
        InternalTopic::TransactionState => "its transactional ids",
    }
}

fn evidence(facts: &Facts, one: &Failing<'_>) -> Vec<Arc<str>> {
    let Failing { id, evidence, row } = one;
    let (probe, within) = (id.topic.probe().as_str(), seconds(facts.now.since(row.streak.since)));
    let (bad, broker, fault) = (row.streak.bad, row.broker, row.streak.fault.error_type());
    let replicas = listed(evidence.replicas.replicas.iter().copied());
    let mut sentences = vec![
        format!("{bad} {probe} attempts in a row at {id}, in {within} at broker {broker}, ended with {fault}").into(),
        format!("{}; its replicas are {replicas}", place(one)).into(),
    ];
    let well = well_since(facts, one);
    if well != 0 {
        sentences.push(format!("{well} other partitions of that topic succeeded at broker {broker} since then").into());
    }
    sentences
}

/// Other partitions of the topic at the same broker that have succeeded since this one began to fail.
fn well_since(facts: &Facts, one: &Failing<'_>) -> usize {
    let is_well = |evidence: &&CoordinatorEvidence| evidence.last_good.is_some_and(|good| one.row.streak.since <= good);
    others_at(&facts.coordinators, one.id, one.row.broker).filter(is_well).count()
}
