//! The known keys, which are those of `config/default.toml`, and the nearest one to a misspelled one.

use std::sync::LazyLock;

use ::config::{FileFormat, ValueKind};

use super::{DEFAULTS, file};

/// Stands for any name that the user chooses.
const NAME: &str = "NAME";

/// The value of any header.
static HEADER: ValueKind = ValueKind::String(String::new());

/// The tables of `config/default.toml`, with the example of a cluster that stands in its comments.
static TABLES: LazyLock<ValueKind> = LazyLock::new(|| {
    let lines: Vec<_> = DEFAULTS.lines().map(|line| line.strip_prefix("#   ").unwrap_or(line)).collect();
    let tables = file::parse(&lines.join("\n"), FileFormat::Toml);
    ValueKind::Table(tables.expect("the embedded file and its example are valid, as tests load them"))
});

/// Every key, with [`NAME`] for names.
static KEYS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| keys_below(&[]));

fn keys_below(path: &[&'static str]) -> Vec<Vec<&'static str>> {
    let Some(ValueKind::Table(children)) = default_of(path) else { return vec![path.to_vec()] };
    let names = if has_names(path) { vec![NAME] } else { children.keys().map(String::as_str).collect() };
    // Headers can also be given all at once.
    let itself = children.is_empty().then(|| path.to_vec());
    itself.into_iter().chain(names.into_iter().flat_map(|name| keys_below(&[path, &[name]].concat()))).collect()
}

/// Whether what is in this table has names that the user chooses.
fn has_names(table: &[&str]) -> bool {
    matches!(table, ["clusters"] | ["objectives"] | ["otlp", "headers"])
}

/// The default at a path, which also shows the type of the key; a table if there are more keys below. `None` if there is
/// no such key. Names are not judged here (see [`bad_name`]).
pub(crate) fn default_of(path: &[&str]) -> Option<&'static ValueKind> {
    let mut found = &*TABLES;
    for (depth, name) in path.iter().enumerate() {
        let ValueKind::Table(children) = found else { return None };
        found = match has_names(&path[..depth]) {
            true => children.values().next().map_or(&HEADER, |any| &any.kind),
            false => &children.get(*name)?.kind,
        };
    }
    Some(found)
}

/// What names are made of, if the path goes through a name that is not.
pub(crate) fn bad_name(path: &[&str]) -> Option<&'static str> {
    let is_small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let is_any = |b: u8| is_small(b.to_ascii_lowercase()) || matches!(b, b'.' | b'-');
    let (name, fits, rule) = match path {
        ["clusters", name, ..] => {
            let rule = "the name of a cluster is made of a-z, A-Z, 0-9, '.', '_' and '-' only, up to 64 characters";
            (name, name.bytes().all(is_any), rule)
        }
        ["objectives", name, ..] => {
            (name, name.bytes().all(is_small), "a name is made of a-z, 0-9 and _ only, up to 64 characters")
        }
        _ => return None,
    };
    (!fits || !(1..=64).contains(&name.len())).then_some(rule)
}

/// A path as TOML writes it: a name with a dot in it is quoted. Control characters, which only a quoted name can have,
/// are replaced, so that it fits into a line.
pub(crate) fn dotted<S: AsRef<str>>(path: &[S]) -> String {
    let parts = path.iter().map(AsRef::as_ref);
    let parts = parts.map(|part| if part.contains('.') { format!("{part:?}") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join(".").replace(char::is_control, "?")
}

/// The known path that is spelled most like `path`; with `only_keys` no table of keys.
///
/// A path in the wrong section still finds its key by the last part (`listen` → `http.listen`), and one that ends early
/// what it is the start of (`http` → `http.listen`); both a little behind one that differs by a slip of the finger.
pub(crate) fn nearest<'a>(path: &[&'a str], only_keys: bool) -> Vec<&'a str> {
    const OTHER_LENGTH: usize = 1;
    const OTHER_SECTION: usize = 2;
    let wanted = path.join(".");
    let distance = |candidate: &Vec<&str>| {
        let whole = strsim::damerau_levenshtein(&wanted, &candidate.join("."));
        let (wanted_last, last) = (path.last().unwrap_or(&""), candidate.last().unwrap_or(&""));
        let by_last = strsim::damerau_levenshtein(wanted_last, last) + OTHER_SECTION;
        let start = candidate[..candidate.len().min(path.len())].join(".");
        let by_start = strsim::damerau_levenshtein(&wanted, &start) + OTHER_LENGTH;
        (whole.min(by_last).min(by_start), whole)
    };
    let candidates = KEYS.iter().flat_map(|key| {
        let shortest = if only_keys { key.len() } else { 1 };
        (shortest..=key.len()).map(|length| with_names(&key[..length], path))
    });
    candidates.min_by_key(distance).unwrap_or_default()
}

/// The key with the names of `path`, as far as both agree.
fn with_names<'a>(key: &[&'a str], path: &[&'a str]) -> Vec<&'a str> {
    let agree = key.iter().zip(path).take_while(|(part, given)| part == given || **part == NAME).count();
    [&path[..agree], &key[agree..]].concat()
}
