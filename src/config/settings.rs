//! The settings: every value, and where it came from. Each layer replaces what the layers before it have set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ::config::{Map, Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::keys::{self, dotted};
use super::{ConfigError, Origin, schema, types};

/// Values of known keys, each of its key's type, by path.
#[derive(Default)]
pub(crate) struct Settings(BTreeMap<Vec<String>, (ValueKind, Origin)>);

impl Settings {
    /// Sets the value of a key, or of all keys that a table holds.
    pub(crate) fn set(&mut self, path: &[&str], value: ValueKind, origin: &Origin) -> Result<(), ConfigError> {
        check_name(path, origin)?;
        let Some(default) = keys::default_of(path) else {
            let nearest = keys::nearest(path, false).join(".");
            let problem = format!("unknown key {}; the nearest known one is {nearest}", dotted(path));
            return Err(ConfigError::at(origin, problem));
        };
        match (default, value) {
            // `clusters:` with all its lines commented out is null in YAML.
            (ValueKind::Table(_), ValueKind::Nil) => Ok(()),
            // What is missing in an empty table of a cluster or an objective is reported with its origin.
            (ValueKind::Table(_), ValueKind::Table(children)) if !children.is_empty() || path.len() < 2 => children
                .into_iter()
                .try_for_each(|(name, child)| self.set(&[path, &[&*name]].concat(), child.kind, origin)),
            (default, value) => {
                types::check(default, &value).map_err(|problem| refused(origin, path, problem))?;
                let mut path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
                if path.starts_with(&["otlp".to_owned(), "headers".to_owned()]) {
                    // Header names are case-insensitive (RFC 9110, 5.1), and gRPC wants them in lower case.
                    path.iter_mut().for_each(|name| name.make_ascii_lowercase());
                }
                self.0.insert(path, (value, origin.clone()));
                Ok(())
            }
        }
    }

    /// Sets a key from text, as variables and flags have it.
    pub(crate) fn set_text(&mut self, path: &[&str], text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let value = keys::default_of(path).map_or(Ok(text.into()), |default| types::from_text(default, text));
        self.set(path, value.map_err(|problem| refused(origin, path, problem))?, origin)
    }

    /// The names of the clusters that have a key.
    pub(crate) fn clusters(&self) -> BTreeSet<String> {
        self.0.keys().filter(|path| path[0] == "clusters").filter_map(|path| path.get(1)).cloned().collect()
    }

    /// Gives each cluster the defaults of security where nothing is set.
    pub(crate) fn complete_clusters(&mut self) {
        let Some(ValueKind::Table(defaults)) = keys::default_of(&["clusters", "any", "security"]) else { return };
        for cluster in self.clusters() {
            for (key, default) in defaults {
                let path = ["clusters", &*cluster, "security", key].map(str::to_owned);
                self.0.entry(path.into()).or_insert_with(|| (default.kind.clone(), Origin::Default));
            }
        }
    }

    /// Drops all clusters but one.
    pub(crate) fn select_cluster(&mut self, name: &str) -> Result<(), ConfigError> {
        let known = self.clusters();
        if known.is_empty() {
            return Err(ConfigError::NoCluster);
        }
        if !known.contains(name) {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let remedy = "to define a new one, give --bootstrap-server host:port too";
            let problem = format!("there is no cluster {name:?}; known are {known}; {remedy}");
            return Err(ConfigError::at(&Origin::Flag("--cluster"), problem));
        }
        self.0.retain(|path, _| path[0] != "clusters" || path[1] == name);
        Ok(())
    }

    /// The settings as `T`, which need not have all of them.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(self.tree()).map_err(|error| {
            let mut path: Vec<_> = error.path().iter().filter_map(name_of).collect();
            let mut error = error.into_inner();
            // The `config` crate puts the keys, which the path has already, around the error.
            while let ::config::ConfigError::At { error: inner, .. } = error {
                error = *inner;
            }
            let mut problem = error.to_string();
            if let ::config::ConfigError::NotFound(key) = error {
                let key = key.rsplit('.').next().unwrap_or_default();
                problem = format!("not set; give {}", schema::expected(key));
                path.push(key.to_owned());
            }
            self.problem(&path.iter().map(String::as_str).collect::<Vec<_>>(), problem)
        })
    }

    fn tree(&self) -> Value {
        let mut sections = Map::new();
        self.0.iter().for_each(|(path, (value, _))| insert(&mut sections, path, value));
        sections.into()
    }

    /// An unusable value, with its origin; with that of another key in its table, if nobody has set it.
    pub(crate) fn problem(&self, path: &[&str], problem: impl fmt::Display) -> ConfigError {
        let table = path.split_last().map_or(path, |(_, table)| table);
        let nearby = || self.0.iter().filter(|(other, _)| other.get(..table.len()).is_some_and(|start| start == table));
        let by_user = || nearby().map(|(_, (_, origin))| origin).find(|origin| **origin != Origin::Default);
        let origin = self.origin(path).or_else(by_user);
        refused(origin.unwrap_or(&Origin::Default), path, problem)
    }

    /// Where the value of a key came from.
    pub(crate) fn origin(&self, path: &[&str]) -> Option<&Origin> {
        self.0.iter().find(|(other, _)| *other == path).map(|(_, (_, origin))| origin)
    }

    /// All origins, by key as TOML writes it.
    pub(crate) fn into_origins(self) -> BTreeMap<String, Origin> {
        self.0.into_iter().map(|(path, (_, origin))| (dotted(&path), origin)).collect()
    }
}

fn insert(table: &mut Map<String, Value>, path: &[String], value: &ValueKind) {
    let [name, below @ ..] = path else { return };
    let child = table.entry(name.clone()).or_insert_with(|| Map::<String, Value>::new().into());
    match &mut child.kind {
        ValueKind::Table(children) if !below.is_empty() => insert(children, below, value),
        place => *place = value.clone(),
    }
}

fn name_of(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Map { key } => Some(key.clone()),
        _ => None,
    }
}

/// Refuses a path through a name that a cluster or an objective must not have.
pub(crate) fn check_name(path: &[&str], origin: &Origin) -> Result<(), ConfigError> {
    keys::bad_name(path).map_or(Ok(()), |rule| Err(refused(origin, &path[..2], rule)))
}

/// A key that has an unusable value.
fn refused(origin: &Origin, path: &[&str], problem: impl fmt::Display) -> ConfigError {
    ConfigError::at(origin, format!("{}: {problem}", dotted(path)))
}
