//! One simulated broker with one partition.

use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{Partition, Sequence};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_core::track::{RereadResult, Written};

use crate::port::{LaneInput, RecordToSend};

use super::timeline::At;
use super::{ACK_LATENCY, LostOffsets};

type Reports = Vec<(Time, LaneInput)>;

#[derive(Debug)]
pub(super) struct SimBroker {
    pub(super) partition: Partition,
    /// The record at each offset; `None`: bytes in another format.
    pub(super) log: Vec<Option<Sequence>>,
    pub(super) down: bool,
    frozen: bool,
    latency: Duration,
    refusing: Option<KafkaError>,
    next: Next,
    /// Records received while frozen.
    held: Vec<RecordToSend>,
    lost: LostOffsets,
}

/// The fault of the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Plain,
    Lose,
    Duplicate,
    Corrupt,
}

impl SimBroker {
    pub(super) fn new(partition: Partition) -> SimBroker {
        SimBroker {
            partition,
            log: Vec::new(),
            down: false,
            frozen: false,
            latency: ACK_LATENCY,
            refusing: None,
            next: Next::Plain,
            held: Vec::new(),
            lost: LostOffsets::new(),
        }
    }

    pub(super) fn end(&self) -> i64 {
        self.log.len() as i64
    }

    pub(super) fn clear_log(&mut self) {
        self.log.clear();
        self.held.clear();
        self.lost.clear();
    }

    /// How long an answer takes; `None` while frozen.
    pub(super) fn answer_latency(&self) -> Option<Duration> {
        (!self.frozen).then_some(self.latency)
    }

    pub(super) fn submit(&mut self, now: Time, record: &RecordToSend) -> Reports {
        if self.frozen {
            self.held.push(record.clone());
            return Reports::new();
        }
        self.store(now, record)
    }

    pub(super) fn reread(&mut self, now: Time, offset: i64) -> Option<(Time, LaneInput)> {
        if self.frozen || self.down {
            return None;
        }
        let (partition, at) = (self.partition, now + self.latency);
        let stored = usize::try_from(offset).ok().and_then(|index| self.log.get(index).copied()).flatten();
        let found = match stored {
            Some(sequence) if !self.lost.contains(&offset) => RereadResult::Record(sequence),
            _ => RereadResult::Nothing,
        };
        Some((at, LaneInput::Reread { partition, asked: now, at, offset, found }))
    }

    pub(super) fn apply(&mut self, at: Time, what: At) -> Reports {
        match what {
            At::Freeze => self.frozen = true,
            At::Thaw => {
                self.frozen = false;
                let held = std::mem::take(&mut self.held);
                return held.iter().flat_map(|record| self.store(at, record)).collect();
            }
            At::Kill => {
                self.down = true;
                let held = std::mem::take(&mut self.held);
                let fault = Fault::ConnectionReset;
                let reset = |record: &RecordToSend| {
                    let (partition, sequence) = (self.partition, record.sequence);
                    (at, LaneInput::Failed { partition, sequence, at, fault, written: Written::Maybe })
                };
                return held.iter().map(reset).collect();
            }
            At::Start => self.down = false,
            At::Slow(latency) => self.latency = latency,
            At::Refuse(error) => self.refusing = Some(error),
            At::Accept => self.refusing = None,
            At::LoseNext => self.next = Next::Lose,
            At::DuplicateNext => self.next = Next::Duplicate,
            At::CorruptNext => self.next = Next::Corrupt,
            At::ForeignRecord => {
                let offset = self.end();
                self.log.push(None);
                return self.deliver(at, offset);
            }
        }
        Reports::new()
    }

    fn store(&mut self, now: Time, record: &RecordToSend) -> Reports {
        let (partition, sequence) = (self.partition, record.sequence);
        let acked_at = now + self.latency;
        if let Some(error) = self.refusing {
            let fault = Fault::Kafka(error);
            return vec![(
                acked_at,
                LaneInput::Failed { partition, sequence, at: acked_at, fault, written: Written::No },
            )];
        }
        let offset = self.end();
        let next = std::mem::replace(&mut self.next, Next::Plain);
        let mut reports = vec![(acked_at, LaneInput::Acked { partition, sequence, at: acked_at, offset })];
        self.log.push((next != Next::Corrupt).then_some(sequence));
        if next == Next::Lose {
            self.lost.insert(offset);
        }
        reports.extend(self.deliver(acked_at, offset));
        if next == Next::Duplicate {
            let copy = self.end();
            self.log.push(Some(sequence));
            reports.extend(self.deliver(acked_at, copy));
        }
        reports
    }

    /// The reader's reports of `offset`.
    fn deliver(&self, stored_at: Time, offset: i64) -> Reports {
        let (partition, at) = (self.partition, stored_at + self.latency);
        let stored = usize::try_from(offset).ok().and_then(|index| self.log.get(index).copied()).flatten();
        let delivered = match stored {
            _ if self.lost.contains(&offset) => None,
            Some(sequence) => Some(LaneInput::Read { partition, sequence, at, offset }),
            None => Some(LaneInput::Foreign { partition, at, first: offset, last: offset }),
        };
        let passed = LaneInput::Passed { partition, at, next: offset + 1 };
        delivered.into_iter().chain([passed]).map(|report| (at, report)).collect()
    }
}
