//! Feeds the diagnosis of one cluster: forwards what the engine takes in, notices what has changed in its own state, carries out
//! the connect checks that the diagnosis wants, records what it takes in, and logs findings. It judges nothing itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::evidence::{Evidence, Settings};
use prober_core::diagnosis::input::Input;
use prober_core::diagnosis::recording::{Header, Version};
use prober_core::finding::Finding;
use prober_core::ids::{BrokerId, ClusterName, VantageHash};
use prober_core::objective::Objective;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::ProbeInput;

use super::finding_log::FindingLog;
use super::recorder::{Recorder, Recording};

/// The diagnosis of one cluster.
pub(super) struct ClusterDiagnosis {
    pub(super) cluster: ClusterName,
    clock: Clock,
    settings: Settings,
    evidence: Evidence,
    /// `None`: recording is switched off.
    recorder: Option<Recorder>,
    brokers: BTreeSet<BrokerId>,
    lost: u64,
    missing_permissions: Vec<Arc<str>>,
    findings: Vec<Finding>,
    log: FindingLog,
}

/// State of the engine that the diagnosis follows.
pub(super) struct Followed {
    /// The brokers that are probed, listed or not, without the decommissioned ones.
    pub(super) brokers: BTreeSet<BrokerId>,
    /// Acked records of the replicated lane that were lost until now.
    pub(super) lost: u64,
    /// Messages about missing permissions.
    pub(super) missing_permissions: Vec<Arc<str>>,
}

impl ClusterDiagnosis {
    /// Without evidence. The recorder gets this many bytes.
    pub(super) fn new(settings: Settings, clock: Clock, recorder_bytes: Option<usize>) -> ClusterDiagnosis {
        ClusterDiagnosis {
            cluster: settings.cluster.clone(),
            clock,
            evidence: Evidence::new(settings.clone()),
            settings,
            recorder: recorder_bytes.map(Recorder::new),
            brokers: BTreeSet::new(),
            lost: 0,
            missing_permissions: Vec::new(),
            findings: Vec::new(),
            log: FindingLog::default(),
        }
    }

    /// Takes in one input at `at`, which is not after the next evaluation.
    pub(super) fn observe(&mut self, at: Time, input: Input) {
        if let Some(recorder) = &mut self.recorder {
            recorder.input(at, &input);
        }
        self.evidence.observe(&input);
    }

    /// Takes in an input of the direct probes, if it is evidence.
    pub(super) fn on_probe_input(&mut self, now: Time, input: &ProbeInput) {
        let input = match input {
            ProbeInput::Overdue(connection) => Input::Overdue(*connection),
            ProbeInput::ConnectChecked { broker, at, fault } => {
                Input::ConnectChecked { broker: *broker, at: *at, fault: *fault }
            }
            ProbeInput::MetadataBrokers { asked, brokers } => {
                Input::MetadataBrokers { asked: *asked, brokers: brokers.clone() }
            }
            ProbeInput::DuplicateVantage { at, evidence } => {
                Input::DuplicateVantage { at: *at, evidence: Arc::clone(evidence) }
            }
            ProbeInput::InternalTopic { topic, asked, seen } => {
                Input::InternalTopic { topic: *topic, asked: *asked, seen: seen.clone() }
            }
            // Attempts become evidence when they are counted.
            ProbeInput::Targets { .. }
            | ProbeInput::Chosen { .. }
            | ProbeInput::Response { .. }
            | ProbeInput::Blocked { .. }
            | ProbeInput::Phase { .. }
            | ProbeInput::ChannelFailed { .. }
            | ProbeInput::Action { .. } => return,
        };
        self.observe(now, input);
    }

    /// Takes in what has changed in the engine, and evaluates. Returns the brokers to which a connect check is to be made.
    pub(super) fn evaluate(&mut self, now: Time, followed: Followed) -> Vec<BrokerId> {
        if followed.brokers != self.brokers {
            self.observe(now, Input::Brokers(followed.brokers.clone()));
            self.brokers = followed.brokers;
        }
        if self.lost < followed.lost {
            self.observe(now, Input::Lost { count: followed.lost, at: now });
            self.lost = followed.lost;
        }
        if followed.missing_permissions != self.missing_permissions {
            self.observe(now, Input::MissingPermissions(followed.missing_permissions.clone()));
            self.missing_permissions = followed.missing_permissions;
        }
        let evaluation = self.evidence.evaluate(now);
        if let Some(recorder) = &mut self.recorder {
            recorder.evaluation(now, &evaluation.findings);
        }
        self.log.follow(&self.cluster, evaluation.findings.iter());
        self.findings = evaluation.findings;
        evaluation.connect_checks
    }

    /// The usual latency of a broker, once it is known.
    pub(super) fn baseline(&self, broker: BrokerId) -> Option<Duration> {
        self.evidence.baseline(broker)
    }

    /// What was recorded, if anything is.
    pub(super) fn recording(&mut self, vantage: &str, objectives: &[Objective]) -> Option<Recording> {
        let (clock, settings) = (self.clock, &self.settings);
        let header = |is_complete| Header {
            format: Version::CURRENT,
            prober: env!("CARGO_PKG_VERSION").to_owned(),
            vantage: VantageHash::of(vantage),
            origin: clock.wall_at(Time::ORIGIN),
            is_complete,
            settings: settings.clone(),
            objectives: objectives.to_vec(),
        };
        self.recorder.as_mut().map(|recorder| recorder.recording(clock.now(), header))
    }

    /// The active findings by the newest evaluation.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }
}
