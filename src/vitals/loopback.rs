//! The loopback control: the prober echoes one byte to itself over a kept connection on the probe runtime, as the probes
//! send theirs. While no echo comes back, missing responses are no evidence about Kafka.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use prober_core::vitals::ControlKind;
use prober_probes::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Vital;

/// Interval between echoes.
const EVERY: Duration = Duration::from_millis(500);

/// Time-out of an echo.
const WITHIN: Duration = Duration::from_millis(500);

/// Echoes bytes until it is dropped. On a host without a loopback interface the control never answers.
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
            // A late echo on the old connection would be taken for the next one.
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
    /// The listener is closed as soon as our own connection is accepted.
    async fn open() -> io::Result<Ends> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let near = TcpStream::connect(listener.local_addr()?).await?;
        let own = near.local_addr()?;
        loop {
            let (far, peer) = listener.accept().await?;
            // The connection of another process is dropped.
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
    async fn echoes_come_back() {
        let (sender, mut recorded) = mpsc::unbounded_channel();
        let asking = tokio::spawn(run(Clock::start(), move |vital| _ = sender.send(vital)));
        for _ in 0..2 {
            let answered = recorded.recv().await.expect("the control still runs");
            assert!(
                matches!(answered, Vital::Control { control: ControlKind::Loopback, has_answered: true, .. }),
                "{answered:?}"
            );
        }
        asking.abort();
    }
}
