//! What an incident works with: a cluster, a prober in front of it, and the victims, the brokers with the faults.

use std::time::{Duration, Instant};

use crate::cluster_kind::ClusterKind;
use crate::harness::faults::disk::Disk;
use crate::harness::faults::wall_clock::FakeWallClock;
use crate::harness::kafka::broker::Broker;
use crate::harness::network::Network;
use crate::harness::otlp::OtlpSink;
use crate::harness::random::Random;
use crate::harness::{Cluster, ports, raw};
use crate::incident::{Incident, Settings};
use crate::support::{RunningProber, TOPIC};

/// A cluster, a prober in front of it, and the victims.
pub(crate) struct TestBed<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) probing: RunningProber,
    pub(crate) random: Random,
    cluster_kind: ClusterKind,
    settings: Settings,
    opened: Instant,
    network: Option<&'a Network>,
    sink: Option<OtlpSink>,
    wall_clock: Option<FakeWallClock>,
    /// Every broker, in the order in which an incident harms them.
    victims: Vec<i32>,
    faults: Vec<Instant>,
}

impl<'a> TestBed<'a> {
    /// Starts the prober with the settings of the incident's cluster kind.
    pub(crate) fn start(
        incident: &Incident,
        cluster: &'a Cluster,
        network: Option<&'a Network>,
        mut random: Random,
    ) -> TestBed<'a> {
        let Incident { cluster_kind, settings, .. } = *incident;
        let sink = OtlpSink::grpc();
        let wall_clock = (cluster_kind == ClusterKind::FakeWallClock).then(FakeWallClock::new).flatten();
        let probing =
            start_prober(ports::free_port(), (cluster_kind, settings), cluster, Some(&sink), wall_clock.as_ref());
        TestBed {
            cluster,
            probing,
            cluster_kind,
            settings,
            opened: Instant::now(),
            network,
            sink: Some(sink),
            wall_clock,
            victims: random.shuffled(&ids(cluster)),
            random,
            faults: Vec::new(),
        }
    }

    /// Whether the prober can be used for another incident: it has the settings for it and its metrics receiver, and no finding of
    /// earlier ones recurs, which `explain` would report.
    pub(crate) fn suits(&self, incident: &Incident) -> bool {
        self.settings == incident.settings && self.sink.is_some() && !self.probing.has_recurring_finding()
    }

    /// The same cluster and prober for the next incident, with new random victims.
    pub(crate) fn for_next_incident(self, mut random: Random) -> TestBed<'a> {
        let victims = random.shuffled(&ids(self.cluster));
        TestBed { random, victims, faults: Vec::new(), ..self }
    }

    /// Starts the prober again, with its pages at the same address, after it was stopped.
    pub(crate) fn start_prober(&mut self) {
        let (_, port) = self.probing.prober.http_address().rsplit_once(':').expect("host and port");
        let port = port.parse().expect("a port");
        let kind = (self.cluster_kind, self.settings);
        self.probing = start_prober(port, kind, self.cluster, self.sink.as_ref(), self.wall_clock.as_ref());
        self.opened = Instant::now();
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
        self.victim_at(0)
    }

    /// One of several victims, by its place.
    pub(crate) fn victim_at(&self, place: usize) -> &'a Broker {
        self.cluster.broker(self.victims[place])
    }

    pub(crate) fn victim_id(&self) -> i32 {
        self.victims[0]
    }

    /// Every broker, in the order in which an incident harms them.
    pub(crate) fn victims(&self) -> &[i32] {
        &self.victims
    }

    /// Makes this broker the victim.
    pub(crate) fn set_victim(&mut self, broker: i32) {
        self.victims.retain(|id| *id != broker);
        self.victims.insert(0, broker);
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
        self.pinned_disk_of(0)
    }

    /// The disk of a victim, by its place, with its partition of the pinned lane.
    #[track_caller]
    pub(crate) fn pinned_disk_of(&self, place: usize) -> &'a Disk {
        let found = self.victim_at(place).disks().iter().find(|disk| disk.holds(TOPIC));
        found.unwrap_or_else(|| panic!("no disk of broker {} holds the pinned partition", self.victims[place]))
    }

    /// The internal address of a broker other than the victim.
    #[track_caller]
    pub(crate) fn other_internal_address(&self) -> &'a str {
        let victim = self.victim_id();
        let other = self.cluster.brokers().iter().find(|broker| broker.id() != victim && broker.is_serving());
        other.unwrap_or_else(|| panic!("broker {victim} is the only one")).internal_address()
    }

    /// Starts every broker that is not running.
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

    /// Marks the start of a fault; everything before the first was preparation.
    pub(crate) fn mark_fault_started(&mut self) {
        self.faults.push(Instant::now());
    }

    /// The marked starts of the faults, which are then cleared.
    pub(crate) fn take_faults(&mut self) -> Vec<Instant> {
        std::mem::take(&mut self.faults)
    }
}

fn start_prober(
    port: u16,
    (cluster_kind, settings): (ClusterKind, Settings),
    cluster: &Cluster,
    sink: Option<&OtlpSink>,
    wall_clock: Option<&FakeWallClock>,
) -> RunningProber {
    let faketime = wall_clock.map(FakeWallClock::environment).unwrap_or_default();
    let mut environment = cluster_kind.environment();
    environment.extend(settings);
    environment.extend(faketime.iter().map(|(name, value)| (*name, value.as_str())));
    RunningProber::start_at(port, &cluster.bootstrap(), sink, &[], &environment)
}

fn ids(cluster: &Cluster) -> Vec<i32> {
    cluster.brokers().iter().map(Broker::id).collect()
}
