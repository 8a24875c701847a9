//! The `min.insync.replicas` of each topic: asked for in batches now and then, and at once for topics that are new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::kafka_error::KafkaError;
use prober_core::observed::parts::{Cadence, Part};
use prober_core::time::Time;

use crate::kafka::wire::{Api, DescribeTopicConfig, DescribedTopicConfig, MIN_INSYNC_REPLICAS};

use super::any_broker::AnyBroker;
use super::error::ObservationError;
use super::state::{Cost, ObservationState};

/// What it takes.
const PERMISSION: &str = "DESCRIBE_CONFIGS on TOPIC";

/// Topics asked about at a time: an answer of some tens of KiB.
const BATCH: usize = 500;

/// What is known.
pub(super) struct Configs {
    known: BTreeMap<Arc<str>, usize>,
    interval: Duration,
    cadence: Cadence,
    due: Time,
    /// The newest round was refused altogether, so new topics are not asked about in between.
    off: bool,
}

/// What a round brought.
#[derive(Default)]
struct Round {
    cost: Cost,
    refused: usize,
    forbidden: Option<KafkaError>,
}

impl Configs {
    pub(super) fn new(interval: Duration) -> Configs {
        Configs { known: BTreeMap::new(), interval, cadence: Cadence::every(interval), due: Time::ORIGIN, off: false }
    }

    /// A topic's, if it is known.
    pub(super) fn min_isr(&self, topic: &str) -> Option<usize> {
        self.known.get(topic).copied()
    }

    /// Asks for whatever is due, or new, of these topics.
    pub(super) async fn refresh(&mut self, any: &mut AnyBroker<'_>, state: &ObservationState, topics: Vec<&str>) {
        let asked = state.clock.now();
        let all_due = self.due <= asked;
        if all_due {
            let there = topics.iter().copied().collect::<std::collections::BTreeSet<_>>();
            self.known.retain(|topic, _| there.contains(&**topic));
        }
        let new = |topic: &&str| all_due || !self.off && !self.known.contains_key(*topic);
        let mut wanted: Vec<Arc<str>> = topics.into_iter().filter(new).map(Arc::from).collect();
        if !all_due {
            // A flood of new topics waits for the next round.
            wanted.truncate(BATCH);
        }
        if wanted.is_empty() && !all_due {
            return;
        }
        let result = self.ask(any, &wanted).await;
        self.off = matches!(result, Err(ObservationError::Off(_)));
        let cost = match result {
            Ok(round) => {
                let message = round.forbidden.map(|error| {
                    let (refused, name) = (round.refused, error.name());
                    format!("grant {PERMISSION}: {refused} of {} topics were refused with {name}", wanted.len())
                });
                state.answered(Part::Configs, round.cost, message, |_| {});
                Some(round.cost.took)
            }
            Err(error) => {
                state.on_error(Part::Configs, error);
                None
            }
        };
        if all_due {
            self.due = asked + self.cadence.next(cost).max(self.interval);
        }
    }

    async fn ask(&mut self, any: &mut AnyBroker<'_>, topics: &[Arc<str>]) -> Result<Round, ObservationError> {
        let mut round = Round::default();
        for batch in topics.chunks(BATCH) {
            let request = DescribeTopicConfig { topics: batch.to_vec(), config: MIN_INSYNC_REPLICAS };
            for described in any.ask(request, &mut round.cost).await? {
                self.take(described, &mut round);
            }
        }
        match round.forbidden {
            Some(error) if round.refused == topics.len() => {
                Err(ObservationError::forbidden(error, Api::DescribeConfigs, PERMISSION))
            }
            _ => Ok(round),
        }
    }

    fn take(&mut self, described: DescribedTopicConfig, round: &mut Round) {
        if let Some(error) = KafkaError::of(described.error).filter(|error| error.is_authorization()) {
            round.refused += 1;
            round.forbidden = Some(error);
        }
        if let Some(value) = described.value.and_then(|value| value.parse().ok()) {
            self.known.insert(Arc::from(described.topic), value);
        }
    }
}
