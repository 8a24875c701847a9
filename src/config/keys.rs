//! The list of all keys, and the nearest one to a misspelled one.

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
    /// Text that must not be shown.
    Secret,
}

/// A segment that stands for a name of ours, `[a-z0-9_]+`.
const NAME: &str = "NAME";
/// A segment that stands for the name of an HTTP header.
const HEADER: &str = "HEADER";

/// Every key, in the order of `config/default.toml`, which is also that of `config print`.
const KEYS: &[(&[&str], Kind)] = &[
    (&["vantage"], Kind::Text),
    (&["http", "listen"], Kind::Text),
    (&["clusters", NAME, "bootstrap"], Kind::List),
    (&["clusters", NAME, "security", "protocol"], Kind::Text),
    (&["clusters", NAME, "security", "ca"], Kind::Text),
    (&["clusters", NAME, "security", "certificate"], Kind::Text),
    (&["clusters", NAME, "security", "key"], Kind::Text),
    (&["clusters", NAME, "security", "verify_hostname"], Kind::Bool),
    (&["clusters", NAME, "security", "sasl_mechanism"], Kind::Text),
    (&["clusters", NAME, "security", "username"], Kind::Text),
    (&["clusters", NAME, "security", "password"], Kind::Secret),
    (&["clusters", NAME, "security", "password_file"], Kind::Text),
    (&["topics", "prefix"], Kind::Text),
    (&["lanes", "pinned", "enabled"], Kind::Bool),
    (&["lanes", "pinned", "interval"], Kind::Text),
    (&["lanes", "pinned", "fetch_max_wait"], Kind::Text),
    (&["lanes", "pinned", "record_size"], Kind::Integer),
    (&["lanes", "replicated", "enabled"], Kind::Bool),
    (&["lanes", "replicated", "interval"], Kind::Text),
    (&["lanes", "replicated", "fetch_max_wait"], Kind::Text),
    (&["lanes", "replicated", "record_size"], Kind::Integer),
    (&["lanes", "replicated", "acks"], Kind::Text),
    (&["lanes", "replicated", "compression"], Kind::Text),
    (&["probes", "produce", "deadline"], Kind::Text),
    (&["probes", "produce", "threshold"], Kind::Text),
    (&["probes", "consume", "deadline"], Kind::Text),
    (&["probes", "consume", "threshold"], Kind::Text),
    (&["probes", "end_to_end", "deadline"], Kind::Text),
    (&["probes", "end_to_end", "threshold"], Kind::Text),
    (&["probes", "fetch", "enabled"], Kind::Bool),
    (&["probes", "fetch", "interval"], Kind::Text),
    (&["probes", "fetch", "deadline"], Kind::Text),
    (&["probes", "fetch", "threshold"], Kind::Text),
    (&["probes", "metadata", "enabled"], Kind::Bool),
    (&["probes", "metadata", "interval"], Kind::Text),
    (&["probes", "metadata", "deadline"], Kind::Text),
    (&["probes", "metadata", "threshold"], Kind::Text),
    (&["probes", "connect", "enabled"], Kind::Bool),
    (&["probes", "connect", "interval"], Kind::Text),
    (&["probes", "connect", "deadline"], Kind::Text),
    (&["probes", "connect", "threshold"], Kind::Text),
    (&["probes", "commit", "enabled"], Kind::Bool),
    (&["probes", "commit", "interval"], Kind::Text),
    (&["probes", "commit", "deadline"], Kind::Text),
    (&["probes", "commit", "threshold"], Kind::Text),
    (&["probes", "transaction", "enabled"], Kind::Bool),
    (&["probes", "transaction", "interval"], Kind::Text),
    (&["probes", "transaction", "deadline"], Kind::Text),
    (&["probes", "transaction", "threshold"], Kind::Text),
    (&["probes", "controller", "enabled"], Kind::Bool),
    (&["probes", "controller", "interval"], Kind::Text),
    (&["probes", "controller", "deadline"], Kind::Text),
    (&["probes", "controller", "threshold"], Kind::Text),
    (&["probes", "controller", "canary"], Kind::Bool),
    (&["probes", "controller", "canary_interval"], Kind::Text),
    (&["observation", "enabled"], Kind::Bool),
    (&["observation", "interval"], Kind::Text),
    (&["observation", "configs_interval"], Kind::Text),
    (&["observation", "partitions_per_broker"], Kind::Integer),
    (&["observation", "partitions_per_cluster"], Kind::Integer),
    (&["diagnosis", "reference"], Kind::Text),
    (&["upkeep", "mode"], Kind::Text),
    (&["objectives", NAME, "view"], Kind::Text),
    (&["objectives", NAME, "probe"], Kind::Text),
    (&["objectives", NAME, "threshold"], Kind::Text),
    (&["objectives", NAME, "target"], Kind::Number),
    (&["metrics", "level"], Kind::Text),
    (&["otlp", "endpoint"], Kind::Text),
    (&["otlp", "protocol"], Kind::Text),
    (&["otlp", "interval"], Kind::Text),
    (&["otlp", "timeout"], Kind::Text),
    (&["otlp", "compression"], Kind::Text),
    (&["otlp", "temporality"], Kind::Text),
    (&["otlp", "histograms"], Kind::Text),
    (&["otlp", "ca"], Kind::Text),
    (&["otlp", "client_certificate"], Kind::Text),
    (&["otlp", "client_key"], Kind::Text),
    (&["otlp", "headers"], Kind::Secrets),
    (&["otlp", "headers", HEADER], Kind::Secret),
    (&["log", "level"], Kind::Text),
    (&["log", "format"], Kind::Text),
];

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A key of this kind.
    Key(Kind),
    /// A table of other keys.
    Section,
    /// Nothing that we know.
    Unknown,
}

/// Looks a path up; names are not judged here (see [`needs_name`]).
pub(crate) fn place(path: &[String]) -> Place {
    let known = |(pattern, _): &&(&[&str], Kind)| {
        path.len() <= pattern.len() && path.iter().zip(*pattern).all(|(s, p)| matches(s, p))
    };
    let mut under = KEYS.iter().filter(known).peekable();
    match under.peek() {
        None => Place::Unknown,
        Some((pattern, kind)) if pattern.len() == path.len() => Place::Key(*kind),
        Some(_) => Place::Section,
    }
}

/// Whether the last segment of a known path is a name that we let users choose.
pub(crate) fn needs_name(path: &[String]) -> bool {
    path.len() == 2 && matches!(path[0].as_str(), "clusters" | "objectives")
}

/// A name: what fits into metrics, variables and TOML without quotes.
pub(crate) fn is_name(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(known)
}

/// Position of a known path in the list, for printing in its order.
pub(crate) fn position(path: &[String]) -> usize {
    KEYS.iter()
        .position(|(pattern, _)| pattern.len() >= path.len() && path.iter().zip(*pattern).all(|(s, p)| matches(s, p)))
        .unwrap_or(KEYS.len())
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

fn matches(segment: &str, pattern: &str) -> bool {
    pattern == NAME || pattern == HEADER || segment == pattern
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, layers::Layer};

    #[test]
    fn every_fixed_key_has_a_default_and_every_default_is_a_key() {
        let defaults = Layer::defaults().expect("the embedded file is valid");
        assert!(defaults.origins.values().all(|o| *o == Origin::Default));
        let named = |pattern: &[&str]| pattern.contains(&NAME) || pattern.contains(&HEADER);
        for (pattern, _) in KEYS.iter().filter(|(pattern, _)| !named(pattern)) {
            let key = pattern.join(".");
            assert!(defaults.origins.contains_key(&key), "no default for {key}");
        }
    }
}
