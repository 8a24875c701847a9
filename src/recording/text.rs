//! A recording as text: lines of JSON. The first is `{"recording": {…}}`, the header. Then `{"at": nanoseconds, "in": {…}}` for each
//! input and `{"at": nanoseconds, "evaluate": true}` for each evaluation, with `"findings": […]` if they have changed.

use std::io::{self, Write};

use prober_core::diagnosis::input::Input;
use prober_core::diagnosis::recording::{Entry, Header, Line, Version};
use prober_core::finding::Finding;
use prober_core::time::Time;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The first line is not that of a recording.
    #[error("is no recording: its first line does not begin with {{\"recording\":")]
    NoRecording,
    /// It was written in a format that this prober does not know.
    #[error(
        "has the format {}.{}, and this prober reads {}.x: replay it with kafka-prober {prober}, which recorded it",
        .found.major, .found.minor, Version::CURRENT.major
    )]
    OtherVersion {
        /// The version of its format.
        found: Version,
        /// The version of the prober that has written it.
        prober: String,
    },
    /// The header lacks something.
    #[error("has a header that cannot be read: {0}")]
    Header(serde_json::Error),
    /// A line is no JSON, or has what no recording has.
    #[error("{0}")]
    Line(serde_json::Error),
    /// A line has neither an input nor an evaluation.
    #[error("neither an input (\"in\") nor an evaluation (\"evaluate\")")]
    Neither,
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    recording: &'a Header,
}

#[derive(Serialize)]
struct WrittenLine<'a> {
    at: Time,
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    input: Option<&'a Input>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<&'a [Finding]>,
}

#[derive(Deserialize)]
struct ReadLine {
    at: Time,
    #[serde(rename = "in")]
    input: Option<Input>,
    #[serde(default)]
    evaluate: bool,
    findings: Option<Vec<Finding>>,
}

/// Appends the header and a line feed.
///
/// # Errors
/// The writer's.
pub fn write_header(into: &mut impl Write, header: &Header) -> io::Result<()> {
    serde_json::to_writer(&mut *into, &HeaderLine { recording: header })?;
    into.write_all(b"\n")
}

/// Appends a line and a line feed.
///
/// # Errors
/// The writer's.
pub fn write_line(into: &mut impl Write, line: &Line) -> io::Result<()> {
    let at = line.at;
    let written = match &line.entry {
        Entry::Input(input) => WrittenLine { at, input: Some(input), evaluate: None, findings: None },
        Entry::Evaluation { findings } => {
            WrittenLine { at, input: None, evaluate: Some(true), findings: findings.as_deref() }
        }
    };
    serde_json::to_writer(&mut *into, &written)?;
    into.write_all(b"\n")
}

/// Reads the header.
///
/// # Errors
/// The text is no header, or one of another major version.
pub fn read_header(text: &str) -> Result<Header, LineError> {
    #[derive(Deserialize)]
    struct Read<T> {
        recording: T,
    }
    #[derive(Deserialize)]
    struct Versions {
        format: Version,
        #[serde(default)]
        prober: String,
    }
    let Ok(Read::<IgnoredAny> { .. }) = serde_json::from_str(text) else { return Err(LineError::NoRecording) };
    let Read::<Versions> { recording: versions } = serde_json::from_str(text).map_err(LineError::Header)?;
    if versions.format.major != Version::CURRENT.major {
        return Err(LineError::OtherVersion { found: versions.format, prober: versions.prober });
    }
    let Read::<Header> { recording } = serde_json::from_str(text).map_err(LineError::Header)?;
    Ok(recording)
}

/// Reads a line after the header; `None` if a prober of a newer `version` wrote it and this one does not know its kind.
///
/// # Errors
/// The text is no such line.
pub fn read_line(text: &str, version: Version) -> Result<Option<Line>, LineError> {
    let is_newer = Version::CURRENT.minor < version.minor;
    let read: ReadLine = match serde_json::from_str(text) {
        Ok(read) => read,
        // Not if it is no JSON at all.
        Err(error) if is_newer && error.is_data() => return Ok(None),
        Err(error) => return Err(LineError::Line(error)),
    };
    let entry = match read.input {
        Some(input) => Entry::Input(input),
        None if read.evaluate => Entry::Evaluation { findings: read.findings },
        None if is_newer => return Ok(None),
        None => return Err(LineError::Neither),
    };
    Ok(Some(Line { at: read.at, entry }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prober_core::diagnosis::evidence::Settings;
    use prober_core::ids::{ClusterName, VantageHash};
    use prober_core::time::WallTime;

    use super::*;

    fn header(format: Version) -> Header {
        Header {
            format,
            prober: "0.1.0".to_owned(),
            vantage: VantageHash(1),
            origin: WallTime(1_772_366_400_000_000_000),
            is_complete: true,
            settings: Settings {
                cluster: ClusterName::new("main"),
                answer_interval: Duration::from_millis(200),
                has_connect_checks: true,
                reference: None,
            },
            objectives: Vec::new(),
        }
    }

    fn written(header: &Header) -> String {
        let mut text = Vec::new();
        write_header(&mut text, header).expect("memory");
        String::from_utf8(text).expect("text")
    }

    fn line(entry: Entry) -> (Line, String) {
        let line = Line { at: Time::from_nanos(7), entry };
        let mut text = Vec::new();
        write_line(&mut text, &line).expect("memory");
        (line, String::from_utf8(text).expect("text"))
    }

    #[test]
    fn header_is_read_as_it_was_written() {
        let header = header(Version::CURRENT);
        assert_eq!(read_header(&written(&header)).expect("it can be read"), header);
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let entries = [
            Entry::Input(Input::Lost { count: 3, at: Time::from_nanos(5) }),
            Entry::Evaluation { findings: None },
            Entry::Evaluation { findings: Some(Vec::new()) },
        ];
        let texts = [
            r#"{"at":7,"in":{"lost":{"count":3,"at":5}}}"#,
            r#"{"at":7,"evaluate":true}"#,
            r#"{"at":7,"evaluate":true,"findings":[]}"#,
        ];
        for (entry, expected) in entries.into_iter().zip(texts) {
            let (line, text) = line(entry);
            assert_eq!(text.trim_end(), expected);
            assert_eq!(read_line(&text, Version::CURRENT).expect("it can be read"), Some(line));
        }
    }

    #[test]
    fn newer_minor_version_is_read_without_what_is_unknown() {
        let newer = Version { minor: Version::CURRENT.minor + 1, ..Version::CURRENT };
        let text = written(&header(newer)).replace("\"prober\"", "\"mood\":\"good\",\"prober\"");
        assert_eq!(read_header(&text).expect("it can be read"), header(newer));
        for unknown in [r#"{"at":7,"in":{"tide":{"height":3}}}"#, r#"{"at":7,"comment":"high"}"#] {
            assert_eq!(read_line(unknown, newer).expect("it is skipped"), None);
            assert!(read_line(unknown, Version::CURRENT).is_err(), "a prober of this version writes no such line");
        }
        assert!(read_line(r#"{"at":7,"in":{"#, newer).is_err(), "a cut line is no kind of line");
    }

    #[test]
    fn other_major_version_is_refused_with_one_sentence() {
        let other = Version { major: Version::CURRENT.major + 1, minor: 3 };
        let text = written(&header(other)).replace("\"settings\"", "\"arrangements\"");
        let error = read_header(&text).expect_err("unknown");
        let expected =
            "has the format 2.3, and this prober reads 1.x: replay it with kafka-prober 0.1.0, which recorded it";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn text_that_is_no_recording_is_refused() {
        for text in ["", "hello", "[]", r#"{"at":7,"evaluate":true}"#] {
            assert!(matches!(read_header(text), Err(LineError::NoRecording)), "{text}");
        }
    }
}
