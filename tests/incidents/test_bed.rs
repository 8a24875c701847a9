//! What an incident works with: a cluster, a prober in front of it, and the victim, the broker with the fault.

use std::time::{Duration, Instant};

use crate::cluster_kind::ClusterKind;
use crate::harness::faults::disk::Disk;
use crate::harness::faults::wall_clock::FakeWallClock;
use crate::harness::kafka::broker::Broker;
use crate::harness::network::Network;
use crate::harness::otlp::OtlpSink;
use crate::harness::random::Random;
use crate::harness::{Cluster, raw};
use crate::incident::Incident;
use crate::support::{RunningProber, TOPIC};

/// A cluster, a prober in front of it, and the victim.
pub(crate) struct TestBed<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) probing: RunningProber,
    pub(crate) random: Random,
    opened: Instant,
    network: Option<&'a Network>,
    sink: Option<OtlpSink>,
    wall_clock: Option<FakeWallClock>,
    victim: i32,
    fault_started: Option<Instant>,
}

impl<'a> TestBed<'a> {
    /// Starts the prober with the settings of the incident's cluster kind.
    pub(crate) fn start(
        incident: &Incident,
        cluster: &'a Cluster,
        network: Option<&'a Network>,
        mut random: Random,
    ) -> TestBed<'a> {
        let sink = OtlpSink::grpc();
        let wall_clock = (incident.cluster_kind == ClusterKind::FakeWallClock).then(FakeWallClock::new).flatten();
        let faketime = wall_clock.as_ref().map(FakeWallClock::environment).unwrap_or_default();
        let mut environment = incident.cluster_kind.environment();
        environment.extend(faketime.iter().map(|(name, value)| (*name, value.as_str())));
        let probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &environment);
        let victim = random.one_of(&ids(cluster));
        let opened = Instant::now();
        TestBed { cluster, probing, random, opened, network, sink: Some(sink), wall_clock, victim, fault_started: None }
    }

    /// The same cluster and prober for the next incident, with a new random victim.
    pub(crate) fn for_next_incident(self, mut random: Random) -> TestBed<'a> {
        let victim = random.one_of(&ids(self.cluster));
        TestBed { random, victim, fault_started: None, ..self }
    }

    /// All brokers, by id.
    pub(crate) fn ids(&self) -> Vec<i32> {
        ids(self.cluster)
    }

    /// How long the prober has run.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The broker with the fault, if the incident is about one.
    pub(crate) fn victim(&self) -> &'a Broker {
        self.cluster.broker(self.victim)
    }

    pub(crate) fn victim_id(&self) -> i32 {
        self.victim
    }

    /// Makes this broker the victim.
    pub(crate) fn set_victim(&mut self, broker: i32) {
        self.victim = broker;
    }

    /// The controller with this id, which is a process of its own.
    #[track_caller]
    pub(crate) fn controller(&self, id: i32) -> &'a Broker {
        let found = self.cluster.controllers().iter().find(|node| node.id() == id);
        found.unwrap_or_else(|| panic!("no controller has the id {id}"))
    }

    /// The victim's disk with its partition of the pinned lane.
    #[track_caller]
    pub(crate) fn pinned_disk(&self) -> &'a Disk {
        let found = self.victim().disks().iter().find(|disk| disk.holds(TOPIC));
        found.unwrap_or_else(|| panic!("no disk of broker {} holds the pinned partition", self.victim))
    }

    /// The internal address of a broker other than the victim.
    #[track_caller]
    pub(crate) fn other_internal_address(&self) -> &'a str {
        let other = self.cluster.brokers().iter().find(|broker| broker.id() != self.victim && broker.is_serving());
        other.unwrap_or_else(|| panic!("broker {} is the only one", self.victim)).internal_address()
    }

    /// Starts the victim again if the fault has ended it.
    #[track_caller]
    pub(crate) fn start_stopped_brokers(&self) {
        self.cluster.start_all();
        self.cluster.await_ready();
    }

    /// Restarts the victim, whether or not the fault has ended it.
    #[track_caller]
    pub(crate) fn restart(&self) {
        if self.victim().is_running() {
            self.victim().kill();
        }
        self.start_stopped_brokers();
    }

    /// Whether every replica of every partition is in sync, in the metadata of every broker.
    pub(crate) fn all_in_sync(&self) -> bool {
        self.cluster.brokers().iter().all(|broker| {
            let seen = raw::metadata_of_all(broker.internal_address()).unwrap_or_default();
            !seen.partitions.is_empty() && seen.partitions.iter().all(|p| p.isr.len() == p.replicas.len())
        })
    }

    /// Stops the receiver of the prober's metrics.
    pub(crate) fn stop_otlp_receiver(&mut self) {
        self.sink = None;
    }

    /// The prober's wall clock, which the test can set.
    #[track_caller]
    pub(crate) fn wall_clock(&self) -> &FakeWallClock {
        self.wall_clock
            .as_ref()
            .unwrap_or_else(|| panic!("the prober of this cluster kind has the machine's wall clock"))
    }

    /// The network namespace of the test.
    #[track_caller]
    pub(crate) fn network(&self) -> &'a Network {
        self.network.unwrap_or_else(|| panic!("this cluster kind has no network namespace"))
    }

    /// Marks the start of the fault; everything before was preparation.
    pub(crate) fn mark_fault_started(&mut self) {
        self.fault_started = Some(Instant::now());
    }

    /// The marked start of the fault, which is then cleared.
    pub(crate) fn take_fault_started(&mut self) -> Option<Instant> {
        self.fault_started.take()
    }
}

fn ids(cluster: &Cluster) -> Vec<i32> {
    cluster.brokers().iter().map(Broker::id).collect()
}
