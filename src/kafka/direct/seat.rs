//! Who writes in a transactional id's name, from one attempt to the next.

use std::sync::Arc;

use prober_core::ids::Partition;

use crate::kafka::wire::Producer;

/// A partition of one life of the pinned topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) topic: Arc<str>,
    pub(super) topic_id: Option<[u8; 16]>,
    pub(super) partition: Partition,
}

/// A producer with no transaction open, and the number of its next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    pub(super) producer: Producer,
    place: Place,
    sequence: i32,
}

impl Writer {
    pub(super) fn new(producer: Producer, place: Place) -> Writer {
        Writer { producer, place, sequence: 0 }
    }

    /// The next record's number, which is then used up. Kafka's go from the largest back to 0.
    pub(super) fn next_sequence(&mut self) -> i32 {
        let sequence = self.sequence;
        self.sequence = sequence.checked_add(1).unwrap_or(0);
        sequence
    }
}

/// Holds the writer of an id while no attempt uses it. One that is not put back is lost, and a new producer is asked for:
/// that aborts whatever the lost one has left open.
#[derive(Debug, Default)]
pub(super) struct Seat {
    writer: Option<Writer>,
    /// Questions for a producer that were never answered. Each may still reach the coordinator, and fence us.
    strays: u32,
}

impl Seat {
    /// The writer, if there is one and it writes there: the numbers of its records are of one partition.
    pub(super) fn take(&mut self, place: &Place) -> Option<Writer> {
        self.writer.take().filter(|writer| writer.place == *place)
    }

    pub(super) fn put_back(&mut self, writer: Writer) {
        self.writer = Some(writer);
    }

    /// A producer is asked for now.
    pub(super) fn asked(&mut self) {
        self.strays = self.strays.saturating_add(1);
    }

    /// The answer to that is there.
    pub(super) fn heard(&mut self) {
        self.strays = self.strays.saturating_sub(1);
    }

    /// Whether a stray question of our own explains that we were fenced; once for each.
    pub(super) fn take_stray(&mut self) -> bool {
        let stray = 0 < self.strays;
        self.heard();
        stray
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32) -> Place {
        Place { topic: "pinned".into(), topic_id: None, partition: Partition(partition) }
    }

    fn writer() -> Writer {
        Writer::new(Producer { id: 7, epoch: 0 }, place(1))
    }

    #[test]
    fn writer_serves_one_partition_and_is_lost_unless_put_back() {
        let mut seat = Seat::default();
        assert_eq!(seat.take(&place(1)), None);
        seat.put_back(writer());
        assert_eq!(seat.take(&place(1)), Some(writer()));
        assert_eq!(seat.take(&place(1)), None);
        seat.put_back(writer());
        assert_eq!(seat.take(&place(2)), None);
    }

    #[test]
    fn numbers_start_over_after_the_largest() {
        let mut writer = writer();
        assert_eq!([writer.next_sequence(), writer.next_sequence()], [0, 1]);
        writer.sequence = i32::MAX;
        assert_eq!([writer.next_sequence(), writer.next_sequence()], [i32::MAX, 0]);
    }

    #[test]
    fn unanswered_question_explains_one_fencing_and_an_answered_one_none() {
        let mut seat = Seat::default();
        seat.asked();
        seat.heard();
        assert!(!seat.take_stray());
        seat.asked();
        seat.asked();
        seat.heard();
        assert!(seat.take_stray());
        assert!(!seat.take_stray());
    }
}
