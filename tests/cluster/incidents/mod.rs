//! The incident suite: one fault a file, injected into real brokers or into the prober, and what the prober says of it held
//! against what the harness did.
//!
//! | file | what |
//! | --- | --- |
//! | [`cluster_kind`], [`test_bed`] | the clusters on which incidents happen, and what an incident gets its hands on |
//! | [`runner`] | one incident from calm to calm |
//! | [`findings_monitor`] | which findings stood when, as a user of the page sees them |
//! | [`report`] | what came of it, and what of that was not to be |
//! | [`probe_counts`] | which probes felt it, where and how |
//! | [`matrix`] | the reports of many as one table |
//! | [`suite`] | which of them run when |
//! | [`soak`] | a starving prober before a healthy cluster, for as long as it is let |
//!
//! All other files are incidents. Each is a value: where it happens, what is done and undone, and what may be said of it.

mod cluster_kind;
mod findings_monitor;
mod matrix;
mod probe_counts;
mod report;
mod runner;
mod soak;
mod suite;
mod test_bed;

mod acl_removed;
mod all_frozen;
mod client_port_dropped;
mod clock_stepped;
mod collector_down;
mod connections_full;
mod controller;
mod coordinator_frozen;
mod delay;
mod disk_full;
mod disk_read_only;
mod drip;
mod duty_cycled;
mod follower_frozen;
mod frozen;
mod killed;
mod leaders_rebalanced;
mod load_spike;
mod memory_maps;
mod open_files;
mod packet_loss;
mod pauses;
mod prober_starved;
mod prober_stopped;
mod quota;
mod resets;
mod rolling_restart;
mod topic_deleted;

use std::time::Duration;

use cluster_kind::ClusterKind;
use test_bed::TestBed;

/// Undoes a fault; what it holds was holding it.
type Undo = Box<dyn FnOnce(&mut TestBed<'_>)>;

/// One fault, and what may be said of it.
struct Incident {
    /// As it is asked for, and in the table.
    name: &'static str,
    /// In a few words, for the table.
    description: &'static str,
    cluster_kind: ClusterKind,
    /// For how long the fault holds.
    duration: Duration,
    /// Does it, and says how to undo it.
    inject: fn(&mut TestBed<'_>) -> Undo,
    expect: Expect,
}

/// What the prober owes its users.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// A finding of one of these kinds names the victim, and none names another broker.
    Victim { kinds: &'static [&'static str], within: Duration },
    /// A finding of one of these kinds names no broker, and none names any.
    Cluster { kinds: &'static [&'static str], within: Duration },
    /// No finding at all, and at most so many bad events in the client view.
    Nothing { client_bad: u64 },
    /// The prober is at fault: no finding about anyone else, and no bad event. It says so itself by one of these kinds, if
    /// there are any.
    Prober { kinds: &'static [&'static str] },
}

/// Goals of the issue: for a broker that is silent, and for what takes counting.
const UNRESPONSIVE_GOAL: Duration = Duration::from_millis(2200);
const DEGRADED_GOAL: Duration = Duration::from_secs(10);

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Every incident, those that share a cluster_kind beside each other.
const ALL: [&Incident; 36] = [
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
