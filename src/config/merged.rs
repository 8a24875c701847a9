//! The layers together: values with their origins, made into a configuration by serde.

use std::collections::BTreeMap;

use ::config::{Config as Merger, Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::keys::dotted;
use super::layers::Layer;
use super::{ConfigError, Origin};

/// What the layers say together.
pub(crate) struct Merged {
    values: Value,
    origins: BTreeMap<String, Origin>,
}

impl Merged {
    /// Merges the layers, lowest first.
    pub(crate) fn of(layers: Vec<Layer>) -> Self {
        let mut origins = BTreeMap::new();
        let mut merger = Merger::builder();
        for mut layer in layers {
            origins.append(&mut layer.origins);
            merger = merger.add_source(layer);
        }
        let merged = merger.build().expect("a layer is a table in memory, so collecting it cannot fail");
        Self { values: merged.cache, origins }
    }

    /// Drops all clusters but one.
    pub(crate) fn select_cluster(&mut self, name: &str) -> Result<(), ConfigError> {
        let ValueKind::Table(sections) = &mut self.values.kind else { return Ok(()) };
        let Some(ValueKind::Table(clusters)) = sections.get_mut("clusters").map(|value| &mut value.kind) else {
            return Err(ConfigError::NoCluster);
        };
        let mut known: Vec<String> = clusters.keys().cloned().collect();
        known.sort();
        if known.is_empty() {
            return Err(ConfigError::NoCluster);
        }
        if !known.iter().any(|known| known == name) {
            return Err(ConfigError::NoSuchCluster { name: name.to_owned(), known: known.join(", ") });
        }
        clusters.retain(|other, _| other == name);
        let kept = dotted(&["clusters".to_owned(), name.to_owned(), String::new()]);
        self.origins.retain(|key, _| !key.starts_with("clusters.") || key.starts_with(&kept));
        Ok(())
    }

    /// The values as `T`, which may leave sections out.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(self.values.clone()).map_err(|error| {
            let mut path: Vec<String> = Vec::new();
            path.extend(error.path().iter().filter_map(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                _ => None,
            }));
            match innermost(error.into_inner()) {
                ::config::ConfigError::NotFound(field) => {
                    let field = field.rsplit('.').next().unwrap_or_default().to_owned();
                    let expected = missing(&field);
                    path.push(field);
                    self.problem(&dotted(&path), format!("not set; give {expected}"))
                }
                other => self.problem(&dotted(&path), other.to_string()),
            }
        })
    }

    /// An unusable value, with its origin; that of another key in its table, if nobody has set it.
    pub(crate) fn problem(&self, key: &str, problem: impl AsRef<str>) -> ConfigError {
        let table = key.rsplit_once('.').map_or("", |(table, _)| table);
        let inside = |other: &str| other.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
        let nearby = || self.origins.iter().find(|(other, origin)| inside(other) && **origin != Origin::Default);
        let origin = self.origin(key).or_else(|| self.origin(table)).or_else(|| nearby().map(|(_, origin)| origin));
        ConfigError::at(origin.unwrap_or(&Origin::Default), format!("{key}: {}", problem.as_ref()))
    }

    /// Where the value of a key came from.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// All origins, by key.
    pub(crate) fn into_origins(self) -> BTreeMap<String, Origin> {
        self.origins
    }
}

/// The error itself, without the keys that the `config` crate puts around it.
fn innermost(error: ::config::ConfigError) -> ::config::ConfigError {
    match error {
        ::config::ConfigError::At { error, .. } => innermost(*error),
        other => other,
    }
}

/// What would do for a key of an objective, which has no default.
fn missing(field: &str) -> &'static str {
    match field {
        "view" => "\"broker\", \"client\", \"coordinator\" or \"cluster\"",
        "probe" => "\"produce\", \"consume\" or another probe",
        "threshold" => "a duration, or \"\" for none",
        _ => "a share between 0 and 1, such as 0.999",
    }
}
