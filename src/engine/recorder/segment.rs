//! A segment of the recorder's memory: some minutes of inputs and evaluations, written once and dropped as a whole. Each begins with
//! the state that was known, so that a recording can begin with any of them.

use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::input::Input;
use prober_core::diagnosis::recording::latest::LatestInputs;
use prober_core::diagnosis::recording::{Entry, Line};
use prober_core::finding::Finding;
use prober_core::time::Time;

use super::frame::{self, SeriesReader, SeriesTable, after, between};
use super::varint;

/// Inputs within this time have the time of the first of them.
const INPUTS_TOGETHER: Duration = Duration::from_millis(1);

/// A segment to which nothing is added any more.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) began: Time,
    pub(super) ended: Time,
    state: Box<[u8]>,
    frames: Vec<u8>,
}

impl Segment {
    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.state.len() + self.frames.capacity()
    }
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    began: Time,
    at: Time,
    state: Box<[u8]>,
    frames: Vec<u8>,
    series: SeriesTable,
}

impl SegmentWriter {
    /// Begins with what is known at `at`. `capacity` bytes are reserved.
    pub(super) fn new(at: Time, known: &LatestInputs, capacity: usize) -> SegmentWriter {
        let mut state = Vec::new();
        for input in known.inputs() {
            put_json(&mut state, frame::INPUT, input);
        }
        let (state, frames) = (state.into_boxed_slice(), Vec::with_capacity(capacity));
        SegmentWriter { began: at, at, state, frames, series: SeriesTable::default() }
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.state.len() + self.frames.capacity()
    }

    /// When it began.
    pub(super) fn began(&self) -> Time {
        self.began
    }

    /// Bytes written.
    pub(super) fn written(&self) -> usize {
        self.frames.len()
    }

    /// Appends an input. `known` is the state before it. Its time is that of the line before if that is not a millisecond ago: a replay
    /// needs the exact times of evaluations only.
    pub(super) fn input(&mut self, at: Time, input: &Input, known: &LatestInputs) {
        if INPUTS_TOGETHER <= at.since(self.at) {
            self.time(at);
        }
        match input {
            Input::Event(event) => {
                if !self.series.put(&mut self.frames, event) {
                    put_json(&mut self.frames, frame::INPUT, input);
                    self.series.begin(event);
                }
            }
            Input::MetadataBrokers { asked, brokers } if known.metadata() == Some(brokers) => {
                self.frames.push(frame::SAME_METADATA);
                varint::put_signed(&mut self.frames, between(self.at, *asked));
            }
            Input::Topic(topic) if known.topic() == Some(topic) => self.frames.push(frame::SAME_TOPIC),
            other => put_json(&mut self.frames, frame::INPUT, other),
        }
    }

    /// Appends an evaluation, with its findings if they have changed.
    pub(super) fn evaluation(&mut self, at: Time, findings: Option<&[Finding]>) {
        self.time(at);
        match findings {
            Some(findings) => put_json(&mut self.frames, frame::FINDINGS, findings),
            None => self.frames.push(frame::EVALUATION),
        }
    }

    /// Ends it. The reserved memory that is left over is given back.
    pub(super) fn end(mut self) -> Segment {
        self.frames.shrink_to_fit();
        Segment { began: self.began, ended: self.at, state: self.state, frames: self.frames }
    }

    fn time(&mut self, at: Time) {
        if self.at != at {
            self.frames.push(frame::TIME);
            varint::put_signed(&mut self.frames, between(self.at, at));
            self.at = at;
        }
    }
}

fn put_json<T: serde::Serialize + ?Sized>(into: &mut Vec<u8>, tag: u8, value: &T) {
    // The values have nothing that JSON lacks; one that had would be left out.
    let Ok(json) = serde_json::to_vec(value) else { return };
    into.push(tag);
    varint::put(into, json.len() as u64);
    into.extend_from_slice(&json);
}

/// Reads segments in their order.
#[derive(Debug)]
pub(super) struct SegmentsReader {
    segments: std::vec::IntoIter<Arc<Segment>>,
    current: Option<Arc<Segment>>,
    place: usize,
    in_state: bool,
    at: Time,
    known: LatestInputs,
    series: SeriesReader,
}

impl SegmentsReader {
    /// Begins with the state of the first of them.
    pub(super) fn new(segments: Vec<Arc<Segment>>) -> SegmentsReader {
        let mut segments = segments.into_iter();
        let current = segments.next();
        let at = current.as_ref().map_or(Time::ORIGIN, |segment| segment.began);
        let (known, series) = (LatestInputs::default(), SeriesReader::default());
        SegmentsReader { segments, current, place: 0, in_state: true, at, known, series }
    }

    /// The rest of the bytes that are read, if there are any; the next segment's otherwise.
    fn advance(&mut self) -> Option<Arc<Segment>> {
        loop {
            let segment = Arc::clone(self.current.as_ref()?);
            let length = if self.in_state { segment.state.len() } else { segment.frames.len() };
            if self.place < length {
                return Some(segment);
            }
            self.place = 0;
            if self.in_state {
                self.in_state = false;
                continue;
            }
            self.current = self.segments.next();
            self.at = self.current.as_ref()?.began;
            self.series = SeriesReader::default();
        }
    }

    fn entry(&mut self, tag: u8, from: &mut &[u8]) -> Option<Option<Entry>> {
        let input = match tag {
            frame::TIME => {
                self.at = after(self.at, varint::take_signed(from)?);
                return Some(None);
            }
            frame::EVALUATION => return Some(Some(Entry::Evaluation { findings: None })),
            frame::FINDINGS => return Some(Some(Entry::Evaluation { findings: Some(take_json(from)?) })),
            frame::SAME_METADATA => {
                let asked = after(self.at, varint::take_signed(from)?);
                Input::MetadataBrokers { asked, brokers: self.known.metadata()?.clone() }
            }
            frame::SAME_TOPIC => Input::Topic(self.known.topic()?.clone()),
            frame::INPUT => take_json(from)?,
            flags if flags & frame::EVENT != 0 => {
                return Some(Some(Entry::Input(Input::Event(self.series.take(flags, from)?))));
            }
            _ => return None,
        };
        match &input {
            Input::Event(event) => self.series.begin(event),
            other => self.known.take(other),
        }
        Some(Some(Entry::Input(input)))
    }
}

impl Iterator for SegmentsReader {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            let segment = self.advance()?;
            let bytes: &[u8] = if self.in_state { &segment.state } else { &segment.frames };
            let (tag, mut rest) = bytes[self.place..].split_first()?;
            let entry = self.entry(*tag, &mut rest)?;
            self.place = bytes.len() - rest.len();
            if let Some(entry) = entry {
                return Some(Line { at: self.at, entry });
            }
        }
    }
}

fn take_json<T: serde::de::DeserializeOwned>(from: &mut &[u8]) -> Option<T> {
    let length = usize::try_from(varint::take(from)?).ok()?;
    let (json, rest) = from.split_at_checked(length)?;
    *from = rest;
    serde_json::from_slice(json).ok()
}
