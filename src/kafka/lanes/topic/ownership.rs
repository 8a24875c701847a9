//! Whether the topic that has the name of a lane was written by kafka-prober. Nothing is written to it before its newest
//! records have been checked, as far as its brokers answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use prober_core::ids::Partition;
use tokio::sync::watch;

/// The newest record of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Newest {
    /// Written by kafka-prober, in any version.
    Ours,
    /// Written by anything else.
    Foreign,
    /// The partition is empty.
    Empty,
    /// It could not be read: a gap in the log, or deleted while it was read.
    Unknown,
    /// Its broker does not answer.
    Unreachable,
}

/// Who owns the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Owner {
    /// Some partition has not been checked.
    Unknown,
    /// Ours: one record proves it; or there is no record, and the configuration names the topic.
    Ours,
    /// The newest record of this partition is foreign.
    NotOurs(Partition),
}

/// The newest records of one topic, as its readers found them. Clones share the state.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct Ownership {
    evidence: Arc<watch::Sender<BTreeMap<Partition, Option<Newest>>>>,
}

impl Ownership {
    /// These partitions have not been checked.
    pub(in crate::kafka) fn unknown(partitions: impl IntoIterator<Item = Partition>) -> Ownership {
        let evidence = partitions.into_iter().map(|partition| (partition, None)).collect();
        Ownership { evidence: Arc::new(watch::Sender::new(evidence)) }
    }

    /// Takes in the newest record of one partition.
    pub(in crate::kafka) fn observe(&self, partition: Partition, newest: Newest) {
        self.evidence.send_modify(|evidence| {
            evidence.insert(partition, Some(newest));
        });
    }

    /// Waits until the topic is known to be ours; for ever if it is not.
    pub(in crate::kafka) async fn is_ours(&self) {
        let mut evidence = self.evidence.subscribe();
        if evidence.wait_for(|evidence| owner(evidence) == Owner::Ours).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the topic is known not to be ours, and returns the partition that shows it.
    pub(in crate::kafka) async fn is_not_ours(&self) -> Partition {
        let mut evidence = self.evidence.subscribe();
        let mut culprit = None;
        let found = evidence
            .wait_for(|evidence| match owner(evidence) {
                Owner::NotOurs(partition) => {
                    culprit = Some(partition);
                    true
                }
                Owner::Unknown | Owner::Ours => false,
            })
            .await
            .is_ok();
        match culprit {
            Some(partition) if found => partition,
            _ => std::future::pending().await,
        }
    }
}

fn owner(evidence: &BTreeMap<Partition, Option<Newest>>) -> Owner {
    let foreign = evidence.iter().find(|(_, newest)| **newest == Some(Newest::Foreign));
    if let Some((partition, _)) = foreign {
        return Owner::NotOurs(*partition);
    }
    let proven = evidence.values().any(|newest| *newest == Some(Newest::Ours));
    let all_checked = evidence.values().all(Option::is_some);
    if proven || all_checked { Owner::Ours } else { Owner::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner_by(evidence: &[Option<Newest>]) -> Owner {
        let evidence = (0..).map(Partition).zip(evidence.iter().copied()).collect();
        owner(&evidence)
    }

    #[test]
    fn one_record_of_ours_proves_the_topic_ours() {
        assert_eq!(owner_by(&[None, Some(Newest::Ours), None]), Owner::Ours);
    }

    #[test]
    fn one_foreign_record_makes_the_topic_foreign() {
        assert_eq!(owner_by(&[Some(Newest::Ours), Some(Newest::Foreign)]), Owner::NotOurs(Partition(1)));
    }

    #[test]
    fn empty_topic_is_ours_once_every_partition_was_checked() {
        assert_eq!(owner_by(&[Some(Newest::Empty), None]), Owner::Unknown);
        assert_eq!(owner_by(&[Some(Newest::Empty), Some(Newest::Unreachable)]), Owner::Ours);
    }
}
