//! Every connection to one broker is reset (RST) once a second.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};

const EVERY: Duration = Duration::from_secs(1);

pub(crate) const INCIDENT: Incident = Incident {
    name: "resets",
    description: "every connection reset once a second",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        let resetter = bed.cluster.proxy(bed.victim_id()).resetter();
        let (end, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            while ended.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                resetter();
            }
        });
        Box::new(move |_| {
            drop(end);
            thread.join().expect("it does not panic");
        })
    },
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: DEGRADED_GOAL },
};
