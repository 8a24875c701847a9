//! One `--config` file: from its name to a table of values.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ::config::{FileFormat, Map, Source, Value};

use super::{ConfigError, Origin};

/// A file is read up to this size, far above any real configuration, certificate chain or secret.
const MAX_BYTES: u64 = 1 << 20;

/// Reads and parses a file of the format that its extension names.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let refused = |problem: String| ConfigError::at(&Origin::File(path.to_owned()), problem);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let (format, name) = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("toml") => (FileFormat::Toml, "TOML"),
        Some("yaml" | "yml") => (FileFormat::Yaml, "YAML"),
        _ => return Err(refused("unknown kind of config file; its name must end in .toml, .yaml or .yml".to_owned())),
    };
    let text = bytes(path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other)).map_err(|error| {
        refused(format!("cannot read this config file ({error}); give --config a readable .toml, .yaml or .yml file"))
    })?;
    parse(&text, format).map_err(|error| refused(format!("broken {name}{}", explain(&error.to_string()))))
}

/// The table that `text` is.
pub(crate) fn parse(text: &str, format: FileFormat) -> Result<Map<String, Value>, ::config::ConfigError> {
    ::config::File::from_str(text, format).collect()
}

/// All of a file that is not too large.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}

/// Line and reason out of a parser's message.
///
/// The message quotes the file, which may hold a secret. Only the parts that never do are kept: of TOML the position and
/// the last line, of YAML what is before the position. A message of another shape is dropped.
fn explain(message: &str) -> String {
    let line = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() { digits } else { format!(" at line {digits}") }
    };
    let message = message.trim_end();
    if let Some(at) = message.strip_prefix("TOML parse error at line ") {
        return format!("{}: {}", line(at), message.lines().last().unwrap_or_default());
    }
    let yaml = message.rsplit_once(" at byte ");
    if let Some((reason, (_, at))) = yaml.and_then(|(reason, at)| Some((reason, at.split_once(" line ")?))) {
        // This one quotes the key, whatever it holds.
        let twice = reason.ends_with("duplicated key in mapping");
        return format!("{}: {}", line(at), if twice { "the same key twice" } else { reason });
    }
    ": it must be one document, a table of keys, with numbers up to 64 bits".to_owned()
}
