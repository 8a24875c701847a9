//! The catalogue: one row a metric, in the order of docs/metrics.md. OTLP, Prometheus and that page are made of it.

use super::{Kind, Level, Metric};

/// Declares each row as a constant, and all of them as [`ALL`]. The name gets the prefix `kafka_prober.`, the attributes
/// `kafka_cluster` and `vantage` come first.
macro_rules! catalogue {
    ($($constant:ident = $kind:ident $name:literal $unit:literal $level:ident [$($attribute:literal)*] $help:literal;)*) => {
        $(
            #[doc = concat!("`kafka_prober.", $name, "`: ", $help, ".")]
            pub const $constant: Metric = Metric {
                name: concat!("kafka_prober.", $name),
                kind: Kind::$kind,
                unit: $unit,
                level: Level::$level,
                attributes: &["kafka_cluster", "vantage", $($attribute),*],
                help: $help,
            };
        )*

        /// All of them, in the order of docs/metrics.md.
        pub const ALL: [Metric; [$($constant.name),*].len()] = [$($constant),*];
    };
}

catalogue! {
    EVENTS = Counter "events" "{event}" Standard ["view" "probe" "broker" "partition" "outcome"]
        "Probe attempts, each counted once, by outcome";
    OBJECTIVE_EVENTS = Counter "objective.events" "{event}" Slo ["objective" "broker" "partition" "verdict"]
        "Events as judged by each objective: good, bad, or excluded because the prober cannot vouch for them. Never sum over objective";
    SLO_EVENTS = Counter "slo.events" "{event}" Slo ["objective" "verdict"]
        "The sum of objective.events over brokers or partitions, for tools that cannot sum";
    OBJECTIVE_TARGET = Gauge "objective.target" "1" Slo ["objective"]
        "Share of good events that the objective demands";
    OBJECTIVE_THRESHOLD = Gauge "objective.threshold" "s" Slo ["objective"]
        "Latency from which a success is bad for the objective. Absent for an availability objective";
    ERRORS = Counter "errors" "{event}" Standard ["view" "probe" "broker" "partition" "error.type"]
        "Events of outcome error or timeout by cause: Kafka error names in upper case, the prober's own in lower case";
    DURATION = Histogram "duration" "s" Standard ["view" "probe" "broker" "partition"]
        "Latency of successes; time-outs and losses count at the deadline, errors do not. Level standard has produce of the broker view and end_to_end, level full has every probe";
    PHASE_DURATION = Histogram "phase.duration" "s" Full ["broker" "phase"]
        "Duration of each completed phase: of a new connection to a broker, of a topic creation in the cluster, of a coordinator's load";
    CHANNEL_FAILURES = Counter "controller.channel_failures" "{request}" Standard ["broker"]
        "Controller requests that this broker left unanswered while the controller answered through another broker";
    RECORD_ANOMALIES = Counter "record.anomalies" "{record}" Standard ["lane" "broker" "partition" "anomaly"]
        "Records that were lost, duplicate, reordered, corrupt, late, foreign, or read although never acknowledged";
    ATTEMPTS_DUE = Counter "attempts.due" "{attempt}" Full ["view" "probe" "broker" "partition"]
        "Attempts that came due by the schedule, missed ones included";
    ATTEMPTS_SENT = Counter "attempts.sent" "{attempt}" Full ["view" "probe" "broker" "partition"]
        "Attempts that were sent";
    BROKER_STATE = Gauge "broker.state" "" Slo ["broker" "state"]
        "1 for the state of the broker by the broker view, 0 for the other states";
    BROKER_INFO = Gauge "broker.info" "" Slo ["broker" "host" "rack" "version"]
        "Always 1. Host and rack that the broker advertises, and a fingerprint of the API versions that it offers";
    CLUSTER_INFO = Gauge "cluster.info" "" Slo ["messaging.kafka.cluster.id" "flavour" "active_controller"]
        "Always 1. Kafka's id of the cluster, its implementation where it says so (kafka: KRaft's metadata.version; redpanda: its cluster id), and the node id of the active controller";
    BUILD_INFO = Gauge "build.info" "" Slo ["version" "commit"]
        "Always 1. Version and source commit of the prober";
    FINDINGS = Gauge "findings" "{finding}" Slo ["kind" "broker" "blame"]
        "Active findings. 0 for 15 minutes after the end of a finding; each kind is also 0 without broker and blame from the start";
    MISSING_BROKERS = Gauge "coverage.missing_brokers" "{broker}" Slo []
        "Registered brokers without a probed partition on some enabled lane";
    TOPIC_ACTIONS = Counter "topic.actions" "{action}" Standard ["action" "result"]
        "Actions on the monitor topics, by result";
    SELF_LAG = Histogram "self.lag" "s" Standard ["kind"]
        "Lateness of the prober's own heartbeats: of its probe task, and of an operating system thread";
    SELF_VOIDED = Counter "self.voided" "{event}" Slo ["reason"]
        "Void events, by the reason why the prober cannot vouch for them";
    SELF_CPU_THROTTLED = Sum "self.cpu.throttled" "s" Standard []
        "Time that the CPU limit of the container kept the prober from running, over its CPUs. Absent without control groups";
    SELF_CPU_STOLEN = Sum "self.cpu.stolen" "s" Standard []
        "CPU time of the prober's machine that its host gave to other guests, since the machine started";
    SELF_MEMORY_WAITED = Sum "self.memory.waited" "s" Standard []
        "Time that some task in the prober's container waited for memory (PSI some). Absent with cgroup version 1";
    SELF_SUSPENDED = Sum "self.suspended" "s" Standard []
        "Time that the prober's machine was suspended since the prober started";
    SELF_MEMORY_LIMIT_REACHED = Counter "self.memory.limit_reached" "{event}" Standard []
        "Times that the memory use of the prober's container reached its limit";
    SELF_MEMORY_OOM_KILLS = Counter "self.memory.oom_kills" "{process}" Standard []
        "Processes in the prober's container that the kernel killed for lack of memory";
    SELF_FILE_DESCRIPTORS_OPEN = Gauge "self.file_descriptors.open" "{descriptor}" Standard []
        "Open file descriptors of the prober";
    SELF_FILE_DESCRIPTORS_LIMIT = Gauge "self.file_descriptors.limit" "{descriptor}" Standard []
        "File descriptors that the prober may open";
    SELF_LOCAL_PORTS_USED = Gauge "self.local_ports.used" "{port}" Standard []
        "Local TCP ports in use on the prober's machine";
    SELF_LOCAL_PORTS_LIMIT = Gauge "self.local_ports.limit" "{port}" Standard []
        "Local TCP ports that the prober's machine has";
    SELF_INPUTS_WAITING = Gauge "self.inputs.waiting" "{input}" Standard []
        "Most inputs that waited for the engine at once in the last minute";
    SELF_INPUTS_LIMIT = Gauge "self.inputs.limit" "{input}" Standard []
        "Inputs that may wait for the engine; more are dropped and void what was in flight";
    SELF_CONTROL = Gauge "self.control" "" Standard ["control"]
        "1 while a control that is not Kafka answers (loopback, reference), 0 while it does not. Absent until it first has";
    SELF_CLIENT_CALLBACK_DELAY = Gauge "self.client.callback_delay" "s" Standard ["client"]
        "Delay of the newest librdkafka statistics until the prober's thread had them, above the smallest such delay";
    SELF_CLIENT_RECORDS_WAITING = Gauge "self.client.records.waiting" "{record}" Standard ["client"]
        "Records in librdkafka that wait for delivery";
    SELF_CLIENT_REQUESTS_WAITING = Gauge "self.client.requests.waiting" "{request}" Standard ["client"]
        "Requests in librdkafka that wait to be sent or answered";
    SELF_CLIENT_CALLBACKS_WAITING = Gauge "self.client.callbacks.waiting" "{callback}" Standard ["client"]
        "Callbacks in librdkafka that wait for the prober's thread";
    EXPORT_ATTEMPTS = Counter "export.attempts" "{export}" Slo ["result"]
        "OTLP exports by result: success, failure, timeout";
    HEARTBEAT_TIMESTAMP = Gauge "heartbeat.timestamp" "s" Slo []
        "Unix time of the prober's newest heartbeat. Alert when it is old or absent";
    CLUSTER_BROKERS = Gauge "cluster.brokers" "{broker}" Standard ["state"]
        "Brokers that are registered and not fenced, fenced (registered and kept out), and unregistered although replica lists name them";
    CLUSTER_PARTITIONS = Gauge "cluster.partitions" "{partition}" Standard []
        "Partitions of all topics";
    CLUSTER_REPLICAS = Gauge "cluster.replicas" "{replica}" Standard []
        "Replicas of the partitions of all topics";
    CLUSTER_REPLICAS_LIMIT = Gauge "cluster.replicas.limit" "{replica}" Standard []
        "Configured limit of replicas in the cluster";
    CLUSTER_UNDER_REPLICATED = Gauge "cluster.partitions.under_replicated" "{partition}" Standard []
        "Partitions with replicas out of sync, monitor topics left out";
    CLUSTER_AT_MIN_ISR = Gauge "cluster.partitions.at_min_isr" "{partition}" Standard []
        "Partitions with exactly min.insync.replicas replicas in sync, monitor topics left out";
    CLUSTER_UNDER_MIN_ISR = Gauge "cluster.partitions.under_min_isr" "{partition}" Standard []
        "Partitions with fewer replicas in sync than min.insync.replicas, monitor topics left out";
    CLUSTER_OFFLINE = Gauge "cluster.partitions.offline" "{partition}" Standard []
        "Partitions without a leader, monitor topics left out";
    ACTIVE_CONTROLLER = Gauge "cluster.active_controller" "" Standard []
        "Node id of the active controller as the quorum reports it, -1 while there is none";
    REASSIGNMENTS = Gauge "cluster.reassignments" "{partition}" Standard []
        "Partitions that are being reassigned";
    NAME_COLLISIONS = Gauge "cluster.name_collisions" "{collision}" Standard []
        "Groups of topics whose names differ only in dots and underscores";
    BROKER_REPLICAS = Gauge "broker.replicas" "{replica}" Standard ["broker"]
        "Replicas on the broker";
    BROKER_REPLICAS_LIMIT = Gauge "broker.replicas.limit" "{replica}" Standard []
        "Configured limit of replicas on one broker";
    BROKER_OUT_OF_SYNC = Gauge "broker.replicas.out_of_sync" "{replica}" Standard ["broker"]
        "Replicas on the broker that are not in sync, monitor topics left out";
    BROKER_LEADERS = Gauge "broker.leaders" "{partition}" Standard ["broker"]
        "Partitions that the broker leads";
    BROKER_PREFERRED_LEADERS = Gauge "broker.preferred_leaders" "{partition}" Standard ["broker"]
        "Partitions whose preferred leader is the broker";
    BROKER_UNDER_REPLICATED = Gauge "broker.partitions.under_replicated" "{partition}" Standard ["broker"]
        "Partitions that the broker leads and that have replicas out of sync, monitor topics left out";
    LEADER_IMBALANCE = Gauge "broker.leader_imbalance" "1" Standard ["broker"]
        "Share of the partitions preferring the broker that it does not lead (Kafka's leader.imbalance.per.broker.percentage)";
    LOG_DIR_SIZE = Gauge "broker.log_dir.size" "By" Standard ["broker"]
        "Size of the volumes of the broker's log directories";
    LOG_DIR_AVAIL = Gauge "broker.log_dir.avail" "By" Standard ["broker"]
        "Usable space on the volumes of the broker's log directories";
    INTERNAL_TOPIC_SIZE = Gauge "broker.internal_topic.size" "By" Standard ["broker" "topic"]
        "Size of __consumer_offsets and __transaction_state on the broker";
    INTERNAL_TOPIC_GROWTH = Gauge "broker.internal_topic.growth" "By/s" Standard ["broker" "topic"]
        "Growth of their partitions on the broker between the newest two measurements; partitions that shrank are left out";
    QUORUM_LAG = Gauge "quorum.lag" "{record}" Standard ["node" "role"]
        "Records of the KRaft metadata log that a voter or observer does not have yet";
    OBSERVATION_DURATION = Gauge "observation.duration" "s" Standard ["part"]
        "Duration of the newest answered round of each part of the observation";
    OBSERVATION_PARTS = Gauge "observation.parts" "" Standard ["part" "state"]
        "1 for the state of each part of the observation (pending, on, off, failing), 0 for the other states";
}
