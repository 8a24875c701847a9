//! Kafka as the probes see it.
//!
//! | port | what it is |
//! | --- | --- |
//! | [`Lane`] | a monitor topic: records are submitted and read back |
//! | [`ProbeClient`] | the direct probes, as the engine drives them: one request, at most one response |
//! | [`ClusterClient`] | the broker verbs that the direct probes use |
//! | [`Tasks`] | supervised tasks beside the attempts |
//!
//! [`Lane`] and [`ProbeClient`] answer through inputs of the engine, so that an unresponsive broker never blocks it.

mod cluster_client;
mod lane;
mod metadata_snapshot;
mod probe_client;
pub mod requests;
mod tasks;

pub use cluster_client::{
    BrokerConnection, ClusterClient, DialedConnection, Pool, RequestError, Responding, Response, SharedConnection,
};
pub use lane::{Lane, LaneInput, Layout, RecordToSend, SendError};
pub use metadata_snapshot::{MetadataSnapshot, OFFSETS_TOPIC, TRANSACTIONS_TOPIC};
pub use probe_client::{ProbeClient, ProbeInput, ProbeRequest, ProbeResponse, RequestId};
pub use prober_core::diagnosis::input::OverdueConnection;
pub use tasks::{BoxFuture, TaskGuard, Tasks};
