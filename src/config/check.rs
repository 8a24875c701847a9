//! Rules between two values, and those that depend on where a value came from.

use std::time::Duration;

use super::from_file::{Certificates, PrivateKey};
use super::keys::dotted;
use super::merged::Merged;
use super::{Config, ConfigError, Origin, SaslMechanism, Security, SecurityProtocol, otlp};

/// Checks a configuration whose values are each valid by themselves, and completes the URL to export to.
pub(crate) fn check(config: &mut Config, values: &Merged) -> Result<(), ConfigError> {
    if config.clusters.is_empty() {
        return Err(ConfigError::NoCluster);
    }
    for (name, cluster) in &config.clusters {
        let table = dotted(&["clusters".to_owned(), name.clone()]);
        if cluster.bootstrap.is_empty() {
            let problem = format!(
                "no server to start from; give --bootstrap-server host:port --cluster {name}, or list at least one \"host:port\""
            );
            return Err(values.problem(&format!("{table}.bootstrap"), problem));
        }
        security(values, &format!("{table}.security"), &cluster.security)?;
    }
    durations(config, values)?;
    for (name, objective) in &config.objectives {
        if !objective.probe.spec().views.contains(&objective.view) {
            // An objective over no events would never be met or missed.
            let problem = "this probe has no events in that view; see docs/metrics.md";
            return Err(values.problem(&format!("objectives.{name}.probe"), problem));
        }
    }
    let export = &mut config.otlp;
    let identity = (&export.client_certificate, &export.client_key);
    client_identity(values, identity, ("otlp.client_certificate", "otlp.client_key"))?;
    for (name, value) in &export.headers {
        let key = dotted(&["otlp".to_owned(), "headers".to_owned(), name.clone()]);
        otlp::header(name, value.expose()).map_err(|problem| values.problem(&key, problem))?;
    }
    if let Some(url) = &export.endpoint {
        let complete = otlp::endpoint(url, export.protocol, values.origin("otlp.endpoint"));
        export.endpoint = Some(complete.map_err(|problem| values.problem("otlp.endpoint", problem))?);
    }
    Ok(())
}

/// Thresholds are below their deadlines, and fetches return before the deadline of `consume`.
fn durations(config: &Config, values: &Merged) -> Result<(), ConfigError> {
    let probes = &config.probes;
    let limits = [("produce", probes.produce), ("consume", probes.consume), ("end_to_end", probes.end_to_end)];
    let limits = limits.into_iter().chain(probes.direct().map(|(probe, direct)| (probe.as_str(), direct.limits())));
    for (probe, limits) in limits {
        let keys = [format!("probes.{probe}.threshold"), format!("probes.{probe}.deadline")];
        below(values, (&keys[0], limits.threshold), (&keys[1], limits.deadline))?;
    }
    let lanes = [("pinned", config.lanes.pinned), ("replicated", config.lanes.replicated.lane())];
    for (name, lane) in lanes {
        let wait = format!("lanes.{name}.fetch_max_wait");
        below(values, (&wait, lane.fetch_max_wait), ("probes.consume.deadline", probes.consume.deadline))?;
    }
    Ok(())
}

/// Demands that the first duration is below the second, and blames the one that a user set.
fn below(
    values: &Merged,
    (low_key, low): (&str, Duration),
    (high_key, high): (&str, Duration),
) -> Result<(), ConfigError> {
    if low < high {
        return Ok(());
    }
    let (low, high) = (humantime::format_duration(low), humantime::format_duration(high));
    if values.origin(low_key) == Some(&Origin::Default) {
        let problem = format!("{high} must be above {low_key}, which is {low}; raise it or lower that");
        return Err(values.problem(high_key, problem));
    }
    let problem = format!("{low} must be below {high_key}, which is {high}; lower it or raise that");
    Err(values.problem(low_key, problem))
}

/// What the protocol needs is there, and what it has no use for is not: a certificate or a password beside a protocol
/// that ignores it would mean that somebody believes the connection to be safe.
fn security(values: &Merged, table: &str, security: &Security) -> Result<(), ConfigError> {
    let key = |key: &str| format!("{table}.{key}");
    let refused = |at: &str, problem: String| Err(values.problem(&key(at), problem));
    let Security { protocol, ca, certificate, key: private, sasl_mechanism, username, .. } = security;
    client_identity(values, (certificate, private), (&key("certificate"), &key("key")))?;
    let (tls, sasl) = (("TLS", protocol.has_tls()), ("SASL", protocol.has_sasl()));
    for (name, is_given, (wanted, has_use)) in [
        ("ca", ca.is_some(), tls),
        ("certificate", certificate.is_some(), tls),
        ("key", private.is_some(), tls),
        ("sasl_mechanism", sasl_mechanism.is_some(), sasl),
        ("username", !username.is_empty(), sasl),
        ("password", security.password.is_some(), sasl),
        ("password_file", security.password_file.is_some(), sasl),
    ] {
        if is_given && !has_use {
            let problem = format!("is of no use without {wanted}; set {} to one that has it", key("protocol"));
            return refused(name, problem);
        }
    }
    if username.contains(char::is_control) {
        return refused("username", "a user's name must be printable characters".to_owned());
    }
    if security.password.as_ref().is_some_and(|password| password.expose().contains(char::is_control)) {
        return refused("password", "a password must be printable characters".to_owned());
    }
    if security.password.is_some() && security.password_file.is_some() {
        return refused("password_file", format!("there is also {}; keep one of the two", key("password")));
    }
    match missing(*protocol, *sasl_mechanism, security) {
        Some(missing) => refused("protocol", format!("SASL needs {missing} too; give it in the same table")),
        None => Ok(()),
    }
}

fn missing(protocol: SecurityProtocol, mechanism: Option<SaslMechanism>, security: &Security) -> Option<&'static str> {
    match () {
        () if !protocol.has_sasl() => None,
        () if mechanism.is_none() => Some("sasl_mechanism"),
        () if security.username.is_empty() => Some("username"),
        () if security.any_password().is_none() => Some("password or password_file"),
        () => None,
    }
}

/// Certificate and key are both there, or neither.
fn client_identity(
    values: &Merged,
    identity: (&Option<Certificates>, &Option<PrivateKey>),
    (certificate, key): (&str, &str),
) -> Result<(), ConfigError> {
    let (alone, missing) = match identity {
        (Some(_), None) => (certificate, key),
        (None, Some(_)) => (key, certificate),
        _ => return Ok(()),
    };
    Err(values.problem(alone, format!("is of no use without {missing}; give both or neither")))
}
