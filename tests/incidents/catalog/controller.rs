//! The active controller is killed or stopped, or most of the quorum: no broker is at fault, and none may be named.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::kafka::broker::Broker;

/// Another one is elected within seconds, in which few requests need a controller.
pub(crate) const KILLED: Incident = Incident {
    name: "controller_killed",
    description: "SIGKILL of the active controller, started again after 20 s",
    cluster_kind: ClusterKind::SeparateControllers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        let controller = bed.cluster.active_controller();
        let id = controller.id();
        controller.kill();
        Box::new(move |bed| bed.controller(id).start())
    },
    expect: Expect::Nothing { client_bad: 0 },
};

/// Brokers wait for the stopped controller for up to 30 s (docs/kafka-facts.md, K17).
pub(crate) const FROZEN: Incident = Incident {
    name: "controller_frozen",
    description: "SIGSTOP of the active controller for 40 s",
    cluster_kind: ClusterKind::SeparateControllers,
    settings: &[],
    duration: secs(40),
    inject: |bed| {
        let controller = bed.cluster.active_controller();
        let id = controller.id();
        controller.freeze();
        Box::new(move |bed| bed.controller(id).thaw())
    },
    expect: Expect::Cluster { kinds: &["controller_unresponsive"], within: secs(35) },
};

/// Without a majority of the voters there is no controller.
pub(crate) const QUORUM_LOST: Incident = Incident {
    name: "quorum_lost",
    description: "SIGSTOP of two of three controllers, the active one among them",
    cluster_kind: ClusterKind::SeparateControllers,
    settings: &[],
    duration: secs(45),
    inject: |bed| {
        let active = bed.cluster.active_controller().id();
        let other = bed.cluster.controllers().iter().map(Broker::id).find(|id| *id != active).expect("there are three");
        for id in [other, active] {
            bed.controller(id).freeze();
        }
        Box::new(move |bed| {
            for id in [other, active] {
                bed.controller(id).thaw();
            }
        })
    },
    expect: Expect::Cluster { kinds: &["controller_unresponsive"], within: secs(35) },
};
