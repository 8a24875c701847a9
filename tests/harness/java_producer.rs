//! Kafka's own Java producer beside the prober: what an application experiences.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::process_guard::{GuardedProcess, ScratchDir};
use super::requirements::{java, kafka_jars};
use super::{Cluster, raw, wait_until};

const TOPIC: &str = "harness-java-producer";

/// Time limit of the start: a JVM that compiles the source file first.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A running producer; it ends when this is dropped.
pub(crate) struct JavaProducer {
    process: GuardedProcess,
    folder: ScratchDir,
}

/// The result of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// When it was passed to the producer, since the Unix epoch.
    pub(crate) at: Duration,
    pub(crate) partition: i32,
    pub(crate) good: bool,
    pub(crate) took: Duration,
}

impl JavaProducer {
    /// Writes one record to each partition every `interval`. Partition *i* prefers broker *i + 1* and has a replica on every
    /// broker.
    #[track_caller]
    pub(crate) fn start(cluster: &Cluster, interval: Duration, deadline: Duration) -> JavaProducer {
        let ids: Vec<i32> = cluster.brokers().iter().map(|broker| broker.id()).collect();
        let turned = |by: usize| ids.iter().cycle().skip(by).take(ids.len()).copied().collect();
        let assignment: Vec<Vec<i32>> = (0..ids.len()).map(turned).collect();
        let min_insync = (ids.len() - 1).max(1).to_string();
        let configs = [("min.insync.replicas", min_insync.as_str())];
        raw::create_topic(cluster.any_internal_address(), TOPIC, &assignment, &configs).expect("a topic for Java");
        let folder = ScratchDir::new("kafka-prober-java-");
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/harness/java/ProducerBeside.java");
        let classes = kafka_jars().join("*");
        let number = |duration: Duration| duration.as_millis().to_string();
        let args: Vec<String> = [
            "-Xmx96m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &classes.display().to_string(),
            &source.display().to_string(),
            &cluster.bootstrap(),
            TOPIC,
            &ids.len().to_string(),
            &number(interval),
            &number(deadline),
        ]
        .map(str::to_owned)
        .to_vec();
        let file = |name: &str| File::create(folder.path().join(name)).expect("the scratch folder is writable");
        let (out, err) = (file("out"), file("err"));
        let process = GuardedProcess::spawn(&java(), &args, |command| {
            command.stdout(out).stderr(err);
        });
        let mut producer = JavaProducer { process, folder };
        wait_until(STARTS_WITHIN, "the Java producer writes to every partition", || {
            assert!(producer.process.is_running(), "Java ended:\n{}", producer.text("err"));
            let sent = producer.sent();
            (0..assignment.len()).all(|index| sent.iter().filter(|s| s.good && s.partition == index as i32).count() > 4)
        });
        producer
    }

    /// Every record that was acknowledged or failed, in that order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let text = self.text("out");
        // The last line may be incomplete.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(parse).collect()
    }

    fn text(&self, name: &str) -> String {
        read(&self.folder.path().join(name))
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn parse(line: &str) -> Option<Sent> {
    let mut words = line.split(' ');
    let at = Duration::from_millis(words.next()?.parse().ok()?);
    let partition = words.next()?.parse().ok()?;
    let good = words.next()? == "ok";
    let took = Duration::from_millis(words.next()?.parse().ok()?);
    Some(Sent { at, partition, good, took })
}

/// Now, on the clock of [`Sent::at`].
pub(crate) fn wall_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
