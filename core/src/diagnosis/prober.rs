//! The prober itself comes first: what it did not hear because it was not there, nobody else is accused of (design §8).

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::vitals::Usage;

use super::input::Input;
use super::prober_health::ProberHealth;
use super::unresponsive::seconds;

/// Stalls so far back count: after one, answers that had arrived meanwhile are read within this time.
pub const STALLS_WITHIN: Duration = Duration::from_secs(3);

/// Stalled for as long in that time, the prober accuses nobody.
pub const STALLED_FOR: Duration = Duration::from_millis(100);

/// Stalled for as long within a minute, it accuses itself.
pub const STALLED_LATELY: Duration = Duration::from_secs(1);

/// Held back by its CPU limit for as long in [`STALLS_WITHIN`], it accuses nobody, however punctual its heartbeat was:
/// each CPU is held back by itself, and another of its threads may have been on it.
pub const THROTTLED_FOR: Duration = Duration::from_millis(300);

/// Held back for as long within a minute, it accuses its limit.
pub const THROTTLED_LATELY: Duration = Duration::from_secs(3);

/// The same of waiting for memory, where the machine tells for how long.
pub const WAITED_LATELY: Duration = Duration::from_secs(3);

/// Where it does not: the limit was met so often within a minute.
pub const MET_LATELY: u64 = 100;

/// From this share on descriptors and ports are called short.
pub const SHORT_FROM: f64 = 0.9;

/// So long after something was refused for want of them they are short, whatever the last count said.
pub const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// From this share on others on the same machine are mentioned.
const STOLEN_FROM: f64 = 0.1;

/// Whether the prober could not pay attention just now, so that silence may be its own.
pub fn is_stalled(input: &Input) -> bool {
    let prober = &input.prober;
    let within = |at: Option<_>, length| at.is_some_and(|at| input.now.since(at) < length);
    STALLED_FOR <= input.stalled
        || THROTTLED_FOR <= prober.throttled
        || within(prober.suspended.map(|(at, _)| at), STALLS_WITHIN)
        || within(prober.resource_refused, REFUSED_WITHIN)
        || prober.loopback.is_lost()
}

/// The finding about the prober: that something is short explains that it was stopped.
pub fn find(input: &Input) -> Option<Finding> {
    starved(input).or_else(|| stalled(input))
}

fn stalled(input: &Input) -> Option<Finding> {
    (STALLED_LATELY <= input.stalled_last_minute && STALLED_FOR <= input.stalled).then(|| {
        let mut evidence: Vec<Arc<str>> = vec!["its prober heartbeats came late by as much".into()];
        let stolen = input.prober.steal_share_last_minute;
        if STOLEN_FROM <= stolen {
            evidence
                .push(format!("{:.0} % of this machine's CPU went to other guests of its host", 100.0 * stolen).into());
        }
        Finding {
            summary: format!(
                "the prober itself was stopped for {} in the last minute: give it CPU, it judges nobody meanwhile",
                seconds(input.stalled_last_minute)
            )
            .into(),
            ..about_us(input, FindingKind::ProberStalled, evidence)
        }
    })
}

fn starved(input: &Input) -> Option<Finding> {
    let prober = &input.prober;
    let refused = prober.resource_refused.is_some_and(|at| input.now.since(at) < REFUSED_WITHIN);
    let shortages = [cpu(prober), memory(prober), descriptors(prober), ports(prober)];
    let mut short: Vec<Shortage> = shortages.into_iter().flatten().collect();
    if short.is_empty() && refused {
        short.push(Shortage {
            what: "sockets",
            remedy: "raise the limits of open files and of memory for sockets",
            evidence: "this machine refused it a connection for want of descriptors, ports or memory".into(),
        });
    }
    if short.is_empty() {
        return None;
    }
    let list = |word: fn(&Shortage) -> &str| short.iter().map(word).collect::<Vec<_>>();
    let summary = format!(
        "the prober itself is short of {}: {}; what it cannot vouch for is void",
        list(|short| short.what).join(" and "),
        list(|short| short.remedy).join(", and ")
    );
    let evidence = short.iter().map(|short| short.evidence.as_str().into()).collect();
    Some(Finding { summary: summary.into(), ..about_us(input, FindingKind::ProberStarved, evidence) })
}

/// Something that the prober has too little of.
struct Shortage {
    what: &'static str,
    remedy: &'static str,
    evidence: String,
}

fn cpu(prober: &ProberHealth) -> Option<Shortage> {
    (THROTTLED_LATELY <= prober.throttled_last_minute).then(|| {
        let (periods, met) = prober.throttled_periods_last_minute;
        let held = seconds(prober.throttled_last_minute);
        Shortage {
            what: "CPU",
            remedy: "raise its container's CPU limit",
            evidence: format!(
                "its CPU limit held it back for {held} in the last minute, in {met} of {periods} periods"
            ),
        }
    })
}

fn memory(prober: &ProberHealth) -> Option<Shortage> {
    let met = prober.memory_limit_hits_last_minute;
    let evidence = match prober.memory_wait_last_minute {
        Some(waited) if WAITED_LATELY <= waited => {
            format!("it waited for memory for {} in the last minute, and met its limit {met} times", seconds(waited))
        }
        None if MET_LATELY <= met => format!("it met its memory limit {met} times in the last minute"),
        _ => return None,
    };
    Some(Shortage { what: "memory", remedy: "raise its container's memory limit", evidence })
}

fn descriptors(prober: &ProberHealth) -> Option<Shortage> {
    let Usage { used, limit } = prober.descriptors.filter(|share| SHORT_FROM <= share.ratio())?;
    let evidence = format!("{used} of {limit} file descriptors are open");
    Some(Shortage { what: "file descriptors", remedy: "raise its limit of open files (ulimit -n)", evidence })
}

fn ports(prober: &ProberHealth) -> Option<Shortage> {
    let Usage { used, limit } = prober.ports.filter(|share| SHORT_FROM <= share.ratio())?;
    let remedy = "widen net.ipv4.ip_local_port_range, or find who opens so many connections";
    Some(Shortage { what: "local ports", remedy, evidence: format!("{used} of {limit} local ports are in use") })
}

fn about_us(input: &Input, kind: FindingKind, evidence: Vec<Arc<str>>) -> Finding {
    Finding {
        kind,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: input.now - STALLS_WITHIN,
        confidence: 1.0,
        summary: Arc::from(""),
        evidence,
        runner_up: None,
        ruled_out: Vec::new(),
    }
}
