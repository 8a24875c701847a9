//! A file with a recording, compressed with gzip or plain.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use prober_core::diagnosis::recording::{Header, Line};

use super::text::{self, LineError};
use crate::engine::Recording;

/// First bytes of every gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Longest line that is read, so that a file of another kind does not fill the memory. An observation of 300 brokers has 200 KB.
const LINE_MAX: u64 = 64 << 20;

/// Why a recording cannot be read: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file, or what was compressed into it.
    #[error("cannot read {file}: {error}")]
    File {
        /// Its path.
        file: String,
        /// What the system reports.
        error: io::Error,
    },
    /// It ends in the middle of a line, or of what was compressed.
    #[error("{file} was cut off after {lines} lines: fetch or copy it again")]
    Truncated {
        /// Its path.
        file: String,
        /// Whole lines, the header included.
        lines: u64,
    },
    /// The header.
    #[error("{file} {error}")]
    Header {
        /// Its path.
        file: String,
        /// What is wrong.
        error: LineError,
    },
    /// Another line.
    #[error("{file} line {number} cannot be read: {error}")]
    Line {
        /// Its path.
        file: String,
        /// The line, from 1.
        number: u64,
        /// What is wrong.
        error: LineError,
    },
}

/// Writes a recording, compressed.
///
/// # Errors
/// The writer's.
pub fn write(recording: &Recording, into: impl Write) -> io::Result<()> {
    let mut gzip = GzEncoder::new(into, Compression::default());
    text::write_header(&mut gzip, recording.header())?;
    for line in recording.lines() {
        text::write_line(&mut gzip, &line)?;
    }
    gzip.finish()?.flush()
}

/// A recording that is read.
pub struct Reader {
    file: String,
    lines: Box<dyn BufRead>,
    header: Header,
    number: u64,
    skipped: u64,
}

impl Reader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// It cannot be read, or is no recording that this prober can read.
    pub fn open(path: &Path) -> Result<Reader, ReadError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(opened) => Reader::new(file, BufReader::new(opened)),
            Err(error) => Err(ReadError::File { file, error }),
        }
    }

    /// Reads the header of what `file` names.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn new(file: String, mut from: impl BufRead + 'static) -> Result<Reader, ReadError> {
        let is_gzip = match from.fill_buf() {
            Ok(first) => first.starts_with(&GZIP),
            Err(error) => return Err(ReadError::File { file, error }),
        };
        let mut lines: Box<dyn BufRead> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(from))) } else { Box::new(from) };
        let first = match next_line(&mut lines) {
            Ok(first) => first.unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ReadError::Truncated { file, lines: 0 });
            }
            // No text is no recording either.
            Err(error) if error.kind() == io::ErrorKind::InvalidData && !is_gzip => String::new(),
            Err(error) => return Err(ReadError::File { file, error }),
        };
        match text::read_header(&first) {
            Ok(header) => Ok(Reader { file, lines, header, number: 1, skipped: 0 }),
            Err(error) => Err(ReadError::Header { file, error }),
        }
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Lines that were skipped until now, because a newer prober wrote them and this one does not know their kind.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Line>, ReadError> {
        loop {
            let file = || self.file.clone();
            let text = match next_line(&mut self.lines) {
                Ok(Some(text)) if text.ends_with('\n') => text,
                Ok(None) => return Ok(None),
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(ReadError::File { file: file(), error });
                }
                Ok(Some(_)) | Err(_) => return Err(ReadError::Truncated { file: file(), lines: self.number }),
            };
            self.number += 1;
            let line = text::read_line(&text, self.header.format);
            match line.map_err(|error| ReadError::Line { file: file(), number: self.number, error })? {
                Some(line) => return Ok(Some(line)),
                None => self.skipped += 1,
            }
        }
    }
}

/// `None` at the end.
fn next_line(lines: &mut Box<dyn BufRead>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = lines.by_ref().take(LINE_MAX).read_line(&mut line)?;
    Ok((0 < length).then_some(line))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use prober_core::diagnosis::recording::Entry;

    use super::*;
    use crate::engine::recording_of_a_test;

    fn compressed() -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&recording_of_a_test(), &mut bytes).expect("memory");
        bytes
    }

    fn plain() -> String {
        let mut text = String::new();
        MultiGzDecoder::new(compressed().as_slice()).read_to_string(&mut text).expect("it is gzip");
        text
    }

    /// All lines, or why they cannot be read, without the path of the file.
    fn read(content: &[u8]) -> Result<Vec<Line>, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl.gz");
        fs::write(&path, content).expect("it is ours");
        let all = || {
            let mut reader = Reader::open(&path)?;
            let mut lines = Vec::new();
            while let Some(line) = reader.next_line()? {
                lines.push(line);
            }
            Ok(lines)
        };
        all().map_err(|error: ReadError| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn recording_is_read_as_it_was_written_compressed_or_not() {
        let expected: Vec<Line> = recording_of_a_test().lines().collect();
        assert!(expected.iter().any(|line| matches!(line.entry, Entry::Evaluation { .. })));
        assert_eq!(read(&compressed()).as_ref(), Ok(&expected));
        assert_eq!(read(plain().as_bytes()).as_ref(), Ok(&expected));
    }

    #[test]
    fn bad_file_is_one_sentence() {
        let (compressed, plain) = (compressed(), plain());
        let cut = |bytes: &[u8]| bytes[..bytes.len() - 3].to_vec();
        let no_header = plain.split_once('\n').map(|(_, rest)| rest.as_bytes().to_vec()).expect("lines");
        let other_version = plain.replacen("\"major\":1", "\"major\":7", 1).into_bytes();
        let lines = plain.lines().count();
        let no_recording = "FILE is no recording: its first line does not begin with {\"recording\":".to_owned();
        let cases = [
            (b"hello".to_vec(), no_recording.clone()),
            (Vec::new(), no_recording.clone()),
            (vec![0xff, 0xfe, 0x0a], no_recording.clone()),
            (no_header, no_recording),
            (cut(&compressed), format!("FILE was cut off after {lines} lines: fetch or copy it again")),
            (cut(plain.as_bytes()), format!("FILE was cut off after {} lines: fetch or copy it again", lines - 1)),
            (compressed[..8].to_vec(), "FILE was cut off after 0 lines: fetch or copy it again".to_owned()),
            (
                other_version,
                "FILE has the format 7.0, and this prober reads 1.x: replay it with kafka-prober test, which recorded it".to_owned(),
            ),
        ];
        for (content, expected) in cases {
            assert_eq!(read(&content).expect_err("it is bad"), expected);
        }
        let strange = plain.replacen("\"at\"", "\"when\"", 1);
        let error = read(strange.as_bytes()).expect_err("it is bad");
        assert!(error.starts_with("FILE line 2 cannot be read: missing field `at`"), "{error}");
    }
}
