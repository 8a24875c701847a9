//! One layer: a table of checked values and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use ::config::{FileFormat, Map, Source, Value, ValueKind};

use super::check::{check, expectation};
use super::keys::{self, Kind, Place};
use super::sources::{PREFIX, is_ours};
use super::{ConfigError, DEFAULTS, Flags, Origin, file, text};

/// Values of one source, of the right types and under known keys.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    pub(crate) table: Map<String, Value>,
    pub(crate) origins: BTreeMap<String, Origin>,
}

impl Layer {
    /// The embedded defaults.
    pub(crate) fn defaults() -> Result<Self, ConfigError> {
        let parsed = file::parse(Path::new("default.toml"), FileFormat::Toml, DEFAULTS)?;
        Self::checked(parsed, Origin::Default)
    }

    /// One `--config` file.
    pub(crate) fn file(path: &Path) -> Result<Self, ConfigError> {
        let parsed = file::read(path)?;
        Self::checked(parsed, Origin::File(path.to_owned()))
    }

    /// The variables named `KAFKA_PROBER__SECTION__KEY`, in any case.
    pub(crate) fn environment(env: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut layer = Self::default();
        let mut seen = BTreeMap::new();
        for (variable, value) in env.iter().filter(|(name, _)| is_ours(name)) {
            let name = variable.to_ascii_lowercase();
            if let Some(other) = seen.insert(name.clone(), variable) {
                return Err(ConfigError::VariableTwice { variable: variable.clone(), other: other.clone() });
            }
            let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_owned).collect();
            let Place::Key(kind) = keys::place(&path) else {
                let nearest = keys::nearest(&path, true).join("__").to_ascii_uppercase();
                return Err(ConfigError::UnknownVariable {
                    variable: variable.clone(),
                    nearest: format!("{}{nearest}", PREFIX.to_ascii_uppercase()),
                });
            };
            layer.set(&path, kind, value, Origin::Variable(variable.clone()))?;
        }
        Ok(layer)
    }

    /// What the command line says.
    pub(crate) fn flags(flags: &Flags) -> Result<Self, ConfigError> {
        let mut layer = Self::default();
        let cluster = flags.cluster.as_deref().unwrap_or("default");
        if !keys::is_name(cluster) && flags.bootstrap.is_some() {
            return Err(ConfigError::Name { origin: Origin::Flag("--cluster"), key: format!("clusters.{cluster}") });
        }
        let bootstrap = ["clusters", cluster, "bootstrap"];
        let given: [(&[&str], Kind, &Option<String>, &'static str); 5] = [
            (&bootstrap, Kind::List, &flags.bootstrap, "--bootstrap-server"),
            (&["vantage"], Kind::Text, &flags.vantage, "--vantage"),
            (&["http", "listen"], Kind::Text, &flags.listen, "--listen"),
            (&["log", "level"], Kind::Text, &flags.log_level, "--log-level"),
            (&["log", "format"], Kind::Text, &flags.log_format, "--log-format"),
        ];
        for (path, kind, value, flag) in given {
            if let Some(value) = value {
                let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
                layer.set(&path, kind, value, Origin::Flag(flag))?;
            }
        }
        Ok(layer)
    }

    /// Sets one key from text, as variables and flags have it.
    pub(crate) fn set(&mut self, path: &[String], kind: Kind, value: &str, origin: Origin) -> Result<(), ConfigError> {
        let key = path.join(".");
        if path.len() > 2 && keys::needs_name(&path[..2]) && !keys::is_name(&path[1]) {
            let key = path[..2].join(".");
            return Err(ConfigError::Name { origin, key });
        }
        let wrong = |found| ConfigError::WrongType {
            origin: origin.clone(),
            key: key.clone(),
            expected: expectation(kind),
            found,
        };
        let value = match kind {
            Kind::Text | Kind::Secret => ValueKind::String(value.to_owned()),
            Kind::List => ValueKind::Array(
                text::comma_list(value).map(|item| Value::new(None, ValueKind::String(item.to_owned()))).collect(),
            ),
            Kind::Bool => ValueKind::Boolean(value.to_ascii_lowercase().parse().map_err(|_| wrong("other text"))?),
            Kind::Integer => ValueKind::I64(value.parse().map_err(|_| wrong("other text"))?),
            Kind::Number => ValueKind::Float(value.parse().map_err(|_| wrong("other text"))?),
            Kind::Secrets => {
                let pairs = text::pairs(value).map_err(|problem| ConfigError::Value {
                    origin: origin.clone(),
                    key: key.clone(),
                    problem,
                })?;
                for (name, value) in pairs {
                    let path = [path, &[name.to_ascii_lowercase()]].concat();
                    self.set(&path, Kind::Secret, &value, origin.clone())?;
                }
                return Ok(());
            }
        };
        insert(&mut self.table, path, value);
        self.origins.insert(key, origin);
        Ok(())
    }

    fn checked(parsed: Map<String, Value>, origin: Origin) -> Result<Self, ConfigError> {
        let checked = check(parsed, &origin)?;
        let paths = checked.paths.into_iter();
        Ok(Self { table: checked.table, origins: paths.map(|path| (path, origin.clone())).collect() })
    }
}

/// Values may be secret, so only the keys are shown.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.origins.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.table.clone())
    }
}

pub(crate) fn insert(table: &mut Map<String, Value>, path: &[String], value: ValueKind) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(name.clone(), Value::new(None, value));
        return;
    }
    let empty = || Value::new(None, ValueKind::Table(Map::new()));
    let child = table.entry(name.clone()).or_insert_with(empty);
    if let ValueKind::Table(children) = &mut child.kind {
        insert(children, rest, value);
    }
}
