//! The newest state among the inputs of one cluster. A recording that does not go back to the start of the prober begins with it.
//!
//! Events are no state: what they add up to, such as usual latencies, is unknown to a replay until enough of them were replayed.

use std::collections::{BTreeMap, BTreeSet};

use crate::coordinator::InternalTopic;
use crate::ids::{BrokerId, ConnectionRole, Partition};
use crate::topology::TopicSeen;
use crate::vitals::ControlKind;

use super::super::input::Input;

/// What distinguishes inputs of which only the newest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// First, because the diagnosis discards what concerns other brokers.
    Brokers,
    Metadata,
    Topic,
    InternalTopic(InternalTopic),
    Permissions,
    Observed,
    Readings,
    Control(ControlKind),
    Resumed,
    ResourceShortage,
    DuplicateVantage,
    Lost,
    Refuses(Partition),
    Overdue(BrokerId, ConnectionRole),
    ConnectCheck(BrokerId),
}

impl Key {
    fn broker(self) -> Option<BrokerId> {
        match self {
            Key::Overdue(broker, _) | Key::ConnectCheck(broker) => Some(broker),
            _ => None,
        }
    }
}

/// The newest input of each kind of state.
#[derive(Clone, Debug, Default)]
pub struct LatestInputs {
    inputs: BTreeMap<Key, Input>,
}

impl LatestInputs {
    /// Takes one input in.
    pub fn take(&mut self, input: &Input) {
        // Frequent, and mostly the same brokers: no new copy of the set.
        if let Input::MetadataBrokers { asked: newest, brokers } = input
            && let Some(Input::MetadataBrokers { asked, brokers: known }) = self.inputs.get_mut(&Key::Metadata)
            && brokers == known
        {
            *asked = *newest;
            return;
        }
        if let Input::Brokers(known) = input {
            self.inputs.retain(|key, _| key.broker().is_none_or(|broker| known.contains(&broker)));
        }
        let Some(key) = key(input) else { return };
        if self.inputs.get(&key) == Some(input) {
            return;
        }
        if is_over(input) {
            self.inputs.remove(&key);
        } else {
            self.inputs.insert(key, input.clone());
        }
    }

    /// The brokers in the newest metadata.
    pub fn metadata(&self) -> Option<&BTreeSet<BrokerId>> {
        match self.inputs.get(&Key::Metadata) {
            Some(Input::MetadataBrokers { brokers, .. }) => Some(brokers),
            _ => None,
        }
    }

    /// The newest leaders and in-sync replicas.
    pub fn topic(&self) -> Option<&TopicSeen> {
        match self.inputs.get(&Key::Topic) {
            Some(Input::Topic(topic)) => Some(topic),
            _ => None,
        }
    }

    /// Those inputs, in an order in which the diagnosis can take them in.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.values()
    }
}

/// `None`: the input is an occurrence and no state.
fn key(input: &Input) -> Option<Key> {
    Some(match input {
        Input::Event(_) | Input::Stall(_) => return None,
        Input::Brokers(_) => Key::Brokers,
        Input::MetadataBrokers { .. } => Key::Metadata,
        Input::Topic(_) => Key::Topic,
        Input::InternalTopic { topic, .. } => Key::InternalTopic(*topic),
        Input::MissingPermissions(_) => Key::Permissions,
        Input::Observed { .. } => Key::Observed,
        Input::Readings(_) => Key::Readings,
        Input::Control { control, .. } => Key::Control(*control),
        Input::Resumed { .. } => Key::Resumed,
        Input::ResourceShortage(_) => Key::ResourceShortage,
        Input::DuplicateVantage { .. } => Key::DuplicateVantage,
        Input::Lost { .. } => Key::Lost,
        Input::Refuses { partition, .. } => Key::Refuses(*partition),
        Input::Overdue(connection) => Key::Overdue(connection.broker, connection.role),
        Input::ConnectChecked { broker, .. } => Key::ConnectCheck(*broker),
    })
}

/// Whether the input ends a state that need not be repeated.
fn is_over(input: &Input) -> bool {
    match input {
        Input::Refuses { fault, .. } | Input::ConnectChecked { fault, .. } => fault.is_none(),
        Input::Overdue(connection) => connection.since.is_none(),
        _ => false,
    }
}
