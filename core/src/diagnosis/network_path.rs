//! A way that loses packets now and then: too little to make any cell slow, and told by connections that wait one at a time.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::cells::single_connection_stalls::SingleConnectionStalls;
use super::input::{BrokerEvidence, Input};

/// Unless others wait so many times less often, it is the prober's own network, or everybody's.
const TIMES_PEERS: usize = 4;

/// The finding about the way to one broker. The caller has made sure that nothing else explains late answers.
pub fn find(input: &Input) -> Option<Finding> {
    let stalls =
        |seen: &BrokerEvidence| input.table.single_connection_stalls.get(&seen.id).copied().unwrap_or_default();
    let mut often = input.brokers.iter().filter(|seen| stalls(seen).is_often() && input.is_settled(seen.id));
    let (seen, None) = (often.next()?, often.next()) else { return None };
    if input.brokers.iter().any(|other| other.id != seen.id && stalls(seen).stalls < TIMES_PEERS * stalls(other).stalls)
    {
        return None;
    }
    let (broker, SingleConnectionStalls { stalls: late, connections }) = (seen.id, stalls(seen));
    Some(Finding {
        kind: FindingKind::PathDegraded,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame: Blame::Unclear,
        since: input.now,
        confidence: 0.9,
        summary: format!(
            "the way from here to broker {broker} loses packets: its connections wait one at a time, while the others to it \
             are answered; look at the network between"
        )
        .into(),
        evidence: vec![
            format!("{late} late answers on {connections} connections in twenty seconds, each while another was answered").into(),
            "connections to the other brokers did not wait like that".into(),
        ],
        runner_up: Some(FindingKind::BrokerSlow),
        ruled_out: vec![FindingKind::BrokerStalled, FindingKind::ClusterOverloaded, FindingKind::ProberStalled],
    })
}
