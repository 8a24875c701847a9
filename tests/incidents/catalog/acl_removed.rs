//! The prober's permission to write is revoked.

use super::cluster_kind::USER;
use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::raw::{Operation, Resource, grant, revoke};
use crate::support::PREFIX;

const OURS: Resource<'_> = Resource::Topics(PREFIX);

pub(crate) const INCIDENT: Incident = Incident {
    name: "acl_removed",
    description: "WRITE on the prober's topics is revoked for 25 s",
    cluster_kind: ClusterKind::Secured,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        revoke(bed.cluster.any_internal_address(), USER, OURS, &[Operation::Write]).expect("no ACL");
        Box::new(|bed| {
            grant(bed.cluster.any_internal_address(), USER, OURS, &[Operation::Write]).expect("an ACL");
        })
    },
    expect: Expect::Cluster { kinds: &["permission_missing"], within: secs(15) },
};
