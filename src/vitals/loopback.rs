//! The loopback control: one byte to ourselves and back, over a kept connection on the probe runtime, as the probes' own
//! bytes go. If that does not come back, whatever else does not come back says nothing about Kafka.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use prober_core::vitals::ControlKind;
use prober_probes::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Vital;

/// Two bytes a second.
const EVERY: Duration = Duration::from_millis(500);

/// A byte that takes longer has not come back.
const WITHIN: Duration = Duration::from_millis(500);

/// Sends bytes to itself for ever. A machine without a loopback interface is one whose loopback never answers.
pub async fn run(clock: Clock, report: impl Fn(Vital)) {
    let mut ends = None;
    let mut due = clock.now();
    loop {
        let asked = clock.now();
        let answer = timeout(WITHIN, async {
            let ends = match &mut ends {
                Some(ends) => ends,
                none => none.insert(Ends::open().await?),
            };
            ends.echo().await
        });
        let has_answered = matches!(answer.await, Ok(Ok(())));
        if !has_answered {
            // What is left in a connection that failed would be taken for the next answer.
            ends = None;
        }
        report(Vital::Control { control: ControlKind::Loopback, asked, has_answered });
        due = (due + EVERY).max(clock.now());
        clock.sleep_until(due).await;
    }
}

/// Both ends of the connection.
struct Ends {
    near: TcpStream,
    far: TcpStream,
}

impl Ends {
    /// The listener lives only until we have called it: nobody else finds it open.
    async fn open() -> io::Result<Ends> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let near = TcpStream::connect(listener.local_addr()?).await?;
        let own = near.local_addr()?;
        loop {
            let (far, peer) = listener.accept().await?;
            // A stranger who was quicker is turned away.
            if peer == own {
                near.set_nodelay(true)?;
                far.set_nodelay(true)?;
                return Ok(Ends { near, far });
            }
        }
    }

    async fn echo(&mut self) -> io::Result<()> {
        let mut byte = [0];
        self.near.write_all(&[1]).await?;
        self.far.read_exact(&mut byte).await?;
        self.far.write_all(&byte).await?;
        self.near.read_exact(&mut byte).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn byte_comes_back_again_and_again() {
        let (said, mut heard) = mpsc::unbounded_channel();
        let asking = tokio::spawn(run(Clock::start(), move |vital| _ = said.send(vital)));
        for _ in 0..2 {
            let answered = heard.recv().await.expect("it goes on");
            assert!(
                matches!(answered, Vital::Control { control: ControlKind::Loopback, has_answered: true, .. }),
                "{answered:?}"
            );
        }
        asking.abort();
    }
}
