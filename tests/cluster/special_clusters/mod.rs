//! Tests that need clusters with other settings. Those of a folder share one cluster; the others start one each.

mod cluster_down;
mod damaged_partition;
mod dropped_packets;
mod permissions;
mod secured;
mod separate_controllers;
mod two_brokers;
