//! A TCP proxy on loopback that can delay, limit, hold, refuse or reset connections.
//!
//! In front of a client listener ([`Broker::advertise`](super::kafka::broker::Broker::advertise)) it cuts clients off
//! from the broker, while replication, on another listener, continues. Dropped packets need a network namespace, see
//! [`super::network`].
//!
//! Each connection has two blocking threads. Bytes that were held are delivered when the proxy passes again.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use super::wait_until;

/// How often a reading thread checks whether its connection was reset.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// With a limited bandwidth, bytes are delivered in this many pieces a second.
const PIECES_PER_SECOND: u32 = 10;

/// The kernel needs no longer to close a listener or a connection.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// What the proxy does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes bytes both ways.
    Open,
    /// Passes bytes both ways with a delay or a limited bandwidth.
    Shaped(Shaping),
    /// Keeps and accepts connections, and passes no byte either way.
    BlackHole,
    /// Refuses new connections; existing ones continue.
    Refusing,
    /// The proxy is gone.
    Closed,
}

/// Delay and bandwidth, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shaping {
    /// Added to each byte, one way.
    pub(crate) delay: Duration,
    /// Bandwidth limit, one way; `None` for no limit.
    pub(crate) bytes_per_second: Option<u32>,
}

/// A port on loopback that forwards to another.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: u16,
    mode: Mutex<Mode>,
    mode_changed: Condvar,
    pairs: Mutex<Vec<Weak<ConnectionPair>>>,
}

impl Proxy {
    /// Listens at `port` and forwards to `target`, which need not listen yet.
    #[track_caller]
    pub(crate) fn start(port: u16, target: u16) -> Self {
        let shared =
            Shared { target, mode: Mutex::new(Mode::Open), mode_changed: Condvar::new(), pairs: Mutex::default() };
        let proxy = Self { port, shared: Arc::new(shared) };
        proxy.listen();
        proxy
    }

    /// The port that it listens at.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Passes no byte either way from now on. Connections stay, and the kernel accepts new ones.
    pub(crate) fn black_hole(&self) {
        self.shared.set_mode(Mode::BlackHole);
    }

    /// Delays or limits bytes from now on, on existing connections as well.
    pub(crate) fn shape(&self, shaping: Shaping) {
        self.shared.set_mode(Mode::Shaped(shaping));
    }

    /// Closes the port. Returns when new connections are refused.
    #[track_caller]
    pub(crate) fn refuse(&self) {
        self.shared.set_mode(Mode::Refusing);
        wait_until(CLOSED_WITHIN, "the proxy's port is closed", || self.connect().is_err());
    }

    /// Ends every connection with a reset (RST) both ways. Returns when they have ended.
    #[track_caller]
    pub(crate) fn reset(&self) {
        let pairs = self.shared.reset();
        wait_until(CLOSED_WITHIN, "every connection is reset", || pairs.iter().all(|pair| pair.strong_count() == 0));
    }

    /// A function that resets all connections, from any thread and without waiting.
    pub(crate) fn resetter(&self) -> impl Fn() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || drop(shared.reset())
    }

    /// Passes bytes again, those that were held included.
    #[track_caller]
    pub(crate) fn heal(&self) {
        if self.shared.set_mode(Mode::Open) == Mode::Refusing {
            self.listen();
        }
    }

    /// Accepts connections until the mode is to refuse them.
    #[track_caller]
    fn listen(&self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port));
        let listener = listener.unwrap_or_else(|error| panic!("a proxy at port {}: {error}", self.port));
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if matches!(shared.mode(), Mode::Refusing | Mode::Closed) {
                    break;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.forward_connection(client));
            }
        });
    }

    /// Opens an unused connection, which wakes the accepting thread so that it reads the mode.
    fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.set_mode(Mode::Closed);
        // If the port is closed, no thread has to be woken.
        let _ = self.connect();
        self.shared.pairs().iter().filter_map(Weak::upgrade).for_each(|pair| pair.reset());
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shaping(&self) -> Option<Shaping> {
        match self.mode() {
            Mode::Shaped(shaping) => Some(shaping),
            _ => None,
        }
    }

    /// Returns the previous mode.
    fn set_mode(&self, to: Mode) -> Mode {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *mode, to);
        drop(mode);
        self.mode_changed.notify_all();
        before
    }

    /// Begins to end every connection with a reset, and returns them.
    fn reset(&self) -> Vec<Weak<ConnectionPair>> {
        let pairs: Vec<Weak<ConnectionPair>> = self.pairs().drain(..).collect();
        pairs.iter().filter_map(Weak::upgrade).for_each(|pair| pair.reset());
        // Threads that are held check whether their connection has ended.
        self.mode_changed.notify_all();
        pairs
    }

    /// Waits while bytes are held; false if the connection has ended or the proxy is dropped.
    fn wait_until_passable(&self, pair: &ConnectionPair) -> bool {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        while *mode == Mode::BlackHole && !pair.is_over() {
            mode = self.mode_changed.wait_timeout(mode, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        }
        *mode != Mode::Closed && !pair.is_over()
    }

    fn pairs(&self) -> MutexGuard<'_, Vec<Weak<ConnectionPair>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forwards one connection to the target, until either side ends it.
    fn forward_connection(&self, client: TcpStream) {
        let pair = Arc::new(ConnectionPair { client, server: Mutex::new(None), over: AtomicBool::new(false) });
        let mut pairs = self.pairs();
        pairs.retain(|pair| 0 < pair.strong_count());
        pairs.push(Arc::downgrade(&pair));
        drop(pairs);
        // While bytes are held, the target sees no connection either. If the target refuses the connection, the client's ends,
        // a moment later than without the proxy.
        if !self.wait_until_passable(&pair) {
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target)).map(Arc::new) else { return };
        *pair.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&server));
        thread::scope(|scope| {
            scope.spawn(|| self.pass(&pair, &pair.client, &server));
            scope.spawn(|| self.pass(&pair, &server, &pair.client));
        });
    }

    /// Copies bytes one way. When one side ends, both are closed, once bytes may pass.
    fn pass(&self, pair: &ConnectionPair, mut from: &TcpStream, mut to: &TcpStream) {
        let mut bytes = [0; 16 << 10];
        let mut in_flight = InFlight::default();
        // Both options fail on a closed socket, which the first read reports.
        let _ = to.set_nodelay(true);
        loop {
            let _ = from.set_read_timeout(Some(in_flight.next(Instant::now())));
            let room = in_flight.room(self.shaping());
            let read = from.read(&mut bytes[..room]);
            let nothing = read.as_ref().is_err_and(is_timeout) && !pair.is_over();
            if !nothing && !self.wait_until_passable(pair) {
                return;
            }
            match read {
                Ok(count) if 0 < count => in_flight.push(&bytes[..count], self.shaping(), Instant::now()),
                _ if nothing => {}
                _ => break,
            }
            if self.shaping().is_none() {
                in_flight.deliver_now(Instant::now());
            }
            if in_flight.arrived(Instant::now()).any(|piece| to.write_all(&piece).is_err()) {
                break;
            }
        }
        // Bytes sent before the end are delivered before it.
        for (due, piece) in in_flight.pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if pair.is_over() || to.write_all(&piece).is_err() {
                break;
            }
        }
        for side in [from, to] {
            // The side may already be closed.
            let _ = side.shutdown(Shutdown::Both);
        }
    }
}

/// Bytes that were read on one side and not written to the other yet, in order.
#[derive(Debug, Default)]
struct InFlight {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    last: Option<Instant>,
}

impl InFlight {
    /// How many bytes to read at once: few with a limited bandwidth, so that delivery is spread over time.
    fn room(&self, shaping: Option<Shaping>) -> usize {
        let narrow = shaping.and_then(|shaping| shaping.bytes_per_second);
        narrow.map_or(16 << 10, |rate| usize::try_from(rate / PIECES_PER_SECOND).map_or(16 << 10, |room| room.max(1)))
    }

    fn push(&mut self, bytes: &[u8], shaping: Option<Shaping>, now: Instant) {
        let mut due = now + shaping.map_or(Duration::ZERO, |shaping| shaping.delay);
        // Never before earlier bytes, and with a limited bandwidth after them.
        due = due.max(self.last.unwrap_or(now));
        if let Some(rate) = shaping.and_then(|shaping| shaping.bytes_per_second) {
            let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            due += Duration::from_secs_f64(f64::from(bytes) / f64::from(rate.max(1)));
        }
        self.last = Some(due);
        self.pieces.push_back((due, bytes.to_vec()));
    }

    /// Delivers everything now.
    fn deliver_now(&mut self, now: Instant) {
        self.last = None;
        self.pieces.iter_mut().for_each(|(due, _)| *due = now.min(*due));
    }

    /// How long to wait for more bytes at most.
    fn next(&self, now: Instant) -> Duration {
        let due = self.pieces.front().map(|(due, _)| due.saturating_duration_since(now));
        due.map_or(POLL_INTERVAL, |due| due.clamp(Duration::from_millis(1), POLL_INTERVAL))
    }

    fn arrived(&mut self, now: Instant) -> impl Iterator<Item = Vec<u8>> + '_ {
        std::iter::from_fn(move || {
            let due = self.pieces.front().is_some_and(|(due, _)| *due <= now);
            due.then(|| self.pieces.pop_front()).flatten().map(|(_, piece)| piece)
        })
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A client's connection and the one to the target. Both close when the last thread has left them.
#[derive(Debug)]
struct ConnectionPair {
    client: TcpStream,
    server: Mutex<Option<Arc<TcpStream>>>,
    over: AtomicBool,
}

impl ConnectionPair {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Makes both sockets close with a reset.
    fn reset(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for side in [Some(&self.client), server.as_deref()].into_iter().flatten() {
            // The side may already be closed.
            let _ = set_socket_linger(side, Some(Duration::ZERO));
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::ports::free_port;

    /// Long enough to conclude that no byte is coming.
    const NO_BYTE_WITHIN: Duration = Duration::from_millis(300);

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
        let stream = proxy.connect().expect("the port is open");
        stream.set_read_timeout(Some(CLOSED_WITHIN)).expect("an open socket takes options");
        stream
    }

    fn read_byte(stream: &mut TcpStream, limit: Duration) -> io::Result<u8> {
        stream.set_read_timeout(Some(limit))?;
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn echoed(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
        stream.write_all(&[byte])?;
        read_byte(stream, CLOSED_WITHIN)
    }

    #[test]
    fn black_hole_holds_all_bytes_and_delivers_them_later() {
        let proxy = Proxy::start(free_port(), echo());
        let mut old = connect(&proxy);
        assert_eq!(echoed(&mut old, 1).expect("the road is open"), 1);
        proxy.black_hole();
        let mut new = connect(&proxy);
        for (stream, byte) in [(&mut old, 2), (&mut new, 3)] {
            stream.write_all(&[byte]).expect("the kernel takes it");
            assert!(is_timeout(&read_byte(stream, NO_BYTE_WITHIN).expect_err("no byte passes")));
        }
        proxy.heal();
        assert_eq!(read_byte(&mut old, CLOSED_WITHIN).expect("held bytes are delivered"), 2);
        assert_eq!(read_byte(&mut new, CLOSED_WITHIN).expect("held bytes are delivered"), 3);
    }

    #[test]
    fn closed_port_refuses_new_connections_and_keeps_old_ones() {
        let proxy = Proxy::start(free_port(), echo());
        let mut old = connect(&proxy);
        assert_eq!(echoed(&mut old, 1).expect("the road is open"), 1);
        proxy.refuse();
        assert_eq!(proxy.connect().expect_err("it is closed").kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(echoed(&mut old, 2).expect("an existing connection stays open"), 2);
        proxy.heal();
        assert_eq!(echoed(&mut connect(&proxy), 3).expect("the road is open"), 3);
    }

    #[test]
    fn delay_applies_to_every_byte_and_keeps_their_order() {
        let proxy = Proxy::start(free_port(), echo());
        let mut stream = connect(&proxy);
        assert_eq!(echoed(&mut stream, 1).expect("the road is open"), 1);
        proxy.shape(Shaping { delay: NO_BYTE_WITHIN, bytes_per_second: None });
        let began = Instant::now();
        stream.write_all(&[2, 3]).expect("the kernel takes it");
        assert_eq!([2, 3].map(|_| read_byte(&mut stream, CLOSED_WITHIN).expect("it arrives")), [2, 3]);
        assert!(2 * NO_BYTE_WITHIN <= began.elapsed(), "once each way");
        proxy.heal();
        assert_eq!(echoed(&mut stream, 4).expect("the road is open"), 4);
    }

    #[test]
    fn bandwidth_limit_spreads_bytes_over_time() {
        let proxy = Proxy::start(free_port(), echo());
        let mut stream = connect(&proxy);
        assert_eq!(echoed(&mut stream, 1).expect("the road is open"), 1);
        proxy.shape(Shaping { delay: Duration::ZERO, bytes_per_second: Some(100) });
        let began = Instant::now();
        stream.write_all(&[7; 50]).expect("the kernel takes it");
        for _ in 0..50 {
            assert_eq!(read_byte(&mut stream, CLOSED_WITHIN).expect("it arrives"), 7);
        }
        assert!(Duration::from_millis(500) <= began.elapsed(), "{:?}", began.elapsed());
    }

    #[test]
    fn reset_ends_a_connection_with_rst() {
        let proxy = Proxy::start(free_port(), echo());
        for held in [false, true] {
            let mut stream = connect(&proxy);
            assert_eq!(echoed(&mut stream, 1).expect("the road is open"), 1);
            if held {
                proxy.black_hole();
            }
            let began = Instant::now();
            proxy.reset();
            let ended = read_byte(&mut stream, CLOSED_WITHIN).expect_err("it has ended");
            assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
            assert!(began.elapsed() < CLOSED_WITHIN);
            proxy.heal();
        }
    }
}
