//! One broker runs out of file descriptors: a client opens connections and never closes them.

use std::net::{Ipv4Addr, TcpStream};

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};
use crate::harness::faults::rlimit::LoweredLimit;

/// Number of further files and sockets that the broker may open.
const ROOM: u64 = 32;

/// Number of connections that the client opens.
const CONNECTIONS: usize = 100;

pub(crate) const INCIDENT: Incident = Incident {
    name: "open_files",
    description: "no file descriptor left for 40 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(40),
    inject: |bed| {
        let limited = LoweredLimit::open_files(bed.victim().pid(), ROOM);
        let port = bed.victim().client_port();
        // The kernel completes the handshakes and queues what the broker cannot accept.
        let hoard: Vec<TcpStream> =
            (0..CONNECTIONS).filter_map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()).collect();
        bed.mark_fault_started();
        Box::new(move |bed| {
            drop((limited, hoard));
            bed.start_stopped_brokers();
        })
    },
    expect: Expect::Victim {
        kinds: &["new_connections_failing", "storage_failed", "broker_down"],
        within: DEGRADED_GOAL,
    },
};
