//! Since when a kept connection owes us a byte, told when it begins and when it is over. A connection that is dialled again
//! because the last one fell silent goes on owing until a broker has answered on it; one that was refused owes nothing.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::ids::ConnectionRole;
use prober_core::tcp_state::TcpState;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::OverdueConnection;
use tokio::time::Instant;

use crate::kafka::wire::WireError;

use super::fault;

/// An answer that takes longer is late.
const LATE_AFTER: Duration = Duration::from_millis(500);

/// Hears of it.
pub(in crate::kafka) type Teller = Arc<dyn Fn(OverdueConnection) + Send + Sync>;

/// What one connection owes.
pub(in crate::kafka) struct OverdueMonitor {
    clock: Clock,
    broker: BrokerId,
    role: ConnectionRole,
    late_after: Duration,
    tell: Teller,
    told: Option<Told>,
}

/// Since when it owes a byte, and what our kernel says of the connection.
type Told = (Time, Option<TcpState>);

impl OverdueMonitor {
    /// Nothing yet. An answer may take `waits` by what is asked, as a long poll does, before it is even due.
    pub(in crate::kafka) fn new(
        clock: Clock,
        broker: BrokerId,
        role: ConnectionRole,
        waits: Duration,
        tell: Teller,
    ) -> OverdueMonitor {
        OverdueMonitor { clock, broker, role, late_after: LATE_AFTER + waits, tell, told: None }
    }

    /// A look at an open connection: since when it is silent with a request outstanding, and what our kernel says of it.
    pub(super) fn since(&mut self, silent: Option<Instant>, tcp_state: Option<TcpState>) {
        self.say(silent.filter(|since| self.is_late(*since)).map(|since| (self.clock.at(since), tcp_state)));
    }

    /// Whether an answer that has been owed since then is late.
    pub(super) fn is_late(&self, since: Instant) -> bool {
        self.late_after <= since.elapsed()
    }

    /// A connection is dialled; whoever does not answer that is owing from its begin on, if not longer.
    pub(super) async fn while_dialing<T>(
        &mut self,
        dial_options: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, WireError> {
        let began = self.clock.now();
        let mut dial_options = std::pin::pin!(dial_options);
        let dialed = match tokio::time::timeout(self.late_after, &mut dial_options).await {
            Ok(dialed) => dialed,
            Err(_) => {
                self.go_on(began);
                dial_options.await
            }
        };
        match &dialed {
            Ok(_) => self.say(None),
            Err(error) => self.ended(error),
        }
        dialed
    }

    /// The connection ended, or was not made.
    pub(super) fn ended(&mut self, error: &WireError) {
        if !fault::of(error).is_silence() {
            self.say(None);
        }
    }

    fn go_on(&mut self, since: Time) {
        if self.told.is_none() {
            self.say(Some((since, None)));
        }
    }

    fn say(&mut self, owing: Option<Told>) {
        if self.told != owing {
            self.told = owing;
            let (since, tcp_state) = owing.unzip();
            (self.tell)(OverdueConnection {
                broker: self.broker,
                role: self.role,
                since,
                tcp_state: tcp_state.flatten(),
            });
        }
    }
}

impl Drop for OverdueMonitor {
    fn drop(&mut self) {
        self.say(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn owed() -> (OverdueMonitor, Arc<Mutex<Vec<Option<Time>>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let tell = move |silence: OverdueConnection| heard.lock().expect("nobody panicked").push(silence.since);
        let owed =
            OverdueMonitor::new(Clock::start(), BrokerId(1), ConnectionRole::Produce, Duration::ZERO, Arc::new(tell));
        (owed, said)
    }

    fn said(said: &Arc<Mutex<Vec<Option<Time>>>>) -> Vec<Option<Time>> {
        said.lock().expect("nobody panicked").clone()
    }

    #[tokio::test(start_paused = true)]
    async fn late_answer_is_owed_from_its_question_on_until_it_comes() {
        let (mut owed, heard) = owed();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_millis(499)).await;
        owed.since(Some(asked), None);
        assert!(said(&heard).is_empty());
        tokio::time::advance(Duration::from_millis(1)).await;
        owed.since(Some(asked), None);
        owed.since(Some(asked), None);
        owed.since(None, None);
        assert_eq!(said(&heard), [Some(Time::ORIGIN), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_kernel_says_is_told_when_it_changes() {
        let (mut owed, heard) = owed();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let lost = Some(TcpState { unacked_bytes: 640, retransmits: 2 });
        for tcp_state in [None, lost, lost] {
            owed.since(Some(asked), tcp_state);
        }
        assert_eq!(said(&heard), [Some(Time::ORIGIN); 2], "twice, and not three times");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_outlasts_the_connection_and_ends_with_an_answer_or_a_refusal() {
        let (mut owed, heard) = owed();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        owed.since(Some(asked), None);
        let silent = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err::<(), _>(WireError::ConnectTimeout)
        };
        assert!(owed.while_dialing(silent).await.is_err());
        assert_eq!(said(&heard), [Some(Time::ORIGIN)], "it goes on");
        let refused = async { Err::<(), _>(WireError::Refused) };
        assert!(owed.while_dialing(refused).await.is_err());
        assert_eq!(said(&heard), [Some(Time::ORIGIN), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_connection_owes_nothing() {
        let (mut owed, heard) = owed();
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        owed.since(Some(asked), None);
        drop(owed);
        assert_eq!(said(&heard).last(), Some(&None));
    }
}
