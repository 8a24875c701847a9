//! Somebody takes the prober's permission to write away.

use super::scene::USER;
use super::{Expect, Incident, Scene, secs};
use crate::harness::raw::{Operation, Resource, grant, forbid};

const OURS: Resource<'_> = Resource::Topics("kafka-prober-");

pub(super) const INCIDENT: Incident = Incident {
    name: "acl_removed",
    what: "WRITE on the prober's topics is taken away for 25 s",
    scene: Scene::Secured,
    lasts: secs(25),
    inject: |stage| {
        revoke(stage.cluster.any_internal_address(), USER, OURS, &[Operation::Write]).expect("no ACL");
        Box::new(|stage| {
            grant(stage.cluster.any_internal_address(), USER, OURS, &[Operation::Write]).expect("an ACL");
        })
    },
    expect: Expect::Cluster { kinds: &["permission_missing"], within: secs(15) },
};
