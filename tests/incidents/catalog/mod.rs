//! The incidents, one fault a file. Each is a value: on which cluster it runs, how the fault is injected and undone, and which
//! findings the prober may report.

pub(crate) mod acks_leader;
pub(crate) mod acl_removed;
pub(crate) mod all_dropped;
pub(crate) mod all_frozen;
pub(crate) mod beside_another;
pub(crate) mod client_port_dropped;
pub(crate) mod clock_stepped;
pub(crate) mod cluster_patterns;
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
pub(crate) mod offsets_partition;
pub(crate) mod open_files;
pub(crate) mod packet_loss;
pub(crate) mod pauses;
pub(crate) mod peers_cut_off;
pub(crate) mod prober_started_late;
pub(crate) mod prober_starved;
pub(crate) mod prober_stopped;
pub(crate) mod quota;
pub(crate) mod recurring_pauses;
pub(crate) mod resets;
pub(crate) mod rolling_restart;
pub(crate) mod third_broker;
pub(crate) mod topic_deleted;
pub(crate) mod two_at_once;

use crate::cluster_kind::{self, ClusterKind};
use crate::incident::{
    About, DEGRADED_GOAL, Expect, ExpectedFinding, Incident, Lasting, UNRESPONSIVE_GOAL, Undo, WITHOUT_ENOUGH_REPLICAS,
    secs,
};
use crate::test_bed;

/// Every incident. Those of the same cluster kind follow one another, so that they share a cluster.
pub(crate) const ALL: [&Incident; 70] = [
    &frozen::INCIDENT,
    &killed::INCIDENT,
    &killed::NEVER_BACK,
    &duty_cycled::INCIDENT,
    &duty_cycled::LONG,
    &duty_cycled::OFTEN,
    &duty_cycled::SELDOM,
    &coordinator_frozen::INCIDENT,
    &all_frozen::INCIDENT,
    &rolling_restart::INCIDENT,
    &leaders_rebalanced::INCIDENT,
    &load_spike::INCIDENT,
    &pauses::INCIDENT,
    &prober_stopped::SHORT,
    &prober_stopped::LONG,
    &prober_stopped::RECURRING,
    &prober_starved::INCIDENT,
    &collector_down::INCIDENT,
    &topic_deleted::INCIDENT,
    &quota::INCIDENT,
    &open_files::INCIDENT,
    &connections_full::INCIDENT,
    &recurring_pauses::INCIDENT,
    &prober_started_late::FROZEN,
    &prober_started_late::DOWN_NOW,
    &prober_started_late::FENCED,
    &prober_started_late::GONE,
    &prober_started_late::SHUT_DOWN,
    &offsets_partition::INCIDENT,
    &acks_leader::INCIDENT,
    &cluster_patterns::REASSIGNMENT,
    &cluster_patterns::FLAPPING_FOLLOWER,
    &cluster_patterns::MANY_PARTITIONS,
    &cluster_patterns::MOVED_LEADERS,
    &cluster_patterns::DEAD_FOLLOWER,
    &cluster_patterns::GROWING_OFFSETS,
    &packet_loss::LITTLE,
    &packet_loss::MUCH,
    &client_port_dropped::INCIDENT,
    &all_dropped::SELDOM,
    &all_dropped::INCIDENT,
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
    &controller::QUORUM_LOST,
    &beside_another::CONTROLLER_BESIDE_KILLED,
    &beside_another::CONTROLLER_BESIDE_FROZEN,
    &third_broker::FROZEN,
    &third_broker::KILLED,
    &third_broker::DROPPED,
    &third_broker::SLOW,
    &beside_another::FROZEN_BESIDE_KILLED,
    &beside_another::SLOW_BESIDE_KILLED,
    &beside_another::SLOW_BESIDE_FROZEN,
    &beside_another::DISK_FULL_BESIDE_KILLED,
    &beside_another::DISK_FULL_BESIDE_FROZEN,
    &two_at_once::SLOW,
    &two_at_once::LOSSY,
    &peers_cut_off::INCIDENT,
    &follower_frozen::INCIDENT,
    &acl_removed::INCIDENT,
    &clock_stepped::FORWARDS,
    &clock_stepped::BACKWARDS,
];
