//! Whose fault it is: evidence in, findings out. Pure, and the same findings for the same evidence.
//!
//! | file | finds |
//! | --- | --- |
//! | [`silence`] | a broker that has stopped answering: stalled, and after ten seconds frozen |
//! | [`refusal`] | a broker that the cluster lists and that lets nobody in |
//! | [`together`] | many brokers at once: one finding, which names none of them |
//! | [`prober`] | the prober itself; while it is in trouble, nobody else is accused |
//! | [`input`] | the evidence |
//! | [`standing`] | which findings stand, since when, and when they are over |
//!
//! A broker is accused by what it owes the prober, never by the client view, where the series of healthy leaders fail
//! too (design §4), and only while another broker answers: without one, nothing tells a dead broker from a dead network.

pub mod input;
pub mod prober;
pub mod refusal;
pub mod silence;
pub mod standing;
pub mod together;

#[cfg(test)]
mod scenarios;

use crate::finding::Finding;

use input::{Input, Seen};

/// What is wrong with a cluster at this moment, by evidence alone. [`standing::Standing`] makes it last.
pub fn diagnose(input: &Input) -> Vec<Finding> {
    if let Some(finding) = prober::find(input) {
        return vec![finding];
    }
    if prober::is_stalled(input) {
        return Vec::new();
    }
    if let Some(finding) = together::nobody_answers(input) {
        return vec![finding];
    }
    let suspects: Vec<&Seen> = input.brokers.iter().filter(|seen| is_suspect(seen, input)).collect();
    if let Some(finding) = together::same_onset(input, &suspects) {
        return vec![finding];
    }
    let of_one = |seen: &&Seen| silence::find(input, seen).or_else(|| refusal::find(input, seen));
    suspects.iter().filter_map(of_one).collect()
}

/// Whether an engine would say something of this broker if it were alone in its trouble.
fn is_suspect(seen: &Seen, input: &Input) -> bool {
    silence::is_silent(seen, input.now) || refusal::is_dead(seen, input.now)
}
