//! The type of a key, which its default shows: how a text is read as it, and what to say of a value of another type.

use ::config::{Map, ValueKind};

use super::{otlp, text};

/// Whether it is a table of keys, and not a key itself.
pub(crate) fn is_section(default: &ValueKind) -> bool {
    matches!(default, ValueKind::Table(children) if !children.is_empty())
}

/// The value that the text of a variable or a flag means for a key with this default, or what is wrong with it.
pub(crate) fn from_text(default: &ValueKind, text: &str) -> Result<ValueKind, String> {
    let value = match default {
        ValueKind::Array(_) => Some(text::comma_list(text).collect::<Vec<_>>().into()),
        ValueKind::Boolean(_) => text.to_ascii_lowercase().parse::<bool>().ok().map(ValueKind::from),
        ValueKind::I64(_) => text.parse::<i64>().ok().map(ValueKind::from),
        ValueKind::Float(_) => text.parse::<f64>().ok().map(ValueKind::from),
        ValueKind::Table(_) => Some(otlp::pairs(text)?.into_iter().collect::<Map<_, _>>().into()),
        _ => Some(text.into()),
    };
    value.ok_or_else(|| mismatch(default, "other text"))
}

/// What is wrong with a value for a key with this default, if it is of another type.
pub(crate) fn check(default: &ValueKind, value: &ValueKind) -> Result<(), String> {
    let (wanted, found) = (name(default), name(value));
    let other = match value {
        ValueKind::Array(items) if wanted == found => {
            items.iter().map(|item| name(&item.kind)).find(|item| *item != "text")
        }
        _ => (wanted != found && (wanted, found) != ("a number", "a whole number")).then_some(found),
    };
    other.map_or(Ok(()), |other| Err(mismatch(default, other)))
}

fn mismatch(default: &ValueKind, found: &str) -> String {
    let expected = match default {
        ValueKind::String(_) => "text in quotes, such as \"5s\"",
        ValueKind::Array(_) => "a list of text, such as [\"kafka-1:9092\"]",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::Float(_) => "a number, such as 0.999",
        default if is_section(default) => "a table of keys",
        ValueKind::Table(_) => "a table of text, such as { authorization = \"…\" }",
        _ => "a whole number, such as 128",
    };
    format!("must be {expected}, not {found}")
}

fn name(value: &ValueKind) -> &'static str {
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
