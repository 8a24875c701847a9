//! The incidents, one fault a file. Each is a value: on which cluster it runs, how the fault is injected and undone, and which
//! findings the prober may report.

pub(crate) mod acl_removed;
pub(crate) mod all_frozen;
pub(crate) mod client_port_dropped;
pub(crate) mod clock_stepped;
pub(crate) mod collector_down;
pub(crate) mod connections_full;
pub(crate) mod controller;
pub(crate) mod coordinator_frozen;
pub(crate) mod delay;
pub(crate) mod disk_full;
pub(crate) mod disk_read_only;
pub(crate) mod drip;
pub(crate) mod duty_cycled;
pub(crate) mod follower_frozen;
pub(crate) mod frozen;
pub(crate) mod killed;
pub(crate) mod leaders_rebalanced;
pub(crate) mod load_spike;
pub(crate) mod memory_maps;
pub(crate) mod open_files;
pub(crate) mod packet_loss;
pub(crate) mod pauses;
pub(crate) mod prober_starved;
pub(crate) mod prober_stopped;
pub(crate) mod quota;
pub(crate) mod resets;
pub(crate) mod rolling_restart;
pub(crate) mod topic_deleted;

use crate::cluster_kind::{self, ClusterKind};
use crate::incident::{DEGRADED_GOAL, Expect, Incident, UNRESPONSIVE_GOAL, Undo, secs};
use crate::test_bed;

/// Every incident. Those of the same cluster kind follow one another, so that they share a cluster.
pub(crate) const ALL: [&Incident; 36] = [
    &frozen::INCIDENT,
    &killed::INCIDENT,
    &killed::NEVER_BACK,
    &duty_cycled::INCIDENT,
    &duty_cycled::LONG,
    &coordinator_frozen::INCIDENT,
    &all_frozen::INCIDENT,
    &rolling_restart::INCIDENT,
    &leaders_rebalanced::INCIDENT,
    &load_spike::INCIDENT,
    &pauses::INCIDENT,
    &prober_stopped::SHORT,
    &prober_stopped::LONG,
    &prober_starved::INCIDENT,
    &collector_down::INCIDENT,
    &topic_deleted::INCIDENT,
    &quota::INCIDENT,
    &open_files::INCIDENT,
    &connections_full::INCIDENT,
    &packet_loss::LITTLE,
    &packet_loss::MUCH,
    &client_port_dropped::INCIDENT,
    &delay::INCIDENT,
    &drip::INCIDENT,
    &resets::INCIDENT,
    &disk_full::OF_TWO,
    &disk_read_only::OF_TWO,
    &memory_maps::OF_TWO,
    &disk_full::ONLY,
    &memory_maps::ONLY,
    &controller::KILLED,
    &controller::FROZEN,
    &follower_frozen::INCIDENT,
    &acl_removed::INCIDENT,
    &clock_stepped::FORWARDS,
    &clock_stepped::BACKWARDS,
];
