//! A text that no output may show.

use std::fmt;

use serde::{Serialize, Serializer};

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
