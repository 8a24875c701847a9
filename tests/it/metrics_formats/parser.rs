//! A page as the parser of Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::harness::requirements::parse_metrics;

/// A sample's name and labels.
pub(super) type Series = BTreeMap<String, String>;

/// What the parser read.
#[derive(Debug, Default)]
pub(super) struct ParsedPage {
    /// The type of each family.
    pub(super) types: BTreeMap<String, String>,
    /// The help of each family.
    pub(super) help: BTreeMap<String, String>,
    /// The unit of each family that has one.
    pub(super) units: BTreeMap<String, String>,
    /// Every sample, with the family whose lines it follows.
    pub(super) samples: Vec<(String, Series)>,
    /// Lines that mean nothing to the parser.
    pub(super) comments: Vec<String>,
}

impl ParsedPage {
    /// Parses a page of this content type.
    ///
    /// # Errors
    ///
    /// Prometheus would refuse the page: the sentence of its parser.
    #[track_caller]
    pub(super) fn parse(content_type: &str, page: &str) -> Result<ParsedPage, String> {
        let ended = run_on(&parse_metrics(), &[content_type], page);
        if !ended.status.success() {
            return Err(String::from_utf8_lossy(&ended.stderr).into_owned());
        }
        let mut parsed = ParsedPage::default();
        let mut family = String::new();
        for line in String::from_utf8_lossy(&ended.stdout).lines() {
            let line: Value = serde_json::from_str(line).expect("parse-metrics prints JSON");
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            match line["entry"].as_str() {
                Some("type") => {
                    family = text("family");
                    let before = parsed.types.insert(family.clone(), text("text"));
                    assert_eq!(before, None, "{family} has two blocks of lines");
                }
                Some("help") => _ = parsed.help.insert(text("family"), text("text")),
                Some("unit") => _ = parsed.units.insert(text("family"), text("text")),
                Some("sample") => {
                    let labels = line["labels"].as_object().into_iter().flatten();
                    let labels =
                        labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
                    parsed.samples.push((family.clone(), labels.collect()));
                }
                Some("comment") => parsed.comments.push(text("text")),
                _ => panic!("parse-metrics prints no such line: {line}"),
            }
        }
        Ok(parsed)
    }

    /// The series of all samples, each of which may be there once.
    #[track_caller]
    pub(super) fn series(&self) -> BTreeSet<&Series> {
        let series: BTreeSet<&Series> = self.samples.iter().map(|(_, series)| series).collect();
        assert_eq!(series.len(), self.samples.len(), "a series has two samples");
        series
    }

    /// The names of the samples of one family.
    pub(super) fn names(&self, family: &str) -> BTreeSet<&str> {
        let of_family = self.samples.iter().filter(|(of, _)| of == family);
        of_family.filter_map(|(_, series)| series.get("__name__")).map(String::as_str).collect()
    }
}

/// Runs a program with this text on stdin.
#[track_caller]
pub(super) fn run_on(program: &Path, args: &[&str], text: &str) -> Output {
    let mut command = Command::new(program);
    let piped = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = piped.spawn().unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
    let mut stdin = running.stdin.take().expect("it is piped");
    std::thread::scope(|scope| {
        scope.spawn(move || match stdin.write_all(text.as_bytes()) {
            // A program may refuse its input before it has read all of it.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("write to {}: {error}", program.display()),
            _ => {}
        });
        running.wait_with_output().expect("a child of ours can be waited for")
    })
}
