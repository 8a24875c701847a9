//! The judgement of kafka-prober: what an attempt was, whose fault it is, and what it adds up to.
//!
//! **Invariant: pure.** No I/O, no async, no clock, no `Err`. Time arrives as an argument, so a given input always
//! gives the same answer and tests pin time exactly. Read the modules in this order:
//!
//! | module | holds |
//! | --- | --- |
//! | [`ids`] | names and numbers with their meaning: cluster, broker, partition, probe, view |
//! | [`probe`] | the kinds of probe, with the views and outcomes that each can have |
//! | [`time`] | nanoseconds since an origin; arithmetic only |
//! | [`topology`] | brokers and the partitions of a lane as plain data |
//! | [`placement`] | the plan for a monitor topic, from topology and policy |
//! | [`coordinator`] | which partition of an internal topic coordinates an id |
//! | [`kafka_error`], [`fault`] | why an attempt failed, each cause with its blame |
//! | [`event`] | what an attempt turned out to be, without opinion |
//! | [`track`] | the one state machine of produce, consume and end_to_end |
//! | [`objective`], [`judge`] | the opinion: good, bad or void |
//! | [`settle`] | holds events until a stall of the prober would be known |
//! | [`ledger`], [`snapshot`] | cumulative counts, and their immutable view |
//! | [`counting`] | settle and ledger as one |
//! | [`staleness`] | which broker shows outdated metadata |
//! | [`diagnosis`], [`finding`] | findings from evidence: what is wrong, and whose fault it is |
//! | [`finding_history`] | findings that have ended recently |
//! | [`tcp_state`] | send state of a TCP connection, as the kernel counts it |
//! | [`vitals`] | resources of the host and the container, and controls |
//! | [`observed`] | a cluster's brokers, partitions, disks and quorum by its own answers |
//! | [`metric`] | the catalogue of exported metrics, and how much of it is exported |

pub mod buckets;
pub mod coordinator;
pub mod counting;
pub mod counts;
pub mod diagnosis;
pub mod event;
pub mod fault;
pub mod finding;
pub mod finding_history;
pub mod ids;
pub mod judge;
pub mod kafka_error;
pub mod ledger;
pub mod metric;
pub mod objective;
pub mod observed;
pub mod placement;
pub mod probe;
pub mod settle;
pub mod snapshot;
pub mod staleness;
pub mod tcp_state;
pub mod time;
pub mod topology;
pub mod track;
pub mod vitals;
