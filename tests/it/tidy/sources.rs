//! The repository as text.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are not ours to judge.
const SKIPPED: [&str; 2] = [".git", "target"];

/// One file, by its path from the root of the repository.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file, in order.
pub(super) fn all() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(root()).ok()?.to_string_lossy().into_owned();
        // What is no UTF-8 is no text.
        Some(Source { path: relative, text: fs::read_to_string(path).ok()? })
    };
    paths.into_iter().filter_map(source).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("a folder of ours is readable").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match path.is_dir() {
            true if SKIPPED.contains(&name) => {}
            true => collect(&path, into),
            false => into.push(path),
        }
    }
}

/// Every Rust file under these folders.
pub(super) fn rust(folders: &[&str]) -> Vec<Source> {
    let under = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
    all().into_iter().filter(|source| source.path.ends_with(".rs") && under(&source.path)).collect()
}

/// The text of one file.
pub(super) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Source {
    /// Whether the file holds tests only.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines that run in the product, numbered from 1: no comments, no tests.
    pub(super) fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let end = if self.is_test() { 0 } else { tests };
        code(&self.text[..end])
    }

    /// Every line but comments, numbered from 1.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        code(&self.text)
    }
}

fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// `path:line` of every product line of these files in which one of the words occurs.
pub(super) fn places<'a>(sources: impl IntoIterator<Item = &'a Source>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let lines = source.product().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        found.extend(lines.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())));
    }
    found
}
