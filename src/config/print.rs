//! `config print`: the configuration in force as TOML.

use std::collections::BTreeMap;

use toml_edit::{Item, Table, Value, ser};

use super::{Config, Origin, keys};

/// The tables in the order of the fields, which is that of `config/default.toml`; with origins each value's behind it.
pub(crate) fn toml(config: &Config, origins: Option<&BTreeMap<String, Origin>>) -> String {
    let mut document = ser::to_document(config).expect("plain structs with text keys always have a TOML form");
    write_tables(&mut document, &[], origins);
    document.to_string()
}

/// Gives each table lines of its own.
fn write_tables(table: &mut Table, path: &[&str], origins: Option<&BTreeMap<String, Origin>>) {
    // Without values it has no header.
    table.set_implicit(true);
    for (name, item) in table.iter_mut() {
        let path = [path, &[name.get()]].concat();
        match item {
            Item::Value(Value::InlineTable(inline)) if !inline.is_empty() => {
                let mut below = inline.clone().into_table();
                write_tables(&mut below, &path, origins);
                *item = Item::Table(below);
            }
            Item::Value(value) => {
                if let Some(origin) = origins.and_then(|origins| origins.get(&keys::dotted(&path))) {
                    // A comment ends with its line, so the name of a file must not.
                    let origin = origin.to_string().replace(char::is_control, "?");
                    value.decor_mut().set_suffix(format!("  # from {origin}"));
                }
            }
            _ => {}
        }
    }
}
