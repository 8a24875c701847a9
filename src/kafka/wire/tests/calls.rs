//! Requests and responses on an open connection.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Duration, Instant, advance},
};

use super::{
    super::{Call, Connection, Fetch, MAX_OUTSTANDING, Metadata, Phase, Produced, WireError},
    broker::{Broker, a_record, connected, connected_through, frame, produced},
};

const SERVING: Phase = Phase::Serving;

#[tokio::test(start_paused = true)]
async fn several_requests_are_outstanding_and_answered_in_order() {
    let (connection, mut broker) = connected().await;
    let calls: Vec<_> = (0..3).map(|_| connection.call(a_record()).expect("sent")).collect();
    assert_eq!(connection.outstanding(), 3);
    for offset in 0..3 {
        let asked = broker.request().await;
        broker.acknowledge(&asked, offset).await;
    }
    for (offset, call) in (0..).zip(calls) {
        assert_eq!(call.await.expect("an answer").body.base_offset, offset);
    }
    assert_eq!(connection.outstanding(), 0);
}

#[tokio::test(start_paused = true)]
async fn request_is_written_before_the_call_returns() {
    let (connection, mut broker) = connected().await;
    let _call = connection.call(a_record()).expect("sent");
    // Nothing was awaited in between, so no other task has run.
    let mut first = [0; 4];
    let read = pin!(broker.stream.read_exact(&mut first)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(read, Poll::Ready(Ok(4))));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_the_socket_does_not_accept_at_once_follow() {
    let (connection, mut broker) = connected_through(16).await;
    let call = connection.call(a_record()).expect("sent");
    let (answer, ()) = tokio::join!(call, async {
        let asked = broker.request().await;
        broker.acknowledge(&asked, 7).await;
    });
    assert_eq!(answer.expect("an answer").body.base_offset, 7);
}

#[tokio::test(start_paused = true)]
async fn stamp_is_the_arrival_of_the_last_byte_and_not_the_wake_up_of_the_caller() {
    let (connection, mut broker) = connected().await;
    let call = connection.call(a_record()).expect("sent");
    assert_eq!(call.sent(), Instant::now());
    let asked = broker.request().await;
    let answer = frame(asked.correlation, &produced(0), asked.version);
    let (first, last) = answer.split_at(10);
    broker.write(first).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    broker.write(last).await;
    let arrived = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(call.await.expect("an answer").at, arrived);
    assert_eq!(connection.last_byte_at(), arrived);
}

#[tokio::test(start_paused = true)]
async fn response_to_a_dropped_call_is_read() {
    let (connection, mut broker) = connected().await;
    drop(connection.call(a_record()).expect("sent"));
    let kept = connection.call(a_record()).expect("sent");
    assert_eq!(connection.outstanding(), 2);
    for offset in [1, 2] {
        let asked = broker.request().await;
        broker.acknowledge(&asked, offset).await;
    }
    assert_eq!(kept.await.expect("an answer").body.base_offset, 2);
    assert_eq!((connection.outstanding(), connection.is_closed()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn waiting_counts_from_the_later_of_the_last_byte_and_the_oldest_request() {
    let (connection, mut broker) = connected().await;
    assert_eq!(connection.waiting_since(), None);
    advance(Duration::from_secs(60)).await;
    let call = connection.call(a_record()).expect("sent");
    let sent = call.sent();
    assert_eq!(connection.waiting_since(), Some(sent));
    advance(Duration::from_secs(1)).await;
    let asked = broker.request().await;
    let _second = connection.call(a_record()).expect("sent");
    broker.acknowledge(&asked, 0).await;
    let answered = call.await.expect("an answer").at;
    assert_eq!(connection.waiting_since(), Some(answered));
}

#[tokio::test(start_paused = true)]
async fn throttle_time_is_kept_even_if_the_call_was_dropped() {
    let (connection, mut broker) = connected().await;
    assert_eq!(connection.throttled_until(), None);
    drop(connection.call(a_record()).expect("sent"));
    let call = connection.call(a_record()).expect("sent");
    let asked = broker.request().await;
    broker.answer(&asked, &produced(0).with_throttle_time_ms(700)).await;
    let asked = broker.request().await;
    broker.acknowledge(&asked, 1).await;
    let reply = call.await.expect("an answer");
    assert_eq!(reply.throttle, Duration::ZERO);
    assert_eq!(connection.throttled_until(), Some(reply.at + Duration::from_millis(700)));
}

#[tokio::test(start_paused = true)]
async fn response_out_of_order_ends_the_connection() {
    let (connection, mut broker) = connected().await;
    let first = connection.call(a_record()).expect("sent");
    let second = connection.call(a_record()).expect("sent");
    let (asked, later) = (broker.request().await, broker.request().await);
    broker.acknowledge(&later, 0).await;
    let mismatch = WireError::Correlation { expected: asked.correlation, found: later.correlation };
    assert_eq!(first.await.err(), Some(mismatch.clone()));
    assert_eq!(second.await.err(), Some(mismatch.clone()));
    assert_eq!(connection.call(a_record()).err(), Some(mismatch));
}

#[tokio::test(start_paused = true)]
async fn response_without_a_request_ends_the_connection() {
    let (connection, mut broker) = connected().await;
    broker.write(&frame(0, &produced(0), 12)).await;
    assert_eq!(connection.closed().await, WireError::Unsolicited);
}

#[tokio::test(start_paused = true)]
async fn frame_above_the_limit_ends_the_connection() {
    for length in [-1, (16 << 20) + 1, i32::MAX] {
        let (connection, mut broker) = connected().await;
        let call = connection.call(a_record()).expect("sent");
        broker.write(&i32::to_be_bytes(length)).await;
        assert_eq!(call.await.err(), Some(WireError::FrameTooLarge { length }));
        assert!(connection.is_closed().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_response_ends_the_connection() {
    let (connection, mut broker) = connected().await;
    let call = connection.call(a_record()).expect("sent");
    let asked = broker.request().await;
    let mut answer = [0, 0, 0, 6, 0, 0, 0, 0, 0xff, 0xff];
    answer[4..8].copy_from_slice(&asked.correlation.to_be_bytes());
    broker.write(&answer).await;
    assert!(matches!(call.await, Err(WireError::Malformed { .. })));
    assert!(matches!(connection.closed().await, WireError::Malformed { .. }));
}

#[tokio::test(start_paused = true)]
async fn end_of_file_fails_outstanding_requests() {
    let (connection, broker) = connected().await;
    let call = connection.call(a_record()).expect("sent");
    drop(broker);
    assert_eq!(call.await.err(), Some(WireError::Closed { phase: SERVING }));
    assert_eq!(connection.call(a_record()).err(), Some(WireError::Closed { phase: SERVING }));
}

#[tokio::test(start_paused = true)]
async fn end_of_file_ends_the_connection_with_nothing_outstanding() {
    let (connection, broker) = connected().await;
    let closed = connection.closed();
    drop(broker);
    assert_eq!(closed.await, WireError::Closed { phase: SERVING });
    assert_eq!(connection.is_closed(), Some(WireError::Closed { phase: SERVING }));
}

#[tokio::test(start_paused = true)]
async fn response_that_arrived_before_the_peer_closed_is_delivered_even_if_a_write_fails() {
    let (connection, mut broker) = connected().await;
    let answered = connection.call(a_record()).expect("sent");
    let asked = broker.request().await;
    broker.acknowledge(&asked, 5).await;
    drop(broker);
    // The driver has not run: this write is the first to find that the peer has closed.
    let unanswered = connection.call(a_record()).expect("accepted");
    assert_eq!(answered.await.expect("an answer").body.base_offset, 5);
    assert_eq!(unanswered.await.err(), Some(WireError::Closed { phase: SERVING }));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_connection_closes_the_socket_and_fails_its_requests() {
    let (connection, mut broker) = connected().await;
    let call = connection.call(a_record()).expect("sent");
    let closed = connection.closed();
    drop(connection);
    assert_eq!(call.await.err(), Some(WireError::Dropped));
    assert_eq!(closed.await, WireError::Dropped);
    broker.request().await;
    assert_eq!(broker.stream.read(&mut [0; 1]).await.ok(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn outstanding_requests_are_bounded() {
    let (connection, _broker) = connected_through(1 << 20).await;
    let calls: Vec<_> = (0..MAX_OUTSTANDING).map(|_| connection.call(Metadata::default()).expect("sent")).collect();
    let refused = connection.call(Metadata::default()).err();
    assert!(matches!(refused, Some(WireError::Backlog { outstanding, .. }) if outstanding == calls.len()));
}

#[tokio::test(start_paused = true)]
async fn unsent_bytes_are_bounded() {
    let (connection, _broker) = connected_through(16).await;
    let mut large = a_record();
    large.value = Bytes::from(vec![0; 1 << 20]);
    let calls = std::iter::from_fn(|| connection.call(large.clone()).ok());
    assert_eq!(calls.take(100).count(), 8);
    assert!(matches!(connection.call(large), Err(WireError::Backlog { outstanding: 8, .. })));
}

#[tokio::test(start_paused = true)]
async fn request_that_cannot_be_encoded_sends_nothing_and_keeps_the_connection() {
    let (connection, mut broker) = connected().await;
    let mut record = a_record();
    record.topic = "t".repeat(70_000).into();
    // The flexible encoding has no limit for a name; Fetch below v12 has.
    let refused = connection.call_in_version(
        Fetch {
            topic: record.topic,
            topic_id: None,
            partition: 0,
            offset: 0,
            max_wait: Duration::ZERO,
            max_bytes: 1 << 20,
        },
        4,
    );
    assert!(matches!(refused, Err(WireError::Unencodable { version: 4, .. })));
    let call = connection.call(a_record()).expect("sent");
    let asked = broker.request().await;
    broker.acknowledge(&asked, 3).await;
    assert_eq!(call.await.expect("an answer").body.base_offset, 3);
}

#[test]
fn connection_and_calls_are_send() {
    fn crosses<T: Send>() {}
    crosses::<Connection>();
    crosses::<Call<Produced>>();
}

async fn feed(bytes: &[u8]) -> (Connection, Broker) {
    let (connection, mut broker) = connected().await;
    let call = connection.call(a_record()).expect("sent");
    broker.write(bytes).await;
    broker.stream.shutdown().await.expect("a half-closed stream");
    assert!(call.await.is_err());
    (connection, broker)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_bytes_end_the_connection_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (connection, _broker) = feed(&bytes).await;
            assert!(connection.is_closed().is_some());
        });
    }
}
