//! `config print`: the configuration in force as TOML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::{Loaded, keys};

/// A name behind its position in the list of keys.
type Ordered<T> = (usize, T);

/// Writes the tables in the order of `config/default.toml`.
pub(crate) fn toml(loaded: &Loaded, with_origin: bool) -> String {
    let value = serde_json::to_value(&loaded.config).expect("plain structs with text keys always have a JSON form");
    let mut tables: BTreeMap<Ordered<Vec<String>>, BTreeMap<Ordered<String>, String>> = BTreeMap::new();
    for_each_leaf(&mut Vec::new(), &value, &mut |path, value| {
        let (name, table) = path.split_last().map_or(("", path), |(name, table)| (name, table));
        let mut line = format!("{} = {}", bare_or_quoted(name), literal(value));
        if with_origin && let Some(origin) = loaded.origins.get(&keys::dotted(path)) {
            // A comment ends with its line, so the name of a file must not.
            let _ = write!(line, "  # from {}", origin.to_string().replace(char::is_control, "?"));
        }
        let lines = tables.entry((keys::position(table), table.to_vec())).or_default();
        lines.insert((keys::position(path), name.to_owned()), line);
    });

    let mut out = String::new();
    for ((_, table), lines) in tables {
        if !table.is_empty() {
            let path: Vec<_> = table.iter().map(|part| bare_or_quoted(part)).collect();
            let _ = writeln!(out, "\n[{}]", path.join("."));
        }
        lines.into_values().for_each(|line| out += &(line + "\n"));
    }
    out
}

/// Calls `leaf` for everything that is no table, and for empty tables.
fn for_each_leaf(path: &mut Vec<String>, value: &Value, leaf: &mut impl FnMut(&[String], &Value)) {
    match value {
        Value::Object(children) if !children.is_empty() => {
            for (name, child) in children {
                path.push(name.clone());
                for_each_leaf(path, child, leaf);
                path.pop();
            }
        }
        value => leaf(path, value),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        // A TOML basic string has the escapes of JSON, and DEL, which only TOML wants escaped.
        other => other.to_string().replace('\u{7f}', "\\u007F"),
    }
}

fn bare_or_quoted(name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => literal(&Value::from(name)),
    }
}
