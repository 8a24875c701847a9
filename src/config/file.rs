//! One `--config` file: from its name to a parsed table.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::config::{FileFormat, Map, Source, Value};

use super::ConfigError;

/// A config file is read up to this size, far above any real one.
const MAX_BYTES: u64 = 1 << 20;

/// Reads and parses a file of the format that its extension tells.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let format = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("toml") => FileFormat::Toml,
        Some("yaml" | "yml") => FileFormat::Yaml,
        _ => {
            return Err(ConfigError::UnknownExtension { path: path.to_owned() });
        }
    };
    parse(path, format, &text(path)?)
}

/// Parses `text`; `path` is for the errors.
pub(crate) fn parse(path: &Path, format: FileFormat, text: &str) -> Result<Map<String, Value>, ConfigError> {
    let parsed = ::config::File::from_str(text, format).collect();
    parsed.map_err(|error| {
        let (line, reason) = explain(&error.to_string());
        ConfigError::Syntax {
            path: path.to_owned(),
            format: match format {
                FileFormat::Toml => "TOML",
                _ => "YAML",
            },
            line,
            reason,
        }
    })
}

fn text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable("larger than 1 MiB".to_owned()));
    }
    Ok(text)
}

/// Line and reason out of a parser's message.
///
/// The message quotes the file, which may hold a secret. So only the parts that never do
/// are kept: of TOML the position and the last line, of YAML what stands before the
/// position; a message of another shape is dropped.
fn explain(message: &str) -> (Option<usize>, String) {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let message = message.trim_end();
    if let Some(at) = message.strip_prefix("TOML parse error at line ") {
        let reason = message.lines().last().unwrap_or_default();
        return (number(at), reason.to_owned());
    }
    let yaml = message.rsplit_once(" at byte ");
    if let Some((reason, (_, line))) = yaml.and_then(|(r, at)| Some((r, at.split_once(" line ")?))) {
        // This one prints the key with all that is in it.
        let twice = reason.ends_with("duplicated key in mapping");
        let reason = if twice { "the same key twice" } else { reason };
        return (number(line), reason.to_owned());
    }
    (None, "it must be one document, a table of keys, with numbers up to 64 bits".to_owned())
}
