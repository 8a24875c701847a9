//! The numbers of the diagnosis, each with its unit and its reason.

use std::time::Duration;

/// Window in which a stall of the prober counts: answers that arrived during a stall are read within this time after it.
pub const STALLS_WITHIN: Duration = Duration::from_secs(3);

/// A connection must be overdue for this long to count: longer than an ordinary pause of a garbage collector.
pub const OVERDUE_FOR: Duration = Duration::from_millis(1500);

/// Pooled connections that must be overdue. A single one may hang by itself.
pub const CONNECTIONS_MIN: usize = 2;

/// A fresh connection must have been unanswered for this long.
pub const CHECK_UNANSWERED_FOR: Duration = Duration::from_secs(1);

/// Connect checks in a row that must have been refused.
pub const CHECKS_MIN: u32 = 2;

/// Time over which they must have been refused: a process that is being replaced may refuse one.
pub const REFUSED_FOR: Duration = Duration::from_secs(1);

/// Time after which a broker that left in good order is reported as absent: restarts take less.
pub const ABSENT_AFTER: Duration = Duration::from_secs(120);

/// Time from the first metadata after which a broker that they have never listed is reported as absent. Metadata are requested
/// every five seconds, or every second in trouble: a broker that is just being started is listed by one of the next responses.
pub const ABSENT_AT_START: Duration = Duration::from_secs(6);

/// Episodes of one finding within this time are the same trouble coming back.
pub const EPISODES_WITHIN: Duration = Duration::from_secs(600);

/// Episodes within [`EPISODES_WITHIN`] from which a finding recurs.
pub const RECURRING_FROM: usize = 3;

/// Least time that a recurring finding stands after its last episode.
pub const RECURRING_HOLD_MIN: Duration = Duration::from_secs(60);

/// Longest time that a recurring finding stands after its last episode.
pub const RECURRING_HOLD_MAX: Duration = EPISODES_WITHIN;

/// Attempts in a row at one partition of an internal topic that must have failed. A partition that moves to another broker fails one,
/// until the metadata are requested again, and another one while it is loaded. Pinned by the scenarios of `coordinators.rs`.
pub const PARTITION_FAILED_MIN: u32 = 3;
