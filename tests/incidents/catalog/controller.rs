//! The active controller is killed or stopped: no broker is at fault, and none may be named.

use super::{ClusterKind, Expect, Incident, secs};

/// Another one is elected within seconds, in which few requests need a controller.
pub(crate) const KILLED: Incident = Incident {
    name: "controller_killed",
    description: "SIGKILL of the active controller, started again after 20 s",
    cluster_kind: ClusterKind::SeparateControllers,
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
    duration: secs(40),
    inject: |bed| {
        let controller = bed.cluster.active_controller();
        let id = controller.id();
        controller.freeze();
        Box::new(move |bed| bed.controller(id).thaw())
    },
    expect: Expect::Cluster { kinds: &["controller_unresponsive"], within: secs(35) },
};
