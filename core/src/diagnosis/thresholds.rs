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
