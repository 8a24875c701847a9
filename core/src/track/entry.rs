//! One record's state: three attempts, and whether its bytes are accounted for.

use crate::fault::Fault;
use crate::time::Time;

use super::Settings;

/// Where one attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not come due (consume before the ack).
    NotDue,
    /// Due, not ended.
    Open,
    /// Ended; its event is out.
    Ended,
}

/// Whether an acked record was found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integrity {
    /// Not acked, so it need not be in the log.
    NotAcked,
    /// Acked, not read yet.
    Unread,
    /// The reader passed it, or the leader epoch that acked it ended below it: it is to be read again at this time, until there is
    /// an answer.
    RereadAt(Time),
    /// Read where it was acked, or read before any ack.
    Found,
    /// Lost, corrupt or given up; final.
    Closed,
}

impl Integrity {
    /// Whether it is still undecided.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Integrity::Unread | Integrity::RereadAt(_))
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) due: Time,
    pub(super) sent: Option<Time>,
    pub(super) acked: Option<Time>,
    pub(super) offset: Option<i64>,
    /// When and where it was first read.
    pub(super) read: Option<(Time, i64)>,
    /// Why produce failed while the record may still be in the log.
    pub(super) failed: Option<Fault>,
    pub(super) produce: Stage,
    pub(super) consume: Stage,
    pub(super) end_to_end: Stage,
    pub(super) integrity: Integrity,
}

impl Entry {
    pub(super) fn new(due: Time) -> Entry {
        Entry {
            due,
            sent: None,
            acked: None,
            offset: None,
            read: None,
            failed: None,
            produce: Stage::Open,
            consume: Stage::NotDue,
            end_to_end: Stage::Open,
            integrity: Integrity::NotAcked,
        }
    }

    /// Start of its latencies and deadlines.
    pub(super) fn began(&self) -> Time {
        self.sent.unwrap_or(self.due)
    }

    /// Whether nothing more is awaited; only duplicates and late records can still refer to it.
    pub(super) fn is_finished(&self) -> bool {
        self.produce != Stage::Open
            && self.consume != Stage::Open
            && self.end_to_end != Stage::Open
            && !self.integrity.is_open()
    }

    /// The next moment at which time alone changes something.
    pub(super) fn next_wake(&self, settings: &Settings) -> Option<Time> {
        let produce = (self.produce == Stage::Open).then(|| self.began() + settings.produce.deadline);
        let consume =
            (self.consume == Stage::Open).then(|| self.acked.map(|acked| acked + settings.consume.deadline)).flatten();
        let end_to_end = (self.end_to_end == Stage::Open).then(|| self.began() + settings.end_to_end.deadline);
        let reread = match self.integrity {
            Integrity::RereadAt(at) => Some(at),
            _ => None,
        };
        [produce, consume, end_to_end, reread].into_iter().flatten().min()
    }
}
