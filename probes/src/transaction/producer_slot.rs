//! Keeps the producer id and epoch of a transactional id between attempts.

use std::sync::Arc;

use prober_core::ids::Partition;

use crate::port::requests::{Producer, TopicId};

/// A partition of the pinned topic, by the topic's id: where a producer's sequence numbers count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WritePartition {
    pub(super) topic: Arc<str>,
    pub(super) topic_id: Option<TopicId>,
    pub(super) partition: Partition,
}

/// A producer without an open transaction, and the sequence number of its next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdleProducer {
    pub(super) producer: Producer,
    partition: WritePartition,
    sequence: i32,
}

impl IdleProducer {
    pub(super) fn new(producer: Producer, partition: WritePartition) -> IdleProducer {
        IdleProducer { producer, partition, sequence: 0 }
    }

    /// The next record's sequence number, which is then used up. Kafka's wrap from the largest to 0.
    pub(super) fn next_sequence(&mut self) -> i32 {
        let sequence = self.sequence;
        self.sequence = sequence.checked_add(1).unwrap_or(0);
        sequence
    }
}

/// The producer of a transactional id while no attempt uses it. An attempt that does not put it back has lost it: the next
/// one requests a new producer, which aborts what the lost one has left open.
#[derive(Debug, Default)]
pub(super) struct ProducerSlot {
    producer: Option<IdleProducer>,
    /// InitProducerId requests without a response. Each may still reach the coordinator, and fence a later producer.
    unanswered: u32,
}

impl ProducerSlot {
    /// Takes the producer, if there is one and its sequence numbers are of this partition.
    pub(super) fn take(&mut self, partition: &WritePartition) -> Option<IdleProducer> {
        self.producer.take().filter(|producer| producer.partition == *partition)
    }

    pub(super) fn put_back(&mut self, producer: IdleProducer) {
        self.producer = Some(producer);
    }

    /// An InitProducerId request is sent.
    pub(super) fn on_request(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Its response is there.
    pub(super) fn on_response(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Whether an unanswered request of this prober explains that its producer was fenced; each explains one fencing.
    pub(super) fn take_unanswered(&mut self) -> bool {
        let explained = 0 < self.unanswered;
        self.on_response();
        explained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(partition: i32) -> WritePartition {
        WritePartition { topic: "pinned".into(), topic_id: None, partition: Partition(partition) }
    }

    fn producer() -> IdleProducer {
        IdleProducer::new(Producer { id: 7, epoch: 0 }, partition(1))
    }

    #[test]
    fn producer_serves_one_partition_and_is_lost_unless_put_back() {
        let mut slot = ProducerSlot::default();
        assert_eq!(slot.take(&partition(1)), None);
        slot.put_back(producer());
        assert_eq!(slot.take(&partition(1)), Some(producer()));
        assert_eq!(slot.take(&partition(1)), None);
        slot.put_back(producer());
        assert_eq!(slot.take(&partition(2)), None);
    }

    #[test]
    fn sequence_numbers_wrap_after_the_largest() {
        let mut producer = producer();
        assert_eq!([producer.next_sequence(), producer.next_sequence()], [0, 1]);
        producer.sequence = i32::MAX;
        assert_eq!([producer.next_sequence(), producer.next_sequence()], [i32::MAX, 0]);
    }

    #[test]
    fn unanswered_request_explains_one_fencing_and_an_answered_one_none() {
        let mut slot = ProducerSlot::default();
        slot.on_request();
        slot.on_response();
        assert!(!slot.take_unanswered());
        slot.on_request();
        slot.on_request();
        slot.on_response();
        assert!(slot.take_unanswered());
        assert!(!slot.take_unanswered());
    }
}
