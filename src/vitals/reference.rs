//! The reference control: a machine elsewhere, which is not Kafka's, is called every two seconds. If it stops answering
//! together with all brokers, it is the way out of here that is closed. Loopback never sees a dead card.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prober_core::snapshot::{BrokerState, Snapshot};
use prober_core::vitals::ControlKind;
use prober_probes::clock::Clock;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Vital;

/// How often it is called while a broker is in trouble; while all are well, every other time.
const HURRIED: Duration = Duration::from_secs(1);

/// The handshake takes longer on no network that Kafka can be used over.
const WITHIN: Duration = Duration::from_millis(900);

/// Calls `address`, `host:port`, for ever; as often as the newest snapshot makes it worth.
pub async fn run(address: Arc<str>, snapshots: watch::Receiver<Arc<Snapshot>>, clock: Clock, report: impl Fn(Vital)) {
    let mut addresses = Addresses::new(address);
    let mut due = clock.now();
    let mut rested = true;
    loop {
        rested = !rested;
        if !rested || is_worth_a_hurry(&snapshots.borrow()) {
            let asked = clock.now();
            let has_answered = match timeout(WITHIN, addresses.known()).await {
                Ok(known) => is_there(&known).await,
                Err(_) => false,
            };
            addresses.old |= !has_answered;
            report(Vital::Control { control: ControlKind::Reference, asked, has_answered });
        }
        due = (due + HURRIED).max(clock.now());
        clock.sleep_until(due).await;
    }
}

/// Whether some broker waits for longer than is healthy.
fn is_worth_a_hurry(snapshot: &Snapshot) -> bool {
    let in_trouble = |state| matches!(state, Some(BrokerState::Suspect | BrokerState::Failing));
    !snapshot.findings.is_empty() || snapshot.brokers.iter().any(|status| in_trouble(status.state))
}

/// Whether one of the addresses answers a call. A machine that refuses it has answered: the way to it is open.
async fn is_there(addresses: &[SocketAddr]) -> bool {
    let share = WITHIN / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return true,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            _ => {}
        }
    }
    false
}

/// At most so many addresses of a name are called, each with a share of the time.
const ADDRESSES_MAX: usize = 3;

/// The addresses of the reference, looked up again when none of them answers. What they were last is kept meanwhile: a
/// resolver that is down says nothing about the way.
struct Addresses {
    name: Arc<str>,
    known: Vec<SocketAddr>,
    /// None of them answered.
    old: bool,
    /// One question at a time, however long the resolver takes.
    looking: Option<JoinHandle<Vec<SocketAddr>>>,
}

impl Addresses {
    fn new(name: Arc<str>) -> Addresses {
        Addresses { name, known: Vec::new(), old: true, looking: None }
    }

    /// The newest. Waits for the first ones only.
    async fn known(&mut self) -> Vec<SocketAddr> {
        if self.old && self.looking.is_none() {
            let name = Arc::clone(&self.name);
            self.looking = Some(tokio::spawn(async move {
                let found = lookup_host(&*name).await;
                found.map(|found| found.take(ADDRESSES_MAX).collect()).unwrap_or_default()
            }));
        }
        if let Some(looking) = &mut self.looking
            && (self.known.is_empty() || looking.is_finished())
        {
            let found = looking.await.unwrap_or_default();
            self.looking = None;
            if !found.is_empty() {
                (self.known, self.old) = (found, false);
            }
        }
        self.known.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn open_port_and_closed_port_answer_and_a_name_without_address_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        assert!(is_there(&[address]).await);
        drop(listener);
        assert!(is_there(&[address]).await, "refused is an answer");
        assert!(!is_there(&[]).await);
    }

    #[tokio::test]
    async fn name_that_does_not_resolve_has_no_address_and_is_looked_up_again() {
        let mut addresses = Addresses::new("nobody.invalid:1".into());
        assert!(addresses.known().await.is_empty());
        assert!(addresses.old && addresses.looking.is_none());
    }

    #[tokio::test]
    async fn known_addresses_are_kept_while_new_ones_are_looked_up() {
        let mut addresses = Addresses::new("127.0.0.1:9".into());
        let known = addresses.known().await;
        assert_eq!(known, ["127.0.0.1:9".parse().expect("an address")]);
        addresses.name = "nobody.invalid:1".into();
        addresses.old = true;
        assert_eq!(addresses.known().await, known);
    }
}
