//! A cluster with few ACLs: a part of the prober that lacks a permission names it and backs off. Nothing else is
//! affected, and no broker is bad.

use std::time::Duration;

use crate::harness::raw::coordination::{CoordinatorType, create_internal_topics};
use crate::harness::raw::{Operation, Resource, grant};
use crate::harness::{Cluster, Options, skip_without_kafka};
use crate::support::{CANARY, CLUSTER, PREFIX, RunningProber, Status, TOPIC, elapse};

const USER: &str = "prober";
const PASSWORD: &str = "its-secret";

/// The parts of the observation that are off, and the permission that each names.
const OFF: [(&str, &str); 3] = [
    ("quorum", "grant DESCRIBE on CLUSTER"),
    ("reassignments", "grant DESCRIBE on CLUSTER"),
    ("log_dirs", "grant DESCRIBE on CLUSTER"),
];

fn cluster() -> Cluster {
    let plain = format!("org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";");
    let options = Options { name: "permissions".to_owned(), brokers: 1, ..Options::default() }
        .with("listener.security.protocol.map", "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT")
        .with("listener.name.client.sasl.enabled.mechanisms", "PLAIN")
        .with("listener.name.client.plain.sasl.jaas.config", &plain)
        .with("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        // The brokers and the harness use the internal listener without authentication.
        .with("super.users", "User:ANONYMOUS");
    Cluster::start(options)
}

fn probing(cluster: &Cluster) -> RunningProber {
    let env = [
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PROTOCOL", "sasl_plaintext"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__SASL_MECHANISM", "PLAIN"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__USERNAME", USER),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PASSWORD", PASSWORD),
        ("KAFKA_PROBER__OBSERVATION__INTERVAL", "1s"),
    ];
    RunningProber::start(&cluster.bootstrap(), None, &[], &env)
}

#[test]
fn missing_permission_switches_off_only_what_needs_it() {
    if skip_without_kafka() {
        return;
    }
    let cluster = cluster();
    create_internal_topics(&cluster);
    let addr = cluster.any_internal_address();
    let permit = |resource, operations: &[Operation]| grant(addr, USER, resource, operations).expect("an ACL");

    let mut strict = probing(&cluster);
    let refused = strict.wait_status(Duration::from_secs(60), "attempts are refused", |status| {
        [status, &status.client()].iter().all(|view| 3 <= view.errors_of_view("produce", "TOPIC_AUTHORIZATION_FAILED"))
    });
    let message = format!("no permission: grant DESCRIBE, READ and WRITE on topic {TOPIC} to the prober's principal");
    assert_eq!(refused.lane(), ("preparing".to_owned(), message));
    assert_ne!(refused.state(1), Some("failing"), "the broker is not failing");
    assert!(reports(&refused, &format!("controller: grant CREATE on topic {CANARY}")));

    // After the named permission is granted the prober continues without a restart.
    permit(Resource::Topics(PREFIX), &[Operation::Create, Operation::Describe, Operation::Read, Operation::Write]);
    let good = strict.wait_good(&[1]);
    strict.wait_status(Duration::from_secs(60), "every blocked part names the missing permission", |status| {
        OFF.iter().all(|(part, grant)| of_part(status, part) == ("off".to_owned(), (*grant).to_owned()))
            && reports(status, "commit: grant DESCRIBE on topic __consumer_offsets")
            && reports(status, "transaction: grant DESCRIBE on topic __transaction_state")
    });
    elapse(Duration::from_secs(5));
    let later = strict.status();
    for (before, after) in [(&good, &later), (&good.client(), &later.client())] {
        assert!(before.outcome(1, "end_to_end", "good") + 8 <= after.outcome(1, "end_to_end", "good"));
        for probe in ["produce", "consume", "end_to_end", "fetch", "metadata", "connect"] {
            assert_eq!(before.bad_in(1, probe), after.bad_in(1, probe), "{probe}: {}", strict.prober.stderr());
        }
    }
    for part in ["brokers", "partitions"] {
        assert_eq!(of_part(&later, part).0, "on", "{part}");
    }

    // The internal topics are visible now, and the coordinators refuse: a few events fail, then the probes back off.
    for of in [CoordinatorType::Group, CoordinatorType::Transaction] {
        permit(Resource::Topics(of.topic()), &[Operation::Describe]);
    }
    let ids = format!("begin with {PREFIX}default-");
    let backed_off = strict.wait_status(Duration::from_secs(60), "coordinators refuse", |status| {
        reports(status, &format!("commit: grant READ on groups that {ids}"))
            && reports(status, &format!("transaction: grant WRITE on transactional ids that {ids}"))
    });
    elapse(Duration::from_secs(15));
    let still_backed_off = strict.status();
    for probe in ["commit", "transaction"] {
        let due = |status: &Status| status.coordinator().due(1, probe);
        // The first back-off is 10 s, because the permission may be granted at any time.
        assert!(
            due(&still_backed_off) <= due(&backed_off) + 2,
            "{probe} backs off: {} more",
            due(&still_backed_off) - due(&backed_off)
        );
        assert!((1..=4).contains(&still_backed_off.coordinator().bad_in(1, probe)), "{probe}");
    }
    still_backed_off.assert_balances();
    let kinds: Vec<String> = strict.findings_so_far().into_iter().map(|(kind, _)| kind).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "permission_missing"), "{kinds:?}");
    strict.stop();

    permit(Resource::Groups(PREFIX), &[Operation::Read]);
    permit(Resource::TransactionalIds(PREFIX), &[Operation::Write]);
    permit(Resource::Topics("_"), &[Operation::DescribeConfigs]);
    permit(Resource::Topics(PREFIX), &[Operation::DescribeConfigs]);
    permit(Resource::Cluster, &[Operation::Describe]);
    let mut permitted = probing(&cluster);
    let all = permitted.wait_status(Duration::from_secs(60), "everything is answered", |status| {
        let coordinator = status.coordinator();
        let parts = status.observation("/parts").as_array().cloned().unwrap_or_default();
        ["commit", "transaction"].iter().all(|probe| 2 <= coordinator.outcome(1, probe, "good"))
            && parts.len() == 6
            && parts.iter().all(|part| part["state"] == "on" && part["message"].is_null())
            && 0 < status.cluster().outcome(CLUSTER, "controller", "good")
    });
    assert_eq!(all.blocked_probes(), [""; 0]);
    assert_eq!(permitted.findings_so_far(), []);
    assert_eq!(all.bad(1) + all.client().bad(1) + all.coordinator().bad_in(1, "commit"), 0);
    permitted.stop();
}

/// The state of a part of the observation, and the permission that its message names.
fn of_part(status: &Status, part: &str) -> (String, String) {
    let parts = status.observation("/parts").as_array().cloned().unwrap_or_default();
    let found = parts.iter().find(|row| row["part"] == part).cloned().unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("state"), text("message").split(':').next().unwrap_or_default().to_owned())
}

fn reports(status: &Status, message: &str) -> bool {
    status.blocked_probes().iter().any(|text| text.starts_with(message))
}
