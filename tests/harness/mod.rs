//! What the tests and benches use: real brokers, a reference to compare the prober with, real OTLP receivers, and the prober as
//! a process.
//!
//! | module | what |
//! | --- | --- |
//! | [`kafka`] | clusters of real brokers on loopback: freeze, thaw, kill, stop, start |
//! | [`raw`] | a blocking Kafka client of the harness, independent of the prober |
//! | [`reference_writer`] | when a broker accepted writes, by the harness's own writes |
//! | [`otlp`] | OTLP receivers that decode what was really sent |
//! | [`collector`], [`authority`] | a real OpenTelemetry Collector that sends on to such a receiver; certificates |
//! | [`prober`] | the binary under test, its pages and its resources |
//! | [`java_producer`] | Kafka's own producer beside the prober |
//! | [`proxy`], [`network`] | network faults on the way to a broker |
//! | [`faults`] | pauses, resource limits, small disks, load |
//! | [`random`] | reproducible random numbers |
//! | [`process_guard`], [`ports`], [`wait`], [`failure_logs`] | processes that cannot outlive the test, ports, polling, logs of a failed test |
//!
//! Invariant: only [`reference_writer`], [`java_producer`] and [`faults::load`] write to a cluster, and only to topics of their
//! own. The prober's topics are only read.
//!
//! Everything is blocking std code with threads, except the OTLP receivers, which have a runtime on a thread of their own.
#![allow(dead_code, unused_imports, reason = "each crate that includes the harness uses a part of it")]
#![expect(clippy::panic, reason = "a harness that cannot continue fails its test")]
#![expect(clippy::disallowed_methods, reason = "the harness measures and waits in real time")]

pub(crate) mod authority;
pub(crate) mod collector;
pub(crate) mod failure_logs;
pub(crate) mod faults;
pub(crate) mod java_producer;
pub(crate) mod kafka;
pub(crate) mod network;
pub(crate) mod otlp;
pub(crate) mod ports;
pub(crate) mod prober;
pub(crate) mod process_guard;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod raw;
pub(crate) mod reference_writer;
pub(crate) mod requirements;
pub(crate) mod wait;

pub(crate) use kafka::shared::{shared_cluster, shared_cluster_with};
pub(crate) use kafka::{Cluster, Options};
pub(crate) use requirements::{requirements, skip_without_collector, skip_without_kafka, skip_without_prometheus};
pub(crate) use wait::{wait_for, wait_for_with_message, wait_until};
