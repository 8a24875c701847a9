//! A collector that hangs: it reads every byte and never answers.

use tokio::io::{copy, sink};
use tokio::net::TcpListener;

/// Accepts until the mode ends; a connection ends when its client closes it.
pub(super) async fn swallow(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // An error is the client going away.
            let _ = copy(&mut stream, &mut sink()).await;
        });
    }
}
