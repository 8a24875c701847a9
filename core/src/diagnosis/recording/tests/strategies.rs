//! Any input, and any finding.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::coordinator::{InternalPartition, InternalTopic};
use crate::diagnosis::input::{Input, OverdueConnection};
use crate::event::{Event, Limits, RawOutcome, VoidReason};
use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Consequence, Finding, FindingKind, Recurrence};
use crate::ids::{Broker, BrokerId, ClusterName, ConnectionRole, Partition, Probe, Series, Subject, View};
use crate::kafka_error::KafkaError;
use crate::settle::Stall;
use crate::tcp_state::TcpState;
use crate::time::Time;
use crate::topology::{PartitionSeen, TopicSeen};
use crate::vitals::{ControlKind, Memory, Readings, Steal, Throttling, Usage};

use super::observed::observed;

pub(super) fn time() -> impl Strategy<Value = Time> {
    prop_oneof![any::<u64>(), 0..1u64 << 40].prop_map(Time::from_nanos)
}

pub(super) fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![any::<u64>(), 0..10_000_000_000u64].prop_map(Duration::from_nanos)
}

pub(super) fn broker() -> impl Strategy<Value = BrokerId> {
    any::<i32>().prop_map(BrokerId)
}

pub(super) fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,12}".prop_map(Arc::from)
}

fn fault() -> impl Strategy<Value = Fault> {
    let kafka = (any::<i16>(), -1..140i16).prop_map(|(any, known)| {
        let code = if any % 2 == 0 { any } else { known };
        Fault::Kafka(KafkaError(if code == 0 { 6 } else { code }))
    });
    prop_oneof![kafka, prop::sample::select(&FAULTS[..])]
}

/// Every fault but those of Kafka.
pub(super) const FAULTS: [Fault; 29] = [
    Fault::Timeout,
    Fault::Slow,
    Fault::Lost,
    Fault::Corrupt,
    Fault::ConnectionRefused,
    Fault::ConnectionReset,
    Fault::ConnectTimeout,
    Fault::NoHandshake,
    Fault::NoTlsHandshake,
    Fault::NoSaslAnswer,
    Fault::CertificateExpired,
    Fault::CertificateWrongName,
    Fault::CertificateUntrusted,
    Fault::TlsRefused,
    Fault::TlsProtocol,
    Fault::Unreachable,
    Fault::Resolve,
    Fault::Protocol,
    Fault::NoMetadata,
    Fault::NoAddress,
    Fault::NoPartition,
    Fault::Stale,
    Fault::Mismatch,
    Fault::AbortedSeen,
    Fault::Quota,
    Fault::Unsupported,
    Fault::QueueFull,
    Fault::LocalResources,
    Fault::Client,
];

fn raw_outcome() -> impl Strategy<Value = RawOutcome> {
    prop_oneof![
        duration().prop_map(RawOutcome::Success),
        fault().prop_map(RawOutcome::Failed),
        fault().prop_map(RawOutcome::RefusedUntilDeadline),
        prop::sample::select(&[RawOutcome::TimedOut, RawOutcome::Lost, RawOutcome::Corrupt, RawOutcome::Missed][..]),
        prop::sample::select(&VoidReason::ALL[..]).prop_map(RawOutcome::Void),
    ]
}

fn internal_topic() -> impl Strategy<Value = InternalTopic> {
    prop::sample::select(&InternalTopic::ALL[..])
}

fn event() -> impl Strategy<Value = Event> {
    let view = prop::sample::select(&[View::Client, View::Broker, View::Coordinator, View::Cluster][..]);
    let broker = prop_oneof![Just(Broker::Unknown), Just(Broker::Cluster), broker().prop_map(Broker::Id)];
    let partition = prop::option::of(any::<i32>().prop_map(Partition));
    let internal_partition = (internal_topic(), any::<i32>())
        .prop_map(|(topic, index)| InternalPartition { topic, partition: Partition(index) });
    let limits = (duration(), duration()).prop_map(|(deadline, threshold)| Limits { deadline, threshold });
    let times = (time(), prop::option::of(time()), time());
    (
        view,
        prop::sample::select(&Probe::ALL[..]),
        broker,
        (prop::option::of(partition), prop::option::of(internal_partition)),
        limits,
        times,
        raw_outcome(),
        duration(),
        any::<bool>(),
    )
        .prop_map(
            |(
                view,
                probe,
                broker,
                (partition, internal_partition),
                limits,
                (due, sent, ended),
                raw_outcome,
                stalled,
                is_exact,
            )| {
                let subject = partition.map_or(Subject::Broker(broker), Subject::Partition);
                let latency = ended.since(sent.unwrap_or(due));
                Event {
                    series: Series { cluster: ClusterName::new("c"), view, probe, subject },
                    broker,
                    internal_partition,
                    limits,
                    due,
                    sent,
                    ended,
                    raw_outcome: if is_exact { RawOutcome::Success(latency) } else { raw_outcome },
                    stalled,
                }
            },
        )
}

fn overdue() -> impl Strategy<Value = OverdueConnection> {
    let roles = [ConnectionRole::Produce, ConnectionRole::Fetch, ConnectionRole::Control, ConnectionRole::Fresh];
    let state = (any::<u64>(), any::<u32>());
    let state = state.prop_map(|(unacked_bytes, retransmits)| TcpState { unacked_bytes, retransmits });
    (broker(), prop::sample::select(roles.to_vec()), prop::option::of(time()), prop::option::of(state))
        .prop_map(|(broker, role, since, tcp_state)| OverdueConnection { broker, role, since, tcp_state })
}

fn topic() -> impl Strategy<Value = TopicSeen> {
    let brokers = || prop::collection::vec(broker(), 0..4);
    let partition = (any::<i32>(), prop::option::of(broker()), prop::option::of(any::<i32>()), brokers(), brokers());
    let partition = partition.prop_map(|(index, leader, leader_epoch, replicas, in_sync)| PartitionSeen {
        partition: Partition(index),
        leader,
        leader_epoch,
        replicas,
        in_sync,
    });
    (prop::option::of(any::<[u8; 16]>()), prop::collection::vec(partition, 0..4))
        .prop_map(|(id, partitions)| TopicSeen { id, partitions })
}

fn readings() -> impl Strategy<Value = Readings> {
    let throttling = (any::<u64>(), any::<u64>(), duration()).prop_map(|(periods, throttled, time)| Throttling {
        periods,
        throttled,
        time,
    });
    let memory = (any::<u64>(), any::<u64>(), prop::option::of(duration()))
        .prop_map(|(limit_hits, killed, waited)| Memory { limit_hits, killed, waited });
    let steal = (duration(), duration()).prop_map(|(stolen, total)| Steal { stolen, total });
    let usage = || prop::option::of(any::<(u64, u64)>().prop_map(|(used, limit)| Usage { used, limit }));
    let suspended = prop::option::of(duration());
    (
        time(),
        prop::option::of(throttling),
        prop::option::of(memory),
        prop::option::of(steal),
        suspended,
        usage(),
        usage(),
    )
        .prop_map(|(at, throttling, memory, steal, suspended, descriptors, ports)| Readings {
            at,
            throttling,
            memory,
            steal,
            suspended,
            descriptors,
            ports,
        })
}

/// Any input.
pub(super) fn input() -> impl Strategy<Value = Input> {
    let brokers = || prop::collection::btree_set(broker(), 0..5);
    let fault = || prop::option::of(fault());
    let control = prop::sample::select(&ControlKind::ALL[..]);
    prop_oneof![
        4 => event().prop_map(Input::Event),
        1 => overdue().prop_map(Input::Overdue),
        1 => (broker(), time(), fault()).prop_map(|(broker, at, fault)| Input::ConnectChecked { broker, at, fault }),
        1 => (time(), brokers()).prop_map(|(asked, brokers)| Input::MetadataBrokers { asked, brokers }),
        1 => brokers().prop_map(Input::Brokers),
        1 => (any::<i32>(), time(), fault())
            .prop_map(|(index, at, fault)| Input::Refuses { partition: Partition(index), at, fault }),
        1 => topic().prop_map(Input::Topic),
        1 => (internal_topic(), time(), topic())
            .prop_map(|(topic, asked, seen)| Input::InternalTopic { topic, asked, seen }),
        1 => (any::<u64>(), time()).prop_map(|(count, at)| Input::Lost { count, at }),
        1 => prop::collection::vec(text(), 0..3).prop_map(Input::MissingPermissions),
        1 => (time(), text()).prop_map(|(at, evidence)| Input::DuplicateVantage { at, evidence }),
        1 => (time(), observed()).prop_map(|(at, observed)| Input::Observed { at, observed: Arc::new(observed) }),
        1 => (time(), time()).prop_map(|(from, to)| Input::Stall(Stall { from, to })),
        1 => readings().prop_map(Input::Readings),
        1 => (time(), duration()).prop_map(|(at, length)| Input::Resumed { at, length }),
        1 => (control, time(), any::<bool>())
            .prop_map(|(control, asked, has_answered)| Input::Control { control, asked, has_answered }),
        1 => time().prop_map(Input::ResourceShortage),
    ]
}

pub(super) fn finding() -> impl Strategy<Value = Finding> {
    let kind = || prop::sample::select(&FindingKind::ALL[..]);
    let blame = prop::sample::select(&[Blame::Cluster, Blame::Prober, Blame::Unclear, Blame::Nobody][..]);
    let confidence = prop::sample::select(&[Confidence::Possible, Confidence::Likely, Confidence::Certain][..]);
    let some_broker = || prop::option::of(broker());
    let consequence = (kind(), some_broker()).prop_map(|(kind, broker)| Consequence { kind, broker });
    let recurrence = (0..100usize, prop::collection::vec(time(), 0..3), any::<bool>());
    let recurrence = recurrence.prop_map(|(count, began, is_between)| Recurrence { count, began, is_between });
    let lists = (
        prop::collection::vec(text(), 0..3),
        prop::collection::vec(broker(), 0..3),
        prop::collection::vec(consequence, 0..3),
    );
    let rest = (text(), prop::option::of(kind()), lists, prop::option::of(recurrence));
    (kind(), some_broker(), blame, time(), confidence, rest).prop_map(
        |(kind, broker, blame, since, confidence, (summary, runner_up, lists, recurrence))| {
            let (evidence, members, consequences) = lists;
            Finding {
                kind,
                cluster: ClusterName::new("c"),
                broker,
                blame,
                since,
                confidence,
                summary,
                evidence,
                runner_up,
                members,
                consequences,
                recurrence,
            }
        },
    )
}
