//! Clusters of real Kafka brokers on loopback, one JVM a node.
//!
//! ```text
//! let cluster = Cluster::start(Options::default());     // three combined nodes, ready
//! cluster.broker(2).freeze();
//! ```
//!
//! A test that needs the ports before the brokers live calls [`Cluster::prepare`] and later
//! [`Cluster::start_all`] and [`Cluster::await_ready`].

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::failure_logs::save_logs_if_panicking;
use super::ports::free_port;
use super::process_guard::ScratchDir;
use super::proxy::Proxy;
use super::{raw, wait_for, wait_until};

pub(crate) mod broker;
pub(crate) mod fault_log;
pub(crate) mod properties;
pub(crate) mod shared;

use broker::Broker;
use fault_log::FaultLog;
use properties::{Layout, Node, Roles};

/// Three nodes take 5 s on two quiet cores; a busy machine may need many times that.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// What a cluster consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Name of the folder of saved logs, different for each cluster of a test.
    pub(crate) name: String,
    /// Brokers, with ids from 1.
    pub(crate) brokers: usize,
    /// Controllers of their own, with ids from 101. With none every broker is a controller too, and
    /// losing two of three ends the quorum: acks=all then times out instead of being refused.
    pub(crate) controllers: usize,
    /// The one broker that reaches the controllers through proxies, see [`Cluster::cut_off`]. They must be separate
    /// controllers.
    pub(crate) controller_proxy: Option<i32>,
    /// Clients connect to each broker through a proxy, see [`Cluster::proxy`].
    pub(crate) proxied: bool,
    /// Number of small disks (160 MiB each) for each broker's logs; with 0, a folder of the cluster. Only in
    /// a test with a [`Network`](super::network::Network).
    pub(crate) disks: usize,
    /// Java properties for every node, over those of the harness.
    pub(crate) settings: Vec<(String, String)>,
    /// Start fast by leaving out the JVM's second compiler; off for measuring latency.
    pub(crate) quick_start: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "cluster".to_owned(),
            brokers: 3,
            controllers: 0,
            controller_proxy: None,
            proxied: false,
            disks: 0,
            settings: Vec::new(),
            quick_start: true,
        }
    }
}

impl Options {
    /// Adds a Java property for every node.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// A cluster, ended when this is dropped; the logs of a failed test are saved.
pub(crate) struct Cluster {
    name: String,
    brokers: Vec<Broker>,
    controllers: Vec<Broker>,
    controller_proxies: Vec<Proxy>,
    client_proxies: BTreeMap<i32, Proxy>,
    faults: Arc<FaultLog>,
    // Last, so that it is removed after the brokers have ended.
    folder: ScratchDir,
}

impl Cluster {
    /// Starts a cluster and waits until every broker lists every other.
    pub(crate) fn start(options: Options) -> Self {
        let cluster = Self::prepare(options);
        cluster.start_all();
        cluster.await_ready();
        cluster
    }

    /// A formatted cluster with its ports chosen, and no node running.
    pub(crate) fn prepare(options: Options) -> Self {
        let folder = ScratchDir::new("kafka-prober-cluster-");
        let faults = Arc::new(FaultLog::default());
        let layout = Arc::new(Layout::new(&options));
        fs::write(folder.path().join(properties::LOG4J_FILE), properties::LOG4J)
            .expect("the cluster's folder is writable");
        let make = |node: &Node| Broker::new(node.clone(), Arc::clone(&layout), folder.path(), Arc::clone(&faults));
        let (brokers, controllers) =
            layout.nodes.iter().map(make).partition(|b: &Broker| b.roles() != Roles::Controller);
        let controller_proxies =
            layout.behind_proxies().map(|node| Proxy::start(node.proxy_port, node.proxied_port)).collect();
        let mut cluster = Self {
            name: options.name,
            brokers,
            controllers,
            controller_proxies,
            client_proxies: BTreeMap::new(),
            faults,
            folder,
        };
        if options.proxied {
            cluster.client_proxies = cluster.brokers.iter().map(|broker| (broker.id(), proxy_for(broker))).collect();
        }
        cluster.brokers.iter_mut().for_each(|broker| broker.mount(options.disks));
        thread::scope(|scope| {
            for node in cluster.nodes() {
                scope.spawn(|| node.format());
            }
        });
        cluster
    }

    /// Starts every node that is not running; see [`Cluster::await_ready`].
    pub(crate) fn start_all(&self) {
        self.nodes().filter(|node| !node.is_running()).for_each(Broker::start);
    }

    /// Waits until every broker answers and lists exactly the brokers of this cluster.
    #[track_caller]
    pub(crate) fn await_ready(&self) -> Duration {
        let began = Instant::now();
        wait_until(READY_WITHIN, "every broker lists all brokers", || {
            let ended = self.nodes().find(|node| !node.is_running());
            if let Some(node) = ended {
                panic!("node {} ended while the cluster started:\n{}", node.id(), node.log_tail());
            }
            self.all_listed()
        });
        began.elapsed()
    }

    /// Whether every broker lists exactly the brokers of this cluster.
    pub(crate) fn all_listed(&self) -> bool {
        let expected: Vec<i32> = self.brokers.iter().map(Broker::id).collect();
        self.brokers.iter().all(|broker| {
            raw::metadata(broker.internal_address(), &[]).is_ok_and(|seen| {
                let mut ids: Vec<i32> = seen.brokers.iter().map(|b| b.id).collect();
                ids.sort_unstable();
                ids == expected
            })
        })
    }

    /// The broker with this id, from 1.
    #[track_caller]
    pub(crate) fn broker(&self, id: i32) -> &Broker {
        let found = self.brokers.iter().find(|broker| broker.id() == id);
        found.unwrap_or_else(|| panic!("the cluster has no broker {id}"))
    }

    /// All brokers, by id.
    pub(crate) fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// The nodes that are controllers only.
    pub(crate) fn controllers(&self) -> &[Broker] {
        &self.controllers
    }

    /// The active controller, which must be a process of its own.
    #[track_caller]
    pub(crate) fn active_controller(&self) -> &Broker {
        let id = wait_for(READY_WITHIN, "the active controller is known", || {
            raw::active_controller(self.any_internal_address()).ok()
        });
        let found = self.controllers.iter().find(|node| node.id() == id);
        found.unwrap_or_else(|| panic!("the active controller, node {id}, is not a separate controller"))
    }

    /// Cuts the broker of [`Options::controller_proxy`] off from the controllers: neither its heartbeats nor the metadata log
    /// get through. Clients and the other brokers reach it as before.
    pub(crate) fn cut_off(&self) {
        self.controller_proxies.iter().for_each(Proxy::black_hole);
    }

    /// Lets that broker reach the controllers again.
    pub(crate) fn reconnect(&self) {
        self.controller_proxies.iter().for_each(Proxy::heal);
    }

    /// The proxy in front of a broker's client port, of a cluster with [`Options::proxied`].
    #[track_caller]
    pub(crate) fn proxy(&self, broker: i32) -> &Proxy {
        self.client_proxies
            .get(&broker)
            .unwrap_or_else(|| panic!("no proxy leads to broker {broker}: Options::proxied"))
    }

    /// Every broker's address for the harness's own clients.
    pub(crate) fn internal_bootstrap(&self) -> String {
        let addresses: Vec<&str> = self.brokers.iter().map(Broker::internal_address).collect();
        addresses.join(",")
    }

    /// Every broker's client address, as `bootstrap.servers` takes it.
    pub(crate) fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self.brokers.iter().map(Broker::address).collect();
        addresses.join(",")
    }

    /// The internal address of a broker that is running and not frozen.
    #[track_caller]
    pub(crate) fn any_internal_address(&self) -> &str {
        let running = self.brokers.iter().find(|broker| broker.is_serving());
        running.unwrap_or_else(|| panic!("no broker is running and thawed")).internal_address()
    }

    /// What the test did to the brokers, and when.
    pub(crate) fn faults(&self) -> &FaultLog {
        &self.faults
    }

    /// Undoes every fault: reconnects, thaws, starts, and waits until every broker lists all brokers.
    pub(crate) fn heal(&self) {
        self.reconnect();
        self.client_proxies.values().for_each(Proxy::heal);
        self.nodes().filter(|node| node.is_frozen()).for_each(Broker::thaw);
        self.start_all();
        self.await_ready();
    }

    /// Keeps logs and configuration of every node when the test is failing.
    fn keep_logs(&self) {
        save_logs_if_panicking(&self.name, self.folder.path());
    }

    fn nodes(&self) -> impl Iterator<Item = &Broker> {
        self.controllers.iter().chain(&self.brokers)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes().for_each(Broker::end);
        self.keep_logs();
    }
}

/// A proxy in front of a broker that is not started yet, whose port the broker will advertise.
fn proxy_for(broker: &Broker) -> Proxy {
    let proxy = Proxy::start(free_port(), broker.client_port());
    broker.advertise(proxy.port());
    proxy
}
