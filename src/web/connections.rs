//! Bounds the number of connections and their idle time, so that a client that leaks connections cannot block the health
//! check.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Open connections at most; further ones wait in the kernel's accept queue.
const CONNECTIONS: usize = 256;
/// Idle time-out of a connection. Longer than Prometheus' usual minute between scrapes.
const IDLE: Duration = Duration::from_secs(150);

/// A listener that accepts only below the limit.
#[derive(Debug)]
pub(super) struct Connections {
    listener: TcpListener,
    room: Arc<Semaphore>,
    idle: Duration,
}

impl Connections {
    pub(super) fn of(listener: TcpListener) -> Connections {
        Connections { listener, room: Arc::new(Semaphore::new(CONNECTIONS)), idle: IDLE }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed, so there is always a permit.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let idle = Box::pin(sleep(self.idle));
        (Connection { stream, idle_timeout: self.idle, idle, _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection; dropping it returns its permit.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() {
            self.idle = Box::pin(sleep(self.idle_timeout));
            return read;
        }
        self.idle.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn connections(room: usize, idle: Duration) -> (Connections, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        (Connections { listener, room: Arc::new(Semaphore::new(room)), idle }, address)
    }

    #[tokio::test]
    async fn connection_over_the_limit_waits_for_room() {
        let (mut connections, address) = connections(1, IDLE).await;
        let _clients = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let (first, _) = connections.accept().await;
        let mut second = Box::pin(connections.accept());
        let waker = std::task::Waker::noop();
        assert!(second.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        drop(first);
        second.await;
    }

    #[tokio::test]
    async fn idle_connection_is_closed() {
        let (mut connections, address) = connections(1, Duration::from_millis(20)).await;
        let _client = TcpStream::connect(address).await.expect("it connects");
        let (mut connection, _) = connections.accept().await;
        let error = connection.read_u8().await.expect_err("nothing was sent");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
