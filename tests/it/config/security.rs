//! `[clusters.NAME.security]`: what goes together, what does not, and what is never shown.

use std::path::Path;

use kafka_prober::config::{SaslMechanism, SecurityProtocol, Sources};

use super::{CANARY, env, env_is_refused, files, loaded, names, refused, reloaded};
use crate::harness::authority::Authority;

/// `--bootstrap-server`, and these keys of the cluster's security by variables.
fn security(keys: &[(&str, &str)]) -> Sources {
    let named: Vec<_> = keys.iter().map(|(key, value)| (variable(key), *value)).collect();
    let vars: Vec<_> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    env(&vars)
}

fn variable(key: &str) -> String {
    format!("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__{}", key.to_ascii_uppercase())
}

/// `ca.pem`, `client.pem`, `client.key`, and `password` with a line's end.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it is ours");
    let authority = Authority::new();
    let client = authority.issue(&[]);
    write("ca.pem", &authority.pem());
    write("client.pem", &client.certificate);
    write("client.key", &client.key);
    write("password", &format!("{CANARY}\n"));
    write("empty", "\n");
    folder
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

const SASL: [(&str, &str); 4] =
    [("protocol", "sasl_ssl"), ("sasl_mechanism", "SCRAM-SHA-512"), ("username", "prober"), ("password", CANARY)];

#[test]
fn cluster_without_a_word_on_it_is_plaintext_and_shows_every_key() {
    let loaded = loaded(&files(&["full.toml"]));
    assert_eq!(names(&loaded.config.clusters), ["dev", "prod"]);
    for cluster in loaded.config.clusters.values() {
        assert_eq!(cluster.security.protocol, SecurityProtocol::Plaintext);
        assert!(cluster.security.verify_hostname);
        assert_eq!(cluster.security.any_password(), None);
    }
    let print = loaded.to_toml(true);
    let table = "[clusters.prod.security]\nprotocol = \"plaintext\"  # from default\nca = \"\"  # from default\n";
    assert!(print.contains(table), "{print}");
    assert_eq!(reloaded(&loaded).config, loaded.config);
}

#[test]
fn files_and_password_file_are_shown_by_their_path_only() {
    let folder = folder();
    let of = |name: &str| path(folder.path(), name);
    let [ca, certificate, key, password] = ["ca.pem", "client.pem", "client.key", "password"].map(of);
    let loaded = loaded(&security(&[
        SASL[0],
        SASL[1],
        SASL[2],
        ("ca", &ca),
        ("certificate", &certificate),
        ("key", &key),
        ("password_file", &password),
        ("verify_hostname", "false"),
    ]));
    let security = &loaded.config.clusters["default"].security;
    assert_eq!(security.sasl_mechanism, Some(SaslMechanism::ScramSha512));
    assert_eq!(security.any_password().map(|secret| secret.expose()), Some(CANARY));
    assert!(!security.verify_hostname);
    let print = loaded.to_toml(true);
    assert!(
        print.contains(&format!("password_file = \"{password}\"  # from {}", variable("password_file"))),
        "{print}"
    );
    assert!(print.contains("password = \"\"  # from default"), "{print}");
    assert_eq!(reloaded(&loaded).config, loaded.config);
    let json = serde_json::to_string(&loaded.config).expect("it has a JSON form");
    for output in [print, json, format!("{loaded:?}")] {
        assert!(!output.contains(CANARY), "shows a secret: {output}");
    }
}

#[test]
fn password_is_redacted_in_every_output_and_its_mark_is_no_password() {
    let sources = security(&SASL);
    let loaded = loaded(&sources);
    let print = loaded.to_toml(true);
    assert!(print.contains("password = \"<redacted>\""), "{print}");
    let json = serde_json::to_string(&loaded.config).expect("it has a JSON form");
    for output in [print, json, loaded.summary(), format!("{loaded:?}"), format!("{sources:?}")] {
        assert!(!output.contains(CANARY), "shows a secret: {output}");
    }
    let password = variable("password");
    env_is_refused(
        &[(&password, "<redacted>")],
        &format!(
            "{password}: clusters.default.security.password: \
             this is the mark that hides a secret in outputs; give the secret"
        ),
    );
}

#[test]
fn keys_that_do_not_go_together_are_one_clear_sentence() {
    let folder = folder();
    let of = |name: &str| path(folder.path(), name);
    let (ca, certificate, password, empty) = (of("ca.pem"), of("client.pem"), of("password"), of("empty"));
    let nowhere = of("nowhere");
    for (keys, at, sentence) in [
        (&[SASL[1]][..], "sasl_mechanism", "is of no use without SASL; set K.protocol to one that has it".to_owned()),
        (
            &[("protocol", "ssl"), SASL[3]],
            "password",
            "is of no use without SASL; set K.protocol to one that has it".to_owned(),
        ),
        (&[("ca", &ca)], "ca", "is of no use without TLS; set K.protocol to one that has it".to_owned()),
        (
            &[("protocol", "ssl"), ("certificate", &certificate)],
            "certificate",
            "is of no use without K.key; give both or neither".to_owned(),
        ),
        (
            &[SASL[0], SASL[2], SASL[3]],
            "protocol",
            "SASL needs sasl_mechanism too; give it in the same table".to_owned(),
        ),
        (&[SASL[0], SASL[1], SASL[3]], "protocol", "SASL needs username too; give it in the same table".to_owned()),
        (
            &[SASL[0], SASL[1], SASL[2]],
            "protocol",
            "SASL needs password or password_file too; give it in the same table".to_owned(),
        ),
        (
            &[SASL[0], SASL[1], SASL[2], SASL[3], ("password_file", &password)],
            "password_file",
            "there is also K.password; keep one of the two".to_owned(),
        ),
        (
            &[("password_file", &nowhere)],
            "password_file",
            format!(
                "cannot read {nowhere:?} (No such file or directory (os error 2)); \
                 give a text file with nothing but the secret on one line"
            ),
        ),
        (
            &[("password_file", &empty)],
            "password_file",
            format!("{empty:?} does not hold a secret; give a text file with nothing but the secret on one line"),
        ),
        (
            &[("protocol", "tls")],
            "protocol",
            "\"tls\" is not known; use \"plaintext\" or \"ssl\" or \"sasl_plaintext\" or \"sasl_ssl\"".to_owned(),
        ),
    ] {
        let sentence = sentence.replace("K.", "clusters.default.security.");
        let expected = format!("{}: clusters.default.security.{at}: {sentence}", variable(at));
        assert_eq!(refused(&security(keys)), expected);
    }
}
