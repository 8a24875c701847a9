//! The list of all keys, which is that of `config/default.toml`, and the nearest one to a misspelled one.

use std::sync::LazyLock;

use ::config::{FileFormat, Map, Value, ValueKind};

use super::{DEFAULTS, file};

/// What a key holds, as it must stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, durations and addresses included.
    Text,
    /// A list of text.
    List,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// true or false.
    Bool,
    /// A table of secrets.
    Secrets,
}

impl Kind {
    /// What a key of this kind takes, with an example.
    pub(crate) fn expectation(self) -> &'static str {
        match self {
            Self::Text => "text in quotes, such as \"5s\"",
            Self::List => "a list of text, such as [\"kafka-1:9092\"]",
            Self::Integer => "a whole number, such as 128",
            Self::Number => "a number, such as 0.999",
            Self::Bool => "true or false",
            Self::Secrets => "a table of text, such as { authorization = \"…\" }",
        }
    }
}

/// A segment that stands for any name: of a cluster, an objective or a header.
const NAME: &str = "NAME";

/// The values of `config/default.toml`.
pub(crate) static DEFAULT_VALUES: LazyLock<Map<String, Value>> =
    LazyLock::new(|| file::parse(DEFAULTS, FileFormat::Toml).expect("the embedded file is valid, which a test says"));

/// The example of a cluster in the comments of `config/default.toml`: the keys of every cluster and their defaults.
pub(crate) static EXAMPLE_CLUSTER: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let example: String =
        DEFAULTS.lines().filter_map(|line| line.strip_prefix("#   ")).map(|l| l.to_owned() + "\n").collect();
    let parsed = file::parse(&example, FileFormat::Toml).expect("the embedded example is valid, which a test says");
    table(&parsed, "clusters").and_then(|clusters| table(clusters, "prod")).cloned().unwrap_or_default()
});

/// The table under a name.
pub(crate) fn table<'a>(parent: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    match &parent.get(name)?.kind {
        ValueKind::Table(children) => Some(children),
        _ => None,
    }
}

/// Every key, in the order of `config/default.toml`, which is also that of `config print`.
static KEYS: LazyLock<Vec<(Vec<&str>, Kind)>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    collect(&mut Vec::new(), &DEFAULT_VALUES, &mut keys);
    keys
});

fn collect<'a>(path: &mut Vec<&'a str>, children: &'a Map<String, Value>, keys: &mut Vec<(Vec<&'a str>, Kind)>) {
    for (name, value) in children {
        path.push(if *path == ["objectives"] { NAME } else { name });
        let kind = match &value.kind {
            ValueKind::Table(_) if *path == ["clusters"] => {
                path.push(NAME);
                collect(path, &EXAMPLE_CLUSTER, keys);
                path.pop();
                None
            }
            ValueKind::Table(children) if !children.is_empty() => {
                collect(path, children, keys);
                None
            }
            ValueKind::Table(_) => Some(Kind::Secrets),
            ValueKind::Array(_) => Some(Kind::List),
            ValueKind::Boolean(_) => Some(Kind::Bool),
            ValueKind::Float(_) => Some(Kind::Number),
            ValueKind::String(_) => Some(Kind::Text),
            _ => Some(Kind::Integer),
        };
        if let Some(kind) = kind.filter(|_| keys.iter().all(|(known, _)| known != path)) {
            keys.push((path.clone(), kind));
            if kind == Kind::Secrets {
                keys.push((path.iter().copied().chain([NAME]).collect(), Kind::Text));
            }
        }
        path.pop();
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A key of this kind.
    Key(Kind),
    /// A table of other keys.
    Section,
    /// Nothing known.
    Unknown,
}

/// Looks a path up; names are not judged here (see [`bad_name`]).
pub(crate) fn place(path: &[String]) -> Place {
    match KEYS.iter().find(|(pattern, _)| starts_with(pattern, path)) {
        None => Place::Unknown,
        Some((pattern, kind)) if pattern.len() == path.len() => Place::Key(*kind),
        Some(_) => Place::Section,
    }
}

/// Whether a known path is the table of one cluster or objective.
pub(crate) fn is_named_table(path: &[String]) -> bool {
    path.len() == 2 && matches!(path[0].as_str(), "clusters" | "objectives")
}

/// What names are made of, if the path goes through a name that is not.
pub(crate) fn bad_name(path: &[String]) -> Option<&'static str> {
    let (is_cluster, name) = match path {
        [section, name, ..] if is_named_table(&path[..2]) => (section == "clusters", name),
        _ => return None,
    };
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let known = |b: u8| small(b) || is_cluster && (b.is_ascii_uppercase() || matches!(b, b'.' | b'-'));
    let rule = match is_cluster {
        true => "the name of a cluster is made of a-z, A-Z, 0-9, '.', '_' and '-' only, up to 64 characters",
        false => "a name is made of a-z, 0-9 and _ only, up to 64 characters",
    };
    (!(1..=64).contains(&name.len()) || !name.bytes().all(known)).then_some(rule)
}

/// A path as TOML writes it: a name with a dot in it is quoted. Control characters, which only a quoted name can have,
/// are replaced, so that it fits into a line.
pub(crate) fn dotted(path: &[String]) -> String {
    let segments = path.iter().map(|part| if part.contains('.') { format!("{part:?}") } else { part.clone() });
    segments.collect::<Vec<_>>().join(".").replace(char::is_control, "?")
}

/// Position of a known path in the list, for printing in its order.
pub(crate) fn position(path: &[String]) -> usize {
    KEYS.iter().position(|(pattern, _)| starts_with(pattern, path)).unwrap_or(KEYS.len())
}

/// The known path that is spelled most like `path`; with `only_keys` no section.
///
/// A path in the wrong section still finds its key by the last segment (`listen` →
/// `http.listen`), and one that ends early what it is the start of (`http` → `http.listen`);
/// both a little behind one that differs by a slip of the finger.
pub(crate) fn nearest(path: &[String], only_keys: bool) -> Vec<String> {
    const OTHER_LENGTH: usize = 1;
    const OTHER_SECTION: usize = 2;
    let wanted = path.join(".");
    let wanted_last = path.last().map_or("", String::as_str);
    KEYS.iter()
        .flat_map(|(pattern, _)| {
            let shortest = if only_keys { pattern.len() } else { 1 };
            (shortest..=pattern.len()).map(|length| instance(&pattern[..length], path))
        })
        .min_by_key(|candidate| {
            let last = candidate.last().map_or("", String::as_str);
            let whole = strsim::damerau_levenshtein(&wanted, &candidate.join("."));
            let by_last = strsim::damerau_levenshtein(wanted_last, last) + OTHER_SECTION;
            let start = &candidate[..candidate.len().min(path.len())];
            let by_start = strsim::damerau_levenshtein(&wanted, &start.join(".")) + OTHER_LENGTH;
            (whole.min(by_last).min(by_start), whole)
        })
        .unwrap_or_default()
}

fn starts_with(pattern: &[&str], path: &[String]) -> bool {
    path.len() <= pattern.len() && path.iter().zip(pattern).all(|(segment, part)| matches(segment, part))
}

fn matches(segment: &str, pattern: &str) -> bool {
    pattern == NAME || segment == pattern
}

/// The pattern with the names that `path` has, as far as both agree.
fn instance(pattern: &[&str], path: &[String]) -> Vec<String> {
    let mut agree = true;
    let segments = pattern.iter().enumerate().map(|(i, part)| {
        let given = path.get(i).filter(|given| agree && matches(given, part));
        agree = given.is_some();
        given.cloned().unwrap_or_else(|| (*part).to_owned())
    });
    segments.collect()
}
