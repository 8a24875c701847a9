//! The two topics in which Kafka's coordinators keep their state.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Partition, Probe};

/// An internal topic whose partitions' leaders are coordinators. Serialized as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InternalTopic {
    /// Groups and their committed offsets.
    #[serde(rename = "__consumer_offsets")]
    ConsumerOffsets,
    /// Transactional ids and their transactions.
    #[serde(rename = "__transaction_state")]
    TransactionState,
}

impl InternalTopic {
    /// Every such topic.
    pub const ALL: [InternalTopic; 2] = [InternalTopic::ConsumerOffsets, InternalTopic::TransactionState];

    /// Its name in Kafka.
    pub const fn as_str(self) -> &'static str {
        match self {
            InternalTopic::ConsumerOffsets => "__consumer_offsets",
            InternalTopic::TransactionState => "__transaction_state",
        }
    }

    /// The topic of that name.
    pub fn of(name: &str) -> Option<InternalTopic> {
        InternalTopic::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// The probe that asks its coordinators.
    pub const fn probe(self) -> Probe {
        match self {
            InternalTopic::ConsumerOffsets => Probe::Commit,
            InternalTopic::TransactionState => Probe::Transaction,
        }
    }
}

/// One partition of an internal topic. Its leader coordinates the ids that hash to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InternalPartition {
    /// The topic.
    pub topic: InternalTopic,
    /// The partition.
    pub partition: Partition,
}

impl fmt::Display for InternalPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} of {}", self.partition.0, self.topic.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_is_found_by_its_name() {
        for topic in InternalTopic::ALL {
            assert_eq!(InternalTopic::of(topic.as_str()), Some(topic));
        }
        assert_eq!(InternalTopic::of("orders"), None);
    }
}
