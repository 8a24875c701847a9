//! The offset at which a reader starts, from ListOffsets. On the way, the newest record is checked: is the topic ours?

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_probes::backoff::Backoff;
use prober_probes::port::LaneInput;
use prober_probes::record;

use crate::kafka::wire::{Connection, FetchedRecord, ListOffset, OffsetAt, WireError};

use super::LaneContext;
use super::ownership::{Newest, Ownership};
use crate::kafka::session::fault;

/// A broker answers these requests without waiting for anything.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The waits between unanswered requests.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How far back a record is searched if the newest offset holds none, such as the marker of a transaction.
const SEARCH_BACK: i64 = 32;

/// The end of the log, where reading begins. Returns once the topic is known to be ours.
pub(in crate::kafka) async fn initial(
    context: &LaneContext,
    ownership: &Ownership,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
) -> i64 {
    let mut reported = false;
    let unreachable = || {
        if !std::mem::replace(&mut reported, true) {
            ownership.observe(partition, Newest::Unreachable);
            context.emit(LaneInput::Unreachable { partition });
        }
    };
    let (offset, newest) = retry(context, || end_and_newest(context, partition, topic_id), unreachable).await;
    ownership.observe(partition, newest);
    ownership.is_ours().await;
    offset
}

/// The offset to go on from when `lost` is out of range: the end of the log that is nearer to it.
pub(in crate::kafka) async fn after_out_of_range(context: &LaneContext, partition: Partition, lost: i64) -> i64 {
    retry(context, || nearer_end(context, partition, lost), || {}).await
}

/// Why there is no offset: a Kafka error, or, if that is `None`, the broker did not answer.
pub(super) struct Unresolved {
    kafka: Option<KafkaError>,
}

impl From<WireError> for Unresolved {
    fn from(_: WireError) -> Unresolved {
        Unresolved { kafka: None }
    }
}

/// Repeats `request` until it succeeds.
async fn retry<T, F>(context: &LaneContext, ask: impl Fn() -> F, mut unreachable: impl FnMut()) -> T
where
    F: Future<Output = Result<T, Unresolved>>,
{
    let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
    loop {
        match tokio::time::timeout(context.deadline + ANSWER_WITHIN, ask()).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(Unresolved { kafka: Some(error) })) => {
                if fault::is_stale_metadata(error) {
                    context.stale.notify_one();
                }
            }
            Ok(Err(Unresolved { kafka: None })) | Err(_) => unreachable(),
        }
        backoff.wait().await;
    }
}

async fn end_and_newest(
    context: &LaneContext,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
) -> Result<(i64, Newest), Unresolved> {
    let connection = dial(context, partition).await?;
    let asked = async {
        let earliest = end_of_log(&connection, context, partition, OffsetAt::Earliest).await?;
        let latest = end_of_log(&connection, context, partition, OffsetAt::Latest).await?;
        let newest = if earliest < latest {
            newest(&connection, context, partition, topic_id, earliest..latest).await?
        } else {
            Newest::Empty
        };
        Ok((latest, newest))
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.unwrap_or(Err(Unresolved { kafka: None }))
}

async fn nearer_end(context: &LaneContext, partition: Partition, lost: i64) -> Result<i64, Unresolved> {
    let connection = dial(context, partition).await?;
    let asked = async {
        let earliest = end_of_log(&connection, context, partition, OffsetAt::Earliest).await?;
        let latest = end_of_log(&connection, context, partition, OffsetAt::Latest).await?;
        Ok(if lost < earliest { earliest } else { latest.min(lost) })
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.unwrap_or(Err(Unresolved { kafka: None }))
}

async fn dial(context: &LaneContext, partition: Partition) -> Result<Connection, Unresolved> {
    let Some(control) = context.leader_of(partition) else { return Err(Unresolved { kafka: None }) };
    Ok(control.dial(control.idle_timeout).await?)
}

pub(super) async fn end_of_log(
    connection: &Connection,
    context: &LaneContext,
    partition: Partition,
    at: OffsetAt,
) -> Result<i64, Unresolved> {
    let topic = Arc::clone(&context.topic);
    let call = connection.call(ListOffset { topic, partition: partition.0, at, timeout: ANSWER_WITHIN })?;
    let listed = call.await?.body;
    match KafkaError::of(listed.error) {
        None => Ok(listed.offset),
        kafka => Err(Unresolved { kafka }),
    }
}

/// The newest record of a log that is not empty.
async fn newest(
    connection: &Connection,
    context: &LaneContext,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    log: Range<i64>,
) -> Result<Newest, Unresolved> {
    match newest_from(connection, context, partition, topic_id, log.end - 1).await? {
        Newest::Unknown => {
            let from = log.start.max(log.end - SEARCH_BACK);
            newest_from(connection, context, partition, topic_id, from).await
        }
        newest => Ok(newest),
    }
}

/// The last record of one fetch from `offset`.
async fn newest_from(
    connection: &Connection,
    context: &LaneContext,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    offset: i64,
) -> Result<Newest, Unresolved> {
    let (fetched, _) = context.fetch(connection, partition, topic_id, offset, Duration::ZERO).await?;
    if let kafka @ Some(_) = KafkaError::of(fetched.error) {
        return Err(Unresolved { kafka });
    }
    Ok(match fetched.records.last() {
        None => Newest::Unknown,
        Some(FetchedRecord::Read { value, .. }) if record::is_probe_record(value) => Newest::Ours,
        Some(_) => Newest::Foreign,
    })
}
