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
//! | [`cells`], [`matrix`] | what is slow, or fails by turns: which broker, its way, its disk, its replication, or the cluster |
//! | [`path`] | a way that loses packets, too few to make anything slow |
//! | [`storage`] | a broker that answers and has lost its log directory |
//! | [`permission`], [`quota`], [`credentials`] | what the cluster does not permit us, makes us wait for, or does not believe |
//! | [`patterns`] | what a cluster says of itself: replicas, leaders, limits, growth; kept apart, see there |
//! | [`prober`] | the prober itself; while it is in trouble, nobody else is accused |
//! | [`prober_network`] | its own network, when nobody answers |
//! | [`input`], [`own`] | the evidence, and that about the prober |
//! | [`unrest`] | when brokers come and go, and cells say nothing |
//! | [`standing`] | which findings stand, since when, and when they are over |
//!
//! A broker is accused by what it owes the prober, never by the client view, where the series of healthy leaders fail
//! too (design §4), and only while another broker answers: without one, nothing tells a dead broker from a dead network.

pub mod cells;
pub mod controller;
pub mod coordinator;
pub mod credentials;
pub mod input;
pub mod loss;
pub mod matrix;
pub mod own;
pub mod path;
pub mod patterns;
pub mod permission;
pub mod prober;
pub mod prober_network;
pub mod quota;
pub mod refusal;
pub mod replicas;
pub mod silence;
pub mod stale;
pub mod standing;
pub mod storage;
pub mod together;
pub mod unrest;

#[cfg(test)]
mod scenarios;

use crate::finding::Finding;

use input::{Input, Seen};

/// What is wrong with a cluster at this moment, by evidence alone. [`standing::Standing`] makes it last.
pub fn diagnose(input: &Input) -> Vec<Finding> {
    let own = prober::find(input).or_else(|| prober_network::loopback(input));
    if prober::is_stalled(input) {
        return own.into_iter().collect();
    }
    // These rest on somebody's own word, whoever else is silent.
    let on_their_word = [
        own,
        loss::find(input),
        replicas::find(input),
        permission::find(input),
        quota::find(input),
        credentials::find(input),
    ];
    let mut findings: Vec<Finding> = on_their_word.into_iter().flatten().collect();
    if let Some(finding) = together::nobody_answers(input) {
        findings.extend(prober_network::judge(input, finding));
        return findings;
    }
    findings.extend(input.brokers.iter().filter_map(|seen| stale::find(input, seen)));
    let suspects: Vec<&Seen> = input.brokers.iter().filter(|seen| is_suspect(seen, input)).collect();
    if suspects.is_empty() {
        let failed: Vec<Finding> = input.brokers.iter().filter_map(|seen| storage::find(input, seen)).collect();
        // Whoever waits for a replica in a directory that is gone waits in vain: that explains the rest.
        if failed.is_empty() {
            // And a silent broker would explain these: it is in the in-sync replicas, or the controller itself.
            if input.brokers.iter().all(|seen| !seen.is_in_doubt()) {
                findings.extend([controller::find(input), coordinator::find(input)].into_iter().flatten());
            }
            findings.extend(matrix::find(input).or_else(|| path::find(input)));
        }
        findings.extend(failed);
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
