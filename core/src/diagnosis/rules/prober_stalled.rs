//! `prober_stalled` and `prober_starved`: the prober itself. While it was not running it could not receive answers, so it accuses
//! no broker (K1).

use std::sync::Arc;

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::vitals::Usage;

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::evidence::prober::ProberEvidence;
use crate::diagnosis::thresholds::prober_health;

/// Whether the prober may have missed answers in the last seconds, so that missing ones accuse nobody.
pub fn is_stalled(facts: &Facts) -> bool {
    let prober = &facts.prober;
    let within = |at: Option<_>, length| at.is_some_and(|at| facts.now.since(at) < length);
    prober_health::STALLED_FOR.get() <= facts.stalled
        || prober_health::THROTTLED_FOR.get() <= prober.throttled
        || within(prober.suspended.map(|(at, _)| at), prober_health::STALLS_WITHIN.get())
        || within(prober.resource_refused, prober_health::REFUSED_WITHIN.get())
        || prober.controls.loopback.is_lost()
}

/// The finding about the prober. A resource that is short explains a stall.
pub fn find(facts: &Facts) -> Option<Finding> {
    starved(facts).or_else(|| stalled(facts))
}

fn stalled(facts: &Facts) -> Option<Finding> {
    let is_long = prober_health::STALLED_PER_MINUTE.get() <= facts.stalled_last_minute;
    if !is_long || facts.stalled < prober_health::STALLED_FOR.get() {
        return None;
    }
    let mut evidence: Vec<Arc<str>> = vec!["its prober heartbeats came late by as much".into()];
    evidence.extend(stolen(facts.prober.steal_share_last_minute));
    let summary = format!(
        "the prober itself was stalled for {} in the last minute: give it CPU; until then it accuses nobody",
        seconds(facts.stalled_last_minute)
    );
    Some(Finding { summary: summary.into(), ..about_prober(facts, FindingKind::ProberStalled, evidence) })
}

fn starved(facts: &Facts) -> Option<Finding> {
    let prober = &facts.prober;
    let refused = prober.resource_refused.is_some_and(|at| facts.now.since(at) < prober_health::REFUSED_WITHIN.get());
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
    (prober_health::THROTTLED_PER_MINUTE.get() <= prober.throttled_last_minute).then(|| {
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
        Some(waited) if prober_health::MEMORY_WAIT_PER_MINUTE.get() <= waited => {
            format!("it waited for memory for {} in the last minute, and hit its limit {hits} times", seconds(waited))
        }
        None if prober_health::LIMIT_HITS_PER_MINUTE.get() <= hits => {
            format!("it hit its memory limit {hits} times in the last minute")
        }
        _ => return None,
    };
    Some(Shortage { what: "memory", remedy: "raise its container's memory limit", evidence })
}

fn descriptors(prober: &ProberEvidence) -> Option<Shortage> {
    let Usage { used, limit } = prober.descriptors.filter(|share| prober_health::SHORT_FROM.get() <= share.ratio())?;
    let evidence = format!("{used} of {limit} file descriptors are open");
    Some(Shortage { what: "file descriptors", remedy: "raise its limit of open files (ulimit -n)", evidence })
}

fn ports(prober: &ProberEvidence) -> Option<Shortage> {
    let Usage { used, limit } = prober.ports.filter(|share| prober_health::SHORT_FROM.get() <= share.ratio())?;
    let remedy = "widen net.ipv4.ip_local_port_range, or find the process that opens so many connections";
    Some(Shortage { what: "local ports", remedy, evidence: format!("{used} of {limit} local ports are in use") })
}

fn stolen(share: f64) -> Option<Arc<str>> {
    let is_much = prober_health::STOLEN_FROM.get() <= share;
    is_much.then(|| format!("{:.0} % of this host's CPU time was stolen by the hypervisor", 100.0 * share).into())
}

fn about_prober(facts: &Facts, kind: FindingKind, evidence: Vec<Arc<str>>) -> Finding {
    Finding {
        kind,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: facts.now - prober_health::STALLS_WITHIN.get(),
        confidence: Confidence::Certain,
        summary: Arc::from(""),
        evidence,
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn hypervisor_is_mentioned_from_a_tenth_of_the_processor_time() {
        assert_eq!([0.07, 0.15].map(|share| stolen(share).is_some()), [false, true]);
    }

    #[test]
    fn memory_limit_is_short_from_a_hundred_hits_where_the_kernel_does_not_tell_the_wait() {
        let is_short = |hits, wait| {
            memory(&ProberEvidence {
                memory_limit_hits_last_minute: hits,
                memory_wait_last_minute: wait,
                ..ProberEvidence::default()
            })
            .is_some()
        };
        assert_eq!(
            [is_short(60, None), is_short(150, None), is_short(150, Some(Duration::ZERO))],
            [false, true, false]
        );
    }
}
