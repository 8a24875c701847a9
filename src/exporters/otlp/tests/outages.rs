//! A collector that is away, hangs or refuses; and the last export at shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prober_core::time::Time;
use prober_probes::clock::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::decoded::{durations_of, numbers_of, without_exports};
use super::receiver::{Receiver, free_address};
use super::{ExportResult, OtlpSettings, Protocol, Running, assert_same_durations, settings};
use crate::exporters::fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_export_carries_the_final_snapshot() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = Receiver::start(protocol).await;
        let hourly = OtlpSettings { interval: Duration::from_secs(3600), ..settings(receiver.address, protocol) };
        let running = Running::start(hourly, fixture::snapshot(1));
        receiver.received(1).await;
        running.publish.send_replace(Arc::new(fixture::snapshot(2)));
        running.stop().await;
        assert_eq!(receiver.received(2).await.len(), 2);
        assert_eq!(without_exports(&receiver.newest()), numbers_of(&fixture::snapshot(2)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_exact_after_the_collector_was_away() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let address = free_address().await;
        let running = Running::start(settings(address, protocol), fixture::snapshot(1));
        running.until(ExportResult::Failure, 3).await;
        running.publish.send_replace(Arc::new(fixture::snapshot(2)));

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        drop(receiver);
        let mut later = fixture::snapshot(2);
        later.series[0].buckets.add(Duration::from_millis(70));
        running.publish.send_replace(Arc::new(later.clone()));
        let failed = running.stats.of(ExportResult::Failure);
        running.until(ExportResult::Failure, failed + 1).await;

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        let stats = Arc::clone(&running.stats);
        running.stop().await;
        let points = receiver.newest();
        assert_eq!(without_exports(&points), numbers_of(&fixture::snapshot(2)));
        assert_same_durations(&points.durations, &durations_of(&later));
        let failures: f64 = points
            .of("kafka_prober.export.attempts")
            .iter()
            .filter(|((_, labels), _)| labels.contains(&"result=failure".to_owned()))
            .map(|(_, value)| value)
            .sum();
        assert!(4.0 <= failures && failures <= stats.of(ExportResult::Failure) as f64, "{failures}");
        assert!(stats.last_success().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_to_a_hanging_collector_are_timeouts() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        // The kernel accepts the connections, and no process answers.
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = silent.local_addr().expect("it is bound");
        let hasty = OtlpSettings { timeout: Duration::from_millis(50), ..settings(address, protocol) };
        let running = Running::start(hasty, fixture::snapshot(1));
        running.until(ExportResult::Timeout, 2).await;
        assert_eq!(running.stats.of(ExportResult::Failure), 0);
        assert_eq!(running.stats.of(ExportResult::Success), 0);
        running.stop().await;
    }
}

/// Forwards connections to `to`: from the first connection nothing is forwarded any more once `stop` is set, though its
/// bytes are still acknowledged; later connections are forwarded. What a proxy whose old worker hangs does.
async fn hanging_proxy(to: SocketAddr, stop: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let mut is_first = true;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut stop = stop.clone();
            let hangs = std::mem::replace(&mut is_first, false);
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                let stopped = async {
                    if !hangs || stop.wait_for(|stop| *stop).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                let hung = tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => false,
                    () = stopped => true,
                };
                if hung {
                    // Ends when the client closes the connection.
                    let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_that_hangs_in_a_proxy_costs_at_most_three_intervals() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = Receiver::start(protocol).await;
        let (stop, stopped) = watch::channel(false);
        let address = hanging_proxy(receiver.address, stopped).await;
        let every = Duration::from_millis(400);
        let running = Running::start(
            OtlpSettings { interval: every, timeout: every, ..settings(address, protocol) },
            fixture::snapshot(1),
        );
        running.until(ExportResult::Success, 1).await;
        stop.send_replace(true);
        let (clock, succeeded) = (Clock::start(), running.stats.of(ExportResult::Success));
        running.until(ExportResult::Timeout, 1).await;
        running.until(ExportResult::Success, succeeded + 1).await;
        let took = clock.now().since(Time::ORIGIN);
        assert!(took < 3 * every, "{protocol:?}: {took:?}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_is_bounded_even_if_the_collector_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let patient = OtlpSettings {
        timeout: Duration::from_secs(600),
        ..settings(silent.local_addr().expect("it is bound"), Protocol::Grpc)
    };
    let running = Running::start(patient, fixture::snapshot(1));
    silent.accept().await.expect("it connects");
    let stats = Arc::clone(&running.stats);
    let took = running.stop().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(stats.of(ExportResult::Timeout), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_exports_are_failures_and_shutdown_stays_short() {
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let elsewhere = OtlpSettings {
        endpoint: format!("http://{}/elsewhere", receiver.address),
        ..settings(receiver.address, Protocol::HttpProtobuf)
    };
    let running = Running::start(elsewhere, fixture::snapshot(1));
    running.until(ExportResult::Failure, 2).await;
    let took = running.stop().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}
