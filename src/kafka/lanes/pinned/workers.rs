//! Which partition is served by whom, and what changes when the picture of the cluster does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::{Outgoing, Refusal};

use crate::kafka::lanes::topic::ownership::Ownership;
use crate::kafka::lanes::topic::{Context, Tenant};

use super::reader::Reader;
use super::writer::Writer;

/// Who serves each partition. Clones share it.
#[derive(Clone)]
pub(super) struct Seats {
    clock: Clock,
    taken: Arc<Mutex<BTreeMap<Partition, Seat>>>,
}

/// Who serves a partition.
enum Seat {
    /// A writer and a reader at its broker.
    Served { place: Place, writer: Box<Writer>, _reader: Box<Reader> },
    /// Only a replica list names its broker; nobody has ever seen its address.
    NoAddress,
}

/// Where a partition lives.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    broker: BrokerId,
    address: Arc<str>,
}

impl Seats {
    pub(super) fn new(clock: Clock) -> Seats {
        Seats { clock, taken: Arc::default() }
    }

    /// Sends a record by whoever serves its partition.
    pub(super) fn submit(&self, record: Outgoing) -> Result<Time, Refusal> {
        match self.lock().get(&record.partition) {
            Some(Seat::Served { writer, .. }) => writer.submit(record),
            Some(Seat::NoAddress) => Err(Refusal { at: self.clock.now(), fault: Fault::NoAddress }),
            None => Err(Refusal { at: self.clock.now(), fault: Fault::NoPartition }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Seat>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seats writers and readers as the topic lies.
pub(super) struct Seating {
    seats: Seats,
    context: Context,
    fetch_max_wait: Duration,
}

impl Seating {
    pub(super) fn new(seats: Seats, context: Context, fetch_max_wait: Duration) -> Seating {
        Seating { seats, context, fetch_max_wait }
    }

    fn seat(&self, partition: Partition, place: Place, topic_id: Option<[u8; 16]>, ownership: &Ownership) -> Seat {
        let (broker, address) = (place.broker.0, &*place.address);
        tracing::info!(broker, address, partition = partition.0, "probing broker");
        let patience = self.context.deadline;
        let writing = self.context.dialling(Arc::clone(&place.address), patience);
        // A long poll may be silent for its whole wait before it is even late.
        let reading = self.context.dialling(Arc::clone(&place.address), patience + self.fetch_max_wait);
        let (context, ownership) = (self.context.clone(), ownership.clone());
        let reader = Reader::new(reading, context, place.broker, ownership, partition, topic_id, self.fetch_max_wait);
        let writer = Writer::new(writing, self.context.clone(), place.broker);
        Seat::Served { place, writer: Box::new(writer), _reader: Box::new(reader) }
    }
}

impl Tenant for Seating {
    /// What stays where it was keeps its connections and its read position.
    fn lay_out(&mut self, topology: &Topology, topic: &TopicSeen, ownership: &Ownership) {
        let places = places(topology, topic);
        let mut taken = self.seats.lock();
        taken.retain(|partition, seat| {
            let wanted = places.get(partition).and_then(Option::as_ref);
            matches!((seat, wanted), (Seat::Served { place, .. }, Some(wanted)) if *place == *wanted)
        });
        for (partition, place) in places {
            taken.entry(partition).or_insert_with(|| match place {
                None => Seat::NoAddress,
                Some(place) => self.seat(partition, place, topic.id, ownership),
            });
        }
    }

    fn leave(&mut self) {
        self.seats.lock().clear();
    }
}

/// Each partition's one replica at its last known address, if it has one.
fn places(topology: &Topology, topic: &TopicSeen) -> BTreeMap<Partition, Option<Place>> {
    topic
        .partitions
        .iter()
        .filter_map(|seen| {
            let broker = *seen.replicas.first()?;
            let address = topology.brokers.get(&broker).and_then(|seen| seen.address.as_ref());
            let place = address.map(|address| Place { broker, address: Arc::from(address.to_string()) });
            Some((seen.partition, place))
        })
        .collect()
}
