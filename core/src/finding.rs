//! A finding: what is wrong, and whose fault it is. The diagnosis adds its kinds here; what a single probe can tell
//! by itself stands here already.

use std::sync::Arc;

use crate::fault::Blame;
use crate::ids::{BrokerId, ClusterName};
use crate::time::Time;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Another prober runs under this vantage's name: the two fence each other's transactions, and nobody can tell
    /// their groups and metrics apart.
    DuplicateVantage,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [FindingKind; 1] = [FindingKind::DuplicateVantage];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingKind::DuplicateVantage => "duplicate_vantage",
        }
    }
}

/// One finding, while it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// Where.
    pub cluster: ClusterName,
    /// The broker it is about, if it is about one.
    pub broker: Option<BrokerId>,
    /// Whose fault it is.
    pub blame: Blame,
    /// Since when.
    pub since: Time,
    /// How sure we are, between 0 and 1.
    pub confidence: f64,
    /// In one sentence, with what to do.
    pub summary: Arc<str>,
    /// What was seen, one sentence each.
    pub evidence: Vec<Arc<str>>,
}
