//! `credentials_refused`: TLS or SASL fails, refused by either side. At one broker the cause is most likely that broker's
//! certificate or keystore; at all brokers it is most likely the prober's own credentials.

use std::sync::Arc;

use crate::diagnosis::evidence::facts::{CredentialsRefused, Facts};
use crate::diagnosis::thresholds::cluster;
use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;

/// What the refusals seen until now show.
enum Extent {
    /// Every broker refuses.
    Everywhere,
    /// These refuse again and again, while others accept.
    Some,
    /// Not every broker has been tried since.
    Unknown,
}

/// The finding about all brokers at which TLS or SASL fails; none until the others have been tried, too.
pub fn find(facts: &Facts) -> Option<Finding> {
    let refused = &facts.credentials_refused;
    let since = refused.values().map(|refused| refused.since).min()?;
    let (all, some) = (facts.brokers.len(), refused.len());
    let extent = if all <= some {
        Extent::Everywhere
    } else if refused.values().all(|refused| refused.is_contrasted) {
        Extent::Some
    } else if cluster::ALL_TRIED_WITHIN.get() <= facts.now.since(since) {
        Extent::Unknown
    } else {
        return None;
    };
    let only = refused.keys().next().copied().filter(|_| some == 1 && matches!(extent, Extent::Some));
    // A broker's own certificate is its fault only if not every broker shows the same.
    let is_brokers_fault =
        matches!(extent, Extent::Some) && refused.values().all(|refused| refused.fault.blame() == Blame::Cluster);
    Some(Finding {
        kind: FindingKind::CredentialsRefused,
        cluster: facts.cluster.clone(),
        broker: only,
        blame: if is_brokers_fault { Blame::Cluster } else { Blame::Unclear },
        since,
        confidence: Confidence::Certain,
        summary: summary(&extent, only, some, all).into(),
        evidence: refused.iter().map(evidence).collect(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn summary(extent: &Extent, only: Option<BrokerId>, some: usize, all: usize) -> String {
    match (extent, only) {
        (Extent::Some, Some(broker)) => {
            format!("TLS or SASL fails at broker {broker} and nowhere else: compare its certificate and keystore")
        }
        (Extent::Some, None) => {
            format!("TLS or SASL fails at {some} of {all} brokers: compare their certificates and keystores")
        }
        (Extent::Everywhere, _) => {
            "every broker refuses the prober's credentials, or the prober refuses theirs: look at the \
             prober's password, its certificate and the CA that it trusts"
                .to_owned()
        }
        (Extent::Unknown, _) => format!(
            "TLS or SASL fails at {some} of {all} brokers, and the others were not connected to since: look at the prober's \
             credentials and at the certificates of these brokers"
        ),
    }
}

fn evidence((broker, refused): (&BrokerId, &CredentialsRefused)) -> Arc<str> {
    format!("a fresh connection to broker {broker} ended with {}", Fault::error_type(refused.fault)).into()
}
