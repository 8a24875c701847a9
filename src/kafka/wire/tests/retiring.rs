//! Retired connections: no new requests, late responses until a deadline.

use tokio::{
    io::AsyncReadExt,
    time::{Duration, Instant},
};

use super::{
    super::WireError,
    broker::{a_record, connected, in_a_second},
};

#[tokio::test(start_paused = true)]
async fn retired_connection_accepts_no_requests_and_delivers_late_responses() {
    let (connection, mut broker) = connected().await;
    let late = connection.call(a_record()).expect("sent");
    connection.retire(in_a_second());
    assert_eq!(connection.call(a_record()).err(), Some(WireError::Retired));
    let asked = broker.request().await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    broker.acknowledge(&asked, 4).await;
    assert_eq!(late.await.expect("an answer").body.base_offset, 4);
}

#[tokio::test(start_paused = true)]
async fn retired_connection_drains_after_its_handle_is_dropped() {
    let (connection, mut broker) = connected().await;
    let late = connection.call(a_record()).expect("sent");
    connection.retire(in_a_second());
    drop(connection);
    let asked = broker.request().await;
    broker.acknowledge(&asked, 4).await;
    assert_eq!(late.await.expect("an answer").body.base_offset, 4);
}

#[tokio::test(start_paused = true)]
async fn retired_connection_ends_with_its_last_response() {
    let (connection, mut broker) = connected().await;
    let late = connection.call(a_record()).expect("sent");
    let started = Instant::now();
    connection.retire(in_a_second());
    let asked = broker.request().await;
    broker.acknowledge(&asked, 4).await;
    assert!(late.await.is_ok());
    assert_eq!(connection.closed().await, WireError::Retired);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(broker.stream.read(&mut [0; 1]).await.ok(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn idle_connection_ends_as_soon_as_it_is_retired() {
    let (connection, _broker) = connected().await;
    let started = Instant::now();
    connection.retire(in_a_second());
    assert_eq!(connection.closed().await, WireError::Retired);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn retired_connection_ends_at_its_deadline_with_responses_outstanding() {
    let (connection, _broker) = connected().await;
    let late = connection.call(a_record()).expect("sent");
    let started = Instant::now();
    connection.retire(in_a_second());
    assert_eq!(late.await.err(), Some(WireError::Retired));
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn retiring_again_can_only_shorten_the_time() {
    let (connection, _broker) = connected().await;
    let late = connection.call(a_record()).expect("sent");
    let started = Instant::now();
    connection.retire(in_a_second());
    connection.retire(started + Duration::from_millis(300));
    connection.retire(started + Duration::from_secs(9));
    assert_eq!(late.await.err(), Some(WireError::Retired));
    assert_eq!(started.elapsed(), Duration::from_millis(300));
}
