//! A text that no output may show.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::text::quoted;

/// A file with a secret is read up to this size.
const MAX_BYTES: u64 = 4 << 10;

/// A secret value: `Debug` and `Serialize` give [`Secret::REDACTED`], `Display` is absent.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What stands in every output instead of a secret.
    pub const REDACTED: &'static str = "<redacted>";

    pub(crate) fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself, only for the one who must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::REDACTED)
    }
}

/// A secret that was read from a file. Serialized as the file's path; `Debug` does not show the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
    secret: Secret,
}

impl SecretFile {
    /// Reads a file of one line; `None` if no file is named.
    ///
    /// # Errors
    ///
    /// A sentence that quotes the path and says what would work; nothing of the file.
    pub(crate) fn read(path: &str) -> Result<Option<Self>, String> {
        if path.is_empty() {
            return Ok(None);
        }
        let expected = "a text file with nothing but the secret on one line";
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|error| format!("cannot read {} ({error}); give {expected}", quoted(path)))?;
        // Editors end the line; whoever mounts a secret often does not.
        let secret = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
        if secret.is_empty() || secret.contains(char::is_control) || MAX_BYTES < text.len() as u64 {
            return Err(format!("{} does not hold a secret; give {expected}", quoted(path)));
        }
        Ok(Some(Self { path: path.into(), secret: Secret::new(secret.to_owned()) }))
    }

    /// What the file holds.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl Serialize for SecretFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.path.display())
    }
}
