//! Files that cannot be read, and files that are broken.

use kafka_prober::config::Sources;

use super::{file_is_refused, files, refused};

#[test]
fn missing_file_is_named() {
    let sentence = refused(&files(&["absent.toml"]));
    assert!(
        sentence.starts_with("tests/it/testdata/config/absent.toml: cannot read this config file (No such file"),
        "{sentence}"
    );
    assert!(sentence.ends_with("give --config a readable .toml, .yaml or .yml file"));
}

#[test]
fn file_that_is_no_text_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in [("bytes.toml", vec![0xff, 0xfe]), ("big.toml", vec![b'#'; (1 << 20) + 1])] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("it is ours");
        let sources = Sources { files: vec![path], ..Sources::default() };
        assert!(refused(&sources).contains("cannot read this config file ("));
    }
    let sources = Sources { files: vec![folder.path().join(".toml")], ..Sources::default() };
    assert!(refused(&sources).contains("must end in .toml, .yaml or .yml"));
}

#[test]
fn unknown_extension_names_the_known() {
    file_is_refused(
        "unknown-extension.ini",
        "unknown-extension.ini: unknown kind of config file; its name must end in .toml, .yaml or .yml",
    );
}

#[test]
fn broken_toml_gives_the_line_and_no_secret() {
    file_is_refused(
        "invalid-syntax.toml",
        "invalid-syntax.toml: broken TOML at line 3: invalid basic string, expected `\"`",
    );
}

#[test]
fn broken_yaml_gives_the_line_and_no_secret() {
    file_is_refused(
        "invalid-syntax.yaml",
        "invalid-syntax.yaml: broken YAML at line 3: while scanning a quoted scalar, found unexpected end of stream",
    );
}

#[test]
fn no_way_of_breaking_a_file_shows_its_content() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [
        ("1.toml", "otlp.headers.a = canary-7f3a"),
        ("2.toml", "otlp.headers.a = \"x\" canary-7f3a"),
        ("3.toml", "otlp.headers.a = \"\\canary-7f3a\""),
        ("4.toml", "canary-7f3a"),
        ("5.toml", "canary-7f3a = 1\ncanary-7f3a = 2"),
        ("6.toml", "otlp.interval = 99999999999999999999 # canary-7f3a"),
        ("7.toml", "[otlp.headers\na = \"canary-7f3a\""),
        ("8.toml", "vantage = 1e999 # canary-7f3a"),
        ("1.yaml", "a: *canary-7f3a"),
        ("2.yaml", "a: {{ canary-7f3a }}"),
        ("3.yaml", "a: [canary-7f3a"),
        ("4.yaml", "? {b: canary-7f3a}\n: 1\n? {b: canary-7f3a}\n: 2"),
        ("5.yaml", "- canary-7f3a"),
        ("6.yaml", "a: 1\n---\nb: canary-7f3a"),
        ("7.yaml", "a: b: canary-7f3a"),
        ("8.yaml", "a: \"\\canary-7f3a\""),
        ("9.yaml", "a: !canary-7f3a!b c\n\t- x"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it is ours");
        let sources = Sources { files: vec![path], ..Sources::default() };
        let sentence = refused(&sources);
        assert!(sentence.contains(": broken "), "{sentence}");
    }
}

#[test]
fn yaml_that_is_no_table_is_refused_without_quoting_it() {
    file_is_refused(
        "invalid-top-level.yaml",
        "invalid-top-level.yaml: broken YAML: it must be one document, a table of keys, with numbers up to 64 bits",
    );
}
