//! What is written is what is read, for every input that there can be.

mod observed;
mod strategies;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use crate::diagnosis::input::{Input, OverdueConnection};
use crate::event::{Event, Limits, RawOutcome};
use crate::fault::Fault;
use crate::finding::{Finding, FindingKind};
use crate::ids::{Broker, BrokerId, ClusterName, ConnectionRole, Probe, Series, Subject, View};
use crate::kafka_error::KafkaError;
use crate::observed::sizes::{BrokerSizes, Sizes};
use crate::time::Time;

use super::are_changed;
use super::latest::LatestInputs;
use strategies::{FAULTS, finding, input};

proptest! {
    #[test]
    fn input_is_read_as_it_was_written(input in input()) {
        let text = serde_json::to_string(&input).expect("it can be written");
        prop_assert!(!text.contains('\n'), "one line: {text}");
        prop_assert_eq!(serde_json::from_str::<Input>(&text).expect("it can be read"), input);
    }

    #[test]
    fn finding_is_read_as_it_was_written(finding in finding()) {
        let text = serde_json::to_string(&finding).expect("it can be written");
        let read: Finding = serde_json::from_str(&text).expect("it can be read");
        prop_assert!(!are_changed(std::slice::from_ref(&finding), std::slice::from_ref(&read)));
        prop_assert_eq!(read, finding);
    }

    /// Whatever came before, the state is bounded by brokers and partitions and takes no event in.
    #[test]
    fn state_has_one_input_of_each_kind(inputs in prop::collection::vec(input(), 0..60)) {
        let mut latest = LatestInputs::default();
        inputs.iter().for_each(|input| latest.take(input));
        let state: Vec<&Input> = latest.inputs().collect();
        prop_assert!(state.iter().all(|input| inputs.contains(input)));
        prop_assert!(state.iter().all(|input| !matches!(input, Input::Event(_) | Input::Stall(_))));
        let newest = inputs.iter().rev().find(|input| matches!(input, Input::Brokers(_)));
        prop_assert_eq!(state.iter().find(|input| matches!(input, Input::Brokers(_))).copied(), newest);
    }
}

#[test]
fn faults_are_written_by_their_error_types() {
    for fault in FAULTS {
        assert_eq!(serde_json::to_string(&fault).expect("text"), format!("\"{}\"", fault.error_type()));
    }
    let refused = serde_json::to_string(&Fault::Kafka(KafkaError(6))).expect("text");
    assert_eq!(refused, r#"{"kafka":"NOT_LEADER_OR_FOLLOWER"}"#);
    let of_a_newer_kafka = serde_json::to_string(&Fault::Kafka(KafkaError(999))).expect("text");
    assert_eq!(of_a_newer_kafka, r#"{"kafka":999}"#);
}

#[test]
fn findings_are_written_by_their_names() {
    for kind in FindingKind::ALL {
        assert_eq!(serde_json::to_string(&kind).expect("text"), format!("\"{}\"", kind.as_str()));
    }
}

#[test]
fn unknown_field_of_a_newer_prober_is_ignored() {
    let text = r#"{"overdue":{"broker":1,"role":"fetch","since":5,"tcp_state":null,"window":7}}"#;
    let read: Input = serde_json::from_str(text).expect("it can be read");
    let (broker, role, since) = (BrokerId(1), ConnectionRole::Fetch, Some(Time::from_nanos(5)));
    assert_eq!(read, Input::Overdue(OverdueConnection { broker, role, since, tcp_state: None }));
}

#[test]
fn state_drops_brokers_that_are_not_probed_any_more() {
    let mut latest = LatestInputs::default();
    let refused = |id| Input::ConnectChecked { broker: BrokerId(id), at: Time::ORIGIN, fault: Some(Fault::Timeout) };
    latest.take(&refused(1));
    latest.take(&refused(2));
    latest.take(&Input::Brokers(BTreeSet::from([BrokerId(2)])));
    let state: Vec<Input> = latest.inputs().cloned().collect();
    assert_eq!(state, [Input::Brokers(BTreeSet::from([BrokerId(2)])), refused(2)]);
    latest.take(&Input::ConnectChecked { broker: BrokerId(2), at: Time::ORIGIN, fault: None });
    assert_eq!(latest.inputs().count(), 1, "it answers");
}

#[test]
fn text_of_an_event_is_pinned() {
    let series = Series {
        cluster: ClusterName::new("main"),
        view: View::Broker,
        probe: Probe::Produce,
        subject: Subject::Broker(Broker::Id(BrokerId(1))),
    };
    let event = Event {
        series,
        broker: Broker::Id(BrokerId(1)),
        internal_partition: None,
        limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
        due: Time::from_nanos(1_000_000_000),
        sent: Some(Time::from_nanos(1_000_070_000)),
        ended: Time::from_nanos(1_003_070_000),
        raw_outcome: RawOutcome::Success(Duration::from_millis(3)),
        stalled: Duration::ZERO,
    };
    let text = serde_json::to_string(&Input::Event(event)).expect("text");
    let expected = r#"{"event":{"cluster":"main","view":"broker","probe":"produce","broker":{"id":1},"deadline":5000000000,"threshold":1000000000,"due":1000000000,"sent_after":70000,"ended_after":3000000}}"#;
    assert_eq!(text, expected);
}

#[test]
fn integers_are_keys_of_maps() {
    let sizes = Sizes { brokers: BTreeMap::from([(BrokerId(7), BrokerSizes::default())]), largest: Vec::new() };
    let text = serde_json::to_string(&sizes).expect("text");
    assert!(text.starts_with(r#"{"brokers":{"7":"#), "{text}");
}
