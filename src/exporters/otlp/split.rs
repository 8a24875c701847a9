//! One export in requests that every receiver takes, divided between data points.
//!
//! Divided is what was collected, not what is collected: so delta, which can be collected once only, and histograms
//! are divided like the rest, and each point is in exactly one request.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum, Summary,
};
use prost::Message;

/// Receivers of gRPC refuse more than 4 MiB, some proxies somewhat less.
pub(super) const REQUEST_BYTES: usize = 3 * 1024 * 1024;

/// A metric is cut into pieces of this size, and the pieces are packed into requests.
const PIECE: usize = REQUEST_BYTES / 16;

/// The tag and the length of an embedded message take at most this much.
const EMBEDDED: usize = 6;

/// The same points in requests below `limit` bytes, in their order; at least one request.
///
/// Only a single point that is larger goes beyond it: the attributes of a prober's points are bounded.
pub(super) fn split(request: ExportMetricsServiceRequest, limit: usize) -> Vec<ExportMetricsServiceRequest> {
    if request.encoded_len() < limit {
        return vec![request];
    }
    let mut requests = Vec::new();
    for ResourceMetrics { resource, scope_metrics, schema_url } in request.resource_metrics {
        for ScopeMetrics { scope, metrics, schema_url: scope_schema_url } in scope_metrics {
            let around = |metrics| {
                let scope = ScopeMetrics { scope: scope.clone(), metrics, schema_url: scope_schema_url.clone() };
                ExportMetricsServiceRequest {
                    resource_metrics: vec![ResourceMetrics {
                        resource: resource.clone(),
                        scope_metrics: vec![scope],
                        schema_url: schema_url.clone(),
                    }],
                }
            };
            // The lengths around the metrics grow with them.
            let room = limit.saturating_sub(around(Vec::new()).encoded_len() + 3 * EMBEDDED);
            let pieces = metrics.into_iter().flat_map(|metric| cut(metric, PIECE.min(room)));
            requests.extend(pack(pieces, room).into_iter().map(around));
        }
    }
    requests
}

/// Items in their order, each run of them below `room` bytes or of one item.
fn pack<T: Message>(items: impl IntoIterator<Item = T>, room: usize) -> Vec<Vec<T>> {
    let mut packs = vec![Vec::new()];
    let mut bytes = 0;
    for item in items {
        let size = item.encoded_len() + EMBEDDED;
        if room <= bytes + size && bytes != 0 {
            packs.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(pack) = packs.last_mut() {
            pack.push(item);
        }
    }
    packs
}

/// The same metric several times, each with some of its points.
fn cut(mut metric: Metric, size: usize) -> Vec<Metric> {
    let data = metric.data.take();
    let room = size.saturating_sub(metric.encoded_len() + 2 * EMBEDDED);
    let pieces: Vec<Data> = match data {
        None => return vec![metric],
        Some(Data::Gauge(gauge)) => {
            pack(gauge.data_points, room).into_iter().map(|data_points| Data::Gauge(Gauge { data_points })).collect()
        }
        Some(Data::Sum(sum)) => {
            let (aggregation_temporality, is_monotonic) = (sum.aggregation_temporality, sum.is_monotonic);
            let piece = |data_points| Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic });
            pack(sum.data_points, room).into_iter().map(piece).collect()
        }
        Some(Data::Histogram(histogram)) => {
            let aggregation_temporality = histogram.aggregation_temporality;
            let piece = |data_points| Data::Histogram(Histogram { data_points, aggregation_temporality });
            pack(histogram.data_points, room).into_iter().map(piece).collect()
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let aggregation_temporality = histogram.aggregation_temporality;
            let piece =
                |data_points| Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality });
            pack(histogram.data_points, room).into_iter().map(piece).collect()
        }
        Some(Data::Summary(summary)) => pack(summary.data_points, room)
            .into_iter()
            .map(|data_points| Data::Summary(Summary { data_points }))
            .collect(),
    };
    pieces.into_iter().map(|data| Metric { data: Some(data), ..metric.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
    use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, NumberDataPoint, number_data_point};

    use super::*;

    fn attributes(number: u64) -> Vec<KeyValue> {
        let value = Some(AnyValue { value: Some(any_value::Value::StringValue(number.to_string())) });
        vec![KeyValue { key: "broker".into(), value, ..KeyValue::default() }]
    }

    fn gauge(points: u64) -> Metric {
        let point = |number| NumberDataPoint {
            attributes: attributes(number),
            value: Some(number_data_point::Value::AsInt(7)),
            ..NumberDataPoint::default()
        };
        let data_points = (0..points).map(point).collect();
        Metric { name: "gauge".into(), data: Some(Data::Gauge(Gauge { data_points })), ..Metric::default() }
    }

    fn histogram(points: u64) -> Metric {
        let point = |number| HistogramDataPoint {
            attributes: attributes(number),
            bucket_counts: vec![1; 20],
            ..HistogramDataPoint::default()
        };
        let data_points = (0..points).map(point).collect();
        let data = Data::Histogram(Histogram { data_points, aggregation_temporality: 1 });
        Metric { name: "histogram".into(), unit: "s".into(), data: Some(data), ..Metric::default() }
    }

    fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
        ExportMetricsServiceRequest { resource_metrics }
    }

    /// Each point as (metric, unit, temporality, encoded point).
    fn points(requests: &[ExportMetricsServiceRequest]) -> Vec<(String, String, i32, Vec<u8>)> {
        let mut all = Vec::new();
        let scopes = requests.iter().flat_map(|request| &request.resource_metrics).flat_map(|r| &r.scope_metrics);
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            let mut put = |kind, point: Vec<u8>| all.push((metric.name.clone(), metric.unit.clone(), kind, point));
            match metric.data.as_ref() {
                Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|p| put(0, p.encode_to_vec())),
                Some(Data::Histogram(histogram)) => {
                    let kind = histogram.aggregation_temporality;
                    histogram.data_points.iter().for_each(|p| put(kind, p.encode_to_vec()));
                }
                other => unreachable!("{other:?}"),
            }
        }
        all
    }

    #[test]
    fn every_point_is_in_exactly_one_request_below_the_limit() {
        for limit in [600, 1_000, 10_000, 100_000] {
            let whole = request(vec![gauge(500), histogram(300), gauge(1)]);
            let requests = split(whole.clone(), limit);
            assert!(1 < requests.len() || whole.encoded_len() < limit);
            for part in &requests {
                assert!(part.encoded_len() < limit, "{} of {limit}", part.encoded_len());
            }
            assert_eq!(points(&requests), points(&[whole]));
        }
    }

    #[test]
    fn requests_are_filled() {
        let whole = request((0..100).map(|_| gauge(100)).collect());
        let (bytes, limit) = (whole.encoded_len(), 20_000);
        let requests = split(whole, limit);
        assert!(requests.len() <= bytes / limit + bytes / limit / 2 + 1, "{} for {bytes} bytes", requests.len());
    }

    #[test]
    fn small_request_stays_as_it_is() {
        let whole = request(vec![gauge(2)]);
        assert_eq!(split(whole.clone(), REQUEST_BYTES), [whole]);
    }

    #[test]
    fn point_above_the_limit_goes_alone() {
        let requests = split(request(vec![gauge(3)]), 10);
        assert_eq!(requests.len(), 3);
    }
}
