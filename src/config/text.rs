//! Parsers of single texts. Each error quotes the text and says what would work.

use std::net::SocketAddr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

/// A text for an error: quoted and escaped, cut at 80 characters, and without what stands
/// before an `@`, where people put passwords.
pub(crate) fn quoted(text: &str) -> String {
    let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let hidden = if shown.len() < text.len() { "…@" } else { "" };
    let short: String = shown.chars().take(80).collect();
    let cut = if short.len() < shown.len() { "…" } else { "" };
    format!("{:?}", format!("{hidden}{short}{cut}"))
}

/// Items between commas, without blanks around them; empty ones do not count.
pub(crate) fn comma_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A duration such as `200ms`, `5s` or `1m 30s` within the bounds, both included.
///
/// # Errors
///
/// A sentence that quotes the text and says what would work.
pub fn duration_between(
    min: Duration,
    max: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let parsed = humantime::parse_duration(text).map_err(|_| {
            format!(
                "{} is not a duration; write numbers with units, such as \"200ms\", \"5s\" or \"1m 30s\"",
                quoted(text)
            )
        })?;
        if (min..=max).contains(&parsed) {
            return Ok(parsed);
        }
        Err(format!(
            "{} is out of range; use {} to {}",
            quoted(text),
            humantime::format_duration(min),
            humantime::format_duration(max)
        ))
    }
}

/// An IP address and port to listen on; port 0 means any free one.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{} is not an IP address and port; write it like 127.0.0.1:9464 or [::]:9464", quoted(text))
    })
}

/// A vantage: any short text that a metric label can carry.
pub(crate) fn vantage(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| format!("{} must be 1 to 128 printable characters", quoted(text)))
}

/// The prefix of our topics' names. Kafka allows 249 bytes (`org.apache.kafka.common.internals.Topic`), and the longest of
/// our topics adds the ten of `replicated`.
pub(crate) fn topic_prefix(text: &str) -> Result<String, String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=239).contains(&text.len()) && text.bytes().all(known);
    fits.then(|| text.to_owned()).ok_or_else(|| {
        format!("{} cannot start a topic name; use 1 to 239 of a-z, A-Z, 0-9, '.', '_' and '-'", quoted(text))
    })
}

/// A tracing filter.
///
/// A bare word other than a level would mean a target of that name, which is what a
/// misspelled level (`inof`) would silently become; so it is refused.
pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    let fits = |part: &str| is_level(part) || part.contains(['=', '[']);
    let parses = || EnvFilter::builder().parse(text).is_ok();
    if comma_list(text).all(fits) && comma_list(text).next().is_some() && parses() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is not a log filter; use {}, or one like \"info,kafka_prober=debug\"",
        quoted(text),
        LEVELS.join(", ")
    ))
}

/// One of a closed list of words.
pub(crate) fn choice<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
            format!("{} is not known; use {}", quoted(text), words.join(" or "))
        })
    }
}

/// `name=value,name=value` with percent-encoded values, as `OTEL_EXPORTER_OTLP_HEADERS` has
/// it (OTLP exporter specification; W3C baggage without properties).
///
/// The error never quotes: all of it may be secret.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    comma_list(text)
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim(), percent_decoded(value.trim())?);
            (!name.is_empty()).then(|| (name.to_owned(), value))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| "must be written name=value,name=value, with a comma inside a value as %2C".to_owned())
}

/// A header's name (an RFC 9110 token) and value (visible ASCII and blanks); no quote.
pub(crate) fn header(name: &str, value: &str) -> Result<(), String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("this is not a header name; use a-z, 0-9 and '-'".to_owned());
    }
    if value == super::Secret::REDACTED {
        return Err("this is the mark that hides a secret in outputs; give the secret".to_owned());
    }
    let visible = |b: u8| matches!(b, b'\t' | b' '..=b'~');
    match value.bytes().all(visible) {
        true => Ok(()),
        false => Err("a header's value must be visible ASCII characters".to_owned()),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}
