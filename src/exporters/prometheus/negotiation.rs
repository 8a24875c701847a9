//! What a request asks for: RFC 9110, section 12.5.

/// A text format of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The Prometheus text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The media type of an answer.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that an `Accept` header prefers. OpenMetrics has to be asked for by name and to weigh at least as much as
    /// the text format; everything else, no header and types that are not served included, gets the text format, which
    /// every reader takes.
    pub(super) fn of(accept: Option<&str>) -> Format {
        let accept = accept.unwrap_or_default();
        let open_metrics = weight(accept, |range, version| {
            range == "application/openmetrics-text" && matches!(version, None | Some("1.0.0" | "0.0.1"))
        });
        let text = weight(accept, |range, version| range == "text/plain" && matches!(version, None | Some("0.0.4")));
        if 0.0 < open_metrics && text <= open_metrics { Format::OpenMetrics } else { Format::Text }
    }
}

/// Whether an `Accept-Encoding` header takes gzip.
pub(super) fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let accepted = accept_encoding.unwrap_or_default();
    let is_named = items(accepted).any(|(name, _, _)| name == "gzip");
    0.0 < weight(accepted, |name, _| if is_named { name == "gzip" } else { name == "*" })
}

/// The largest weight among the items of a header that `is_meant`, by their name and version; 0 if there is none.
fn weight(header: &str, is_meant: impl Fn(&str, Option<&str>) -> bool) -> f64 {
    let meant = items(header).filter(|(name, version, _)| is_meant(name, version.as_deref()));
    meant.map(|(_, _, weight)| weight).fold(0.0, f64::max)
}

/// The items of a header in lower case: name, version and weight.
fn items(header: &str) -> impl Iterator<Item = (String, Option<String>, f64)> {
    header.split(',').map(|item| {
        let mut parts = item.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let (mut version, mut weight) = (None, 1.0);
        for parameter in parts {
            match parameter.split_once('=').map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))) {
                Some(("version", value)) => version = Some(value.to_owned()),
                Some(("q", value)) => weight = value.parse().unwrap_or(0.0),
                _ => {}
            }
        }
        (name, version, weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_served_unless_open_metrics_is_asked_for_and_preferred() {
        // As Prometheus 2.x and 3.x send them, curl, a browser, and a few of our own.
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;\
                            q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let text_first = "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            (None, Format::Text),
            (Some("*/*"), Format::Text),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Format::Text),
            (Some("text/plain;version=0.0.4"), Format::Text),
            (Some(text_first), Format::Text),
            (Some("application/openmetrics-text;q=0"), Format::Text),
            (Some("application/openmetrics-text; version=2.0.0"), Format::Text),
            (Some("application/json"), Format::Text),
            (Some(prometheus_2), Format::OpenMetrics),
            (Some(prometheus_3), Format::OpenMetrics),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\""), Format::OpenMetrics),
        ] {
            assert_eq!(Format::of(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_sent_only_where_it_is_accepted() {
        for (accept, expected) in [
            (None, false),
            (Some("gzip"), true),
            (Some("br;q=1.0, gzip;q=0.8, *;q=0.1"), true),
            (Some("*"), true),
            (Some("gzip;q=0, *"), false),
            (Some("identity"), false),
        ] {
            assert_eq!(accepts_gzip(accept), expected, "{accept:?}");
        }
    }
}
