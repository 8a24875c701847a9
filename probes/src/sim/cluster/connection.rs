//! The broker verbs of the simulated cluster.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::staleness::MetadataDigest;

use crate::port::requests::{
    CommitOffset, CommittedOffset, CreateTopic, Fetch, FetchOffset, Fetched, InitializedProducer, ListOffset,
    ListedOffset, LogEnd, ProduceInTransaction, Produced, Producer, Refusal, TopicResult, Transaction,
};
use crate::port::{BrokerConnection, Responding};

use super::{SimCluster, Verb, metadata};

/// A connection to one simulated broker.
pub(super) struct SimConnection {
    pub(super) cluster: SimCluster,
    pub(super) broker: BrokerId,
}

impl BrokerConnection for SimConnection {
    fn fetch(&self, request: Fetch) -> Responding<'_, Fetched> {
        Box::pin(self.cluster.request(self.broker, Verb::Fetch, move |state| {
            let failed = |error| Fetched { error: Some(error), last_stable: -1, records: Vec::new() };
            if let Some(error) = state.refusal(self.broker, Verb::Fetch) {
                return failed(error);
            }
            let Some(log) = state.logs.get(&request.partition) else {
                return failed(KafkaError::UNKNOWN_TOPIC_OR_PARTITION);
            };
            match log.read(request.offset, request.isolation, state.show_aborted) {
                Some(records) => Fetched { error: None, last_stable: log.last_stable(), records },
                None => failed(KafkaError::OFFSET_OUT_OF_RANGE),
            }
        }))
    }

    fn list_offset(&self, request: ListOffset) -> Responding<'_, ListedOffset> {
        Box::pin(self.cluster.request(self.broker, Verb::ListOffset, move |state| {
            if let Some(error) = state.refusal(self.broker, Verb::ListOffset) {
                return ListedOffset { error: Some(error), offset: -1 };
            }
            let log = state.logs.get(&request.partition);
            let offset = log.map_or(-1, |log| match request.end {
                LogEnd::Earliest => log.start(),
                LogEnd::Latest => log.end(),
            });
            ListedOffset { error: None, offset }
        }))
    }

    fn metadata_digest(&self, _: Vec<Arc<str>>) -> Responding<'_, MetadataDigest> {
        Box::pin(self.cluster.request(self.broker, Verb::Metadata, |state| metadata::digest(state, self.broker)))
    }

    fn knows_topic(&self, topic: Arc<str>) -> Responding<'_, bool> {
        Box::pin(self.cluster.request(self.broker, Verb::Metadata, move |state| state.topics.contains(&topic)))
    }

    fn commit_offset(&self, request: CommitOffset) -> Responding<'_, Refusal> {
        Box::pin(self.cluster.request(self.broker, Verb::CommitOffset, move |state| {
            let error = state.coordinator_error(self.broker, Verb::CommitOffset, &request.group);
            if error.is_none() && !state.lose_commits {
                state.groups.insert(request.group, (request.offset, request.metadata.to_string()));
            }
            error
        }))
    }

    fn fetch_offset(&self, request: FetchOffset) -> Responding<'_, CommittedOffset> {
        Box::pin(self.cluster.request(self.broker, Verb::FetchOffset, move |state| {
            let error = state.coordinator_error(self.broker, Verb::FetchOffset, &request.group);
            let (offset, metadata) = state.groups.get(&request.group).cloned().unwrap_or((-1, String::new()));
            CommittedOffset { error, offset, metadata }
        }))
    }

    fn init_producer_id(&self, id: Arc<str>, timeout: Duration) -> Responding<'_, InitializedProducer> {
        Box::pin(self.cluster.request(self.broker, Verb::InitProducerId, move |state| {
            match state.coordinator_error(self.broker, Verb::InitProducerId, &id) {
                Some(error) => InitializedProducer { error: Some(error), producer: Producer { id: -1, epoch: -1 } },
                None => {
                    let producer = state.transactions.init(id, timeout, &mut state.logs);
                    InitializedProducer { error: None, producer }
                }
            }
        }))
    }

    fn add_partition_to_transaction(
        &self,
        transaction: Transaction,
        _: Arc<str>,
        partition: Partition,
    ) -> Responding<'_, Refusal> {
        Box::pin(self.cluster.request(self.broker, Verb::AddPartitionsToTxn, move |state| {
            let now = self.cluster.clock.now();
            state.transactions.expire(now, &mut state.logs);
            let id = &transaction.transactional_id;
            let error = state.coordinator_error(self.broker, Verb::AddPartitionsToTxn, id);
            error.or_else(|| state.transactions.add(&transaction, partition, now))
        }))
    }

    fn produce_in_transaction(&self, request: ProduceInTransaction) -> Responding<'_, Produced> {
        Box::pin(self.cluster.request(self.broker, Verb::Produce, move |state| {
            let refusal = state.refusal(self.broker, Verb::Produce);
            let error = refusal.or_else(|| state.transactions.fencing(&request.transaction));
            let log = state.logs.get_mut(&request.partition);
            match (error, log) {
                (None, Some(log)) => {
                    let id = request.transaction.transactional_id;
                    Produced { error: None, offset: log.append_in_transaction(request.value, id) }
                }
                (error, _) => {
                    let error = error.unwrap_or(KafkaError::UNKNOWN_TOPIC_OR_PARTITION);
                    Produced { error: Some(error), offset: -1 }
                }
            }
        }))
    }

    fn end_transaction(&self, transaction: Transaction, commit: bool) -> Responding<'_, Refusal> {
        Box::pin(self.cluster.request(self.broker, Verb::EndTxn, move |state| {
            let error = state.coordinator_error(self.broker, Verb::EndTxn, &transaction.transactional_id);
            error.or_else(|| state.transactions.end(&transaction, commit, &mut state.logs))
        }))
    }

    fn create_topic(&self, request: CreateTopic) -> Responding<'_, TopicResult> {
        Box::pin(async move {
            self.cluster.forward(self.broker).await;
            let created = self.cluster.request(self.broker, Verb::CreateTopics, move |state| {
                let refusal = state.refusal(self.broker, Verb::CreateTopics);
                let exists = state.topics.contains(&request.topic).then_some(KafkaError::TOPIC_ALREADY_EXISTS);
                let error = refusal.or(exists);
                if error.is_none() && !request.validate_only {
                    state.topics.insert(request.topic);
                }
                TopicResult { error, message: None }
            });
            created.await
        })
    }

    fn delete_topic(&self, topic: Arc<str>, _: Duration) -> Responding<'_, TopicResult> {
        Box::pin(async move {
            self.cluster.forward(self.broker).await;
            let deleted = self.cluster.request(self.broker, Verb::DeleteTopics, move |state| {
                let refusal = state.refusal(self.broker, Verb::DeleteTopics);
                let missing = (!state.topics.remove(&topic)).then_some(KafkaError::UNKNOWN_TOPIC_OR_PARTITION);
                TopicResult { error: refusal.or(missing), message: None }
            });
            deleted.await
        })
    }
}
