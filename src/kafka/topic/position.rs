//! Where a reader starts: explicit offsets from ListOffsets, and a look at the newest record on the way.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_probes::record;

use crate::kafka::wire::{Connection, FetchedRecord, ListOffset, OffsetAt, WireError};

use super::link::Dialling;
use super::ownership::Newest;
use super::reader::{Context, fetch};

/// A broker that has the answer gives it at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where to read from.
pub(super) struct Resolved {
    pub(super) offset: i64,
    /// What the newest record before it is.
    pub(super) newest: Newest,
}

/// Why there is no position; without a Kafka error, the broker was not to be reached.
pub(super) struct Unresolved {
    pub(super) kafka: Option<KafkaError>,
}

impl From<WireError> for Unresolved {
    fn from(_: WireError) -> Unresolved {
        Unresolved { kafka: None }
    }
}

/// Asks the broker, on a connection of its own, for the end of the log; after `lost`, which fell out of the log, for
/// its beginning if that is where it fell out.
pub(super) async fn resolve(
    control: &Dialling,
    context: &Context,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    lost: Option<i64>,
) -> Result<Resolved, Unresolved> {
    let connection = control.dial(control.patience).await?;
    let asked = async {
        let earliest = end(&connection, context, partition, OffsetAt::Earliest).await?;
        let latest = end(&connection, context, partition, OffsetAt::Latest).await?;
        if let Some(lost) = lost {
            let offset = if lost < earliest { earliest } else { latest };
            return Ok(Resolved { offset, newest: Newest::Unknown });
        }
        let newest = if earliest < latest {
            newest(&connection, context, partition, topic_id, latest - 1).await?
        } else {
            Newest::Empty
        };
        Ok(Resolved { offset: latest, newest })
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.unwrap_or(Err(Unresolved { kafka: None }))
}

async fn end(
    connection: &Connection,
    context: &Context,
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

/// A topic whose newest record in any partition is not in our format is not ours.
async fn newest(
    connection: &Connection,
    context: &Context,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    offset: i64,
) -> Result<Newest, Unresolved> {
    let (fetched, _) = fetch(connection, context, partition, topic_id, offset, Duration::ZERO).await?;
    if let kafka @ Some(_) = KafkaError::of(fetched.error) {
        return Err(Unresolved { kafka });
    }
    Ok(match fetched.records.last() {
        None => Newest::Unknown,
        Some(FetchedRecord::Read { value, .. }) if record::is_probe_record(value) => Newest::Ours,
        Some(_) => Newest::Foreign,
    })
}
