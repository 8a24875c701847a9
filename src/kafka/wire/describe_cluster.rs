//! DescribeCluster (KIP-700): the registered brokers, including the fenced ones where the broker lists them (KIP-1073).

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, describe_cluster_response::DescribeClusterBroker,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The first version that can include fenced brokers.
const WITH_FENCED: i16 = 2;

/// The first version that distinguishes brokers from controllers (KIP-919).
const WITH_ENDPOINT: i16 = 1;

/// KIP-919's endpoint type for brokers.
const BROKERS: i8 = 1;

/// Asks any broker for the registered brokers.
#[derive(Debug, Clone, Copy)]
pub struct DescribeCluster;

/// The response to DescribeCluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedCluster {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The cluster's id.
    pub cluster_id: String,
    /// Whether fenced brokers are listed. If not, a broker that is missing may be fenced or unregistered.
    pub complete: bool,
    /// The brokers.
    pub brokers: Vec<RegisteredBroker>,
}

/// A registered broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredBroker {
    /// Its id.
    pub id: i32,
    /// Host name or address on the listener that was asked; empty if the broker is fenced and has none there.
    pub host: String,
    /// TCP port.
    pub port: i32,
    /// Its rack, if configured.
    pub rack: Option<String>,
    /// Registered but fenced: the controller gives it no partition to lead.
    pub fenced: bool,
}

impl RegisteredBroker {
    /// `host:port`, as [`dial()`](super::dial()) takes it; `None` without a host.
    pub fn address(&self) -> Option<String> {
        let Self { host, port, .. } = self;
        let bracketed = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        (!host.is_empty() && 0 < *port).then_some(bracketed)
    }
}

impl Request for DescribeCluster {
    type Response = DescribedCluster;

    const API: Api = Api::DescribeCluster;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let mut request = DescribeClusterRequest::default();
        if WITH_ENDPOINT <= version {
            request = request.with_endpoint_type(BROKERS);
        }
        if WITH_FENCED <= version {
            request = request.with_include_fenced_brokers(true);
        }
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(DescribedCluster, Duration), CodecError> {
        let response: DescribeClusterResponse = body.decode(version)?;
        let described = DescribedCluster {
            error: response.error_code,
            cluster_id: response.cluster_id.to_string(),
            complete: WITH_FENCED <= version,
            brokers: response.brokers.into_iter().map(broker).collect(),
        };
        Ok((described, codec::throttle(response.throttle_time_ms)))
    }
}

fn broker(broker: DescribeClusterBroker) -> RegisteredBroker {
    RegisteredBroker {
        id: broker.broker_id.0,
        host: broker.host.to_string(),
        port: broker.port,
        rack: broker.rack.map(|rack| rack.to_string()),
        fenced: broker.is_fenced,
    }
}
