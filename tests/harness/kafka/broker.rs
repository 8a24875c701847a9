//! One node of a cluster: a JVM that can be frozen, killed and started again on the same data.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault_log::{Action, FaultLog};
use super::properties::{CLUSTER_ID, LOG4J_FILE, Layout, Node, Roles};
use crate::harness::faults::disk::Disk;
use crate::harness::process_guard::GuardedProcess;
use crate::harness::requirements::{java, kafka_jars};

/// A controlled shutdown takes about 2 s; the last node of a broken quorum never manages it.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Room for some segments of 16 MiB on each disk.
const DISK_MIB: u64 = 160;

/// Lines of a node's log that a panic shows.
const TAIL_LINES: usize = 25;

pub(crate) struct Broker {
    node: Node,
    layout: Arc<Layout>,
    internal: String,
    advertised: AtomicU16,
    folder: PathBuf,
    disks: Vec<Disk>,
    faults: Arc<FaultLog>,
    process: Mutex<Process>,
}

#[derive(Default)]
struct Process {
    running: Option<GuardedProcess>,
    frozen: bool,
}

impl Broker {
    pub(super) fn new(node: Node, layout: Arc<Layout>, folder: &Path, faults: Arc<FaultLog>) -> Self {
        Self {
            internal: format!("127.0.0.1:{}", node.internal_port),
            advertised: AtomicU16::new(node.client_port),
            folder: folder.to_owned(),
            disks: Vec::new(),
            process: Mutex::default(),
            node,
            layout,
            faults,
        }
    }

    pub(crate) fn id(&self) -> i32 {
        self.node.id
    }

    pub(crate) fn roles(&self) -> Roles {
        self.node.roles
    }

    /// The address that clients get for this broker.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.advertised.load(Ordering::Relaxed))
    }

    /// The port of the client listener itself, behind a proxy that [`Broker::advertise`] may have set.
    pub(crate) fn client_port(&self) -> u16 {
        self.node.client_port
    }

    /// The listener between brokers, always plaintext and never behind a proxy.
    pub(crate) fn internal_address(&self) -> &str {
        &self.internal
    }

    /// The port of that listener.
    pub(crate) fn internal_port(&self) -> u16 {
        self.node.internal_port
    }

    /// Advertises another port to clients, from the next start on.
    pub(crate) fn advertise(&self, port: u16) {
        self.advertised.store(port, Ordering::Relaxed);
    }

    /// Its disks, of a cluster with [`Options::disks`](super::Options::disks).
    pub(crate) fn disks(&self) -> &[Disk] {
        &self.disks
    }

    /// Gives it this many disks for its logs; to be called before it is formatted.
    #[track_caller]
    pub(super) fn mount(&mut self, disks: usize) {
        let name = |number| format!("disk-{}-{number}", self.node.id);
        self.disks = (1..=disks).map(|number| Disk::mount(&self.folder, &name(number), DISK_MIB)).collect();
    }

    /// The JVM's pid.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        let process = self.process();
        let running = process.running.as_ref().map(GuardedProcess::pid);
        running.unwrap_or_else(|| panic!("node {} is not running", self.id()))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process().running.as_mut().is_some_and(GuardedProcess::is_running)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.process().frozen
    }

    /// Running and not frozen.
    pub(crate) fn is_serving(&self) -> bool {
        self.is_running() && !self.is_frozen()
    }

    /// Stops the JVM (SIGSTOP); the kernel still accepts its connections.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        self.act(Action::Freeze, GuardedProcess::freeze);
        self.process().frozen = true;
    }

    /// Resumes a frozen JVM (SIGCONT).
    #[track_caller]
    pub(crate) fn thaw(&self) {
        self.act(Action::Thaw, GuardedProcess::thaw);
        self.process().frozen = false;
    }

    /// Kills the JVM (SIGKILL), frozen or not.
    #[track_caller]
    pub(crate) fn kill(&self) {
        self.act(Action::Kill, GuardedProcess::kill);
        *self.process() = Process::default();
    }

    /// Controlled shutdown (SIGTERM); true if it ended by itself within 15 s, else it is killed.
    #[track_caller]
    pub(crate) fn stop(&self) -> bool {
        let in_time = self.act(Action::Stop, |jvm| {
            jvm.terminate();
            jvm.wait_exit(STOP_WITHIN).is_some()
        });
        *self.process() = Process::default();
        self.faults.note(self.id(), Action::Stopped);
        in_time
    }

    /// Starts the JVM on the data it has, and does not wait for it to serve.
    ///
    /// The controller registers it when the session of the previous process has ended, 9 s after its last
    /// heartbeat, also after a clean stop.
    #[track_caller]
    pub(crate) fn start(&self) {
        assert!(!self.is_running(), "node {} is running already", self.id());
        self.write_properties();
        let log = append(&self.log_file());
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut args = self.jvm_flags();
        args.extend(["kafka.Kafka".to_owned(), text(&self.properties_file())]);
        self.faults.note(self.id(), Action::Start);
        let jvm = GuardedProcess::spawn(&java(), &args, |command| {
            command.stdout(log).stderr(errors);
        });
        *self.process() = Process { running: Some(jvm), frozen: false };
    }

    /// Deletes the node's data, as after the loss of a disk; only while it is down.
    #[track_caller]
    pub(crate) fn lose_disk(&self) {
        assert!(!self.is_running(), "node {} is running", self.id());
        fs::remove_dir_all(self.data_folder()).expect("the data belong to the test");
        self.format();
    }

    /// Overwrites the records of the first batch in a partition's log, as a bad sector does; only while the node is down. After a stop
    /// in good order only the headers of batches are read at the start: with a damaged one the node would not start.
    #[track_caller]
    pub(crate) fn corrupt_log(&self, topic: &str, partition: i32) {
        /// Size of a batch's header, up to its records (`DefaultRecordBatch.RECORD_BATCH_OVERHEAD`), and where its length is. That
        /// counts from the end of the length.
        const HEADER: usize = 61;
        const LENGTH: std::ops::Range<usize> = 8..12;
        assert!(!self.is_running(), "node {} is running", self.id());
        let segment = self.partition_folder(topic, partition).join("00000000000000000000.log");
        let mut bytes = fs::read(&segment).expect("the partition is on this node");
        let length = bytes.get(LENGTH).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
        let length = length.and_then(|length| usize::try_from(length).ok()).expect("the partition has a batch");
        bytes.get_mut(HEADER..LENGTH.end + length).expect("the batch is in the segment").fill(0xff);
        fs::write(&segment, bytes).expect("the data belong to the test");
        self.faults.note(self.id(), Action::CorruptLog);
    }

    /// Deletes the log of a partition; only while it is down.
    #[track_caller]
    pub(crate) fn lose_log(&self, topic: &str, partition: i32) {
        assert!(!self.is_running(), "node {} is running", self.id());
        fs::remove_dir_all(self.partition_folder(topic, partition)).expect("the data belong to the test");
    }

    fn partition_folder(&self, topic: &str, partition: i32) -> PathBuf {
        self.data_folder().join(format!("{topic}-{partition}"))
    }

    /// The last lines of the node's log.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Writes a fresh, empty storage for this node.
    #[track_caller]
    pub(super) fn format(&self) {
        self.write_properties();
        let log = append(&self.log_file());
        let errors = log.try_clone().expect("a file can be opened twice");
        let status = Command::new(java())
            .args(self.jvm_flags())
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(self.properties_file())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .status();
        let formatted = status.is_ok_and(|status| status.success());
        assert!(formatted, "node {} was not formatted:\n{}", self.id(), self.log_tail());
    }

    /// Ends the node without an entry in the fault log.
    pub(super) fn end(&self) {
        *self.process() = Process::default();
    }

    #[track_caller]
    fn act<T>(&self, action: Action, deed: impl FnOnce(&mut GuardedProcess) -> T) -> T {
        let mut process = self.process();
        let running = process.running.as_mut();
        let jvm = running.unwrap_or_else(|| panic!("node {} is not running", self.id()));
        self.faults.note(self.id(), action);
        deed(jvm)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jvm_flags(&self) -> Vec<String> {
        let mut flags = vec![
            "-Xms96m".to_owned(),
            "-Xmx384m".to_owned(),
            // The same garbage collector on every machine; by default a small machine gets the serial one.
            "-XX:+UseG1GC".to_owned(),
            // Its file is mapped from the disk, and writing to it has stalled JVMs for seconds.
            "-XX:-UsePerfData".to_owned(),
            "-XX:+ExitOnOutOfMemoryError".to_owned(),
            // The report of a JVM that crashes for lack of memory; by default it is written to the test's working directory.
            format!("-XX:ErrorFile={}", text(&self.folder.join(format!("node-{}-crash.log", self.id())))),
            format!("-XX:ReplayDataFile={}", text(&self.folder.join(format!("node-{}-replay", self.id())))),
            format!("-Dlog4j2.configurationFile={}", text(&self.folder.join(LOG4J_FILE))),
        ];
        if self.layout.quick_start {
            flags.push("-XX:TieredStopAtLevel=1".to_owned());
        }
        flags.extend(["-cp".to_owned(), format!("{}/*", text(&kafka_jars()))]);
        flags
    }

    fn write_properties(&self) {
        let advertised = self.advertised.load(Ordering::Relaxed);
        let logs: Vec<PathBuf> = self.disks.iter().map(Disk::logs).collect();
        let properties = self.layout.properties(&self.node, advertised, &self.data_folder(), &logs);
        fs::write(self.properties_file(), properties).expect("the cluster's folder is writable");
    }

    fn properties_file(&self) -> PathBuf {
        self.folder.join(format!("node-{}.properties", self.id()))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join(format!("node-{}.log", self.id()))
    }

    fn data_folder(&self) -> PathBuf {
        self.folder.join(format!("data-{}", self.id()))
    }
}

fn append(path: &Path) -> File {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.expect("the cluster's folder is writable")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
