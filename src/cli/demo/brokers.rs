//! The brokers of the simulated cluster and their parts in the demo.

use prober_core::ids::BrokerId;

/// How many there are, with the ids `1..=BROKERS`.
pub(super) const BROKERS: i32 = 3;

/// The broker that freezes.
pub(super) const FROZEN: BrokerId = BrokerId(2);

/// The broker that leads the frozen broker's partition meanwhile.
pub(super) const NEW_LEADER: BrokerId = BrokerId(3);
