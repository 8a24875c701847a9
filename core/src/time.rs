//! Time as arithmetic: nanoseconds since an origin that only the clock in `prober-probes` knows.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the prober's one monotonic clock, in nanoseconds since that clock's origin.
///
/// All latencies are differences of two of these; no arithmetic mixes them with [`WallTime`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(u64);

impl Time {
    /// The clock's origin: when the process began.
    pub const ORIGIN: Time = Time(0);
    /// Later than any time that is ever reached (584 years).
    pub const NEVER: Time = Time(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// The point `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is later than `self`.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add(nanos(length)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, length: Duration) -> Time {
        Time(self.0.saturating_sub(nanos(length)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", Duration::from_nanos(self.0).as_secs_f64())
    }
}

/// A duration in nanoseconds, saturating at 584 years.
pub fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// The calendar, in nanoseconds since the Unix epoch: written into records and shown to humans, never subtracted
/// from a [`Time`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WallTime(pub i64);

impl WallTime {
    /// Seconds since the Unix epoch.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Milliseconds since the Unix epoch, the unit of Kafka's record timestamps.
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000_000
    }
}

/// A duration as a whole number of nanoseconds, for `#[serde(with = "nanoseconds")]`. Longer ones than 584 years are cut to that.
pub mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the number.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::nanos(*length))
    }

    /// Reads the number.
    ///
    /// # Errors
    /// It is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }

    /// The same for an `Option`.
    pub mod optional {
        use std::time::Duration;

        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::super::nanos;

        /// Writes the number or nothing.
        ///
        /// # Errors
        /// Those of the format.
        pub fn serialize<S: Serializer>(length: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            length.map(nanos).serialize(serializer)
        }

        /// Reads the number or nothing.
        ///
        /// # Errors
        /// It is neither.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Option::<u64>::deserialize(deserializer).map(|length| length.map(Duration::from_nanos))
        }
    }
}
