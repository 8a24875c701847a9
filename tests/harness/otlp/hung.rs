//! A collector that hangs: it takes every byte and gives none back.

use tokio::io::{copy, sink};
use tokio::net::TcpListener;

/// Accepts for ever; a connection ends when its client ends it.
pub(super) async fn swallow(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // An error is the client going away.
            let _ = copy(&mut stream, &mut sink()).await;
        });
    }
}
