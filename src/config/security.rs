//! `[clusters.NAME.security]`: one flat table, and which of its keys go together.
//!
//! A cluster has no entry in `config/default.toml`, so the defaults of this table are here, and in a comment there; a
//! test holds the two together.

use ::config::ValueKind;

use super::parse::{client_identity, one_of};
use super::values::Values;
use super::{Certificates, ConfigError, SaslMechanism, Secret, SecretFile, Security, SecurityProtocol};

/// Every key but `verify_hostname`, which is true.
const TEXTS: [(&str, &str); 8] = [
    ("protocol", "plaintext"),
    ("ca", ""),
    ("certificate", ""),
    ("key", ""),
    ("sasl_mechanism", ""),
    ("username", ""),
    ("password", ""),
    ("password_file", ""),
];

/// Gives every cluster the defaults of the keys that nobody has set.
pub(crate) fn fill(values: &mut Values) {
    for name in values.names("clusters") {
        let path = |key: &str| ["clusters", &name, "security", key].map(str::to_owned);
        for (key, default) in TEXTS {
            values.fill(&path(key), ValueKind::String(default.to_owned()));
        }
        values.fill(&path("verify_hostname"), ValueKind::Boolean(true));
    }
}

/// Reads the table at `table`.
pub(crate) fn parse(values: &Values, table: &str) -> Result<Security, ConfigError> {
    let key = |key: &str| format!("{table}.{key}");
    let protocol = one_of(
        values,
        &key("protocol"),
        "a protocol",
        &[
            ("plaintext", SecurityProtocol::Plaintext),
            ("ssl", SecurityProtocol::Ssl),
            ("sasl_plaintext", SecurityProtocol::SaslPlaintext),
            ("sasl_ssl", SecurityProtocol::SaslSsl),
        ],
    )?;
    let (certificate, private) = client_identity(values, &key("certificate"), &key("key"))?;
    let security = Security {
        protocol,
        ca: values.text(&key("ca"), "the path of a PEM file, or \"\" for none", Certificates::read)?,
        certificate,
        key: private,
        verify_hostname: values.flag(&key("verify_hostname"))?,
        sasl_mechanism: one_of(
            values,
            &key("sasl_mechanism"),
            "a mechanism",
            &[
                ("", None),
                ("PLAIN", Some(SaslMechanism::Plain)),
                ("SCRAM-SHA-256", Some(SaslMechanism::ScramSha256)),
                ("SCRAM-SHA-512", Some(SaslMechanism::ScramSha512)),
            ],
        )?,
        username: values.text(&key("username"), "a name", username)?,
        password: values.text(&key("password"), "a password", password)?,
        password_file: values.text(&key("password_file"), "the path of a file, or \"\" for none", SecretFile::read)?,
    };
    fits(values, &key, &security)?;
    Ok(security)
}

/// What the protocol needs is there, and what it has no use for is not: a certificate or a password beside the default
/// protocol would mean that somebody believes to be safe.
fn fits(values: &Values, key: &impl Fn(&str) -> String, security: &Security) -> Result<(), ConfigError> {
    let Security { protocol, ca, certificate, key: private, sasl_mechanism, username, .. } = security;
    let given = [
        ("ca", ca.is_some(), protocol.has_tls()),
        ("certificate", certificate.is_some(), protocol.has_tls()),
        ("key", private.is_some(), protocol.has_tls()),
        ("sasl_mechanism", sasl_mechanism.is_some(), protocol.has_sasl()),
        ("username", !username.is_empty(), protocol.has_sasl()),
        ("password", security.password.is_some(), protocol.has_sasl()),
        ("password_file", security.password_file.is_some(), protocol.has_sasl()),
    ];
    for (name, is_given, of_use) in given {
        if is_given && !of_use {
            let wanted = if ["ca", "certificate", "key"].contains(&name) { "TLS" } else { "SASL" };
            let problem = format!("is of no use without {wanted}; set {} to one that has it", key("protocol"));
            return Err(values.problem(&key(name), problem));
        }
    }
    if security.password.is_some() && security.password_file.is_some() {
        let problem = format!("there is also {}; keep one of the two", key("password"));
        return Err(values.problem(&key("password_file"), problem));
    }
    let missing = match () {
        () if !protocol.has_sasl() => return Ok(()),
        () if sasl_mechanism.is_none() => "sasl_mechanism",
        () if username.is_empty() => "username",
        () if security.any_password().is_none() => "password or password_file",
        () => return Ok(()),
    };
    Err(values.problem(&key("protocol"), format!("SASL needs {missing} too; give it in the same table")))
}

fn username(text: &str) -> Result<String, String> {
    match text.contains(char::is_control) {
        false => Ok(text.to_owned()),
        true => Err("a user's name must be printable characters".to_owned()),
    }
}

/// The error never quotes.
fn password(text: &str) -> Result<Option<Secret>, String> {
    match text {
        "" => Ok(None),
        Secret::REDACTED => Err("this is the mark that hides a secret in outputs; give the secret".to_owned()),
        text if text.contains(char::is_control) => Err("a password must be printable characters".to_owned()),
        text => Ok(Some(Secret::new(text.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULTS;
    use super::*;

    #[test]
    fn defaults_are_those_of_the_comment_in_the_default_file() {
        let comment = DEFAULTS.split_once("#   [clusters.prod.security]\n").expect("it is there").1;
        let shown: Vec<_> = comment
            .lines()
            .map_while(|line| line.strip_prefix("#   "))
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, value)| (key, value.trim_matches('"')))
            .collect();
        let mut expected = TEXTS.to_vec();
        expected.insert(4, ("verify_hostname", "true"));
        assert_eq!(shown, expected);
    }
}
