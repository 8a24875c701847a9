//! The prober itself comes first: what it did not hear because it was not there, nobody else is accused of (design §8).

use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// Stalls so far back count: after one, answers that had arrived meanwhile are read within this time.
pub const STALLS_WITHIN: Duration = Duration::from_secs(3);

/// Stalled for as long in that time, the prober accuses nobody.
pub const STALLED_FOR: Duration = Duration::from_millis(100);

/// Stalled for as long within a minute, it accuses itself.
pub const STALLED_LATELY: Duration = Duration::from_secs(1);

/// Whether the prober has been stalled just now, so that silence may be its own.
pub fn is_stalled(input: &Input) -> bool {
    STALLED_FOR <= input.stalled
}

/// The finding about the prober.
pub fn find(input: &Input) -> Option<Finding> {
    (STALLED_LATELY <= input.stalled_lately && is_stalled(input)).then(|| Finding {
        kind: FindingKind::ProberStalled,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: input.now - STALLS_WITHIN,
        confidence: 1.0,
        summary: format!(
            "the prober itself was stopped for {:.1} s in the last minute: give it CPU, it judges nobody meanwhile",
            input.stalled_lately.as_secs_f64()
        )
        .into(),
        evidence: vec!["its own heartbeats came late by as much".into()],
        runner_up: None,
        ruled_out: Vec::new(),
    })
}
