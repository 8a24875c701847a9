//! Credentials: TLS or SASL is refused, by one side or the other. At one broker it is that broker's certificate or keystore; at
//! all of them it is more often ours.

use std::sync::Arc;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// The finding about whoever is refused.
pub fn find(input: &Input) -> Option<Finding> {
    let since = input.credentials_refused.values().map(|(since, _)| *since).min()?;
    let (all, some) = (input.brokers.len(), input.credentials_refused.len());
    let is_everywhere = all <= some;
    let one = input.credentials_refused.keys().next().copied().filter(|_| some == 1 && !is_everywhere);
    // What a broker shows of itself may be its own fault, and only if not everybody shows it.
    let is_theirs = |fault: &Fault| fault.blame() == Blame::Cluster;
    let theirs = !is_everywhere && input.credentials_refused.values().all(|(_, fault)| is_theirs(fault));
    let summary = match one {
        Some(broker) => {
            format!("TLS or SASL fails at broker {broker} and nowhere else: compare its certificate and keystore")
        }
        None if is_everywhere => "every broker refuses the prober's credentials, or the prober theirs: look at its \
                                  password, its certificate and the CA that it trusts"
            .to_owned(),
        None => format!("TLS or SASL fails at {some} of {all} brokers: compare their certificates and keystores"),
    };
    let told = |(broker, (_, fault)): (&crate::ids::BrokerId, &(crate::time::Time, Fault))| -> Arc<str> {
        format!("a fresh connection to broker {broker} ended with {}", fault.error_type()).into()
    };
    Some(Finding {
        kind: FindingKind::CredentialsRefused,
        cluster: input.cluster.clone(),
        broker: one,
        blame: if theirs { Blame::Cluster } else { Blame::Unclear },
        since,
        confidence: 0.95,
        summary: summary.into(),
        evidence: input.credentials_refused.iter().map(told).collect(),
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::BrokerDown],
    })
}

/// Whether a fault is about who is who.
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
