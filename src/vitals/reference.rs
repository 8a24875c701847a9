//! The reference control: a TCP connection to a host that does not belong to Kafka, every two seconds. If it stops answering
//! together with all brokers, the prober's own network is down, which the loopback control cannot see.

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

/// Interval while a broker is suspect or failing; otherwise every second attempt is left out.
const INTERVAL: Duration = Duration::from_secs(1);

/// Time-out of an attempt; on a network that is usable for Kafka a TCP handshake takes less.
const WITHIN: Duration = Duration::from_millis(900);

/// Connects to `address`, `host:port`, until it is dropped.
pub async fn run(address: Arc<str>, snapshots: watch::Receiver<Arc<Snapshot>>, clock: Clock, report: impl Fn(Vital)) {
    let mut addresses = Addresses::new(address);
    let mut due = clock.now();
    let mut has_skipped = true;
    loop {
        has_skipped = !has_skipped;
        if !has_skipped || has_suspect_or_finding(&snapshots.borrow()) {
            let asked = clock.now();
            let has_answered = match timeout(WITHIN, addresses.known()).await {
                Ok(known) => answers(&known).await,
                Err(_) => false,
            };
            addresses.old |= !has_answered;
            report(Vital::Control { control: ControlKind::Reference, asked, has_answered });
        }
        due = (due + INTERVAL).max(clock.now());
        clock.sleep_until(due).await;
    }
}

/// Whether a finding is active, or a broker is suspect or failing.
fn has_suspect_or_finding(snapshot: &Snapshot) -> bool {
    let in_trouble = |state| matches!(state, Some(BrokerState::Suspect | BrokerState::Failing));
    !snapshot.findings.is_empty() || snapshot.brokers.iter().any(|status| in_trouble(status.state))
}

/// Whether one of the addresses answers a TCP connect. A refused connection is an answer: the network works.
async fn answers(addresses: &[SocketAddr]) -> bool {
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

/// Addresses of a name that are tried at most, each with a share of the time-out.
const ADDRESSES_MAX: usize = 3;

/// The addresses of the reference, resolved again when none of them answers. The last known ones are used until then: a
/// failing resolver is no evidence about the network.
struct Addresses {
    name: Arc<str>,
    known: Vec<SocketAddr>,
    /// None of them answered.
    old: bool,
    /// The lookup under way; at most one at a time, however long the resolver takes.
    lookup: Option<JoinHandle<Vec<SocketAddr>>>,
}

impl Addresses {
    fn new(name: Arc<str>) -> Addresses {
        Addresses { name, known: Vec::new(), old: true, lookup: None }
    }

    /// The newest addresses. Waits only for the first lookup.
    async fn known(&mut self) -> Vec<SocketAddr> {
        if self.old && self.lookup.is_none() {
            let name = Arc::clone(&self.name);
            self.lookup = Some(tokio::spawn(async move {
                let found = lookup_host(&*name).await;
                found.map(|found| found.take(ADDRESSES_MAX).collect()).unwrap_or_default()
            }));
        }
        if let Some(lookup) = &mut self.lookup
            && (self.known.is_empty() || lookup.is_finished())
        {
            let found = lookup.await.unwrap_or_default();
            self.lookup = None;
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
    async fn open_and_closed_ports_answer_and_a_name_without_address_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        assert!(answers(&[address]).await);
        drop(listener);
        assert!(answers(&[address]).await, "refused is an answer");
        assert!(!answers(&[]).await);
    }

    #[tokio::test]
    async fn name_that_does_not_resolve_is_resolved_again() {
        let mut addresses = Addresses::new("nobody.invalid:1".into());
        assert!(addresses.known().await.is_empty());
        assert!(addresses.old && addresses.lookup.is_none());
    }

    #[tokio::test]
    async fn known_addresses_are_used_during_a_lookup() {
        let mut addresses = Addresses::new("127.0.0.1:9".into());
        let known = addresses.known().await;
        assert_eq!(known, ["127.0.0.1:9".parse().expect("an address")]);
        addresses.name = "nobody.invalid:1".into();
        addresses.old = true;
        assert_eq!(addresses.known().await, known);
    }
}
