//! The log directories of each broker, which only the broker itself can report, and the versions that it offers, which are
//! known from the handshake of each connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::observed::PartitionName;
use prober_core::observed::parts::{Cadence, Part};
use prober_core::observed::sizes::{LogDir, Measures};
use prober_core::observed::versions::{Fingerprint, Versions};
use prober_core::time::Time;
use prober_probes::clock::Clock;
use tokio::task::JoinSet;

use crate::kafka::wire::{Api, Connection, DescribeLogDirs, DescribedLogDir, DescribedLogDirs, WireError};

use super::Settings;
use super::any_broker::{Dialer, call};
use super::cluster::DESCRIBE_CLUSTER;
use super::error::ObservationError;
use super::state::{Cost, ObservationState};

/// Brokers that are asked at the same time: an unresponsive one must not delay the others, and a hundred requests at once are too
/// many.
const AT_A_TIME: usize = 8;

/// How long the first round waits for the names of the internal topics.
const NAMES_WITHIN: Duration = Duration::from_secs(10);

/// The request loop.
pub(super) struct Rounds<'a> {
    settings: &'a Settings,
    state: &'a ObservationState,
    /// Connections that are kept, with their addresses.
    connections: BTreeMap<BrokerId, (Arc<str>, Connection)>,
    measures: Measures,
}

/// The result of one broker.
struct BrokerResult {
    broker: BrokerId,
    address: Arc<str>,
    at: Time,
    took: Duration,
    outcome: Result<(Connection, Result<DescribedLogDirs, WireError>), WireError>,
}

/// The results of one round.
#[derive(Default)]
struct Round {
    cost: Cost,
    answers: Vec<(BrokerId, Time, Vec<LogDir>)>,
    versions: BTreeMap<BrokerId, Fingerprint>,
    /// Brokers that did not answer or refused, and the last error.
    missing: Vec<BrokerId>,
    error: Option<ObservationError>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(settings: &'a Settings, state: &'a ObservationState) -> Rounds<'a> {
        Rounds { settings, state, connections: BTreeMap::new(), measures: Measures::default() }
    }

    /// Requests them in a loop.
    pub(super) async fn run(mut self) {
        let mut cadence = Cadence::every(self.settings.interval);
        // Names that are not known by then are requested in the next round.
        let _ = tokio::time::timeout(NAMES_WITHIN, self.state.partitions_asked.notified()).await;
        loop {
            let asked = self.state.clock.now();
            let round = self.ask_all().await;
            let wait = self.on_round(round, &mut cadence);
            self.state.clock.sleep_until(asked + wait).await;
        }
    }

    async fn ask_all(&mut self) -> Round {
        let addresses = self.state.addresses();
        let stays = |broker: &BrokerId, address: &Arc<str>| addresses.get(broker) == Some(address);
        self.connections.retain(|broker, (address, _)| stays(broker, address));
        let internal = self.state.internal();
        let mut waiting: Vec<_> = addresses.into_iter().rev().collect();
        let (mut round, mut asked) = (Round::default(), JoinSet::new());
        loop {
            while asked.len() < AT_A_TIME
                && let Some((broker, address)) = waiting.pop()
            {
                let kept = self.connections.remove(&broker).map(|(_, connection)| connection);
                let request = DescribeLogDirs { topics: internal.to_vec() };
                let dialer = Dialer::new(self.settings);
                asked.spawn(ask(self.state.clock, broker, address, dialer, kept, request));
            }
            match asked.join_next().await {
                None => return round,
                Some(Ok(answer)) => self.on_answer(answer, &mut round),
                // The task panicked, which was logged; its broker has no result in this round.
                Some(Err(_)) => {}
            }
        }
    }

    fn on_answer(&mut self, result: BrokerResult, round: &mut Round) {
        let BrokerResult { broker, address, at, took, outcome } = result;
        let answer = outcome.map_err(ObservationError::from).and_then(|(connection, answer)| {
            round.versions.extend(connection.fingerprint().map(|fingerprint| (broker, fingerprint)));
            let keep = matches!(answer, Ok(_) | Err(WireError::UnsupportedVersion { .. }));
            if keep {
                self.connections.insert(broker, (address, connection));
            }
            let answer = answer?;
            ObservationError::check(answer.error, Api::DescribeLogDirs, DESCRIBE_CLUSTER)?;
            Ok(answer)
        });
        match answer {
            Ok(answer) => {
                // Requests to several brokers run at the same time; the slowest one counts.
                round.cost.took = round.cost.took.max(took);
                round.cost.requests += 1;
                round.answers.push((broker, at, answer.directories.into_iter().map(directory).collect()));
            }
            Err(error) => {
                round.missing.push(broker);
                round.error = Some(error);
            }
        }
    }

    /// Takes in the results of a round. Returns the wait from its beginning to the next round.
    fn on_round(&mut self, round: Round, cadence: &mut Cadence) -> Duration {
        let Round { cost, answers, versions, missing, error } = round;
        let versions = Arc::new(Versions { brokers: versions });
        if answers.is_empty() {
            let error = error.unwrap_or_else(|| ObservationError::Failing("no broker is known yet".into()));
            let off = matches!(error, ObservationError::Off(_));
            self.state.versions(versions);
            self.state.on_error(Part::LogDirs, error);
            let wait = cadence.next(None);
            return if off { wait.max(self.settings.configs_interval) } else { wait };
        }
        let addresses = self.state.addresses();
        let missed = |broker| missing.contains(&broker);
        let sizes = Arc::new(self.measures.take(answers, |broker| addresses.contains_key(&broker) || missed(broker)));
        let message = error.map(|error| {
            let ids: Vec<String> = missing.iter().map(ToString::to_string).collect();
            let (ObservationError::Off(reason) | ObservationError::Failing(reason)) = error;
            format!("no answer from {} of the brokers ({}): {reason}", ids.len(), ids.join(", "))
        });
        self.state.on_answer(Part::LogDirs, cost, message, |observed| {
            observed.sizes = Some(sizes);
            observed.versions = Some(versions);
        });
        cadence.next(Some(cost.took))
    }
}

async fn ask(
    clock: Clock,
    broker: BrokerId,
    address: Arc<str>,
    dialer: Dialer,
    kept: Option<Connection>,
    request: DescribeLogDirs,
) -> BrokerResult {
    let connection = match kept.filter(|connection| connection.is_closed().is_none()) {
        Some(connection) => Ok(connection),
        None => dialer.dial(Arc::clone(&address)).await,
    };
    let asked = clock.now();
    let outcome = match connection {
        Ok(connection) => {
            let answer = call(&connection, request).await;
            Ok((connection, answer))
        }
        Err(error) => Err(error),
    };
    let at = clock.now();
    BrokerResult { broker, address, at, took: at.since(asked), outcome }
}

fn directory(described: DescribedLogDir) -> LogDir {
    let partitions = described.partitions.into_iter().map(|(topic, partition, bytes)| {
        (PartitionName { topic: Arc::from(topic), partition: Partition(partition) }, bytes)
    });
    LogDir {
        failed: described.error != 0,
        total: described.total,
        usable: described.usable,
        partitions: partitions.collect(),
    }
}
