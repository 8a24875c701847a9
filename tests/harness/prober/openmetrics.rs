//! A scrape of `/metrics`, read as Prometheus reads it.

use std::collections::BTreeMap;

pub(crate) type Labels = BTreeMap<String, String>;

/// One scrape: every sample by its name and labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scrape {
    samples: BTreeMap<(String, Labels), f64>,
}

impl Scrape {
    /// Reads OpenMetrics text; comments and lines that are no sample are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(parse_sample).map(|(name, labels, value)| ((name, labels), value));
        Self { samples: samples.collect() }
    }

    /// Number of series, by which time series databases are sized.
    pub(crate) fn series(&self) -> usize {
        self.samples.len()
    }

    /// All samples of one name.
    pub(crate) fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> + 'a {
        let named = self.samples.iter().filter(move |((sample, _), _)| sample == name);
        named.map(|((_, labels), value)| (labels, *value))
    }

    /// The sum over samples that have all these labels, 0 if there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matching = self.samples(name).filter(|(found, _)| has_all(found, labels));
        matching.map(|(_, value)| value).sum()
    }

    /// The increase since an earlier scrape: each counter minus its value then.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let less = |(key, value): (&(String, Labels), &f64)| {
            (key.clone(), value - earlier.samples.get(key).copied().unwrap_or(0.0))
        };
        Self { samples: self.samples.iter().map(less).collect() }
    }

    /// Prometheus' `histogram_quantile(q, sum by (le) (name_bucket{labels}))`.
    ///
    /// Linear within a bucket, from zero in the first; the highest finite edge when the quantile is
    /// above it. `None` without observations.
    pub(crate) fn histogram_quantile(&self, name: &str, labels: &[(&str, &str)], q: f64) -> Option<f64> {
        let buckets = self.buckets(name, labels);
        let total = buckets.last().filter(|(edge, _)| edge.is_infinite())?.1;
        if total <= 0.0 {
            return None;
        }
        let rank = q * total;
        let at = buckets.iter().position(|(_, count)| rank <= *count)?;
        let (edge, count) = buckets[at];
        let (start, before) = if at == 0 { (0.0, 0.0) } else { buckets[at - 1] };
        if edge.is_infinite() {
            return Some(start);
        }
        Some(start + (edge - start) * (rank - before) / (count - before))
    }

    /// Upper edges with cumulative counts, ascending, added up over matching series.
    fn buckets(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let bucket = format!("{name}_bucket");
        for (found, value) in self.samples(&bucket).filter(|(found, _)| has_all(found, labels)) {
            let Some(edge) = found.get("le").and_then(|le| parse_number(le)) else {
                continue;
            };
            match buckets.iter_mut().find(|(known, _)| *known == edge) {
                Some((_, count)) => *count += value,
                None => buckets.push((edge, value)),
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }
}

fn has_all(labels: &Labels, wanted: &[(&str, &str)]) -> bool {
    wanted.iter().all(|(key, value)| labels.get(*key).is_some_and(|found| found == value))
}

/// `name{key="value",…} value [timestamp] [# exemplar]`
fn parse_sample(line: &str) -> Option<(String, Labels, f64)> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => parse_labels(inside)?,
        None => (Labels::new(), rest),
    };
    let value = rest.split_whitespace().next().and_then(parse_number)?;
    Some((name.to_owned(), labels, value))
}

/// Labels up to the closing brace, and what follows it.
fn parse_labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquote(quoted)?;
        labels.insert(key.to_owned(), value);
        rest = after;
    }
}

/// A label value up to its closing quote, escapes undone, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}

fn parse_number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# TYPE d histogram
d_bucket{le="0.1",broker="1"} 10
d_bucket{le="1.0",broker="1"} 30
d_bucket{le="+Inf",broker="1"} 40 # {trace="x"} 7.0
d_bucket{le="0.1",broker="2"} 0
d_bucket{le="1.0",broker="2"} 0
d_bucket{le="+Inf",broker="2"} 0
events_total{outcome="good",broker="a\"b,}\\"} 5 1700000000.5
events_total{outcome="error",broker="2"} 2
up 1
# EOF
"#;

    #[test]
    fn samples_are_summed_by_label() {
        let page = Scrape::parse(PAGE);
        assert_eq!(page.sum("events_total", &[]), 7.0);
        assert_eq!(page.sum("events_total", &[("outcome", "error")]), 2.0);
        assert_eq!(page.sum("events_total", &[("broker", "a\"b,}\\")]), 5.0);
        assert_eq!(page.sum("up", &[]), 1.0);
        assert_eq!(page.series(), 9);
    }

    #[test]
    fn quantiles_are_linear_within_a_bucket() {
        let page = Scrape::parse(PAGE);
        assert_eq!(page.histogram_quantile("d", &[], 0.5), Some(0.1 + 0.9 * 0.5));
        assert_eq!(page.histogram_quantile("d", &[("broker", "1")], 0.125), Some(0.05));
        assert_eq!(page.histogram_quantile("d", &[], 0.99), Some(1.0));
        assert_eq!(page.histogram_quantile("d", &[("broker", "2")], 0.5), None);
    }

    #[test]
    fn difference_of_two_scrapes_has_the_increase_only() {
        let (earlier, later) = (Scrape::parse("n_total 3\n"), Scrape::parse("n_total 8\nm 1\n"));
        let since = later.since(&earlier);
        assert_eq!((since.sum("n_total", &[]), since.sum("m", &[])), (5.0, 1.0));
    }
}
