//! Checks a parsed file against the list of keys while its name is still known.

use ::config::{Map, Value, ValueKind};

use super::keys::{self, Kind, Place};
use super::{ConfigError, Origin};

/// A checked file: the same table without empty sections, and the paths of its keys.
pub(crate) struct Checked {
    pub(crate) table: Map<String, Value>,
    pub(crate) paths: Vec<String>,
}

/// Refuses unknown keys, bad names and wrong types, in the order of the key's names.
pub(crate) fn check(table: Map<String, Value>, origin: &Origin) -> Result<Checked, ConfigError> {
    let mut walk = Walk { origin, path: Vec::new(), paths: Vec::new() };
    let table = walk.table(table)?;
    Ok(Checked { table, paths: walk.paths })
}

/// The type of a value in the words of the errors.
pub(crate) fn type_name(value: &ValueKind) -> &'static str {
    match value {
        ValueKind::Nil => "empty",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a number",
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}

/// What a key of this kind takes, with an example.
pub(crate) fn expectation(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text in quotes, such as \"5s\"",
        Kind::List => "a list of text, such as [\"kafka-1:9092\"]",
        Kind::Integer => "a whole number, such as 128",
        Kind::Number => "a number, such as 0.999",
        Kind::Bool => "true or false",
        Kind::Secrets => "a table of text, such as { authorization = \"…\" }",
        Kind::Secret => "text in quotes",
    }
}

/// The way down to the current value.
struct Walk<'a> {
    origin: &'a Origin,
    path: Vec<String>,
    paths: Vec<String>,
}

impl Walk<'_> {
    fn table(&mut self, table: Map<String, Value>) -> Result<Map<String, Value>, ConfigError> {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let mut kept = Map::new();
        for (name, value) in entries {
            let name = self.spelling(name);
            self.path.push(name.clone());
            if let Some(value) = self.value(value)? {
                kept.insert(name, value);
            }
            self.path.pop();
        }
        Ok(kept)
    }

    /// Header names are case-insensitive (RFC 9110, 5.1), and gRPC wants them in lower case.
    fn spelling(&self, name: String) -> String {
        match keys::place(&self.path) {
            Place::Key(Kind::Secrets) => name.to_ascii_lowercase(),
            _ => name,
        }
    }

    fn value(&mut self, value: Value) -> Result<Option<Value>, ConfigError> {
        match keys::place(&self.path) {
            Place::Unknown => Err(ConfigError::UnknownKey {
                origin: self.origin.clone(),
                // A quoted key may hold anything, and this becomes one sentence.
                key: self.path.join(".").replace(char::is_control, "?"),
                nearest: keys::nearest(&self.path, false).join("."),
            }),
            Place::Section => self.section(value),
            Place::Key(kind) => self.key(kind, value).map(Some),
        }
    }

    fn section(&mut self, value: Value) -> Result<Option<Value>, ConfigError> {
        if keys::needs_name(&self.path) && !self.path.last().is_some_and(|n| keys::is_name(n)) {
            return Err(ConfigError::Name {
                origin: self.origin.clone(),
                key: self.path.join(".").replace(char::is_control, "?"),
            });
        }
        let children = match value.kind {
            ValueKind::Table(children) => children,
            // `clusters:` with all its lines commented out is null in YAML.
            ValueKind::Nil => Map::new(),
            other => return Err(self.wrong_type("a table of keys", &other)),
        };
        if children.is_empty() && keys::needs_name(&self.path) {
            // Named but empty: what is missing in it will be reported with this origin.
            self.paths.push(self.path.join("."));
        }
        let children = self.table(children)?;
        Ok(Some(Value::new(None, ValueKind::Table(children))))
    }

    fn key(&mut self, kind: Kind, value: Value) -> Result<Value, ConfigError> {
        self.paths.push(self.path.join("."));
        let kept = match (kind, value.kind) {
            (Kind::Text | Kind::Secret, text @ ValueKind::String(_)) => text,
            (Kind::Bool, flag @ ValueKind::Boolean(_)) => flag,
            (Kind::Integer, number @ ValueKind::I64(_)) => number,
            (Kind::Number, number @ (ValueKind::I64(_) | ValueKind::Float(_))) => number,
            (Kind::Secrets, ValueKind::Table(table)) => ValueKind::Table(self.table(table)?),
            (Kind::List, ValueKind::Array(items)) => {
                let not_text = |item: &&Value| !matches!(item.kind, ValueKind::String(_));
                if let Some(item) = items.iter().find(not_text) {
                    return Err(self.wrong_type(expectation(kind), &item.kind));
                }
                ValueKind::Array(items)
            }
            (kind, other) => return Err(self.wrong_type(expectation(kind), &other)),
        };
        Ok(Value::new(None, kept))
    }

    fn wrong_type(&self, expected: &'static str, found: &ValueKind) -> ConfigError {
        ConfigError::WrongType {
            origin: self.origin.clone(),
            key: self.path.join("."),
            expected,
            found: type_name(found),
        }
    }
}
