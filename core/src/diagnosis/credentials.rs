//! `credentials_refused`: TLS or SASL fails, refused by either side. At one broker the cause is most likely that broker's
//! certificate or keystore; at all brokers it is most likely the prober's own credentials.

use std::sync::Arc;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::time::Time;

use super::input::Input;

/// The finding about all brokers at which TLS or SASL fails.
pub fn find(input: &Input) -> Option<Finding> {
    let refused = &input.credentials_refused;
    let since = refused.values().map(|(since, _)| *since).min()?;
    let (all, some) = (input.brokers.len(), refused.len());
    let is_everywhere = all <= some;
    let only = refused.keys().next().copied().filter(|_| some == 1 && !is_everywhere);
    // A broker's own certificate is its fault only if not every broker shows the same.
    let is_brokers_fault = !is_everywhere && refused.values().all(|(_, fault)| fault.blame() == Blame::Cluster);
    let summary = match only {
        Some(broker) => {
            format!("TLS or SASL fails at broker {broker} and nowhere else: compare its certificate and keystore")
        }
        None if is_everywhere => {
            "every broker refuses the prober's credentials, or the prober refuses theirs: look at the \
                                  prober's password, its certificate and the CA that it trusts"
                .to_owned()
        }
        None => format!("TLS or SASL fails at {some} of {all} brokers: compare their certificates and keystores"),
    };
    let evidence = |(broker, (_, fault)): (&BrokerId, &(Time, Fault))| -> Arc<str> {
        format!("a fresh connection to broker {broker} ended with {}", fault.error_type()).into()
    };
    Some(Finding {
        kind: FindingKind::CredentialsRefused,
        cluster: input.cluster.clone(),
        broker: only,
        blame: if is_brokers_fault { Blame::Cluster } else { Blame::Unclear },
        since,
        confidence: 0.95,
        summary: summary.into(),
        evidence: refused.iter().map(evidence).collect(),
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::BrokerDown],
    })
}

/// Whether a fault is about authentication, of either side.
pub fn is_about(fault: Fault) -> bool {
    match fault {
        Fault::CertificateExpired
        | Fault::CertificateWrongName
        | Fault::CertificateUntrusted
        | Fault::TlsRefused
        | Fault::TlsProtocol => true,
        Fault::Kafka(error) => error.is_authentication(),
        _ => false,
    }
}
