//! Commits and transactions: a frozen coordinator, thousands of attempts, two probers with one vantage, and the groups and ids
//! that remain in the cluster.

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use crate::harness::prober::Prober;
use crate::harness::raw::coordination::{
    CoordinatorType, commit_offset, coordinators, create_internal_topics, groups, transactional_ids,
};
use crate::harness::{Cluster, ports, raw, shared_cluster, wait_until};
use crate::support::{PREFIX, RunningProber, Status, TOPIC, create_lane_topics, elapse};

const COMMIT: &str = "commit";
const TRANSACTION: &str = "transaction";
/// Without `slow`, which a busy machine causes as well.
const BAD: [&str; 4] = ["error", "timeout", "lost", "corrupt"];

/// After a broker froze: 9 s until it is fenced, and time for the election.
const MOVED_WITHIN: Duration = Duration::from_secs(12);

/// Commits and transactions more often than by default, so that there are enough events.
const OFTEN: [(&str, &str); 2] =
    [("KAFKA_PROBER__PROBES__COMMIT__INTERVAL", "500ms"), ("KAFKA_PROBER__PROBES__TRANSACTION__INTERVAL", "1s")];

fn good(status: &Status, broker: i32, probe: &str) -> u64 {
    status.coordinator().outcome(broker, probe, "good")
}

fn bad(status: &Status, broker: i32, probe: &str) -> u64 {
    BAD.iter().map(|outcome| status.coordinator().outcome(broker, probe, outcome)).sum()
}

/// Waits until every coordinator has three good events of each probe.
fn wait_coordinated(probing: &RunningProber, cluster: &Cluster) -> Status {
    let addr = cluster.any_internal_address();
    let of = [(COMMIT, CoordinatorType::Group), (TRANSACTION, CoordinatorType::Transaction)];
    let of = of.map(|(probe, of)| (probe, coordinators(addr, of).expect("a broker answers")));
    assert!(of.iter().all(|(_, brokers)| !brokers.is_empty()), "each internal topic has a leader");
    probing.wait_status(Duration::from_secs(60), "every coordinator has good events", |status| {
        of.iter().all(|(probe, brokers)| brokers.iter().all(|broker| 3 <= good(status, *broker, probe)))
    })
}

#[test]
fn frozen_coordinator_causes_failures_of_others_only_until_it_has_moved() {
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &OFTEN);
    probing.wait_good(&[1, 2, 3]);
    let healthy = wait_coordinated(&probing, &cluster);
    for broker in [1, 2, 3] {
        let failed = [COMMIT, TRANSACTION].map(|probe| bad(&healthy, broker, probe));
        assert_eq!(failed, [0, 0], "broker {broker}: {:#?}", healthy.rows().collect::<Vec<_>>());
    }

    cluster.broker(2).freeze();
    let frozen_at = Instant::now();
    let addr = cluster.any_internal_address();
    wait_until(Duration::from_secs(30), "the coordinators have moved", || {
        [CoordinatorType::Group, CoordinatorType::Transaction]
            .iter()
            .all(|of| coordinators(addr, *of).is_ok_and(|led| !led.contains(&2)))
    });
    let moved = frozen_at.elapsed();
    eprintln!("the coordinators of the frozen broker moved after {moved:?}");
    // Requests sent before the move reach their deadline at most 10 s after it.
    elapse(MOVED_WITHIN.saturating_sub(moved) + Duration::from_secs(10));
    let settled = probing.status();
    elapse(Duration::from_secs(10));
    let later = probing.status();
    for broker in [1, 3] {
        for probe in [COMMIT, TRANSACTION] {
            let failed = bad(&later, broker, probe) - bad(&settled, broker, probe);
            assert_eq!(failed, 0, "{probe} at broker {broker} after the move: {}", probing.prober.stderr());
            assert!(
                good(&settled, broker, probe) < good(&later, broker, probe),
                "{probe} is good again at broker {broker}"
            );
        }
        assert_eq!(later.bad(broker), 0, "the broker view has no bad event");
    }
    let due = |status: &Status, probe| status.coordinator().due(2, probe);
    for probe in [COMMIT, TRANSACTION] {
        assert_eq!(due(&settled, probe), due(&later, probe), "broker 2 receives no {probe} after the move");
    }
    cluster.broker(2).thaw();
    assert_eq!(probing.status().number("/prober/imbalances"), 0.0);
    probing.stop();
}

/// Groups, transactional ids and topics in the cluster.
#[derive(Debug, PartialEq, Eq)]
struct ClusterContents {
    groups: BTreeSet<String>,
    transactional_ids: BTreeSet<String>,
    topics: BTreeSet<String>,
}

fn cluster_contents(cluster: &Cluster) -> ClusterContents {
    let addrs: Vec<&str> = cluster.brokers().iter().map(|broker| broker.internal_address()).collect();
    let ids = transactional_ids(&addrs).expect("every broker answers");
    ClusterContents {
        groups: groups(&addrs).expect("every broker answers"),
        transactional_ids: ids.into_iter().map(|(id, _)| id).collect(),
        topics: raw::metadata_of_all(addrs[0]).expect("a broker answers").topic_names().collect(),
    }
}

/// Attempts of each probe; a thousand without it, which take half a minute (ten thousand take six minutes).
const ATTEMPTS: &str = "KAFKA_PROBER_TEST_ATTEMPTS";

/// Every direct probe, ten to thirty times a second over all brokers.
const FAST: [(&str, &str); 6] = [
    ("KAFKA_PROBER__PROBES__COMMIT__INTERVAL", "30ms"),
    // One transaction at a time for each broker: with a shorter interval attempts would only queue.
    ("KAFKA_PROBER__PROBES__TRANSACTION__INTERVAL", "100ms"),
    ("KAFKA_PROBER__PROBES__CONTROLLER__INTERVAL", "30ms"),
    ("KAFKA_PROBER__PROBES__FETCH__INTERVAL", "80ms"),
    ("KAFKA_PROBER__PROBES__METADATA__INTERVAL", "80ms"),
    ("KAFKA_PROBER__PROBES__CONNECT__INTERVAL", "80ms"),
];

/// The good and the bad attempts of one probe, over all brokers.
fn ended(status: &Status, probe: &str) -> (u64, u64) {
    let rows = status.rows().filter(|row| row["probe"] == probe);
    let count = |row: &serde_json::Value, outcome: &str| row["outcomes"][outcome].as_u64().unwrap_or(0);
    rows.fold((0, 0), |(good, bad), row| {
        (good + count(row, "good"), bad + BAD.iter().map(|outcome| count(row, outcome)).sum::<u64>())
    })
}

#[test]
fn thousands_of_attempts_leave_no_more_groups_and_ids_than_the_first_round() {
    const KINDS: [&str; 6] = [COMMIT, TRANSACTION, "controller", "fetch", "metadata", "connect"];
    let attempts: u64 = env::var(ATTEMPTS).ok().map_or(1000, |count| count.parse().expect("a number of attempts"));
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &["--vantage", "flat"], &FAST);
    probing.wait_good(&[1, 2, 3]);
    let limit = Duration::from_secs(60);
    probing.wait_status(limit, "some rounds", |status| KINDS.iter().all(|probe| 60 <= ended(status, probe).0));
    let first = cluster_contents(&cluster);
    let began = Instant::now();
    let end = probing.wait_status(Duration::from_secs(580), "all attempts of each kind", |status| {
        KINDS.iter().all(|probe| {
            let (good, bad) = ended(status, probe);
            attempts <= good + bad
        })
    });
    for probe in KINDS {
        let (good, bad) = ended(&end, probe);
        eprintln!("{good} of {} attempts of {probe} were good", good + bad);
        let errors: Vec<_> = end.rows().filter(|row| row["probe"] == probe).map(|row| &row["errors"]).collect();
        assert!(errors.iter().all(|row| row["mismatch"].is_null()), "{probe}: what was written is read: {errors:?}");
        assert!(attempts / 2 <= good, "{errors:?}: failed attempts leave nothing behind, so that they prove nothing");
    }
    eprintln!("{attempts} attempts of each kind took {:?}", began.elapsed());
    let last = cluster_contents(&cluster);
    assert_eq!(first, last);
    let of_ours =
        |names: &BTreeSet<String>| names.iter().filter(|name| name.starts_with(&format!("{PREFIX}flat-"))).count();
    // One for each of the six partitions of the internal topic.
    assert_eq!((of_ours(&last.groups), of_ours(&last.transactional_ids)), (6, 6), "{last:?}");
    assert_eq!(end.number("/prober/imbalances"), 0.0);
    let addrs: Vec<&str> = cluster.brokers().iter().map(|broker| broker.internal_address()).collect();
    probing.stop();
    wait_until(Duration::from_secs(30), "no transaction is left open", || {
        let ids = transactional_ids(&addrs).unwrap_or_default();
        !ids.is_empty() && ids.iter().all(|(_, state)| state != "Ongoing")
    });
}

/// Runs the program to its end: exit code, stdout and stderr.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Prober::spawn(env!("CARGO_BIN_EXE_kafka-prober"), ports::free_port(), args, &[]);
    let exit = program.wait_exit(Duration::from_secs(30));
    (exit.code, program.stdout(), program.stderr())
}

#[test]
fn topics_clean_deletes_every_group_of_its_vantage_and_no_other() {
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    create_lane_topics(&cluster);
    let bootstrap = cluster.bootstrap();
    let mut probing = RunningProber::start(&bootstrap, None, &["--vantage", "clean"], &OFTEN);
    probing.wait_good(&[1, 2, 3]);
    let addrs: Vec<&str> = cluster.brokers().iter().map(|broker| broker.internal_address()).collect();
    let ours = || {
        let groups = groups(&addrs).unwrap_or_default();
        groups.into_iter().filter(|group| group.starts_with(&format!("{PREFIX}clean-"))).collect::<BTreeSet<_>>()
    };
    wait_until(Duration::from_secs(60), "one group for each partition", || ours().len() == 6);
    // Groups with similar names: of another vantage, and of another program.
    let others = ["cleaner-0", "clean-", "clean-7", "clean-0.0.0"].map(|name| format!("{PREFIX}{name}"));
    for group in &others {
        commit_offset(addrs[0], group, TOPIC, 1).expect("a group of the harness");
    }
    probing.stop();

    let expected: BTreeSet<String> = ours().into_iter().filter(|group| !others.contains(group)).collect();
    let (code, stdout, stderr) = run(&["topics", "clean", "--bootstrap", &bootstrap, "--vantage", "clean"]);
    assert_eq!(code, Some(0), "{stderr}");
    let deleted: BTreeSet<String> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("cluster default: deleted group "))
        .map(str::to_owned)
        .collect();
    assert_eq!(deleted, expected);
    let left = groups(&addrs).expect("every broker answers");
    assert!(expected.is_disjoint(&left));
    assert!(others.iter().all(|group| left.contains(group)), "{left:?}");
    let (code, stdout, _) = run(&["topics", "clean", "--bootstrap", &bootstrap, "--vantage", "clean"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "cluster default: no group to delete\n"));
}

#[test]
fn two_probers_with_one_vantage_are_a_finding_and_both_keep_running() {
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    create_lane_topics(&cluster);
    let start = || RunningProber::start(&cluster.bootstrap(), None, &["--vantage", "twin"], &OFTEN);
    let mut first = start();
    wait_coordinated(&first, &cluster);
    assert!(!finds_duplicate_vantage(&first), "only one prober runs");
    let mut second = start();
    wait_until(Duration::from_secs(60), "one prober reports the other", || {
        finds_duplicate_vantage(&first) || finds_duplicate_vantage(&second)
    });
    for probing in [&mut first, &mut second] {
        assert!(probing.prober.is_running(), "{}", probing.prober.stderr());
        let status = probing.status();
        assert_eq!([1, 2, 3].map(|broker| status.bad(broker)), [0, 0, 0], "their lanes are not affected");
        probing.stop();
    }
}

fn finds_duplicate_vantage(probing: &RunningProber) -> bool {
    let page = probing.prober.http_get("/api/v1/findings").filter(|page| page.status == 200);
    page.is_some_and(|page| page.body.contains("\"duplicate_vantage\""))
}
