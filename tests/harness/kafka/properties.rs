//! The layout of a cluster and the properties file of each node.

use std::path::{Path, PathBuf};

use super::Options;
use crate::harness::ports::free_port;

/// Fixed, so that a restart or a reformat of one node stays in the cluster.
pub(crate) const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";

/// Ids of controllers that are no brokers, well away from brokers'.
const FIRST_CONTROLLER: i32 = 101;

pub(crate) const LOG4J_FILE: &str = "log4j2.properties";

/// Everything to stdout, which the harness sends to the node's log.
pub(crate) const LOG4J: &str = "\
status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roles {
    Broker,
    Controller,
    Both,
}

/// One node and its ports on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) roles: Roles,
    /// What the prober and other clients use.
    pub(crate) client_port: u16,
    /// Replication, and the harness's own requests: neither is hit when a test cuts the client port.
    pub(crate) internal_port: u16,
    pub(crate) controller_port: u16,
    /// A second listener of this controller, only for the broker of [`Options::controller_proxy`].
    pub(crate) proxied_port: u16,
    /// The proxy in front of it, whose port that broker gets.
    pub(crate) proxy_port: u16,
}

/// All nodes, and what they have in common.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) nodes: Vec<Node>,
    pub(crate) quick_start: bool,
    settings: Vec<(String, String)>,
    controller_proxy: Option<i32>,
}

impl Layout {
    pub(crate) fn new(options: &Options) -> Self {
        let brokers = i32::try_from(options.brokers).expect("a test starts a few brokers");
        let controllers = i32::try_from(options.controllers).expect("and fewer controllers");
        let (combined, own) = (controllers == 0, FIRST_CONTROLLER..FIRST_CONTROLLER + controllers);
        let broker_roles = if combined { Roles::Both } else { Roles::Broker };
        let ids = (1..=brokers).map(|id| (id, broker_roles));
        let nodes = ids.chain(own.map(|id| (id, Roles::Controller))).map(|(id, roles)| Node {
            id,
            roles,
            client_port: free_port(),
            internal_port: free_port(),
            controller_port: free_port(),
            proxied_port: free_port(),
            proxy_port: free_port(),
        });
        let settings = options.settings.clone();
        Self {
            nodes: nodes.collect(),
            quick_start: options.quick_start,
            settings,
            controller_proxy: options.controller_proxy,
        }
    }

    /// The controllers that one broker reaches through proxies: none, without such a broker.
    pub(crate) fn behind_proxies(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| self.controller_proxy.is_some() && node.roles != Roles::Broker)
    }

    /// The properties of one node that clients reach at `advertised` on loopback. Its logs are in the folder `data`, or on
    /// disks of their own, if it has any; the log of the controllers stays in the folder.
    pub(crate) fn properties(&self, node: &Node, advertised: u16, data: &Path, disks: &[PathBuf]) -> String {
        let folder = |path: &Path| path.display().to_string();
        let logs: Vec<String> = disks.iter().map(|path| folder(path)).collect();
        let mut all = vec![
            ("node.id".to_owned(), node.id.to_string()),
            ("log.dirs".to_owned(), if logs.is_empty() { folder(data) } else { logs.join(",") }),
            ("metadata.log.dir".to_owned(), folder(data)),
            ("controller.quorum.voters".to_owned(), self.voters(node)),
        ];
        all.extend(listeners(node, advertised));
        all.extend(self.proxied_listener(node));
        all.extend(self.sizes().map(|(key, value)| (key.to_owned(), value.to_string())));
        // Java keeps the last of equal keys, so that the test's own settings win.
        all.extend(self.settings.clone());
        all.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    }

    /// The controllers, by the addresses at which `node` reaches them.
    fn voters(&self, node: &Node) -> String {
        let voters = self.nodes.iter().filter(|node| node.roles != Roles::Broker);
        let port =
            |voter: &Node| if self.uses_controller_proxy(node) { voter.proxy_port } else { voter.controller_port };
        let voters = voters.map(|voter| format!("{}@127.0.0.1:{}", voter.id, port(voter)));
        voters.collect::<Vec<_>>().join(",")
    }

    fn uses_controller_proxy(&self, node: &Node) -> bool {
        self.controller_proxy == Some(node.id)
    }

    /// A controller answers with its address on the listener that received the request, and the broker connects to that address. So
    /// the proxy needs a listener of its own, advertised at the proxy's port: otherwise the first answer bypasses it.
    fn proxied_listener(&self, node: &Node) -> Vec<(String, String)> {
        let Node { controller_port, proxied_port, proxy_port, .. } = node;
        let all = match node.roles {
            _ if self.controller_proxy.is_none() => return Vec::new(),
            Roles::Broker if self.uses_controller_proxy(node) => {
                vec![("controller.listener.names", "PROXIED".to_owned())]
            }
            Roles::Broker => return Vec::new(),
            Roles::Both => panic!("only separate controllers can be cut off: Options::controllers"),
            Roles::Controller => {
                let own = format!("CONTROLLER://127.0.0.1:{controller_port}");
                vec![
                    ("listeners", format!("{own},PROXIED://127.0.0.1:{proxied_port}")),
                    ("advertised.listeners", format!("{own},PROXIED://127.0.0.1:{proxy_port}")),
                    ("controller.listener.names", "CONTROLLER,PROXIED".to_owned()),
                ]
            }
        };
        let protocols = "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT".to_owned();
        let all = all.into_iter().chain([("listener.security.protocol.map", protocols)]);
        all.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Small, so that three nodes share two cores and a gigabyte; else as in production.
    fn sizes(&self) -> [(&'static str, i64); 21] {
        let brokers = self.nodes.iter().filter(|node| node.roles != Roles::Controller).count();
        let brokers = i64::try_from(brokers).expect("a test starts a few brokers");
        let (replicas, min_isr) = (brokers.min(3), brokers.min(2));
        [
            ("num.network.threads", 2),
            ("num.io.threads", 4),
            ("background.threads", 2),
            ("num.recovery.threads.per.data.dir", 1),
            ("default.replication.factor", replicas),
            ("min.insync.replicas", min_isr),
            ("offsets.topic.num.partitions", 6),
            ("offsets.topic.replication.factor", replicas),
            ("transaction.state.log.num.partitions", 6),
            ("transaction.state.log.replication.factor", replicas),
            ("transaction.state.log.min.isr", min_isr),
            ("share.coordinator.state.topic.num.partitions", 2),
            ("share.coordinator.state.topic.replication.factor", replicas),
            ("share.coordinator.state.topic.min.isr", min_isr),
            // Kafka's default, written out because the expected times of tests depend on it.
            ("broker.session.timeout.ms", 9_000),
            ("group.initial.rebalance.delay.ms", 0),
            ("log.segment.bytes", 16 << 20),
            ("log.index.size.max.bytes", 1 << 20),
            // The cleaner claims this at start; the default is a third of our heap.
            ("log.cleaner.dedupe.buffer.size", 4 << 20),
            ("log.cleaner.io.buffer.size", 128 << 10),
            ("socket.request.max.bytes", 32 << 20),
        ]
    }
}

fn listeners(node: &Node, advertised: u16) -> Vec<(String, String)> {
    let Node { client_port, internal_port, controller_port, .. } = node;
    let broker = format!("CLIENT://127.0.0.1:{client_port},INTERNAL://127.0.0.1:{internal_port}");
    let controller = format!("CONTROLLER://127.0.0.1:{controller_port}");
    let seen = format!("CLIENT://127.0.0.1:{advertised},INTERNAL://127.0.0.1:{internal_port}");
    let (roles, bound) = match node.roles {
        Roles::Broker => ("broker", broker),
        Roles::Controller => ("controller", controller),
        Roles::Both => ("broker,controller", format!("{broker},{controller}")),
    };
    let mut all = vec![
        ("process.roles", roles.to_owned()),
        ("listeners", bound),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("listener.security.protocol.map", "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
        ("auto.create.topics.enable", "false".to_owned()),
    ];
    if node.roles != Roles::Controller {
        all.push(("advertised.listeners", seen));
        all.push(("inter.broker.listener.name", "INTERNAL".to_owned()));
    }
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
