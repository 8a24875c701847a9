//! How values stand in text: words of a closed list, durations, names. Each error quotes the text and says what would work.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serializer;
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::Serialize;
use tracing_subscriber::EnvFilter;

/// A text for an error: quoted and escaped, cut at 80 characters, and without what is before an `@`, where people put
/// passwords.
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

/// Why a text was refused, in our sentences instead of serde's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

impl Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let words: Vec<_> = expected.iter().map(|word| format!("{word:?}")).collect();
        Self(format!("{} is not known; use {}", quoted(variant), words.join(" or ")))
    }
}

/// A word of a closed list: an enum without data, by the names of its variants.
pub(crate) fn word<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    T::deserialize(StrDeserializer::<Refusal>::new(&text)).map_err(D::Error::custom)
}

/// The same of a key that not every table of its kind has.
pub(crate) fn optional_word<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    word(d).map(Some)
}

/// A value that may be absent, which is written as `""`. For `#[serde(with)]`.
pub(crate) struct OrEmpty;

impl OrEmpty {
    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
        let text = String::deserialize(d)?;
        (!text.is_empty()).then(|| word(StrDeserializer::new(&text))).transpose()
    }
}

/// For bounds: one minute in milliseconds.
pub(crate) const MINUTE: u64 = 60_000;
/// One hour in milliseconds.
pub(crate) const HOUR: u64 = 60 * MINUTE;
/// One day in milliseconds.
pub(crate) const DAY: u64 = 24 * HOUR;

/// A duration from `MIN` to `MAX` milliseconds, both included, which may be optional as a key. For `#[serde(with)]`.
pub(crate) struct Millis<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Millis<MIN, MAX> {
    pub(crate) fn serialize<S: Serializer>(
        value: &(impl Into<Option<Duration>> + Copy),
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = (*value).into().map(|duration| humantime::format_duration(duration).to_string());
        serializer.serialize_str(&text.unwrap_or_default())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: From<Duration>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = duration_between(Duration::from_millis(MIN), Duration::from_millis(MAX))(&text);
        parsed.map(T::from).map_err(D::Error::custom)
    }
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
    move |text| match humantime::parse_duration(text) {
        Ok(parsed) if (min..=max).contains(&parsed) => Ok(parsed),
        Ok(_) => {
            let (min, max) = (humantime::format_duration(min), humantime::format_duration(max));
            Err(format!("{} is out of range; use {min} to {max}", quoted(text)))
        }
        Err(_) => {
            let form = "is not a duration; write numbers with units, such as \"200ms\", \"5s\" or \"1m 30s\"";
            Err(format!("{} {form}", quoted(text)))
        }
    }
}

/// A number that is not within its bounds, which `hint` says.
pub(crate) fn out_of_range<E: Error>(given: impl fmt::Display, hint: &str) -> E {
    E::custom(format!("{given} is out of range; use {hint}"))
}

/// The text, if it fits; `problem` says why it does not and what would.
fn checked<'de, D: Deserializer<'de>>(d: D, fits: impl Fn(&str) -> bool, problem: &str) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    if fits(&text) { Ok(text) } else { Err(D::Error::custom(format!("{} {problem}", quoted(&text)))) }
}

/// A vantage: any short text that a metric label can carry.
pub(crate) fn vantage<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let fits = |text: &str| (1..=128).contains(&text.chars().count()) && !text.contains(char::is_control);
    checked(d, fits, "must be 1 to 128 printable characters")
}

/// The prefix of our topics' names. Kafka allows 249 bytes (`org.apache.kafka.common.internals.Topic`), and the longest of
/// our topics adds the ten of `replicated`.
pub(crate) fn topic_prefix<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = |text: &str| (1..=239).contains(&text.len()) && text.bytes().all(known);
    checked(d, fits, "cannot start a topic name; use 1 to 239 of a-z, A-Z, 0-9, '.', '_' and '-'")
}

/// An IP address and port to listen on; port 0 means any free one.
pub(crate) fn listen<'de, D: Deserializer<'de>>(d: D) -> Result<SocketAddr, D::Error> {
    let is_address = |text: &str| text.parse::<SocketAddr>().is_ok();
    let text = checked(d, is_address, "is not an IP address and port; write it like 127.0.0.1:9464 or [::]:9464")?;
    text.parse().map_err(D::Error::custom)
}

/// A tracing filter.
///
/// A bare word other than a level would be a target of that name, which is what a misspelled level (`inof`) would
/// silently become; so it is refused.
pub(crate) fn log_filter<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let fits = |text: &str| {
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        let all_fit = comma_list(text).all(|part| is_level(part) || part.contains(['=', '[']));
        all_fit && comma_list(text).next().is_some() && EnvFilter::builder().parse(text).is_ok()
    };
    let levels = LEVELS.join(", ");
    checked(d, fits, &format!("is not a log filter; use {levels}, or one like \"info,kafka_prober=debug\""))
}
