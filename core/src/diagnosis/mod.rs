//! The diagnosis: what is wrong with a cluster, and whose fault it is. Pure; the same inputs at the same times always give the same
//! findings.
//!
//! | module | holds |
//! | --- | --- |
//! | [`input`] | what it takes in: a closed list |
//! | [`evidence`] | what it remembers: [`Evidence::observe`](evidence::Evidence::observe) and [`Evidence::evaluate`](evidence::Evidence::evaluate) |
//! | [`rules`] | what each kind of finding rests on |
//! | [`dependencies`] | which brokers each cell depends on, and what a failing broker therefore explains |
//! | [`precedence`] | which finding explains which other one, with the reason |
//! | [`catalog`] | one row a kind: whose fault it is, and what it rests on |
//! | [`lifecycle`] | since when findings hold, and when they end |
//! | [`recording`] | inputs and evaluations written down, and replayed |
//! | [`thresholds`] | numbers that several rules share |
//!
//! A broker is accused by its own pinned partition and its own connections, never by the client view, where the partitions of
//! healthy leaders fail too; and only while another broker answers, because otherwise nothing tells a dead broker from a dead
//! network.

pub mod catalog;
pub mod dependencies;
pub mod evidence;
pub mod input;
pub mod lifecycle;
pub mod precedence;
pub mod recording;
pub mod rules;
pub mod thresholds;

#[cfg(test)]
mod scenarios;
