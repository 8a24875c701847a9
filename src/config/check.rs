//! Rules between two values, and those that depend on where a value came from.

use std::time::Duration;

use humantime::format_duration;

use prober_core::ids::Probe;

use super::keys::dotted;
use super::settings::Settings;
use super::text::{MINUTE, duration_between};
use super::{Config, ConfigError, Origin, Otlp, Security, otlp};

/// Checks a configuration whose values are each valid by themselves, and completes the URL to export to.
pub(crate) fn check(config: &mut Config, settings: &Settings) -> Result<(), ConfigError> {
    if config.clusters.is_empty() {
        return Err(ConfigError::NoCluster);
    }
    check_without_cluster(config, settings)
}

/// The same for a configuration that need not have a cluster.
pub(crate) fn check_without_cluster(config: &mut Config, settings: &Settings) -> Result<(), ConfigError> {
    for (name, cluster) in &config.clusters {
        if cluster.bootstrap.is_empty() {
            let problem = format!(
                "no server to start from; give --bootstrap-server host:port --cluster {name}, or list at least one \"host:port\""
            );
            return Err(settings.problem(&["clusters", name, "bootstrap"], problem));
        }
        security(&cluster.security, &["clusters", name, "security"], settings)?;
    }
    durations(config, settings)?;
    let has_no_use = config.recorder.folder.is_some() && !config.recorder.enabled;
    let problem = "is of no use without recorder.enabled = true; set that, or remove this key".to_owned();
    obey([(has_no_use, "folder", problem)], &["recorder"], settings)?;
    for (name, objective) in &config.objectives {
        if !objective.probe.spec().views.contains(&objective.view) {
            // An objective over no events would never be met or missed.
            let problem = "this probe has no events in that view; see docs/metrics.md";
            return Err(settings.problem(&["objectives", name, "probe"], problem));
        }
    }
    export(&mut config.otlp, settings)
}

/// A rule: whether it is broken, which key of the table to name, and what to say of it.
type Rule = (bool, &'static str, String);

fn obey(rules: impl IntoIterator<Item = Rule>, table: &[&str], settings: &Settings) -> Result<(), ConfigError> {
    match rules.into_iter().find(|(is_broken, ..)| *is_broken) {
        Some((_, key, problem)) => Err(settings.problem(&[table, &[key]].concat(), problem)),
        None => Ok(()),
    }
}

/// What the protocol needs is there, and what it has no use for is not: a certificate or a password beside a protocol
/// that ignores it would mean that somebody believes the connection to be safe.
fn security(security: &Security, table: &[&str], settings: &Settings) -> Result<(), ConfigError> {
    let Security { protocol, ca, certificate, key, sasl_mechanism, username, password, password_file, .. } = security;
    let (tls, sasl) = (protocol.has_tls(), protocol.has_sasl());
    let full = |key: &str| dotted(&[table, &[key]].concat());
    let without = |wanted| format!("is of no use without {wanted}; set {} to one that has it", full("protocol"));
    let sasl_needs = |missing| format!("SASL needs {missing} too; give it in the same table");
    let has_control = |text: &str| text.contains(char::is_control);
    let rules = [
        (ca.is_some() && !tls, "ca", without("TLS")),
        (certificate.is_some() && !tls, "certificate", without("TLS")),
        (key.is_some() && !tls, "key", without("TLS")),
        (sasl_mechanism.is_some() && !sasl, "sasl_mechanism", without("SASL")),
        (!username.is_empty() && !sasl, "username", without("SASL")),
        (password.is_some() && !sasl, "password", without("SASL")),
        (password_file.is_some() && !sasl, "password_file", without("SASL")),
        (has_control(username), "username", "a user's name must be printable characters".to_owned()),
        (
            password.as_ref().is_some_and(|password| has_control(password.expose())),
            "password",
            "a password must be printable characters".to_owned(),
        ),
        (
            password.is_some() && password_file.is_some(),
            "password_file",
            format!("there is also {}; keep one of the two", full("password")),
        ),
        (sasl && sasl_mechanism.is_none(), "protocol", sasl_needs("sasl_mechanism")),
        (sasl && username.is_empty(), "protocol", sasl_needs("username")),
        (sasl && security.any_password().is_none(), "protocol", sasl_needs("password or password_file")),
    ];
    let identity = both_or_neither(("certificate", certificate.is_some()), ("key", key.is_some()), table);
    obey(identity.into_iter().chain(rules), table, settings)
}

fn both_or_neither(one: (&'static str, bool), other: (&'static str, bool), table: &[&str]) -> [Rule; 2] {
    [(one, other), (other, one)].map(|((key, is_given), (missing, has_other))| {
        let missing = dotted(&[table, &[missing]].concat());
        (is_given && !has_other, key, format!("is of no use without {missing}; give both or neither"))
    })
}

/// Deadlines are short enough for every broker that an attempt asks, thresholds are below their deadlines, and fetches
/// return before the deadline of `consume`.
fn durations(config: &Config, settings: &Settings) -> Result<(), ConfigError> {
    for (probe, limits) in &config.probes {
        let [threshold, deadline] = ["threshold", "deadline"].map(|key| ["probes", probe.as_str(), key]);
        let longest = Duration::from_millis(MINUTE) / probe.spec().brokers_per_attempt;
        let text = format_duration(limits.deadline).to_string();
        let in_bounds = duration_between(Duration::from_millis(1), longest)(&text);
        in_bounds.map_err(|problem| settings.problem(&deadline, problem))?;
        below((&threshold, limits.threshold), (&deadline, limits.deadline), settings)?;
    }
    let consume = config.probes[&Probe::Consume].deadline;
    for (name, lane) in [("pinned", config.lanes.pinned), ("replicated", config.lanes.replicated)] {
        let wait = ["lanes", name, "fetch_max_wait"];
        below((&wait, lane.fetch_max_wait), (&["probes", "consume", "deadline"], consume), settings)?;
    }
    Ok(())
}

/// Demands that the first duration is below the second, and blames the one that a user set.
fn below(low: (&[&str], Duration), high: (&[&str], Duration), settings: &Settings) -> Result<(), ConfigError> {
    if low.1 < high.1 {
        return Ok(());
    }
    let is_of_user = settings.origin(low.0) != Some(&Origin::Default);
    let (blamed, must, other, remedy) = match is_of_user {
        true => (low, "below", high, "lower it or raise that"),
        false => (high, "above", low, "raise it or lower that"),
    };
    let (value, limit) = (format_duration(blamed.1), format_duration(other.1));
    let problem = format!("{value} must be {must} {}, which is {limit}; {remedy}", dotted(other.0));
    Err(settings.problem(blamed.0, problem))
}

/// Certificate and key go together, headers can be sent, and the URL gets the path that its origin and protocol imply.
fn export(export: &mut Otlp, settings: &Settings) -> Result<(), ConfigError> {
    let certificate = ("client_certificate", export.client_certificate.is_some());
    obey(both_or_neither(certificate, ("client_key", export.client_key.is_some()), &["otlp"]), &["otlp"], settings)?;
    for (name, value) in &export.headers {
        otlp::header(name, value.expose()).map_err(|problem| settings.problem(&["otlp", "headers", name], problem))?;
    }
    let endpoint = ["otlp", "endpoint"];
    let complete = |url: &String| otlp::endpoint(url, export.protocol, settings.origin(&endpoint));
    export.endpoint =
        export.endpoint.as_ref().map(complete).transpose().map_err(|problem| settings.problem(&endpoint, problem))?;
    Ok(())
}
