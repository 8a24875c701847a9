//! The log of one partition, with transactions (KIP-98): data and markers, the last stable offset, aborted records.

use std::sync::Arc;

use bytes::Bytes;

use crate::port::requests::{FetchedRecord, Isolation};

/// Whether the transaction of a record is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
enum Entry {
    Data { value: Bytes, transactional_id: Option<Arc<str>>, decision: Decision },
    Damaged,
    Marker,
}

/// A partition's log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// Offset of the first entry: what retention has deleted is below.
    start: i64,
    entries: Vec<Entry>,
}

impl Log {
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    pub(super) fn end(&self) -> i64 {
        self.start + self.entries.len() as i64
    }

    /// Appends a record outside any transaction.
    pub(super) fn append(&mut self, value: &'static [u8]) {
        let value = Bytes::from_static(value);
        self.entries.push(Entry::Data { value, transactional_id: None, decision: Decision::Committed });
    }

    /// Appends a record whose bytes are damaged.
    pub(super) fn append_damaged(&mut self) {
        self.entries.push(Entry::Damaged);
    }

    /// Deletes every entry, as retention does.
    pub(super) fn delete_all(&mut self) {
        self.start = self.end();
        self.entries.clear();
    }

    /// Appends a record of a transaction. Returns its offset.
    pub(super) fn append_in_transaction(&mut self, value: Bytes, transactional_id: Arc<str>) -> i64 {
        let offset = self.end();
        let transactional_id = Some(transactional_id);
        self.entries.push(Entry::Data { value, transactional_id, decision: Decision::Open });
        offset
    }

    /// Decides the open transaction of this id, and appends its marker.
    pub(super) fn decide(&mut self, id: &str, commit: bool) {
        let decided = if commit { Decision::Committed } else { Decision::Aborted };
        let mut any = false;
        for entry in &mut self.entries {
            if let Entry::Data { transactional_id: Some(of), decision, .. } = entry
                && &**of == id
                && *decision == Decision::Open
            {
                *decision = decided;
                any = true;
            }
        }
        if any {
            self.entries.push(Entry::Marker);
        }
    }

    /// The first offset whose transaction is not decided, or the end.
    pub(super) fn last_stable(&self) -> i64 {
        let open = |entry: &Entry| matches!(entry, Entry::Data { decision: Decision::Open, .. });
        let open = self.entries.iter().position(open);
        open.map_or_else(|| self.end(), |index| self.start + index as i64)
    }

    /// What a reader is shown from `offset` on; `None` if the offset is out of range.
    pub(super) fn read(&self, offset: i64, isolation: Isolation, show_aborted: bool) -> Option<Vec<FetchedRecord>> {
        if !(self.start..=self.end()).contains(&offset) {
            return None;
        }
        let limit = match isolation {
            Isolation::ReadUncommitted => self.end(),
            Isolation::ReadCommitted => self.last_stable(),
        };
        let shown = |(offset, entry): (i64, &Entry)| match entry {
            Entry::Data { decision: Decision::Aborted, .. }
                if isolation == Isolation::ReadCommitted && !show_aborted =>
            {
                None
            }
            Entry::Data { value, .. } => Some(FetchedRecord::Read { offset, value: value.clone() }),
            Entry::Damaged => Some(FetchedRecord::Damaged),
            Entry::Marker => None,
        };
        let entries = (self.start..limit).zip(&self.entries).filter(|(at, _)| offset <= *at);
        Some(entries.filter_map(shown).collect())
    }
}
