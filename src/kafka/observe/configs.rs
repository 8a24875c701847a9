//! The `min.insync.replicas` of each topic: requested in batches at a long interval, and at once for new topics.

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

/// The permission that it needs.
const PERMISSION: &str = "DESCRIBE_CONFIGS on TOPIC";

/// Topics per request: a response of some tens of KiB.
const BATCH: usize = 500;

/// The values known so far.
pub(super) struct Configs {
    known: BTreeMap<Arc<str>, usize>,
    interval: Duration,
    cadence: Cadence,
    due: Time,
    /// The last round was refused for all topics, so new topics are not requested before the next round.
    off: bool,
}

/// The results of one round.
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

    /// The value of a topic, if it is known.
    pub(super) fn min_isr(&self, topic: &str) -> Option<usize> {
        self.known.get(topic).copied()
    }

    /// Requests the values of these topics that are due or new.
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
            // More new topics than one batch wait for the next round.
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
                state.on_answer(Part::Configs, round.cost, message, |_| {});
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
                self.on_response(described, &mut round);
            }
        }
        match round.forbidden {
            Some(error) if round.refused == topics.len() => {
                Err(ObservationError::forbidden(error, Api::DescribeConfigs, PERMISSION))
            }
            _ => Ok(round),
        }
    }

    fn on_response(&mut self, described: DescribedTopicConfig, round: &mut Round) {
        if let Some(error) = KafkaError::of(described.error).filter(|error| error.is_authorization()) {
            round.refused += 1;
            round.forbidden = Some(error);
        }
        if let Some(value) = described.value.and_then(|value| value.parse().ok()) {
            self.known.insert(Arc::from(described.topic), value);
        }
    }
}
