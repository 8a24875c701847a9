//! The kinds of cluster on which incidents run. Consecutive incidents of one kind share a cluster.

use crate::harness::faults::{disk, wall_clock};
use crate::harness::raw::coordination::create_internal_topics;
use crate::harness::raw::{Operation, Resource, grant};
use crate::harness::requirements::skip;
use crate::harness::{Cluster, Options};
use crate::support::PREFIX;

/// The prober's user at the secured cluster.
pub(crate) const USER: &str = "prober";
const PASSWORD: &str = "its-secret";

/// What a cluster consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClusterKind {
    /// Three combined nodes with default settings.
    ThreeBrokers,
    /// Three brokers, each behind a proxy for clients and with two disks for its logs.
    ProxiedTwoDisks,
    /// As above with one disk: a broker that loses it shuts down.
    ProxiedOneDisk,
    /// Three brokers, and three controllers as processes of their own.
    SeparateControllers,
    /// Five brokers, each behind a proxy for clients and with two disks for its logs, and a controller of its own: without most of
    /// the brokers there is still one.
    FiveBrokers,
    /// Six brokers, so that most of them do not replicate from the victim.
    SixBrokers,
    /// Three brokers with SASL/PLAIN and ACLs.
    Secured,
    /// Three brokers whose topics are small, so that patterns in the metadata can be provoked within a minute.
    Observed,
    /// Three plain brokers, and a prober whose wall clock the test sets.
    FakeWallClock,
}

impl ClusterKind {
    pub(crate) fn start(self) -> Cluster {
        let cluster = Cluster::start(self.options());
        create_internal_topics(&cluster);
        if self == ClusterKind::Secured {
            permit_all(&cluster);
        }
        cluster
    }

    /// Whether this machine cannot provide the cluster: a counted skip, and a failure under CI.
    #[track_caller]
    pub(crate) fn skip_if_unsupported(self) -> bool {
        match self {
            ClusterKind::ProxiedTwoDisks | ClusterKind::ProxiedOneDisk | ClusterKind::FiveBrokers
                if !disk::is_possible() =>
            {
                skip(&["file systems in files (root, mkfs.ext4 and mount)".to_owned()])
            }
            ClusterKind::FakeWallClock if !wall_clock::is_possible() => {
                skip(&["libfaketime (script/bootstrap)".to_owned()])
            }
            _ => false,
        }
    }

    fn options(self) -> Options {
        let plain = Options { name: format!("{self:?}").to_lowercase(), ..Options::default() };
        match self {
            ClusterKind::ThreeBrokers | ClusterKind::FakeWallClock => plain,
            ClusterKind::ProxiedTwoDisks => Options { proxied: true, disks: 2, ..plain },
            ClusterKind::ProxiedOneDisk => Options { proxied: true, disks: 1, ..plain },
            // A broker that waits for a frozen controller sends its next heartbeat in time on a busy machine as well.
            ClusterKind::SeparateControllers => {
                Options { controllers: 3, ..plain }.with("broker.heartbeat.interval.ms", "1000")
            }
            ClusterKind::FiveBrokers => Options { brokers: 5, controllers: 1, proxied: true, disks: 2, ..plain },
            ClusterKind::SixBrokers => Options { brokers: 6, ..plain },
            ClusterKind::Observed => observed(plain),
            ClusterKind::Secured => secured(plain),
        }
    }

    /// The prober's settings for this kind of cluster.
    pub(crate) fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            ClusterKind::Secured => vec![
                ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PROTOCOL", "sasl_plaintext"),
                ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__SASL_MECHANISM", "PLAIN"),
                ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__USERNAME", USER),
                ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PASSWORD", PASSWORD),
            ],
            _ => Vec::new(),
        }
    }
}

/// Seconds between two checks of the controllers whether leaders must be moved back, where the prober expects them.
pub(crate) const LEADER_CHECK: u64 = 10;

fn observed(plain: Options) -> Options {
    // A controller of its own: in-sync sets do not change while the active one is stopped.
    Options { controllers: 1, ..plain }
        // A follower that stands still leaves the in-sync set within 6 s instead of 45.
        .with("replica.lag.time.max.ms", "4000")
        // So that it can leave it, and be seen to, before it is fenced.
        .with("broker.session.timeout.ms", "20000")
        // As on clusters that move leaders back at night only.
        .with("auto.leader.rebalance.enable", "false")
        .with("leader.imbalance.check.interval.seconds", &LEADER_CHECK.to_string())
        // Segments of 1 MiB, of which the cleaner leaves the newest alone, and a cleaner that is never late.
        .with("offsets.topic.segment.bytes", "1048576")
        .with("log.cleaner.backoff.ms", "1000")
}

fn secured(plain: Options) -> Options {
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let users = format!("{module} required user_{USER}=\"{PASSWORD}\";");
    plain
        .with("listener.security.protocol.map", "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT")
        .with("listener.name.client.sasl.enabled.mechanisms", "PLAIN")
        .with("listener.name.client.plain.sasl.jaas.config", &users)
        .with("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        // The brokers and the harness use the internal listener without authentication.
        .with("super.users", "User:ANONYMOUS")
}

/// Grants every permission that the prober uses.
#[track_caller]
fn permit_all(cluster: &Cluster) {
    use Operation::{Create, Describe, DescribeConfigs, Read, Write};
    let ours = PREFIX;
    for (resource, operations) in [
        (Resource::Topics(ours), &[Create, Describe, Read, Write, DescribeConfigs][..]),
        (Resource::Topics("_"), &[Describe, DescribeConfigs]),
        (Resource::Groups(ours), &[Read]),
        (Resource::TransactionalIds(ours), &[Write]),
        (Resource::Cluster, &[Describe]),
    ] {
        grant(cluster.any_internal_address(), USER, resource, operations).expect("an ACL");
    }
}
