//! Certificates and keys: named by a key, read at the start, never shown.

use std::path::Path;

use kafka_prober::config::Sources;

use super::{env, loaded, refused, reloaded};
use crate::harness::authority::Authority;

const CA: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// `ca.pem` (of two authorities), `client.pem`, `client.key` and `text.pem` in a folder.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it is ours");
    let authority = Authority::new();
    let client = authority.issue(&[]);
    write("ca.pem", &(authority.pem() + &Authority::new().pem()));
    write("client.pem", &client.certificate);
    write("client.key", &client.key);
    write("text.pem", "canary-7f3a");
    folder
}

fn sources(folder: &Path, files: &[(&str, &str)]) -> Sources {
    let paths: Vec<String> = files.iter().map(|(_, name)| folder.join(name).display().to_string()).collect();
    let vars: Vec<_> = files.iter().zip(&paths).map(|((variable, _), path)| (*variable, path.as_str())).collect();
    env(&vars)
}

#[test]
fn files_are_read_and_shown_by_their_path_only() {
    let folder = folder();
    let loaded = loaded(&sources(folder.path(), &[(CA, "ca.pem"), (CERTIFICATE, "client.pem"), (KEY, "client.key")]));
    let otlp = &loaded.config.otlp;
    assert_eq!(otlp.ca.as_ref().map(|ca| ca.content.len()), Some(2));
    assert_eq!(otlp.client_certificate.as_ref().map(|chain| chain.content.len()), Some(1));
    assert!(otlp.client_key.is_some());
    let print = loaded.to_toml(true);
    let key = folder.path().join("client.key").display().to_string();
    assert!(print.contains(&format!("client_key = \"{key}\"  # from {KEY}")), "{print}");
    assert_eq!(reloaded(&loaded).config, loaded.config);
    let secret = otlp.client_key.as_ref().expect("it is there").content.secret_der();
    let debug = format!("{loaded:?}");
    assert!(!debug.contains(&format!("{secret:?}")) && debug.contains("elided"), "{debug}");
}

#[test]
fn variable_of_metrics_goes_before_the_general_one() {
    let folder = folder();
    let metrics = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE";
    let loaded = loaded(&sources(folder.path(), &[(CA, "nowhere.pem"), (metrics, "ca.pem")]));
    assert!(loaded.config.otlp.ca.is_some());
}

#[test]
fn file_that_cannot_be_used_is_one_clear_sentence() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (files, sentence) in [
        (
            &[(CA, "nowhere.pem")][..],
            format!(
                "{CA}: otlp.ca: cannot read {:?} (No such file or directory (os error 2)); \
                 give a PEM file with -----BEGIN CERTIFICATE-----",
                path("nowhere.pem")
            ),
        ),
        (
            &[(CA, "text.pem")],
            format!(
                "{CA}: otlp.ca: {:?} holds no certificate; give a PEM file with -----BEGIN CERTIFICATE-----",
                path("text.pem")
            ),
        ),
        (
            &[(CERTIFICATE, "client.pem"), (KEY, "client.pem")],
            format!(
                "{KEY}: otlp.client_key: {:?} holds no private key; \
                 give a PEM file with -----BEGIN PRIVATE KEY-----, not encrypted",
                path("client.pem")
            ),
        ),
        (
            &[(CERTIFICATE, "client.pem")],
            format!(
                "{CERTIFICATE}: otlp.client_certificate: is of no use without otlp.client_key; give both or neither"
            ),
        ),
        (
            &[(KEY, "client.key")],
            format!("{KEY}: otlp.client_key: is of no use without otlp.client_certificate; give both or neither"),
        ),
    ] {
        assert_eq!(refused(&sources(folder.path(), files)), sentence);
    }
}
