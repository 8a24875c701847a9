//! A TCP proxy on loopback whose road can be closed in the ways in which real roads are.
//!
//! Stand it before a client listener ([`Broker::advertise`](super::kafka::broker::Broker::advertise)), and clients lose the
//! broker while its replication, on another listener, goes on. A packet that is dropped on the way looks different again;
//! that takes a network of its own, see [`super::network`].
//!
//! Threads that block, two for each connection; nothing is lost on a road that is opened again.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::wait_until;

/// How soon a thread that reads sees that its connection was reset.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The kernel needs no longer to close a listener or a connection.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// The state of the road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Road {
    /// Bytes pass, both ways.
    Open,
    /// Connections stay and new ones are accepted, and no byte passes, either way.
    Silent,
    /// The port is closed to new connections; those that there are go on.
    Refusing,
    /// The proxy is gone.
    Gone,
}

/// A port on loopback that leads to another.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: u16,
    road: Mutex<Road>,
    turned: Condvar,
    pairs: Mutex<Vec<Weak<Pair>>>,
}

impl Proxy {
    /// Listens at `port` and leads to `target`, whether or not anyone listens there yet.
    #[track_caller]
    pub(crate) fn start(port: u16, target: u16) -> Self {
        let shared = Shared { target, road: Mutex::new(Road::Open), turned: Condvar::new(), pairs: Mutex::default() };
        let proxy = Self { port, shared: Arc::new(shared) };
        proxy.listen();
        proxy
    }

    /// Where clients are to come.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on no byte passes either way. Connections stay, the kernel accepts new ones, and nobody answers.
    pub(crate) fn black_hole(&self) {
        self.shared.turn(Road::Silent);
    }

    /// Closes the port: new connections are refused. Returns when they are.
    #[track_caller]
    pub(crate) fn refuse(&self) {
        self.shared.turn(Road::Refusing);
        wait_until(CLOSED_WITHIN, "the proxy's port is closed", || self.knock().is_err());
    }

    /// Ends every connection with a reset (RST), both ways. Returns when it has happened.
    #[track_caller]
    pub(crate) fn reset(&self) {
        let pairs: Vec<Weak<Pair>> = self.shared.pairs().drain(..).collect();
        pairs.iter().filter_map(Weak::upgrade).for_each(|pair| pair.reset());
        // Whoever waits for an open road looks whether its connection is over, too.
        self.shared.turned.notify_all();
        wait_until(CLOSED_WITHIN, "every connection is reset", || pairs.iter().all(|pair| pair.strong_count() == 0));
    }

    /// Opens the road again. What waited in a black hole passes now.
    #[track_caller]
    pub(crate) fn heal(&self) {
        if self.shared.turn(Road::Open) == Road::Refusing {
            self.listen();
        }
    }

    /// Takes connections until the road is turned to refuse them.
    #[track_caller]
    fn listen(&self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port));
        let listener = listener.unwrap_or_else(|error| panic!("a proxy at port {}: {error}", self.port));
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if matches!(shared.road(), Road::Refusing | Road::Gone) {
                    break;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.lead(client));
            }
        });
    }

    /// A connection that nobody means to use: it wakes the thread that accepts, so that this one sees the road.
    fn knock(&self) -> io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.turn(Road::Gone);
        // A closed port is as good: nobody is to be woken then.
        let _ = self.knock();
        self.shared.pairs().iter().filter_map(Weak::upgrade).for_each(|pair| pair.reset());
    }
}

impl Shared {
    fn road(&self) -> Road {
        *self.road.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what it was before.
    fn turn(&self, to: Road) -> Road {
        let mut road = self.road.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *road, to);
        drop(road);
        self.turned.notify_all();
        before
    }

    /// Waits for as long as nothing may pass; false if nothing ever will.
    fn may_pass(&self, pair: &Pair) -> bool {
        let mut road = self.road.lock().unwrap_or_else(PoisonError::into_inner);
        while *road == Road::Silent && !pair.is_over() {
            road = self.turned.wait_timeout(road, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        *road != Road::Gone && !pair.is_over()
    }

    fn pairs(&self) -> MutexGuard<'_, Vec<Weak<Pair>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads one connection to the target, until either side ends it.
    fn lead(&self, client: TcpStream) {
        let pair = Arc::new(Pair { client, server: Mutex::new(None), over: AtomicBool::new(false) });
        let mut pairs = self.pairs();
        pairs.retain(|pair| 0 < pair.strong_count());
        pairs.push(Arc::downgrade(&pair));
        drop(pairs);
        // Nothing reaches the broker through a black hole, not even a connection. A broker that is down ends it, as its
        // own kernel would, if a moment later.
        if !self.may_pass(&pair) {
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target)).map(Arc::new) else { return };
        *pair.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&server));
        thread::scope(|scope| {
            scope.spawn(|| self.pass(&pair, &pair.client, &server));
            scope.spawn(|| self.pass(&pair, &server, &pair.client));
        });
    }

    /// Passes bytes one way. An end on one side is the end of both, once the road is open.
    fn pass(&self, pair: &Pair, mut from: &TcpStream, mut to: &TcpStream) {
        let mut bytes = [0; 16 << 10];
        // Both fail on a socket that is closed already, which the first read then finds.
        let _ = from.set_read_timeout(Some(LOOK_EVERY));
        let _ = to.set_nodelay(true);
        loop {
            let read = from.read(&mut bytes);
            if read.as_ref().is_err_and(is_patience) && !pair.is_over() {
                continue;
            }
            if !self.may_pass(pair) {
                return;
            }
            match read {
                Ok(count) if 0 < count && to.write_all(&bytes[..count]).is_ok() => {}
                _ => break,
            }
        }
        for side in [from, to] {
            // Closed already is as good.
            let _ = side.shutdown(Shutdown::Both);
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A client's connection and the one that was made for it. Both close when the last thread has left them.
#[derive(Debug)]
struct Pair {
    client: TcpStream,
    server: Mutex<Option<Arc<TcpStream>>>,
    over: AtomicBool,
}

impl Pair {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Lets both sockets be closed by a reset, and be closed.
    fn reset(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for side in [Some(&self.client), server.as_deref()].into_iter().flatten() {
            // Closed already is as good.
            let _ = set_socket_linger(side, Some(Duration::ZERO));
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::harness::ports::free_port;

    /// Long enough to say that nothing comes.
    const SILENCE: Duration = Duration::from_millis(300);

    /// A server that sends back what it gets, for as long as the test process lives.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a port");
        let port = listener.local_addr().expect("it is bound").port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        port
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = proxy.knock().expect("the port is open");
        stream.set_read_timeout(Some(CLOSED_WITHIN)).expect("an open socket takes options");
        stream
    }

    fn says(stream: &mut TcpStream, limit: Duration) -> io::Result<u8> {
        stream.set_read_timeout(Some(limit))?;
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn asked(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
        stream.write_all(&[byte])?;
        says(stream, CLOSED_WITHIN)
    }

    #[test]
    fn black_hole_holds_everything_back_and_loses_nothing() {
        let proxy = Proxy::start(free_port(), echo());
        let mut old = connect(&proxy);
        assert_eq!(asked(&mut old, 1).expect("the road is open"), 1);
        proxy.black_hole();
        let mut new = connect(&proxy);
        for (stream, byte) in [(&mut old, 2), (&mut new, 3)] {
            stream.write_all(&[byte]).expect("the kernel takes it");
            assert!(is_patience(&says(stream, SILENCE).expect_err("nobody answers")));
        }
        proxy.heal();
        assert_eq!(says(&mut old, CLOSED_WITHIN).expect("it passes now"), 2);
        assert_eq!(says(&mut new, CLOSED_WITHIN).expect("it passes now"), 3);
    }

    #[test]
    fn closed_port_refuses_new_connections_and_keeps_old_ones() {
        let proxy = Proxy::start(free_port(), echo());
        let mut old = connect(&proxy);
        assert_eq!(asked(&mut old, 1).expect("the road is open"), 1);
        proxy.refuse();
        assert_eq!(proxy.knock().expect_err("it is closed").kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(asked(&mut old, 2).expect("it was there before"), 2);
        proxy.heal();
        assert_eq!(asked(&mut connect(&proxy), 3).expect("the road is open"), 3);
    }

    #[test]
    fn reset_is_no_orderly_end() {
        let proxy = Proxy::start(free_port(), echo());
        for silent in [false, true] {
            let mut stream = connect(&proxy);
            assert_eq!(asked(&mut stream, 1).expect("the road is open"), 1);
            if silent {
                proxy.black_hole();
            }
            let began = Instant::now();
            proxy.reset();
            let ended = says(&mut stream, CLOSED_WITHIN).expect_err("it has ended");
            assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
            assert!(began.elapsed() < CLOSED_WITHIN);
            proxy.heal();
        }
    }
}
