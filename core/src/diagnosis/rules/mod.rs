//! The rules: what each kind of finding rests on. One kind a file, or kinds that are degrees of one failure.
//!
//! | file | finds |
//! | --- | --- |
//! | [`broker_unresponsive`] | a broker that has stopped answering: `broker_stalled`, after ten seconds `broker_frozen`, and `broker_unreachable` |
//! | [`broker_down`] | a broker that the cluster lists and that refuses connections |
//! | [`broker_absent`] | a broker that belongs to the cluster and has been out of it for a while |
//! | [`broker_stale`] | a broker that is cut off from the controllers and goes on answering (K4) |
//! | [`broker_cut_off_from_peers`] | a broker that clients reach and the other brokers do not |
//! | [`correlated`] | several brokers that fail at the same time: one finding, which names none of them |
//! | [`coordinator_partition_failing`] | one partition of an internal topic that fails while the others of its broker are well |
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
pub mod broker_absent;
pub mod broker_cut_off_from_peers;
pub mod broker_down;
pub mod broker_stale;
pub mod broker_unresponsive;
pub mod controller_unresponsive;
pub mod coordinator_failing;
pub mod coordinator_partition_failing;
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
use crate::ids::BrokerId;

use super::dependencies::Explained;
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
    findings.extend(facts.brokers.iter().filter_map(|broker| broker_cut_off_from_peers::find(facts, broker)));
    let failing: Vec<&BrokerEvidence> = facts.brokers.iter().filter(|broker| is_suspect(broker, facts)).collect();
    findings.extend(about_failing(facts, &failing));
    let is_failing = |id: BrokerId| failing.iter().any(|broker| broker.id == id);
    let others = || facts.brokers.iter().filter(|broker| !is_failing(broker.id));
    findings.extend(others().filter_map(|broker| broker_absent::find(facts, broker)));
    let storage_failed: Vec<Finding> = others().filter_map(|broker| storage_failed::find(facts, broker)).collect();
    let explained = Explained::by(
        failing.iter().map(|broker| broker.id).collect(),
        storage_failed.iter().filter_map(|finding| finding.broker).collect(),
    );
    findings.extend(explain_away(facts, &explained));
    findings.extend(about_coordinators(facts, &explained));
    if storage_failed.is_empty() && !facts.is_churning {
        findings.extend(controller_unresponsive::find(facts));
    }
    findings.extend(storage_failed);
    findings
}

/// The findings about brokers that do not answer or refuse connections: one for those that stopped together, one for each other.
fn about_failing(facts: &Facts, failing: &[&BrokerEvidence]) -> Vec<Finding> {
    let groups = correlated::groups(facts, failing);
    let is_grouped = |id: BrokerId| groups.iter().flatten().any(|broker| broker.id == id);
    let alone = failing.iter().filter(|broker| !is_grouped(broker.id) && !correlated::may_be_shared(facts, broker));
    let alone = alone
        .filter_map(|broker| broker_unresponsive::find(facts, broker).or_else(|| broker_down::find(facts, broker)));
    groups.iter().filter_map(|members| correlated::together(facts, members)).chain(alone).collect()
}

/// The findings about what is slow or fails now and then, for all that no failing broker explains.
fn explain_away(facts: &Facts, explained: &Explained) -> Vec<Finding> {
    let mut findings = hypotheses::find(facts, explained);
    // An overload delays single connections, too.
    if findings.iter().all(|finding| finding.broker.is_some()) {
        let named: Vec<BrokerId> = findings.iter().filter_map(|finding| finding.broker).collect();
        findings.extend(
            path_degraded::find(facts)
                .into_iter()
                .filter(|finding| finding.broker.is_none_or(|broker| !named.contains(&broker))),
        );
    }
    findings
}

/// The findings about single partitions of coordinators, and about coordinators that fail as a whole.
fn about_coordinators(facts: &Facts, explained: &Explained) -> impl Iterator<Item = Finding> {
    let alone = coordinator_partition_failing::failing(facts, explained);
    let whole = if facts.is_churning { None } else { coordinator_failing::find(facts, explained, &alone) };
    coordinator_partition_failing::find(facts, &alone).into_iter().chain(whole)
}

/// Whether a finding would name this broker if no other failed with it.
fn is_suspect(broker: &BrokerEvidence, facts: &Facts) -> bool {
    broker.is_unresponsive(facts.now) || broker_down::is_down(broker, facts.now)
}
