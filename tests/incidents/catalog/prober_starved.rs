//! The prober is limited to 5 % of one processor while the cluster is healthy.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::faults::cpu_quota::CpuQuota;

pub(crate) const INCIDENT: Incident = Incident {
    name: "prober_starved",
    description: "the prober at 5 % of a processor for 40 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(40),
    inject: |bed| {
        let quota = CpuQuota::to(bed.probing.prober.pid(), 5);
        Box::new(move |_| {
            eprintln!("limited by {}, throttled {:?} times", quota.mechanism(), quota.throttled());
            drop(quota);
        })
    },
    // On a fast machine 5 % is enough, and there is nothing to report.
    expect: Expect::Prober { kinds: &["prober_starved", "prober_stalled"], must_report: false },
};
