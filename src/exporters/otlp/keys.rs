//! The settings that an error message sends its reader to: each by its key and its standard variable.

pub(super) const ENDPOINT: &str = "otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)";
pub(super) const PROTOCOL: &str = "otlp.protocol (OTEL_EXPORTER_OTLP_PROTOCOL)";
pub(super) const HEADERS: &str = "otlp.headers (OTEL_EXPORTER_OTLP_HEADERS)";
pub(super) const CA: &str = "otlp.ca (OTEL_EXPORTER_OTLP_CERTIFICATE)";
pub(super) const CLIENT_CERTIFICATE: &str = "otlp.client_certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)";
pub(super) const CLIENT_KEY: &str = "otlp.client_key (OTEL_EXPORTER_OTLP_CLIENT_KEY)";
