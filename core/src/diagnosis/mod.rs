//! Whose fault it is: evidence in, findings out. Pure, and the same findings for the same evidence.
//!
//! | file | finds |
//! | --- | --- |
//! | [`silence`] | a broker that has stopped answering: stalled, and after ten seconds frozen |
//! | [`refusal`] | a broker that the cluster lists and that lets nobody in |
//! | [`stale`] | a broker that is cut off from the controllers and goes on answering |
//! | [`together`] | many brokers at once: one finding, which names none of them |
//! | [`coordinator`], [`controller`] | commits and transactions, and the controller, failing while the brokers are well |
//! | [`replicas`], [`loss`] | writes refused for want of replicas; acked records that are gone |
//! | [`permission`] | what the cluster does not permit us |
//! | [`patterns`] | what a cluster says of itself: replicas, leaders, limits, growth; kept apart, see there |
//! | [`prober`] | the prober itself; while it is in trouble, nobody else is accused |
//! | [`input`] | the evidence |
//! | [`standing`] | which findings stand, since when, and when they are over |
//!
//! A broker is accused by what it owes the prober, never by the client view, where the series of healthy leaders fail
//! too (design §4), and only while another broker answers: without one, nothing tells a dead broker from a dead network.

pub mod controller;
pub mod coordinator;
pub mod input;
pub mod loss;
pub mod patterns;
pub mod permission;
pub mod prober;
pub mod refusal;
pub mod replicas;
pub mod silence;
pub mod stale;
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
    // These rest on somebody's own word, whoever else is silent.
    let mut findings: Vec<Finding> =
        [loss::find(input), replicas::find(input), permission::find(input)].into_iter().flatten().collect();
    if let Some(finding) = together::nobody_answers(input) {
        findings.push(finding);
        return findings;
    }
    findings.extend(input.brokers.iter().filter_map(|seen| stale::find(input, seen)));
    let suspects: Vec<&Seen> = input.brokers.iter().filter(|seen| is_suspect(seen, input)).collect();
    if suspects.is_empty() {
        // A silent broker would explain these: it is in the in-sync replicas, or the controller itself.
        if input.brokers.iter().all(|seen| !seen.is_in_doubt()) {
            findings.extend([controller::find(input), coordinator::find(input)].into_iter().flatten());
        }
        return findings;
    }
    if let Some(finding) = together::same_onset(input, &suspects) {
        findings.push(finding);
        return findings;
    }
    let alone = suspects.iter().filter(|seen| !together::may_be_shared(input, seen));
    findings.extend(alone.filter_map(|seen| silence::find(input, seen).or_else(|| refusal::find(input, seen))));
    findings
}

/// Whether an engine would say something of this broker if it were alone in its trouble.
fn is_suspect(seen: &Seen, input: &Input) -> bool {
    silence::is_silent(seen, input.now) || refusal::is_dead(seen, input.now)
}
