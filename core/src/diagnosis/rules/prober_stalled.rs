//! `prober_stalled` and `prober_starved`: the prober itself. While it was not running it could not receive answers, so it accuses
//! no broker (K1).

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::vitals::Usage;

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::evidence::prober::ProberEvidence;
use crate::diagnosis::thresholds::STALLS_WITHIN;

/// Stalled for this long within [`STALLS_WITHIN`], the prober accuses nobody.
pub const STALLED_FOR: Duration = Duration::from_millis(100);

/// Stalled for this long within a minute, it reports `prober_stalled`.
pub const STALLED_PER_MINUTE: Duration = Duration::from_secs(1);

/// Throttled by its CPU limit for this long within [`STALLS_WITHIN`], it accuses nobody, even if its heartbeat was on time: each
/// CPU is throttled by itself, and another of its threads may have been on a throttled one.
pub const THROTTLED_FOR: Duration = Duration::from_millis(300);

/// Throttled for this long within a minute, it reports its CPU limit.
pub const THROTTLED_PER_MINUTE: Duration = Duration::from_secs(3);

/// Waited for memory for this long within a minute, it reports its memory limit, where the kernel has PSI.
pub const MEMORY_WAIT_PER_MINUTE: Duration = Duration::from_secs(3);

/// Hit its memory limit this often within a minute, it reports it, where the kernel has no PSI.
pub const LIMIT_HITS_PER_MINUTE: u64 = 100;

/// Share in use from which descriptors and ports count as short.
pub const SHORT_FROM: f64 = 0.9;

/// Time after an operation was refused for want of a resource during which that resource counts as short.
pub const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// Share of stolen CPU time from which the evidence mentions the hypervisor.
const STOLEN_FROM: f64 = 0.1;

/// Whether the prober may have missed answers in the last seconds, so that missing ones accuse nobody.
pub fn is_stalled(facts: &Facts) -> bool {
    let prober = &facts.prober;
    let within = |at: Option<_>, length| at.is_some_and(|at| facts.now.since(at) < length);
    STALLED_FOR <= facts.stalled
        || THROTTLED_FOR <= prober.throttled
        || within(prober.suspended.map(|(at, _)| at), STALLS_WITHIN)
        || within(prober.resource_refused, REFUSED_WITHIN)
        || prober.controls.loopback.is_lost()
}

/// The finding about the prober. A resource that is short explains a stall.
pub fn find(facts: &Facts) -> Option<Finding> {
    starved(facts).or_else(|| stalled(facts))
}

fn stalled(facts: &Facts) -> Option<Finding> {
    (STALLED_PER_MINUTE <= facts.stalled_last_minute && STALLED_FOR <= facts.stalled).then(|| {
        let mut evidence: Vec<Arc<str>> = vec!["its prober heartbeats came late by as much".into()];
        let stolen = facts.prober.steal_share_last_minute;
        if STOLEN_FROM <= stolen {
            evidence
                .push(format!("{:.0} % of this host's CPU time was stolen by the hypervisor", 100.0 * stolen).into());
        }
        Finding {
            summary: format!(
                "the prober itself was stalled for {} in the last minute: give it CPU; until then it accuses nobody",
                seconds(facts.stalled_last_minute)
            )
            .into(),
            ..about_prober(facts, FindingKind::ProberStalled, evidence)
        }
    })
}

fn starved(facts: &Facts) -> Option<Finding> {
    let prober = &facts.prober;
    let refused = prober.resource_refused.is_some_and(|at| facts.now.since(at) < REFUSED_WITHIN);
    let shortages = [cpu(prober), memory(prober), descriptors(prober), ports(prober)];
    let mut short: Vec<Shortage> = shortages.into_iter().flatten().collect();
    if short.is_empty() && refused {
        short.push(Shortage {
            what: "sockets",
            remedy: "raise the limits of open files and of memory for sockets",
            evidence: "the host refused it a connection for want of descriptors, ports or memory".into(),
        });
    }
    if short.is_empty() {
        return None;
    }
    let list = |word: fn(&Shortage) -> &str| short.iter().map(word).collect::<Vec<_>>();
    let summary = format!(
        "the prober itself is short of {}: {}; events that this may have changed are void",
        list(|short| short.what).join(" and "),
        list(|short| short.remedy).join(", and ")
    );
    let evidence = short.iter().map(|short| short.evidence.as_str().into()).collect();
    Some(Finding { summary: summary.into(), ..about_prober(facts, FindingKind::ProberStarved, evidence) })
}

/// A resource that the prober is short of.
struct Shortage {
    what: &'static str,
    remedy: &'static str,
    evidence: String,
}

fn cpu(prober: &ProberEvidence) -> Option<Shortage> {
    (THROTTLED_PER_MINUTE <= prober.throttled_last_minute).then(|| {
        let (periods, throttled) = prober.throttled_periods_last_minute;
        let length = seconds(prober.throttled_last_minute);
        Shortage {
            what: "CPU",
            remedy: "raise its container's CPU limit",
            evidence: format!(
                "its CPU limit throttled it for {length} in the last minute, in {throttled} of {periods} periods"
            ),
        }
    })
}

fn memory(prober: &ProberEvidence) -> Option<Shortage> {
    let hits = prober.memory_limit_hits_last_minute;
    let evidence = match prober.memory_wait_last_minute {
        Some(waited) if MEMORY_WAIT_PER_MINUTE <= waited => {
            format!("it waited for memory for {} in the last minute, and hit its limit {hits} times", seconds(waited))
        }
        None if LIMIT_HITS_PER_MINUTE <= hits => format!("it hit its memory limit {hits} times in the last minute"),
        _ => return None,
    };
    Some(Shortage { what: "memory", remedy: "raise its container's memory limit", evidence })
}

fn descriptors(prober: &ProberEvidence) -> Option<Shortage> {
    let Usage { used, limit } = prober.descriptors.filter(|share| SHORT_FROM <= share.ratio())?;
    let evidence = format!("{used} of {limit} file descriptors are open");
    Some(Shortage { what: "file descriptors", remedy: "raise its limit of open files (ulimit -n)", evidence })
}

fn ports(prober: &ProberEvidence) -> Option<Shortage> {
    let Usage { used, limit } = prober.ports.filter(|share| SHORT_FROM <= share.ratio())?;
    let remedy = "widen net.ipv4.ip_local_port_range, or find the process that opens so many connections";
    Some(Shortage { what: "local ports", remedy, evidence: format!("{used} of {limit} local ports are in use") })
}

fn about_prober(facts: &Facts, kind: FindingKind, evidence: Vec<Arc<str>>) -> Finding {
    Finding {
        kind,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: facts.now - STALLS_WITHIN,
        confidence: Confidence::Certain,
        summary: Arc::from(""),
        evidence,
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}
