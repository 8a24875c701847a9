//! Whether the topic of our name is ours. Nothing is written into it before that is known, as far as its brokers answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use prober_core::ids::Partition;
use tokio::sync::watch;

/// What the newest record of a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Newest {
    /// In our format.
    Ours,
    /// Not in our format.
    Foreign,
    /// There is none.
    Empty,
    /// It could not be read: a gap in the log, or gone in between.
    Unknown,
    /// Its broker does not answer.
    Unreachable,
}

/// A verdict on the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Whose {
    /// Some partition has not been looked at.
    Open,
    /// Ours: one record proves it, or naming the topic is consent where there is nothing to be seen.
    Ours,
    /// Somebody else's newest record stands in this partition.
    NotOurs(Partition),
}

/// The evidence of one topic, shared by its readers.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct Ownership {
    evidence: Arc<watch::Sender<BTreeMap<Partition, Option<Newest>>>>,
}

impl Ownership {
    /// Nothing is known of these partitions.
    pub(in crate::kafka) fn unknown(partitions: impl IntoIterator<Item = Partition>) -> Ownership {
        let evidence = partitions.into_iter().map(|partition| (partition, None)).collect();
        Ownership { evidence: Arc::new(watch::Sender::new(evidence)) }
    }

    /// Takes in what one partition shows.
    pub(in crate::kafka) fn tell(&self, partition: Partition, newest: Newest) {
        self.evidence.send_modify(|evidence| {
            evidence.insert(partition, Some(newest));
        });
    }

    /// Waits until the topic is known to be ours; for ever, if it is not.
    pub(in crate::kafka) async fn is_ours(&self) {
        let mut evidence = self.evidence.subscribe();
        if evidence.wait_for(|evidence| whose(evidence) == Whose::Ours).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the topic is known not to be ours, and tells by which partition.
    pub(in crate::kafka) async fn is_not_ours(&self) -> Partition {
        let mut evidence = self.evidence.subscribe();
        let mut culprit = None;
        let found = evidence
            .wait_for(|evidence| match whose(evidence) {
                Whose::NotOurs(partition) => {
                    culprit = Some(partition);
                    true
                }
                Whose::Open | Whose::Ours => false,
            })
            .await
            .is_ok();
        match culprit {
            Some(partition) if found => partition,
            _ => std::future::pending().await,
        }
    }
}

fn whose(evidence: &BTreeMap<Partition, Option<Newest>>) -> Whose {
    let foreign = evidence.iter().find(|(_, newest)| **newest == Some(Newest::Foreign));
    if let Some((partition, _)) = foreign {
        return Whose::NotOurs(*partition);
    }
    let proven = evidence.values().any(|newest| *newest == Some(Newest::Ours));
    let looked_at = evidence.values().all(Option::is_some);
    if proven || looked_at { Whose::Ours } else { Whose::Open }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(evidence: &[Option<Newest>]) -> Whose {
        let evidence = (0..).map(Partition).zip(evidence.iter().copied()).collect();
        whose(&evidence)
    }

    #[test]
    fn one_record_of_ours_proves_the_topic_ours() {
        assert_eq!(judged(&[None, Some(Newest::Ours), None]), Whose::Ours);
    }

    #[test]
    fn one_foreign_record_refuses_it_whatever_the_others_show() {
        assert_eq!(judged(&[Some(Newest::Ours), Some(Newest::Foreign)]), Whose::NotOurs(Partition(1)));
    }

    #[test]
    fn empty_topic_is_ours_once_all_of_it_was_looked_at() {
        assert_eq!(judged(&[Some(Newest::Empty), None]), Whose::Open);
        assert_eq!(judged(&[Some(Newest::Empty), Some(Newest::Unreachable)]), Whose::Ours);
    }
}
