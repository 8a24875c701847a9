//! Clusters with settings of their own. A folder's tests share one cluster; the others start one each.

mod cluster_down;
mod dropped_packets;
mod permissions;
mod secured;
mod separate_controllers;
mod two_brokers;
