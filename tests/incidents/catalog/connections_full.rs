//! One broker has reached its limit of client connections: existing ones work, and new ones wait without an answer.

use std::net::{Ipv4Addr, TcpStream};

use super::test_bed::TestBed;
use super::{ClusterKind, Expect, Incident, Undo, secs};
use crate::harness::raw::{ConfigResource, alter_config};

const LIMIT: &str = "listener.name.client.max.connections";

pub(crate) const INCIDENT: Incident = Incident {
    name: "connections_full",
    description: "no new client connections for 35 s, by the broker's own limit",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(35),
    inject: limit,
    // The connect probe opens a connection every 10 s, and one failure is not enough.
    expect: Expect::Victim { kinds: &["new_connections_failing"], within: secs(25) },
};

fn limit(bed: &mut TestBed<'_>) -> Undo {
    let (addr, broker) = (bed.victim().internal_address(), ConfigResource::Broker(bed.victim_id()));
    alter_config(addr, broker, LIMIT, Some("1")).expect("a configuration");
    // The broker checks the limit only before it accepts the connection after the next.
    let next = TcpStream::connect((Ipv4Addr::LOCALHOST, bed.victim().client_port()));
    Box::new(move |bed| {
        let addr = bed.victim().internal_address();
        alter_config(addr, broker, LIMIT, None).expect("a configuration");
        drop(next);
    })
}
