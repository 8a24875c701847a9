//! Kafka's own performance tool as a load on the cluster.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::harness::process_guard::{GuardedProcess, ScratchDir};
use crate::harness::requirements::{java, kafka_jars};
use crate::harness::wait::wait_until;
use crate::harness::{Cluster, raw};

/// The topic of the load.
pub(crate) const TOPIC: &str = "harness-load";

/// Time limit of the start: a JVM that prints numbers every five seconds.
const LOADS_WITHIN: Duration = Duration::from_secs(60);

/// A producer at full speed or at a fixed rate; it ends when this is dropped.
pub(crate) struct Load {
    process: GuardedProcess,
    folder: ScratchDir,
}

impl Load {
    /// Records of 1 KiB to a topic of which every broker leads two partitions, three replicas each. Returns when it has printed
    /// its first numbers.
    #[track_caller]
    pub(crate) fn start(cluster: &Cluster, records_per_second: Option<u32>) -> Load {
        make_topic(cluster, TOPIC);
        let folder = ScratchDir::new("kafka-prober-load-");
        let rate = records_per_second.map_or_else(|| "-1".to_owned(), |rate| rate.to_string());
        let classes = kafka_jars().join("*").display().to_string();
        let bootstrap = format!("bootstrap.servers={}", cluster.internal_bootstrap());
        let words = ["-Xmx256m", "-cp", &classes, "org.apache.kafka.tools.ProducerPerformance"];
        let what = ["--topic", TOPIC, "--num-records", "1000000000", "--record-size", "1024", "--throughput", &rate];
        let how = ["--producer-props", &bootstrap, "acks=all", "linger.ms=5"];
        let args: Vec<String> = words.iter().chain(&what).chain(&how).map(|word| (*word).to_owned()).collect();
        let file = |name: &str| File::create(folder.path().join(name)).expect("the scratch folder is writable");
        let (out, err) = (file("out"), file("err"));
        let process = GuardedProcess::spawn(&java(), &args, |command| {
            command.stdout(out).stderr(err);
        });
        let mut load = Load { process, folder };
        wait_until(LOADS_WITHIN, "the performance tool writes", || {
            assert!(load.process.is_running(), "it ended:\n{}", load.output("err"));
            load.output("out").contains("records sent")
        });
        load
    }

    /// Its last line of numbers.
    pub(crate) fn numbers(&self) -> String {
        self.output("out").lines().rev().find(|line| line.contains("records sent")).unwrap_or_default().to_owned()
    }

    fn output(&self, name: &str) -> String {
        read(&self.folder.path().join(name))
    }
}

/// Creates the topic with two partitions led by each broker, unless it exists.
#[track_caller]
fn make_topic(cluster: &Cluster, topic: &str) {
    let ids: Vec<i32> = cluster.brokers().iter().map(|broker| broker.id()).collect();
    let turned = |by: usize| ids.iter().cycle().skip(by).take(ids.len().min(3)).copied().collect();
    let assignment: Vec<Vec<i32>> = (0..2 * ids.len()).map(turned).collect();
    let small = [("retention.bytes", "33554432"), ("segment.bytes", "16777216")];
    let addr = cluster.any_internal_address();
    wait_until(LOADS_WITHIN, "the topic for the load exists", || {
        // Refused if it exists already.
        let _ = raw::create_topic(addr, topic, &assignment, &small);
        raw::metadata(addr, &[topic]).is_ok_and(|seen| seen.partitions.len() == assignment.len())
    });
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
