//! `config print`: the configuration in force as TOML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::{Loaded, keys};

/// A table's place in the print: its position in the list of keys, then its path.
type TablePlace = (usize, Vec<String>);

/// Renders tables in the order of `config/default.toml`.
pub(crate) fn toml(loaded: &Loaded, with_origin: bool) -> String {
    let value = serde_json::to_value(&loaded.config).expect("plain structs with text keys always have a JSON form");
    let mut tables: BTreeMap<TablePlace, Vec<(usize, String)>> = BTreeMap::new();
    collect(&mut Vec::new(), &value, &mut |path, value| {
        let (name, table) = path.split_last().map_or(("", &[][..]), |(n, t)| (n, t));
        let mut line = format!("{} = {}", bare_or_quoted(name), literal(value));
        if with_origin && let Some(origin) = loaded.origins.get(&path.join(".")) {
            let _ = write!(line, "  # from {}", one_line(&origin.to_string()));
        }
        let place = (keys::position(table), table.to_vec());
        let lines = tables.entry(place).or_default();
        lines.push((keys::position(path), line));
    });

    let mut out = String::new();
    for ((_, table), mut lines) in tables {
        if !table.is_empty() {
            let path: Vec<_> = table.iter().map(|part| bare_or_quoted(part)).collect();
            let _ = writeln!(out, "\n[{}]", path.join("."));
        }
        lines.sort();
        for (_, line) in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// Calls `leaf` for everything that is no table, or an empty one.
fn collect(path: &mut Vec<String>, value: &Value, leaf: &mut impl FnMut(&[String], &Value)) {
    match value {
        Value::Object(children) if !children.is_empty() => {
            for (name, child) in children {
                path.push(name.clone());
                collect(path, child, leaf);
                path.pop();
            }
        }
        value => leaf(path, value),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => text_literal(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// A TOML basic string: the escapes of JSON, and DEL, which only TOML wants escaped.
fn text_literal(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

fn bare_or_quoted(name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => text_literal(name),
    }
}

/// A comment ends with its line, so the name of a file must not.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, "?")
}
