//! Reads the kernel's state of a TCP connection whose response is overdue: unacknowledged bytes and retransmissions. It
//! distinguishes a broker process that hangs, whose kernel acknowledges every byte, from a network path that is broken.
//!
//! Source: send queue and retransmissions in `/proc/net/tcp` (proc(5)), the same numbers as in TCP_INFO. They are read as
//! text, because the structure that getsockopt returns cannot be read without unsafe code.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::tcp_state::TcpState;
use tokio::time::Instant;

/// Local and remote address of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// The state now; `None` if the connection is closed, or the host has no `/proc/net/tcp`. Runs outside the runtime's thread,
/// because the list is long on a host with many connections.
pub(super) async fn read(ends: Endpoints) -> Option<TcpState> {
    let list = tokio::task::spawn_blocking(move || newest(ends.local.is_ipv4())).await.ok()??;
    find(&list, ends)
}

/// A list of at most this age is used again, because many connections become overdue at once.
const MAX_AGE: Duration = Duration::from_millis(250);

/// The list, and when it was read.
type Read = Option<(Instant, Arc<str>)>;

/// The kernel's list of connections, for IPv4 or IPv6. One reader at a time.
fn newest(is_v4: bool) -> Option<Arc<str>> {
    static LISTS: [Mutex<Read>; 2] = [Mutex::new(None), Mutex::new(None)];
    let (list, path) = if is_v4 { (&LISTS[0], "/proc/net/tcp") } else { (&LISTS[1], "/proc/net/tcp6") };
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, text)) = list.as_ref().filter(|(at, _)| at.elapsed() < MAX_AGE) {
        return Some(Arc::clone(text));
    }
    let text: Arc<str> = fs::read_to_string(path).ok()?.into();
    *list = Some((Instant::now(), Arc::clone(&text)));
    Some(text)
}

/// The row of a connection: number, local and remote address, state, queues, timer, retransmissions, in hexadecimal.
fn find(list: &str, ends: Endpoints) -> Option<TcpState> {
    let key = format!(": {} {} ", column(ends.local), column(ends.peer));
    let (_, rest) = list.split_once(&key)?;
    let mut columns = rest.split_whitespace();
    let (sent, _) = columns.nth(1)?.split_once(':')?;
    let resent = columns.nth(1)?;
    Some(TcpState {
        unacked_bytes: u64::from_str_radix(sent, 16).ok()?,
        retransmits: u32::from_str_radix(resent, 16).ok()?,
    })
}

/// An address as the kernel prints it: 32-bit words in the byte order of the host.
fn column(address: SocketAddr) -> String {
    let word = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
    let ip = match address.ip() {
        IpAddr::V4(ip) => word(ip.octets()),
        IpAddr::V6(ip) => ip.octets().chunks_exact(4).map(|four| word([four[0], four[1], four[2], four[3]])).collect(),
    };
    format!("{ip}:{:04X}", address.port())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    #[cfg(target_endian = "little")]
    #[test]
    fn row_is_found_by_both_addresses() {
        let list = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                    0: 0100007F:8001 0200007F:2384 01 00000000:00000000 02:00000d2b 00000000     0        0 15 2 0 20\n   \
                    1: 0100007F:8002 0200007F:2384 01 000000A4:00000000 01:00000019 00000003     0        0 16 2 0 20\n";
        let ends = |port| Endpoints {
            local: SocketAddr::from(([127, 0, 0, 1], port)),
            peer: SocketAddr::from(([127, 0, 0, 2], 9092)),
        };
        assert_eq!(find(list, ends(0x8001)), Some(TcpState { unacked_bytes: 0, retransmits: 0 }));
        assert_eq!(find(list, ends(0x8002)), Some(TcpState { unacked_bytes: 164, retransmits: 3 }));
        assert_eq!(find(list, ends(0x8003)), None);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn ipv6_address_is_printed_in_words_of_host_byte_order() {
        let loopback: SocketAddr = "[::1]:9092".parse().expect("an address");
        assert_eq!(column(loopback), "00000000000000000000000001000000:2384");
    }

    #[tokio::test]
    async fn kernel_acknowledges_every_byte_of_a_process_that_does_not_read() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // Not every host has IPv6.
            let Ok(listener) = TcpListener::bind(address).await else { continue };
            let mut near = TcpStream::connect(listener.local_addr().expect("it listens")).await.expect("it accepts");
            near.write_all(&[0; 100]).await.expect("there is room");
            let ends = Endpoints {
                local: near.local_addr().expect("it is open"),
                peer: near.peer_addr().expect("it is open"),
            };
            let mut state = read(ends).await;
            // The other end acknowledges within milliseconds, or with its first own byte.
            while state.is_none_or(|last| last.unacked_bytes != 0) {
                tokio::time::sleep(MAX_AGE).await;
                state = read(ends).await;
            }
            drop(listener);
        }
    }
}
