//! Whose fault it is: evidence in, findings out. Pure, and the same findings for the same evidence.
//!
//! | file | finds |
//! | --- | --- |
//! | [`unresponsive`] | a broker that has stopped answering: stalled, and after ten seconds frozen |
//! | [`connection_refused`] | a broker that the cluster lists and that lets nobody in |
//! | [`stale`] | a broker that is cut off from the controllers and goes on answering |
//! | [`correlated`] | many brokers at once: one finding, which names none of them |
//! | [`coordinator`], [`controller`] | commits and transactions, and the controller, failing while the brokers are well |
//! | [`min_isr`], [`record_loss`] | writes refused for want of replicas; acked records that are gone |
//! | [`cells`], [`matrix`] | what is slow, or fails by turns: which broker, its way, its disk, its replication, or the cluster |
//! | [`network_path`] | a way that loses packets, too few to make anything slow |
//! | [`log_dir_failed`] | a broker that answers and has lost its log directory |
//! | [`missing_permission`], [`quota`], [`credentials`] | what the cluster does not permit us, makes us wait for, or does not believe |
//! | [`patterns`] | what a cluster says of itself: replicas, leaders, limits, growth; kept apart, see there |
//! | [`prober`] | the prober itself; while it is in trouble, nobody else is accused |
//! | [`prober_network`] | its own network, when nobody answers |
//! | [`input`], [`prober_health`] | the evidence, and that about the prober |
//! | [`churn_cooldown`] | when brokers come and go, and cells say nothing |
//! | [`active_findings`] | which findings stand, since when, and when they are over |
//!
//! A broker is accused by what it owes the prober, never by the client view, where the series of healthy leaders fail
//! too (design §4), and only while another broker answers: without one, nothing tells a dead broker from a dead network.

pub mod active_findings;
pub mod cells;
pub mod churn_cooldown;
pub mod connection_refused;
pub mod controller;
pub mod coordinator;
pub mod correlated;
pub mod credentials;
pub mod input;
pub mod log_dir_failed;
pub mod matrix;
pub mod min_isr;
pub mod missing_permission;
pub mod network_path;
pub mod patterns;
pub mod prober;
pub mod prober_health;
pub mod prober_network;
pub mod quota;
pub mod record_loss;
pub mod stale;
pub mod unresponsive;

#[cfg(test)]
mod scenarios;

use crate::finding::Finding;

use input::{BrokerEvidence, Input};

/// What is wrong with a cluster at this moment, by evidence alone. [`standing::ActiveFindings`] makes it last.
pub fn diagnose(input: &Input) -> Vec<Finding> {
    let own = prober::find(input).or_else(|| prober_network::loopback(input));
    if prober::is_stalled(input) {
        return own.into_iter().collect();
    }
    // These rest on somebody's own word, whoever else is silent.
    let on_their_word = [
        own,
        record_loss::find(input),
        min_isr::find(input),
        missing_permission::find(input),
        quota::find(input),
        credentials::find(input),
    ];
    let mut findings: Vec<Finding> = on_their_word.into_iter().flatten().collect();
    if let Some(finding) = correlated::no_broker_answers(input) {
        findings.extend(prober_network::judge(input, finding));
        return findings;
    }
    findings.extend(input.brokers.iter().filter_map(|seen| stale::find(input, seen)));
    let suspects: Vec<&BrokerEvidence> = input.brokers.iter().filter(|seen| is_suspect(seen, input)).collect();
    if suspects.is_empty() {
        let failed: Vec<Finding> = input.brokers.iter().filter_map(|seen| log_dir_failed::find(input, seen)).collect();
        // Whoever waits for a replica in a directory that is gone waits in vain: that explains the rest.
        if failed.is_empty() {
            // And a silent broker would explain these: it is in the in-sync replicas, or the controller itself.
            if input.brokers.iter().all(|seen| !seen.is_in_doubt()) {
                findings.extend([controller::find(input), coordinator::find(input)].into_iter().flatten());
            }
            findings.extend(matrix::find(input).or_else(|| network_path::find(input)));
        }
        findings.extend(failed);
        return findings;
    }
    if let Some(finding) = correlated::same_start(input, &suspects) {
        findings.push(finding);
        return findings;
    }
    let alone = suspects.iter().filter(|seen| !correlated::may_be_shared(input, seen));
    findings.extend(
        alone.filter_map(|seen| unresponsive::find(input, seen).or_else(|| connection_refused::find(input, seen))),
    );
    findings
}

/// Whether an engine would say something of this broker if it were alone in its trouble.
fn is_suspect(seen: &BrokerEvidence, input: &Input) -> bool {
    unresponsive::is_unresponsive(seen, input.now) || connection_refused::is_down(seen, input.now)
}
