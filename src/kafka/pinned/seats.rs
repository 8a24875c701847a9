//! Which partition is served by whom, and what changes when the picture of the cluster does.

use std::collections::BTreeMap;
use std::sync::Arc;

use prober_core::ids::{BrokerId, Partition};
use prober_core::topology::{TopicSeen, Topology};

use super::link::Dialling;
use super::reader::{self, Reader};
use super::writer::{self, Writer};

/// Who serves a partition.
pub(super) enum Seat {
    /// A writer and a reader at its broker.
    Served {
        /// Where they dial.
        place: Place,
        writer: Box<Writer>,
        reader: Box<Reader>,
    },
    /// Only a replica list names its broker; nobody has ever seen its address.
    NoAddress,
}

/// Where a partition lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) broker: BrokerId,
    pub(super) address: String,
}

/// Each partition's one replica, and its last known address.
pub(super) fn places(topology: &Topology, topic: &TopicSeen) -> BTreeMap<Partition, (BrokerId, Option<Place>)> {
    topic
        .partitions
        .iter()
        .filter_map(|seen| {
            let broker = *seen.replicas.first()?;
            let address = topology.brokers.get(&broker).and_then(|seen| seen.address.as_ref());
            let place = address.map(|address| Place { broker, address: address.to_string() });
            Some((seen.partition, (broker, place)))
        })
        .collect()
}

/// Brings the seats up to date: what stays where it was keeps its connections and its read position.
pub(super) fn seat(
    seats: &mut BTreeMap<Partition, Seat>,
    places: &BTreeMap<Partition, (BrokerId, Option<Place>)>,
    topic_id: Option<[u8; 16]>,
    dialling: impl Fn(&str) -> Dialling,
    writers: &writer::Context,
    readers: &reader::Context,
) {
    seats.retain(|partition, seat| {
        let wanted = places.get(partition).and_then(|(_, place)| place.as_ref());
        matches!((seat, wanted), (Seat::Served { place, .. }, Some(wanted)) if *place == *wanted)
    });
    for (partition, (broker, place)) in places {
        if seats.contains_key(partition) {
            continue;
        }
        let seat = match place {
            None => Seat::NoAddress,
            Some(place) => {
                let dialling = dialling(&place.address);
                // A long poll may be silent for its whole wait before it is even late.
                let patience = dialling.patience + readers.max_wait;
                let reading = Dialling { patience, ..dialling.clone() };
                tracing::info!(broker = broker.0, address = place.address, partition = partition.0, "probing broker");
                Seat::Served {
                    place: place.clone(),
                    writer: Box::new(Writer::new(dialling, writers.clone())),
                    reader: Box::new(Reader::new(reading, *partition, topic_id, readers.clone())),
                }
            }
        };
        seats.insert(*partition, seat);
    }
}

/// How everything of a lane dials.
pub(super) fn dialling(address: &str, client_id: &Arc<str>, patience: std::time::Duration) -> Dialling {
    Dialling { address: Arc::from(address), client_id: Arc::clone(client_id), patience }
}
