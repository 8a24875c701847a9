//! Free ports on loopback that stay free until they are used.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Below the kernel's ephemeral range (from 32768): a port chosen now and bound half a minute later
/// must not be used as the source port of an outgoing connection in between.
const FIRST: u16 = 12_000;
const LAST: u16 = 31_999;

/// Tries before giving up; nearly all ports of the range are free.
const TRIES: usize = 2_000;

static HANDED_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port without a listener, never handed out before by this process.
pub(crate) fn free_port() -> u16 {
    let mut handed_out = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..TRIES {
        // Each RandomState has a random seed, so the hash of nothing is a random number.
        let random = RandomState::new().hash_one(());
        let span = u64::from(LAST - FIRST) + 1;
        let port = FIRST + u16::try_from(random % span).expect("the span fits in u16");
        let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if unused && handed_out.insert(port) {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {LAST}");
}
