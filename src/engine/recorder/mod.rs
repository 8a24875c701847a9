//! The flight recorder: the last inputs and evaluations of the diagnosis of one cluster, in bounded memory.
//!
//! It runs on the probe thread, so it only appends bytes: no lock, no file, no compression, and an allocation once in a segment.
//! When its memory is used up, or a segment is a quarter of an hour old, the oldest segment goes as a whole. Whoever wants the recording
//! gets the segments, and makes text of them elsewhere.

mod frame;
mod segment;
mod varint;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::recording_of_a_test;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::input::Input;
use prober_core::diagnosis::recording::latest::LatestInputs;
use prober_core::diagnosis::recording::{Header, Line, are_changed};
use prober_core::finding::Finding;
use prober_core::time::Time;

use segment::{Segment, SegmentWriter, SegmentsReader};

/// Memory of the recorders of all clusters together: with the newest state and the tables of the series, which a hundred brokers
/// make half a megabyte, it stays below 8 MiB. Three brokers need a quarter of it, a hundred fill it in three minutes.
pub(super) const BYTES_MAX: usize = 7 << 20;

/// Segments that memory and time are divided into: a full recorder has lost less than an eighth of either.
const SEGMENTS: usize = 8;

/// Age from which a segment is dropped. The longest memory of the rules about probes is ten minutes (baselines, recurrence).
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);

/// Longest time that one segment covers.
const SEGMENT_MAX: Duration = Duration::from_secs(15 * 60 / SEGMENTS as u64);

/// The recorder of one cluster.
#[derive(Debug)]
pub(super) struct Recorder {
    bytes_max: usize,
    segments: VecDeque<Arc<Segment>>,
    /// Memory of `segments`.
    bytes: usize,
    open: SegmentWriter,
    latest: LatestInputs,
    /// The findings that were recorded last; `None` at the beginning of a segment.
    findings: Option<Vec<Finding>>,
    is_complete: bool,
}

impl Recorder {
    /// Nothing recorded yet.
    pub(super) fn new(bytes_max: usize) -> Recorder {
        let latest = LatestInputs::default();
        Recorder {
            bytes_max,
            segments: VecDeque::new(),
            bytes: 0,
            open: SegmentWriter::new(Time::ORIGIN, &latest, bytes_max / SEGMENTS),
            latest,
            findings: None,
            is_complete: true,
        }
    }

    /// The diagnosis takes in an input.
    pub(super) fn input(&mut self, at: Time, input: &Input) {
        self.make_room(at);
        self.open.input(at, input, &self.latest);
        self.latest.take(input);
    }

    /// The diagnosis was evaluated, with these active findings.
    pub(super) fn evaluation(&mut self, at: Time, findings: &[Finding]) {
        self.make_room(at);
        let is_changed = self.findings.as_ref().is_none_or(|before| are_changed(before, findings));
        self.open.evaluation(at, is_changed.then_some(findings));
        if is_changed {
            self.findings = Some(findings.to_vec());
        }
    }

    /// Everything that is kept. `header` is given whether it goes back to the start of the prober.
    pub(super) fn recording(&mut self, now: Time, header: impl FnOnce(bool) -> Header) -> Recording {
        if 0 < self.open.written() {
            self.begin_segment(now);
        }
        Recording { header: header(self.is_complete), segments: self.segments.iter().map(Arc::clone).collect() }
    }

    /// Memory that it takes, in bytes, without the newest state, which also is in each segment.
    fn bytes(&self) -> usize {
        self.bytes + self.open.bytes()
    }

    fn make_room(&mut self, at: Time) {
        let is_long = 0 < self.open.written() && SEGMENT_MAX <= at.since(self.open.began());
        if is_long || self.bytes_max / SEGMENTS <= self.open.written() {
            self.begin_segment(at);
        }
        let is_old = |segment: &Arc<Segment>| KEPT_FOR <= at.since(segment.ended);
        while self.bytes_max < self.bytes() || self.segments.front().is_some_and(is_old) {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.is_complete = false;
        }
    }

    fn begin_segment(&mut self, at: Time) {
        let next = SegmentWriter::new(at, &self.latest, self.bytes_max / SEGMENTS);
        let ended = Arc::new(std::mem::replace(&mut self.open, next).end());
        self.bytes += ended.bytes();
        self.segments.push_back(ended);
        self.findings = None;
    }
}

/// A recording as it is in memory; cheap to clone.
#[derive(Clone, Debug)]
pub struct Recording {
    header: Header,
    segments: Vec<Arc<Segment>>,
}

impl Recording {
    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All other lines. First those that repeat the state that was known, if it does not go back to the start.
    pub fn lines(&self) -> impl Iterator<Item = Line> + use<> {
        SegmentsReader::new(self.segments.clone())
    }
}
