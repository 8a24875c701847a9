//! Kafka as the probes see it.
//!
//! | port | what it is |
//! | --- | --- |
//! | [`Lane`] | a monitor topic: records are submitted and read back |
//! | [`ProbeClient`] | the direct probes: one request, at most one response |
//!
//! Both answer through inputs of the engine, so that a silent broker never blocks it.

mod lane;
mod probe_client;

pub use lane::{Lane, LaneInput, Layout, RecordToSend, SendError};
pub use probe_client::{OverdueConnection, ProbeClient, ProbeInput, ProbeRequest, ProbeResponse, RequestId};
