//! The rules: what each kind of finding rests on. One kind a file, or kinds that are degrees of one failure.
//!
//! | file | finds |
//! | --- | --- |
//! | [`broker_unresponsive`] | a broker that has stopped answering: `broker_stalled`, after ten seconds `broker_frozen`, and `broker_unreachable` |
//! | [`broker_down`] | a broker that the cluster lists and that refuses connections |
//! | [`broker_stale`] | a broker that is cut off from the controllers and goes on answering (K4) |
//! | [`correlated`] | several brokers that fail at the same time: one finding, which names none of them |
//! | [`coordinator_failing`], [`controller_unresponsive`] | failing commits and transactions, and a failing controller, while the brokers are well |
//! | [`not_enough_replicas`], [`acked_records_lost`] | writes refused because too few replicas are in sync; acked records that are gone |
//! | [`hypotheses`] | what is slow, or fails now and then: one broker, its network path, its disk, its replication, or the cluster |
//! | [`path_degraded`] | packet loss on the network path, too rare to make a whole cell slow |
//! | [`storage_failed`] | a broker that answers and has lost a log directory |
//! | [`permission_missing`], [`quota_throttled`], [`credentials_refused`] | missing ACLs, throttling by a quota, refused TLS or SASL |
//! | [`patterns`] | patterns in the cluster's own metadata: replicas, leaders, limits, growth |
//! | [`prober_stalled`], [`prober_network`], [`duplicate_vantage`] | the prober itself; while it is stalled no broker is accused |
//! | [`peers`], [`settled`], [`sentences`] | what several rules share |

pub mod acked_records_lost;
pub mod broker_down;
pub mod broker_stale;
pub mod broker_unresponsive;
pub mod controller_unresponsive;
pub mod coordinator_failing;
pub mod correlated;
pub mod credentials_refused;
pub mod duplicate_vantage;
pub mod hypotheses;
pub mod not_enough_replicas;
pub mod path_degraded;
pub mod patterns;
mod peers;
pub mod permission_missing;
pub mod prober_network;
pub mod prober_stalled;
pub mod quota_throttled;
mod sentences;
pub mod settled;
pub mod storage_failed;

use crate::finding::Finding;

use super::evidence::facts::{BrokerEvidence, Facts};

/// The findings that the evidence of one moment supports. [`ActiveFindings`](super::lifecycle::ActiveFindings) follows them over time.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let about_prober = prober_stalled::find(facts).or_else(|| prober_network::loopback(facts));
    if prober_stalled::is_stalled(facts) {
        return about_prober.into_iter().collect();
    }
    // The cluster states these itself, so they hold whichever broker does not answer.
    let stated = [
        about_prober,
        acked_records_lost::find(facts),
        not_enough_replicas::find(facts),
        permission_missing::find(facts),
        quota_throttled::find(facts),
        credentials_refused::find(facts),
    ];
    let mut findings: Vec<Finding> = stated.into_iter().flatten().collect();
    if let Some(finding) = correlated::no_broker_answers(facts) {
        findings.extend(prober_network::judge(facts, finding));
        return findings;
    }
    findings.extend(facts.brokers.iter().filter_map(|broker| broker_stale::find(facts, broker)));
    let suspects: Vec<&BrokerEvidence> = facts.brokers.iter().filter(|broker| is_failing(broker, facts)).collect();
    if suspects.is_empty() {
        findings.extend(while_all_answer(facts));
        return findings;
    }
    if let Some(finding) = correlated::same_start(facts, &suspects) {
        findings.push(finding);
        return findings;
    }
    let alone = suspects.iter().filter(|broker| !correlated::may_be_shared(facts, broker));
    findings
        .extend(alone.filter_map(|broker| {
            broker_unresponsive::find(facts, broker).or_else(|| broker_down::find(facts, broker))
        }));
    findings
}

/// Findings that a failing broker would explain, so that they are looked for only while every broker answers.
fn while_all_answer(facts: &Facts) -> Vec<Finding> {
    let failed: Vec<Finding> = facts.brokers.iter().filter_map(|broker| storage_failed::find(facts, broker)).collect();
    // Writes wait for replicas in a failed directory until its broker leaves the ISR: that explains the rest.
    if !failed.is_empty() {
        return failed;
    }
    let mut findings = Vec::new();
    // A broker in doubt may be in the in-sync replicas of an internal partition, or the active controller.
    if facts.brokers.iter().all(|broker| !broker.is_in_doubt()) {
        findings.extend([controller_unresponsive::find(facts), coordinator_failing::find(facts)].into_iter().flatten());
    }
    findings.extend(hypotheses::find(facts).or_else(|| path_degraded::find(facts)));
    findings
}

/// Whether a finding would name this broker if no other failed with it.
fn is_failing(broker: &BrokerEvidence, facts: &Facts) -> bool {
    broker.is_unresponsive(facts.now) || broker_down::is_down(broker, facts.now)
}
