//! When each finding began and ended, from the active findings of one evaluation after the other.

use crate::finding::Finding;
use crate::time::Time;

/// The time in which one finding was active.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// When an evaluation first had it.
    pub began: Time,
    /// The first evaluation without it; `None`: it is active at the end.
    pub ended: Option<Time>,
    /// As it was last found.
    pub finding: Finding,
}

/// The episodes of all findings, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    episodes: Vec<Episode>,
}

impl Timeline {
    /// Takes in the findings that are active at `at`.
    pub fn follow(&mut self, at: Time, findings: &[Finding]) {
        let mut ended: Vec<usize> = (0..self.episodes.len()).filter(|place| self.is_open(*place)).collect();
        for finding in findings {
            let open = ended.iter().position(|place| is_same(&self.episodes[*place].finding, finding));
            match open {
                Some(open) => self.episodes[ended.remove(open)].finding.clone_from(finding),
                None => self.episodes.push(Episode { began: at, ended: None, finding: finding.clone() }),
            }
        }
        for place in ended {
            self.episodes[place].ended = Some(at);
        }
    }

    /// The episodes.
    pub fn into_episodes(self) -> Vec<Episode> {
        self.episodes
    }

    fn is_open(&self, place: usize) -> bool {
        self.episodes[place].ended.is_none()
    }
}

/// Whether both are the same finding at different times. Brokers may join those that a finding is about together.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let is_of_both = one.members.iter().any(|member| other.members.contains(member));
    one.kind == other.kind && one.broker == other.broker && (is_of_both || one.members == other.members)
}
