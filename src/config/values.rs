//! The merged layers, read key by key with the origin at hand for errors.

use std::collections::BTreeMap;

use ::config::{Config as Merger, Map, Value, ValueKind};

use super::layers::{Layer, insert};
use super::{ConfigError, Origin};

/// What the layers say together.
pub(crate) struct Values {
    table: Map<String, Value>,
    origins: BTreeMap<String, Origin>,
}

impl Values {
    /// Merges the layers, lowest first.
    pub(crate) fn merge(layers: Vec<Layer>) -> Self {
        let mut origins = BTreeMap::new();
        let mut merger = Merger::builder();
        for mut layer in layers {
            origins.append(&mut layer.origins);
            merger = merger.add_source(layer);
        }
        let merged = merger.build().expect("a layer is a table in memory, so collecting it cannot fail");
        Self { table: children(merged.cache).unwrap_or_default(), origins }
    }

    /// Drops all clusters but one.
    pub(crate) fn select_cluster(&mut self, name: &str) -> Result<(), ConfigError> {
        let known = self.names("clusters");
        if known.is_empty() {
            return Err(ConfigError::NoCluster);
        }
        if !known.iter().any(|known| known == name) {
            return Err(ConfigError::NoSuchCluster { name: name.to_owned(), known: known.join(", ") });
        }
        if let Some(Value { kind: ValueKind::Table(clusters), .. }) = self.table.get_mut("clusters") {
            clusters.retain(|other, _| other == name);
        }
        let kept = format!("clusters.{name}.");
        self.origins.retain(|key, _| !key.starts_with("clusters.") || key.starts_with(&kept));
        Ok(())
    }

    /// Sets a key that no layer has set.
    pub(crate) fn fill(&mut self, path: &[String], default: ValueKind) {
        let key = path.join(".");
        if self.find(&key).is_none() {
            insert(&mut self.table, path, default);
            self.origins.insert(key, Origin::Default);
        }
    }

    /// The names of the tables under a section, sorted.
    pub(crate) fn names(&self, section: &str) -> Vec<String> {
        let table = self.find(section).cloned().and_then(children);
        let mut names: Vec<_> = table.unwrap_or_default().into_keys().collect();
        names.sort();
        names
    }

    /// A text, parsed.
    pub(crate) fn text<T>(
        &self,
        key: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        match self.find(key).map(|value| &value.kind) {
            Some(ValueKind::String(text)) => parse(text).map_err(|p| self.problem(key, p)),
            _ => Err(self.missing(key, expected)),
        }
    }

    /// A list of text; empty if absent.
    pub(crate) fn list(&self, key: &str) -> Vec<String> {
        match self.find(key).map(|value| &value.kind) {
            Some(ValueKind::Array(items)) => items.iter().filter_map(|item| item.clone().into_string().ok()).collect(),
            _ => Vec::new(),
        }
    }

    /// true or false.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, ConfigError> {
        match self.find(key).map(|value| &value.kind) {
            Some(ValueKind::Boolean(flag)) => Ok(*flag),
            _ => Err(self.missing(key, "true or false")),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, key: &str) -> Result<i64, ConfigError> {
        match self.find(key).map(|value| &value.kind) {
            Some(ValueKind::I64(number)) => Ok(*number),
            _ => Err(self.missing(key, "a whole number")),
        }
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Result<f64, ConfigError> {
        let number = self.find(key).cloned().map(Value::into_float);
        match number {
            Some(Ok(number)) => Ok(number),
            _ => Err(self.missing(key, "a number")),
        }
    }

    /// The names and values of a table of text, sorted.
    pub(crate) fn texts(&self, key: &str) -> BTreeMap<String, String> {
        let table = self.find(key).cloned().and_then(children);
        let texts = table.unwrap_or_default().into_iter();
        texts.filter_map(|(name, value)| Some((name, value.into_string().ok()?))).collect()
    }

    /// Where the value of a key came from.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Where anything in the same table came from that somebody has set.
    pub(crate) fn origin_nearby(&self, key: &str) -> Option<&Origin> {
        let table = key.rsplit_once('.').map_or("", |(table, _)| table);
        let inside = |other: &str| other.strip_prefix(table).is_some_and(|r| r.starts_with('.'));
        self.origin(key).or_else(|| self.origin(table)).or_else(|| {
            let mut all = self.origins.iter();
            all.find(|(other, origin)| inside(other) && **origin != Origin::Default).map(|(_, origin)| origin)
        })
    }

    /// An unusable value, with its origin.
    pub(crate) fn problem(&self, key: &str, problem: String) -> ConfigError {
        ConfigError::Value {
            origin: self.origin(key).cloned().unwrap_or(Origin::Default),
            key: key.to_owned(),
            problem,
        }
    }

    /// All origins, by key path.
    pub(crate) fn into_origins(self) -> BTreeMap<String, Origin> {
        self.origins
    }

    fn missing(&self, key: &str, expected: &'static str) -> ConfigError {
        ConfigError::Missing { origin: self.origin_nearby(key).cloned(), key: key.to_owned(), expected }
    }

    fn find(&self, key: &str) -> Option<&Value> {
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let mut value = self.table.get(first)?;
        for segment in rest.split('.').filter(|segment| !segment.is_empty()) {
            let ValueKind::Table(table) = &value.kind else {
                return None;
            };
            value = table.get(segment)?;
        }
        Some(value)
    }
}

fn children(value: Value) -> Option<Map<String, Value>> {
    match value.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}
