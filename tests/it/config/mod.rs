//! The configuration: each layer over the one below, and each mistake as one clear sentence.

mod cluster_names;
mod diagnosis;
mod files;
mod keys;
mod layers;
mod otel;
mod outputs;
mod pem;
mod security;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kafka_prober::config::{Flags, Loaded, Sources, load};

/// Stands for every secret; no output may contain it.
const CANARY: &str = "canary-7f3a";

fn data(name: &str) -> PathBuf {
    PathBuf::from("tests/it/testdata/config").join(name)
}

fn files(names: &[&str]) -> Sources {
    Sources { files: names.iter().map(|name| data(name)).collect(), ..Sources::default() }
}

fn bootstrap(servers: &str) -> Flags {
    Flags { bootstrap: Some(servers.to_owned()), ..Flags::default() }
}

/// `--bootstrap-server` and these variables.
fn env(vars: &[(&str, &str)]) -> Sources {
    Sources {
        env: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        flags: bootstrap("localhost:9092"),
        ..Sources::default()
    }
}

#[track_caller]
fn loaded(sources: &Sources) -> Loaded {
    load(sources).expect("these sources are valid")
}

#[track_caller]
fn refused(sources: &Sources) -> String {
    let error = load(sources).expect_err("these sources are invalid");
    let sentence = error.to_string();
    assert!(!sentence.contains('\n'), "not one line: {sentence}");
    assert!(!sentence.contains(CANARY), "shows a secret: {sentence}");
    assert!(!format!("{error:?}").contains(CANARY), "Debug shows a secret");
    sentence
}

/// Asserts the whole sentence for one bad file, without the folder.
#[track_caller]
fn file_is_refused(name: &str, sentence: &str) {
    let mut sources = files(&[name]);
    sources.flags = bootstrap("localhost:9092");
    assert_eq!(refused(&sources).replace("tests/it/testdata/config/", ""), sentence);
}

#[track_caller]
fn env_is_refused(vars: &[(&str, &str)], sentence: &str) {
    assert_eq!(refused(&env(vars)), sentence);
}

#[track_caller]
fn flags_are_refused(flags: Flags, sentence: &str) {
    let sources = Sources { flags, ..Sources::default() };
    assert_eq!(refused(&sources), sentence);
}

fn servers(loaded: &Loaded, cluster: &str) -> Vec<String> {
    let bootstrap = &loaded.config.clusters[cluster].bootstrap;
    bootstrap.iter().map(ToString::to_string).collect()
}

fn names<T>(tables: &BTreeMap<String, T>) -> Vec<&str> {
    tables.keys().map(String::as_str).collect()
}

fn otlp_endpoint(vars: &[(&str, &str)]) -> Option<String> {
    loaded(&env(vars)).config.otlp.endpoint
}

/// Loads what `config print` printed.
#[track_caller]
fn reloaded(loaded: &Loaded) -> Loaded {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("printed.toml");
    std::fs::write(&path, loaded.to_toml(true)).expect("it is ours");
    let sources = Sources { files: vec![path], ..Sources::default() };
    load(&sources).expect("a print loads")
}
