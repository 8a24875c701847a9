//! One layer: a table of values, each of the type of its key, and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use ::config::{Map, Source, Value, ValueKind};

use super::keys::{self, DEFAULT_VALUES, EXAMPLE_CLUSTER, Kind, Place, dotted};
use super::sources::{PREFIX, is_ours};
use super::{ConfigError, Flags, Origin, file, otlp, text};

/// Values of one source, of the right types and under known keys.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    pub(crate) table: Map<String, Value>,
    /// By key, written as in TOML.
    pub(crate) origins: BTreeMap<String, Origin>,
}

impl Layer {
    /// The embedded defaults, with the security of the example for each of these clusters.
    pub(crate) fn defaults(clusters: &[String]) -> Result<Self, ConfigError> {
        let mut table = DEFAULT_VALUES.clone();
        let security = EXAMPLE_CLUSTER.get("security").map(|security| &security.kind);
        for (name, security) in clusters.iter().zip(security.into_iter().cycle()) {
            insert(&mut table, &["clusters".to_owned(), name.clone(), "security".to_owned()], security.clone());
        }
        Self::checked(table, &Origin::Default)
    }

    /// One `--config` file.
    pub(crate) fn file(path: &Path) -> Result<Self, ConfigError> {
        Self::checked(file::read(path)?, &Origin::File(path.to_owned()))
    }

    /// The variables named `KAFKA_PROBER__SECTION__KEY`, in any case. `clusters` are those of the layers below.
    pub(crate) fn environment(env: &BTreeMap<String, String>, clusters: &[String]) -> Result<Self, ConfigError> {
        let mut layer = Self::default();
        let mut set_by = BTreeMap::new();
        for (variable, value) in env.iter().filter(|(name, _)| is_ours(name)) {
            let origin = Origin::Variable(variable.clone());
            let name = variable.to_ascii_lowercase();
            let mut path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_owned).collect();
            let Place::Key(kind) = keys::place(&path) else {
                let nearest = keys::nearest(&path, true).join("__");
                let nearest = format!("{PREFIX}{nearest}").to_ascii_uppercase();
                return Err(ConfigError::at(&origin, format!("unknown variable; the nearest known one is {nearest}")));
            };
            if path[0] == "clusters" {
                path[1] = cluster_of(&path[1], clusters).map_err(|problem| ConfigError::at(&origin, problem))?;
            }
            if let Some(other) = set_by.insert(path.clone(), variable) {
                return Err(ConfigError::at(&origin, format!("this key is also set by {other}; keep one of the two")));
            }
            layer.set(&path, kind, value, &origin)?;
        }
        Ok(layer)
    }

    /// The command line.
    pub(crate) fn flags(flags: &Flags) -> Result<Self, ConfigError> {
        let mut layer = Self::default();
        let cluster = flags.cluster.as_deref().unwrap_or("default");
        let bootstrap = ["clusters", cluster, "bootstrap"].map(str::to_owned);
        if let (Some(rule), true) = (keys::bad_name(&bootstrap), flags.bootstrap.is_some()) {
            return Err(refused(&Origin::Flag("--cluster"), &bootstrap[..2], rule));
        }
        let given: [(&[&str], Kind, &Option<String>, &'static str); 5] = [
            (&["clusters", cluster, "bootstrap"], Kind::List, &flags.bootstrap, "--bootstrap-server"),
            (&["vantage"], Kind::Text, &flags.vantage, "--vantage"),
            (&["http", "listen"], Kind::Text, &flags.listen, "--listen"),
            (&["log", "level"], Kind::Text, &flags.log_level, "--log-level"),
            (&["log", "format"], Kind::Text, &flags.log_format, "--log-format"),
        ];
        for (path, kind, value, flag) in given {
            if let Some(value) = value {
                let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
                layer.set(&path, kind, value, &Origin::Flag(flag))?;
            }
        }
        Ok(layer)
    }

    /// Sets one key from text, as variables and flags have it.
    pub(crate) fn set(&mut self, path: &[String], kind: Kind, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        if let Some(rule) = keys::bad_name(path) {
            return Err(refused(origin, &path[..2], rule));
        }
        let parsed = match kind {
            Kind::Text => Some(ValueKind::String(text.to_owned())),
            Kind::List => Some(ValueKind::Array(text::comma_list(text).map(Value::from).collect())),
            Kind::Bool => text.to_ascii_lowercase().parse().ok().map(ValueKind::Boolean),
            Kind::Integer => text.parse().ok().map(ValueKind::I64),
            Kind::Number => text.parse().ok().map(ValueKind::Float),
            Kind::Secrets => {
                for (name, value) in otlp::pairs(text).map_err(|problem| refused(origin, path, &problem))? {
                    self.set(&[path, &[name.to_ascii_lowercase()]].concat(), Kind::Text, &value, origin)?;
                }
                return Ok(());
            }
        };
        let value = parsed.ok_or_else(|| wrong_type(origin, path, kind.expectation(), "other text"))?;
        insert(&mut self.table, path, value);
        self.origins.insert(dotted(path), origin.clone());
        Ok(())
    }

    /// The names of the clusters that it has something of.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &String> {
        keys::table(&self.table, "clusters").into_iter().flat_map(Map::keys)
    }

    /// Refuses unknown keys, bad names and wrong types.
    fn checked(table: Map<String, Value>, origin: &Origin) -> Result<Self, ConfigError> {
        let mut origins = BTreeMap::new();
        let table = check(&mut Vec::new(), table, origin, &mut origins)?;
        Ok(Self { table, origins })
    }
}

/// The cluster that a variable means: variables have neither case nor `.` and `-`, so that `PROD_EU` is also `Prod-EU`,
/// if there is one. A name that is nobody's is a new cluster's.
fn cluster_of(name: &str, clusters: &[String]) -> Result<String, String> {
    let folded = |name: &str| name.to_ascii_lowercase().replace(['.', '-'], "_");
    let alike: Vec<_> = clusters.iter().filter(|cluster| folded(cluster) == folded(name)).collect();
    let same = alike.iter().find(|cluster| **cluster == name);
    match (same, &alike[..]) {
        (Some(cluster), _) => Ok((*cluster).clone()),
        (None, []) => Ok(name.to_owned()),
        (None, [cluster]) => Ok((*cluster).clone()),
        (None, [one, other, ..]) => Err(format!("can mean cluster {one} and cluster {other}; set it in a file")),
    }
}

/// The values of a table that count, under `path`.
fn check(
    path: &mut Vec<String>,
    table: Map<String, Value>,
    origin: &Origin,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<Map<String, Value>, ConfigError> {
    // Header names are case-insensitive (RFC 9110, 5.1), and gRPC wants them in lower case.
    let is_headers = keys::place(path) == Place::Key(Kind::Secrets);
    let mut kept = Map::new();
    for (name, value) in table {
        path.push(if is_headers { name.to_ascii_lowercase() } else { name });
        if let Some(rule) = keys::bad_name(path) {
            return Err(refused(origin, path, rule));
        }
        let kind = match (keys::place(path), value.kind) {
            (Place::Unknown, _) => {
                let nearest = keys::nearest(path, false).join(".");
                let problem = format!("unknown key {}; the nearest known one is {nearest}", dotted(path));
                return Err(ConfigError::at(origin, problem));
            }
            (Place::Section, ValueKind::Table(children)) => {
                if children.is_empty() && keys::is_named_table(path) {
                    // What is missing in it will be reported with this origin.
                    origins.insert(dotted(path), origin.clone());
                }
                ValueKind::Table(check(path, children, origin, origins)?)
            }
            // `clusters:` with all its lines commented out is null in YAML.
            (Place::Section, ValueKind::Nil) => ValueKind::Table(Map::new()),
            (Place::Section, other) => return Err(wrong_type(origin, path, "a table of keys", type_name(&other))),
            (Place::Key(Kind::Secrets), ValueKind::Table(children)) => {
                origins.insert(dotted(path), origin.clone());
                ValueKind::Table(check(path, children, origin, origins)?)
            }
            (Place::Key(kind), value) => {
                origins.insert(dotted(path), origin.clone());
                of_kind(kind, value).map_err(|found| wrong_type(origin, path, kind.expectation(), found))?
            }
        };
        kept.extend(path.pop().map(|name| (name, Value::new(None, kind))));
    }
    Ok(kept)
}

/// The value, if it is of that kind; else the name of its type.
fn of_kind(kind: Kind, value: ValueKind) -> Result<ValueKind, &'static str> {
    let is_of_kind = match (kind, &value) {
        (Kind::List, ValueKind::Array(items)) => {
            let other = items.iter().map(|item| type_name(&item.kind)).find(|name| *name != "text");
            return other.map_or(Ok(value), Err);
        }
        (Kind::Text, ValueKind::String(_)) | (Kind::Bool, ValueKind::Boolean(_)) => true,
        (Kind::Integer | Kind::Number, ValueKind::I64(_)) | (Kind::Number, ValueKind::Float(_)) => true,
        _ => false,
    };
    if is_of_kind { Ok(value) } else { Err(type_name(&value)) }
}

/// The type of a value in the words of the errors.
fn type_name(value: &ValueKind) -> &'static str {
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

fn refused(origin: &Origin, path: &[String], problem: &str) -> ConfigError {
    ConfigError::at(origin, format!("{}: {problem}", dotted(path)))
}

fn wrong_type(origin: &Origin, path: &[String], expected: &str, found: &str) -> ConfigError {
    refused(origin, path, &format!("must be {expected}, not {found}"))
}

fn insert(table: &mut Map<String, Value>, path: &[String], value: ValueKind) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(name.clone(), Value::new(None, value));
        return;
    }
    let empty = || Value::new(None, ValueKind::Table(Map::new()));
    if let ValueKind::Table(children) = &mut table.entry(name.clone()).or_insert_with(empty).kind {
        insert(children, rest, value);
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
