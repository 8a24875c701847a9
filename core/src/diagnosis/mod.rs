//! The diagnosis: what is wrong with a cluster, and whose fault it is. Pure; the same evidence always gives the same findings.
//!
//! | file | finds or holds |
//! | --- | --- |
//! | [`unresponsive`] | a broker that has stopped answering: stalled, and after ten seconds frozen |
//! | [`connection_refused`] | a broker that the cluster lists and that refuses connections |
//! | [`stale`] | a broker that is cut off from the controllers and goes on answering (K4) |
//! | [`correlated`] | several brokers that fail at the same time: one finding, which names none of them |
//! | [`coordinator`], [`controller`] | failing commits and transactions, and a failing controller, while the brokers are well |
//! | [`min_isr`], [`record_loss`] | writes refused because too few replicas are in sync; acked records that are gone |
//! | [`cells`], [`matrix`] | what is slow, or fails by turns: one broker, its network path, its disk, its replication, or the cluster |
//! | [`network_path`] | packet loss on the network path, too rare to make a whole cell slow |
//! | [`log_dir_failed`] | a broker that answers and has lost a log directory |
//! | [`missing_permission`], [`quota`], [`credentials`] | missing ACLs, throttling by a quota, refused TLS or SASL |
//! | [`patterns`] | patterns in the cluster's own metadata: replicas, leaders, limits, growth |
//! | [`prober`], [`prober_network`] | the prober itself; while it is stalled no broker is accused |
//! | [`input`], [`prober_health`] | the evidence about the cluster, and about the prober |
//! | [`settled`], [`churn_cooldown`] | when latencies count: not just after brokers joined, left, failed or recovered |
//! | [`active_findings`] | since when findings hold, and when they end |
//!
//! A broker is accused by its own pinned partition and its own connections, never by the client view, where the partitions of
//! healthy leaders fail too; and only while another broker answers, because otherwise nothing tells a dead broker from a dead
//! network.

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
mod peers;
pub mod prober;
pub mod prober_health;
pub mod prober_network;
pub mod quota;
pub mod record_loss;
mod sentences;
pub mod settled;
pub mod stale;
pub mod unresponsive;

#[cfg(test)]
mod scenarios;

use crate::finding::Finding;

use input::{BrokerEvidence, Input};

/// The findings that the evidence of one moment supports. [`active_findings::ActiveFindings`] follows them over time.
pub fn diagnose(input: &Input) -> Vec<Finding> {
    let about_prober = prober::find(input).or_else(|| prober_network::loopback(input));
    if prober::is_stalled(input) {
        return about_prober.into_iter().collect();
    }
    // The cluster states these itself, so they hold whichever broker does not answer.
    let stated = [
        about_prober,
        record_loss::find(input),
        min_isr::find(input),
        missing_permission::find(input),
        quota::find(input),
        credentials::find(input),
    ];
    let mut findings: Vec<Finding> = stated.into_iter().flatten().collect();
    if let Some(finding) = correlated::no_broker_answers(input) {
        findings.extend(prober_network::judge(input, finding));
        return findings;
    }
    findings.extend(input.brokers.iter().filter_map(|broker| stale::find(input, broker)));
    let suspects: Vec<&BrokerEvidence> = input.brokers.iter().filter(|broker| is_failing(broker, input)).collect();
    if suspects.is_empty() {
        findings.extend(while_all_answer(input));
        return findings;
    }
    if let Some(finding) = correlated::same_start(input, &suspects) {
        findings.push(finding);
        return findings;
    }
    let alone = suspects.iter().filter(|broker| !correlated::may_be_shared(input, broker));
    findings
        .extend(alone.filter_map(|broker| {
            unresponsive::find(input, broker).or_else(|| connection_refused::find(input, broker))
        }));
    findings
}

/// Findings that a failing broker would explain, so that they are looked for only while every broker answers.
fn while_all_answer(input: &Input) -> Vec<Finding> {
    let failed: Vec<Finding> = input.brokers.iter().filter_map(|broker| log_dir_failed::find(input, broker)).collect();
    // Writes wait for replicas in a failed directory until its broker leaves the ISR: that explains the rest.
    if !failed.is_empty() {
        return failed;
    }
    let mut findings = Vec::new();
    // A broker in doubt may be in the in-sync replicas of an internal partition, or the active controller.
    if input.brokers.iter().all(|broker| !broker.is_in_doubt()) {
        findings.extend([controller::find(input), coordinator::find(input)].into_iter().flatten());
    }
    findings.extend(matrix::find(input).or_else(|| network_path::find(input)));
    findings
}

/// Whether a finding would name this broker if no other failed with it.
fn is_failing(broker: &BrokerEvidence, input: &Input) -> bool {
    unresponsive::is_unresponsive(broker, input.now) || connection_refused::is_down(broker, input.now)
}
