//! The catalogue: every exported metric, declared once. OTLP, Prometheus and the README's table are read from it.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Cumulative, only grows.
    Counter,
    /// Cumulative and growing too, in fractions, as seconds are.
    Sum,
    /// A value now.
    Gauge,
    /// Durations by bucket.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The OTLP name; Prometheus' name follows by the standard translation.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// Its attributes, `kafka_cluster` and `vantage` first.
    pub attributes: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// Counted events, one per attempt.
pub const EVENTS: Metric = Metric {
    name: "kafka_prober.events",
    kind: Kind::Counter,
    unit: "{event}",
    attributes: &["kafka_cluster", "vantage", "view", "probe", "broker", "partition", "outcome"],
    help: "Probe attempts, each counted once, by what they turned out to be",
};

/// Good and bad events of each objective.
pub const OBJECTIVE_EVENTS: Metric = Metric {
    name: "kafka_prober.objective.events",
    kind: Kind::Counter,
    unit: "{event}",
    attributes: &["kafka_cluster", "vantage", "objective", "broker", "partition", "verdict"],
    help: "Events judged good or bad by each objective; never sum over objective",
};

/// Why events were bad.
pub const ERRORS: Metric = Metric {
    name: "kafka_prober.errors",
    kind: Kind::Counter,
    unit: "{event}",
    attributes: &["kafka_cluster", "vantage", "view", "probe", "broker", "partition", "error.type"],
    help: "Events of outcome error or timeout by cause: Kafka's error names, ours in lower case",
};

/// How long attempts took.
pub const DURATION: Metric = Metric {
    name: "kafka_prober.duration",
    kind: Kind::Histogram,
    unit: "s",
    attributes: &["kafka_cluster", "vantage", "view", "probe", "broker", "partition"],
    help: "Successes at their latency, time-outs and losses at the deadline, errors not",
};

/// How long the phases of a direct probe took.
pub const PHASE_DURATION: Metric = Metric {
    name: "kafka_prober.phase.duration",
    kind: Kind::Histogram,
    unit: "s",
    attributes: &["kafka_cluster", "vantage", "broker", "phase"],
    help: "Phases that were passed: of a fresh connection at a broker, and of a real topic creation in the cluster",
};

/// Requests to the controller that a broker did not get answered.
pub const CHANNEL_FAILURES: Metric = Metric {
    name: "kafka_prober.controller.channel_failures",
    kind: Kind::Counter,
    unit: "{request}",
    attributes: &["kafka_cluster", "vantage", "broker"],
    help: "Requests to the controller that this broker left unanswered while another had one answered",
};

/// Odd records.
pub const RECORDS: Metric = Metric {
    name: "kafka_prober.records",
    kind: Kind::Counter,
    unit: "{record}",
    attributes: &["kafka_cluster", "vantage", "lane", "broker", "partition", "anomaly"],
    help: "Records that were lost, duplicate, reordered, corrupt, late, foreign, or seen although never acked",
};

/// What the schedule asked for, and what went out.
pub const ATTEMPTS: Metric = Metric {
    name: "kafka_prober.attempts",
    kind: Kind::Counter,
    unit: "{attempt}",
    attributes: &["kafka_cluster", "vantage", "view", "probe", "broker", "partition", "state"],
    help: "Attempts that came due, and that were sent",
};

/// A broker's condition, one-hot.
pub const BROKER_STATE: Metric = Metric {
    name: "kafka_prober.broker.state",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["kafka_cluster", "vantage", "broker", "state"],
    help: "1 for the state the broker is in, 0 for the others",
};

/// What is known to be wrong.
pub const FINDINGS: Metric = Metric {
    name: "kafka_prober.findings",
    kind: Kind::Gauge,
    unit: "{finding}",
    attributes: &["kafka_cluster", "vantage", "kind", "broker"],
    help: "Findings that hold now, by kind and, where it is about one, by broker",
};

/// Brokers that no lane probes.
pub const MISSING_BROKERS: Metric = Metric {
    name: "kafka_prober.coverage.missing_brokers",
    kind: Kind::Gauge,
    unit: "{broker}",
    attributes: &["kafka_cluster", "vantage"],
    help: "Registered brokers without a probed partition",
};

/// What was done to our topics.
pub const TOPIC_ACTIONS: Metric = Metric {
    name: "kafka_prober.topic.actions",
    kind: Kind::Counter,
    unit: "{action}",
    attributes: &["kafka_cluster", "vantage", "action", "result"],
    help: "Actions on the monitor topics, by result",
};

/// The prober's own lag.
pub const SELF_LAG: Metric = Metric {
    name: "kafka_prober.self.lag",
    kind: Kind::Histogram,
    unit: "s",
    attributes: &["kafka_cluster", "vantage", "kind"],
    help: "How late the prober's own heartbeats were: the probe task's and an operating system thread's",
};

/// Events that the prober cannot vouch for.
pub const SELF_VOIDED: Metric = Metric {
    name: "kafka_prober.self.voided",
    kind: Kind::Counter,
    unit: "{event}",
    attributes: &["kafka_cluster", "vantage", "reason"],
    help: "Void events by why the prober cannot vouch for them",
};

/// CPU that the container did not let the prober have.
pub const SELF_CPU_THROTTLED: Metric = Metric {
    name: "kafka_prober.self.cpu.throttled",
    kind: Kind::Sum,
    unit: "s",
    attributes: &["kafka_cluster", "vantage"],
    help: "For how long the container's CPU limit held the prober back, over its CPUs; absent without control groups",
};

/// CPU that the hypervisor gave to others.
pub const SELF_CPU_STOLEN: Metric = Metric {
    name: "kafka_prober.self.cpu.stolen",
    kind: Kind::Sum,
    unit: "s",
    attributes: &["kafka_cluster", "vantage"],
    help: "CPU time of the prober's machine that its host gave to other guests, since the machine started",
};

/// Memory that the prober had to wait for.
pub const SELF_MEMORY_WAITED: Metric = Metric {
    name: "kafka_prober.self.memory.waited",
    kind: Kind::Sum,
    unit: "s",
    attributes: &["kafka_cluster", "vantage"],
    help: "For how long something in the prober's container waited for memory (PSI, some); absent with cgroup version 1",
};

/// Nights of the machine.
pub const SELF_SUSPENDED: Metric = Metric {
    name: "kafka_prober.self.suspended",
    kind: Kind::Sum,
    unit: "s",
    attributes: &["kafka_cluster", "vantage"],
    help: "For how long the prober's machine was suspended since the prober started",
};

/// Memory limits at work.
pub const SELF_MEMORY_EVENTS: Metric = Metric {
    name: "kafka_prober.self.memory.events",
    kind: Kind::Counter,
    unit: "{event}",
    attributes: &["kafka_cluster", "vantage", "kind"],
    help: "Times that the prober's container met its memory limit, and processes in it killed for want of memory",
};

/// What the prober uses of what may run out.
pub const SELF_RESOURCE_USAGE: Metric = Metric {
    name: "kafka_prober.self.resource.usage",
    kind: Kind::Gauge,
    unit: "{item}",
    attributes: &["kafka_cluster", "vantage", "resource"],
    help: "Open file descriptors; local ports in use on the machine; inputs that waited at once in the last minute, at most",
};

/// How much of that there may be.
pub const SELF_RESOURCE_LIMIT: Metric = Metric {
    name: "kafka_prober.self.resource.limit",
    kind: Kind::Gauge,
    unit: "{item}",
    attributes: &["kafka_cluster", "vantage", "resource"],
    help: "How many of each resource there may be",
};

/// The prober's controls.
pub const SELF_CONTROL: Metric = Metric {
    name: "kafka_prober.self.control",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["kafka_cluster", "vantage", "control"],
    help: "1 while a control that is not Kafka answers (loopback, reference), 0 while it does not; absent until it first has",
};

/// How late our threads hear of what librdkafka has for them.
pub const SELF_CLIENT_CALLBACK_DELAY: Metric = Metric {
    name: "kafka_prober.self.client.callback_delay",
    kind: Kind::Gauge,
    unit: "s",
    attributes: &["kafka_cluster", "vantage", "client"],
    help: "How much later than the quickest so far the newest statistics of librdkafka reached the prober's thread",
};

/// What waits in librdkafka.
pub const SELF_CLIENT_WAITING: Metric = Metric {
    name: "kafka_prober.self.client.waiting",
    kind: Kind::Gauge,
    unit: "{item}",
    attributes: &["kafka_cluster", "vantage", "client", "kind"],
    help: "What waits in librdkafka: records for delivery, requests to be sent or answered, callbacks for the prober's thread",
};

/// Exports of these metrics.
pub const EXPORT_ATTEMPTS: Metric = Metric {
    name: "kafka_prober.export.attempts",
    kind: Kind::Counter,
    unit: "{export}",
    attributes: &["kafka_cluster", "vantage", "result"],
    help: "OTLP exports by result: success, failure, timeout",
};

/// The dead-man's switch.
pub const HEARTBEAT: Metric = Metric {
    name: "kafka_prober.heartbeat",
    kind: Kind::Gauge,
    unit: "s",
    attributes: &["kafka_cluster", "vantage"],
    help: "Unix time of the prober's newest heartbeat; alert when it is old or absent",
};

/// Brokers by what the cluster says of them.
pub const CLUSTER_BROKERS: Metric = Metric {
    name: "kafka_prober.cluster.brokers",
    kind: Kind::Gauge,
    unit: "{broker}",
    attributes: &["kafka_cluster", "vantage", "state"],
    help: "Brokers that are registered, fenced (registered and kept out), and unregistered although still named",
};

/// Partitions of the cluster.
pub const CLUSTER_PARTITIONS: Metric = Metric {
    name: "kafka_prober.cluster.partitions",
    kind: Kind::Gauge,
    unit: "{partition}",
    attributes: &["kafka_cluster", "vantage", "state"],
    help: "All partitions and their replicas; without the monitor topics: under-replicated, at and below min ISR, offline",
};

/// What the partition counts are compared with.
pub const PARTITION_LIMIT: Metric = Metric {
    name: "kafka_prober.cluster.partition_limit",
    kind: Kind::Gauge,
    unit: "{partition}",
    attributes: &["kafka_cluster", "vantage", "scope"],
    help: "Configured limits of partition replicas, on one broker and in the cluster",
};

/// Who leads the quorum.
pub const ACTIVE_CONTROLLER: Metric = Metric {
    name: "kafka_prober.cluster.active_controller",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["kafka_cluster", "vantage"],
    help: "Node id of the active controller by the quorum's own word, -1 while there is none",
};

/// Partitions that are being moved.
pub const REASSIGNMENTS: Metric = Metric {
    name: "kafka_prober.cluster.reassignments",
    kind: Kind::Gauge,
    unit: "{partition}",
    attributes: &["kafka_cluster", "vantage"],
    help: "Partitions that are being reassigned now",
};

/// Topic names that collide.
pub const NAME_COLLISIONS: Metric = Metric {
    name: "kafka_prober.cluster.name_collisions",
    kind: Kind::Gauge,
    unit: "{collision}",
    attributes: &["kafka_cluster", "vantage"],
    help: "Groups of topics whose names differ in dots and underscores only",
};

/// Partitions of a broker.
pub const BROKER_PARTITIONS: Metric = Metric {
    name: "kafka_prober.broker.partitions",
    kind: Kind::Gauge,
    unit: "{partition}",
    attributes: &["kafka_cluster", "vantage", "broker", "kind"],
    help: "Replicas, leaders and preferred leaders; without the monitor topics: replicas out of sync, leaders short of them",
};

/// How far a broker is from leading what it should.
pub const LEADER_IMBALANCE: Metric = Metric {
    name: "kafka_prober.broker.leader_imbalance",
    kind: Kind::Gauge,
    unit: "1",
    attributes: &["kafka_cluster", "vantage", "broker"],
    help: "Share of the partitions preferring the broker that it does not lead (leader.imbalance.per.broker.percentage)",
};

/// Space for logs.
pub const LOG_DIR_SPACE: Metric = Metric {
    name: "kafka_prober.broker.log_dir.space",
    kind: Kind::Gauge,
    unit: "By",
    attributes: &["kafka_cluster", "vantage", "broker", "kind"],
    help: "Space of the volumes of the broker's log directories, in total and still usable",
};

/// Size of Kafka's own topics.
pub const INTERNAL_TOPIC_SIZE: Metric = Metric {
    name: "kafka_prober.broker.internal_topic.size",
    kind: Kind::Gauge,
    unit: "By",
    attributes: &["kafka_cluster", "vantage", "broker", "topic"],
    help: "Size of __consumer_offsets and __transaction_state on the broker",
};

/// Growth of Kafka's own topics.
pub const INTERNAL_TOPIC_GROWTH: Metric = Metric {
    name: "kafka_prober.broker.internal_topic.growth",
    kind: Kind::Gauge,
    unit: "By/s",
    attributes: &["kafka_cluster", "vantage", "broker", "topic"],
    help: "How fast their partitions on the broker have grown since the measure before; those that shrank left out",
};

/// How far the replicas of the metadata log have come.
pub const QUORUM_LAG: Metric = Metric {
    name: "kafka_prober.quorum.lag",
    kind: Kind::Gauge,
    unit: "{record}",
    attributes: &["kafka_cluster", "vantage", "node", "role"],
    help: "Records of the KRaft metadata log that a voter or observer lacks",
};

/// What observing costs.
pub const OBSERVATION_DURATION: Metric = Metric {
    name: "kafka_prober.observation.duration",
    kind: Kind::Gauge,
    unit: "s",
    attributes: &["kafka_cluster", "vantage", "part"],
    help: "What the newest answered round of each part of the observation took",
};

/// What is observed.
pub const OBSERVATION_PARTS: Metric = Metric {
    name: "kafka_prober.observation.parts",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["kafka_cluster", "vantage", "part", "state"],
    help: "1 for the state that a part of the observation is in (pending, on, off, failing), 0 for the others",
};

/// All of them, in the order of the README's table.
pub const ALL: [Metric; 40] = [
    EVENTS,
    OBJECTIVE_EVENTS,
    ERRORS,
    DURATION,
    PHASE_DURATION,
    CHANNEL_FAILURES,
    RECORDS,
    ATTEMPTS,
    BROKER_STATE,
    FINDINGS,
    MISSING_BROKERS,
    TOPIC_ACTIONS,
    SELF_LAG,
    SELF_VOIDED,
    SELF_CPU_THROTTLED,
    SELF_CPU_STOLEN,
    SELF_MEMORY_WAITED,
    SELF_SUSPENDED,
    SELF_MEMORY_EVENTS,
    SELF_RESOURCE_USAGE,
    SELF_RESOURCE_LIMIT,
    SELF_CONTROL,
    SELF_CLIENT_CALLBACK_DELAY,
    SELF_CLIENT_WAITING,
    EXPORT_ATTEMPTS,
    HEARTBEAT,
    CLUSTER_BROKERS,
    CLUSTER_PARTITIONS,
    PARTITION_LIMIT,
    ACTIVE_CONTROLLER,
    REASSIGNMENTS,
    NAME_COLLISIONS,
    BROKER_PARTITIONS,
    LEADER_IMBALANCE,
    LOG_DIR_SPACE,
    INTERNAL_TOPIC_SIZE,
    INTERNAL_TOPIC_GROWTH,
    QUORUM_LAG,
    OBSERVATION_DURATION,
    OBSERVATION_PARTS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_says_cluster_and_vantage() {
        assert!(ALL.iter().all(|metric| metric.attributes.starts_with(&["kafka_cluster", "vantage"])));
    }

    #[test]
    fn names_do_not_repeat() {
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
