//! The send side of a TCP connection as this host's kernel counts it: whether the peer's host takes what is sent to it.

use serde::{Deserialize, Serialize};

/// Retransmits in a row from which a connection counts as cut off. One packet may be lost by chance.
const RETRANSMITS_MIN: u32 = 2;

/// Send state of one connection (`tx_queue` and `retrnsmt` of `/proc/net/tcp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpState {
    /// Bytes sent that the peer's kernel has not acknowledged.
    pub unacked_bytes: u64,
    /// Times in a row that the oldest unacknowledged segment was retransmitted without success.
    pub retransmits: u32,
}

impl TcpState {
    /// Whether the peer's kernel has acknowledged every byte, even if its process does not answer.
    pub fn is_acknowledged(self) -> bool {
        self.unacked_bytes == 0
    }

    /// Whether retransmits fail again and again: the host is down or the network path is closed. A process that hangs with
    /// full receive buffers leaves bytes unacknowledged too, but zero-window probes do not count as retransmits.
    pub fn is_cut_off(self) -> bool {
        0 < self.unacked_bytes && RETRANSMITS_MIN <= self.retransmits
    }
}
