//! What is known of a failed request beyond the error that `opentelemetry-otlp` returns.
//!
//! The crate returns success when a collector took the request but rejected some of its points, and of a gRPC status it
//! returns the code without the message. Both go to its internal log only (`tracing` events). [`CrateLog`] is the
//! subscriber of the export's own task: it reads those events, and no other subscriber sees the crate's lines, of which
//! there is one an export. `tests/crate_limits.rs` shows what the crate keeps to itself.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::failure::Failure;
use super::lock;

/// The target of the crate's log events.
const CRATE: &str = "opentelemetry-otlp";

/// The failure of the request at hand, if it has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange(Arc<Mutex<Option<Failure>>>);

impl Exchange {
    /// Notes how the request failed.
    pub(super) fn failed(&self, failure: Failure) {
        *lock(&self.0) = Some(failure);
    }

    /// The failure that was noted since the last call.
    pub(super) fn take(&self) -> Option<Failure> {
        lock(&self.0).take()
    }
}

/// Notes what the crate logs about a request.
pub(super) struct CrateLog(pub(super) Exchange);

impl Subscriber for CrateLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == CRATE && metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        match event.metadata().name() {
            "TonicMetricsClient.PartialSuccess" | "HttpMetricsClient.PartialSuccess" if fields.rejected != 0 => {
                self.0.failed(Failure::Rejected(fields.rejected, fields.message));
            }
            "TonicMetricsClient.ExportFailed" => self.0.failed(Failure::Grpc(fields.code, fields.message)),
            _ => {}
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of the events above.
#[derive(Default)]
struct Fields {
    rejected: i64,
    code: String,
    message: String,
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "rejected_data_points" {
            self.rejected = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "error_message" | "grpc_message" => value.clone_into(&mut self.message),
            "grpc_code" => value.clone_into(&mut self.code),
            _ => {}
        }
    }

    /// Text fields come here when they are recorded through formatting.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_ok() {
            self.record_str(field, &text);
        }
    }
}
