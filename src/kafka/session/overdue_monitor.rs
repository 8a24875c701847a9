//! Reports since when a response on a managed connection is overdue, and when none is any more.
//!
//! An overdue response outlasts its connection: if the connection is replaced because the broker fell silent, the response
//! stays overdue until the broker answers on the next connection, or refuses it.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, ConnectionRole};
use prober_core::tcp_state::TcpState;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::OverdueConnection;
use tokio::time::Instant;

use crate::kafka::wire::WireError;

use super::fault;

/// A response that takes longer is overdue; an attempt of that age is suspect (docs/architecture.md).
const OVERDUE_AFTER: Duration = Duration::from_millis(500);

/// Receives each change.
pub(in crate::kafka) type OverdueSink = Arc<dyn Fn(OverdueConnection) + Send + Sync>;

/// Watches the responses of one managed connection.
pub(in crate::kafka) struct OverdueMonitor {
    clock: Clock,
    broker: BrokerId,
    role: ConnectionRole,
    overdue_after: Duration,
    emit: OverdueSink,
    reported: Option<Overdue>,
}

/// Since when a response is overdue, and the kernel's state of the connection.
type Overdue = (Time, Option<TcpState>);

impl OverdueMonitor {
    /// Nothing is overdue yet. `server_wait` is how long the request itself asks the broker to wait, as a long poll does.
    pub(in crate::kafka) fn new(
        clock: Clock,
        broker: BrokerId,
        role: ConnectionRole,
        server_wait: Duration,
        emit: OverdueSink,
    ) -> OverdueMonitor {
        OverdueMonitor { clock, broker, role, overdue_after: OVERDUE_AFTER + server_wait, emit, reported: None }
    }

    /// Takes in a check of the open connection: since when it waits for a byte, and the kernel's state of it.
    pub(super) fn on_check(&mut self, waiting_since: Option<Instant>, tcp_state: Option<TcpState>) {
        let overdue = waiting_since.filter(|since| self.is_overdue(*since));
        self.report(overdue.map(|since| (self.clock.at(since), tcp_state)));
    }

    /// Whether a response that has been waited for since then is overdue.
    pub(super) fn is_overdue(&self, since: Instant) -> bool {
        self.overdue_after <= since.elapsed()
    }

    /// Waits for a dial. If the broker does not answer it, a response is overdue from the begin of the dial, unless one was
    /// overdue before.
    pub(super) async fn while_dialing<T>(
        &mut self,
        dial: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, WireError> {
        let began = self.clock.now();
        let mut dial = std::pin::pin!(dial);
        let dialed = match tokio::time::timeout(self.overdue_after, &mut dial).await {
            Ok(dialed) => dialed,
            Err(_) => {
                if self.reported.is_none() {
                    self.report(Some((began, None)));
                }
                dial.await
            }
        };
        match &dialed {
            Ok(_) => self.report(None),
            Err(error) => self.on_failure(error),
        }
        dialed
    }

    /// The connection ended, or could not be opened. Unless the broker was silent, nothing is overdue any more.
    pub(super) fn on_failure(&mut self, error: &WireError) {
        if !fault::of(error).is_unanswered() {
            self.report(None);
        }
    }

    fn report(&mut self, overdue: Option<Overdue>) {
        if self.reported != overdue {
            self.reported = overdue;
            let (since, tcp_state) = overdue.unzip();
            let tcp_state = tcp_state.flatten();
            (self.emit)(OverdueConnection { broker: self.broker, role: self.role, since, tcp_state });
        }
    }
}

impl Drop for OverdueMonitor {
    fn drop(&mut self) {
        self.report(None);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test stamps with the paused clock")]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// The `since` of each report.
    type Reports = Arc<Mutex<Vec<Option<Time>>>>;

    fn monitor() -> (OverdueMonitor, Reports) {
        let reports = Reports::default();
        let sink = Arc::clone(&reports);
        let emit = move |overdue: OverdueConnection| sink.lock().expect("no panic").push(overdue.since);
        let (broker, role) = (BrokerId(1), ConnectionRole::Produce);
        let monitor = OverdueMonitor::new(Clock::start(), broker, role, Duration::ZERO, Arc::new(emit));
        (monitor, reports)
    }

    fn reported(reports: &Reports) -> Vec<Option<Time>> {
        reports.lock().expect("no panic").clone()
    }

    #[tokio::test(start_paused = true)]
    async fn response_is_overdue_after_half_a_second_from_its_request_on_until_it_comes() {
        let (mut monitor, reports) = monitor();
        let requested = Instant::now();
        tokio::time::advance(Duration::from_millis(499)).await;
        monitor.on_check(Some(requested), None);
        assert!(reported(&reports).is_empty());
        tokio::time::advance(Duration::from_millis(1)).await;
        monitor.on_check(Some(requested), None);
        monitor.on_check(Some(requested), None);
        monitor.on_check(None, None);
        assert_eq!(reported(&reports), [Some(Time::ORIGIN), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn change_of_the_tcp_state_is_reported_once() {
        let (mut monitor, reports) = monitor();
        let requested = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let lost = Some(TcpState { unacked_bytes: 640, retransmits: 2 });
        for tcp_state in [None, lost, lost] {
            monitor.on_check(Some(requested), tcp_state);
        }
        assert_eq!(reported(&reports), [Some(Time::ORIGIN); 2], "twice, and not three times");
    }

    #[tokio::test(start_paused = true)]
    async fn response_stays_overdue_over_an_unanswered_dial_and_not_over_a_refused_one() {
        let (mut monitor, reports) = monitor();
        let requested = Instant::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        monitor.on_check(Some(requested), None);
        let silent = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err::<(), _>(WireError::ConnectTimeout)
        };
        assert!(monitor.while_dialing(silent).await.is_err());
        assert_eq!(reported(&reports), [Some(Time::ORIGIN)], "still overdue");
        let refused = async { Err::<(), _>(WireError::Refused) };
        assert!(monitor.while_dialing(refused).await.is_err());
        assert_eq!(reported(&reports), [Some(Time::ORIGIN), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_overdue_once_the_connection_is_dropped() {
        let (mut monitor, reports) = monitor();
        let requested = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        monitor.on_check(Some(requested), None);
        drop(monitor);
        assert_eq!(reported(&reports).last(), Some(&None));
    }
}
