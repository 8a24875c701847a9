//! The brokers of the simulated cluster and their roles in the demo.

use prober_core::ids::BrokerId;

/// Number of brokers, with the ids `1..=BROKERS`.
pub(super) const BROKERS: i32 = 3;

/// The broker that freezes.
pub(super) const FROZEN: BrokerId = BrokerId(2);

/// The partition of the replicated topic whose preferred leader is [`FROZEN`]: the mock puts the i-th on its i-th broker.
pub(super) const PARTITION: i32 = FROZEN.0 - 1;

/// The broker that leads the frozen broker's partition while that is frozen.
pub(super) const NEW_LEADER: BrokerId = BrokerId(3);
