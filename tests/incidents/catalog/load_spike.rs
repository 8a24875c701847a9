//! Another producer writes a load that the cluster can handle.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::faults::load::Load;

/// About a tenth of what three brokers on two cores can take.
const RECORDS_PER_SECOND: u32 = 5_000;

pub(crate) const INCIDENT: Incident = Incident {
    name: "load_spike",
    description: "5 MB/s by Kafka's own performance tool",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(30),
    inject: |bed| {
        let load = Load::start(bed.cluster, Some(RECORDS_PER_SECOND));
        bed.mark_fault_started();
        Box::new(move |_| {
            eprintln!("load: {}", load.numbers());
            drop(load);
        })
    },
    expect: Expect::Nothing { client_bad: 0 },
};
