//! Every number of the diagnosis, with its unit, its reason, and the tests that pin it.
//!
//! A [`Threshold`] names the test that fails if the number is made too small, and the one that fails if it is made too large. The
//! tests of this module run each of them with the number changed, so a number that nothing depends on cannot stay.
//!
//! | module | holds the numbers about |
//! | --- | --- |
//! | [`liveness`] | when a broker does not answer, refuses connections, or is away |
//! | [`latency`] | when answers are late and a cell is slow or failing, and when latencies count at all |
//! | [`hypotheses`] | probabilities of the hypotheses about slow and failing cells |
//! | [`cluster`] | coordinators, the controller, losses, quotas, credentials |
//! | [`patterns`] | patterns in the cluster's own metadata |
//! | [`prober_health`] | the prober's own stalls, resources and controls |
//! | [`lifecycle`] | when findings end, recur, and explain each other |
//! | [`bounds`] | memory and work, so that nothing grows without bound |

/// Declares numbers, each with the tests that pin it: `less fails` names the one that fails if the number is halved, `more fails` the
/// one that fails if it is doubled; or divided and multiplied by the given factor.
macro_rules! thresholds {
    ($(
        $(#[$doc:meta])+
        $name:ident: $type:ty = $value:expr $(, by a factor of $factor:literal)?;
        $(less fails $less:literal;)?
        $(more fails $more:literal;)?
    )+) => {
        $(
            $(#[$doc])+
            pub const $name: $crate::diagnosis::thresholds::Threshold<$type> =
                $crate::diagnosis::thresholds::Threshold::new(concat!(module_path!(), "::", stringify!($name)), $value);
        )+

        /// The tests that pin the numbers of this module.
        #[cfg(test)]
        pub(super) const PINS: &[$crate::diagnosis::thresholds::pins::Pin] = &[$(
            $crate::diagnosis::thresholds::pins::Pin {
                name: concat!(module_path!(), "::", stringify!($name)),
                less_fails: &[$($less)?],
                more_fails: &[$($more)?],
                factors: &[2.0 $(, $factor)?],
            },
        )+];
    };
}

pub mod bounds;
pub mod cluster;
pub mod hypotheses;
pub mod latency;
pub mod lifecycle;
pub mod liveness;
pub mod patterns;
pub mod prober_health;

#[cfg(test)]
mod pins;

/// One number of the diagnosis.
#[derive(Clone, Copy, Debug)]
pub struct Threshold<T> {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests that change a number find it by its name"))]
    name: &'static str,
    value: T,
}

impl<T: Copy> Threshold<T> {
    const fn new(name: &'static str, value: T) -> Threshold<T> {
        Threshold { name, value }
    }

    /// The number.
    #[cfg(not(test))]
    #[must_use]
    pub const fn get(self) -> T {
        self.value
    }

    /// The number, multiplied in a test run that asks for it.
    #[cfg(test)]
    pub fn get(self) -> T
    where
        T: pins::Scaled,
    {
        pins::scaled(self.name, self.value)
    }
}

/// The pins of every module.
#[cfg(test)]
fn all() -> [&'static [pins::Pin]; 8] {
    [
        liveness::PINS,
        latency::PINS,
        hypotheses::PINS,
        cluster::PINS,
        patterns::PINS,
        prober_health::PINS,
        lifecycle::PINS,
        bounds::PINS,
    ]
}
