//! Errors in the command line or the configuration: one sentence on stderr, exit code 2, nothing on stdout.

use std::net::TcpListener;

use crate::harness::authority::Authority;
use crate::harness::ports::free_port;
use crate::program::run;

/// A secret; no output may contain it.
const CANARY: &str = "canary-51be";
const CANARY_HEADER: &str = "authorization=canary-51be";

/// The one sentence, without its `error: `.
#[track_caller]
fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let ended = run(args, env);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
    let sentence = ended.stderr.strip_prefix("error: ").and_then(|text| text.strip_suffix('\n'));
    let sentence = sentence.unwrap_or_else(|| panic!("no sentence: {:?}", ended.stderr));
    assert!(!sentence.contains('\n'), "more than one line: {sentence}");
    sentence.to_owned()
}

/// `config check` of one file of bad configuration.
#[track_caller]
fn refused_file(name: &str) -> String {
    let file = format!("tests/it/testdata/config/{name}");
    let sentence = refused(&["config", "check", "--bootstrap-server", "localhost:9092", "--config", &file], &[]);
    let without_file = sentence.strip_prefix(&format!("{file}: "));
    without_file.unwrap_or_else(|| panic!("does not begin with the file: {sentence}")).to_owned()
}

#[test]
fn unknown_key_names_the_file_the_key_and_the_nearest() {
    assert_eq!(refused_file("invalid-unknown-key.toml"), "unknown key htpp; the nearest known one is http");
}

#[test]
fn wrong_type_says_what_would_work() {
    let sentence = refused_file("invalid-type.toml");
    assert_eq!(sentence, "lanes.pinned.record_size: must be a whole number, such as 128, not text");
}

#[test]
fn bad_address_says_how_to_write_one() {
    let sentence = refused(&["run", "--bootstrap-server", "kafka-1"], &[]);
    assert!(
        sentence.starts_with("--bootstrap-server: clusters.default.bootstrap: \"kafka-1\" has no port"),
        "{sentence}"
    );
    let sentence = refused(&["run", "--bootstrap-server", "kafka-1:9092", "--listen", "9464"], &[]);
    assert!(sentence.starts_with("--listen: http.listen: \"9464\" is not an IP address and port"), "{sentence}");
}

#[test]
fn empty_bootstrap_says_what_to_give() {
    let sentence = refused(&["run", "--bootstrap-server", ""], &[]);
    assert!(sentence.contains("no server to start from; give --bootstrap-server host:port"), "{sentence}");
}

#[test]
fn no_cluster_says_what_to_give() {
    for subcommand in ["run", "check"] {
        let sentence = refused(&[subcommand], &[]);
        assert!(sentence.starts_with("no cluster is configured; give --bootstrap-server host:port"), "{sentence}");
    }
}

#[test]
fn unreadable_file_is_named() {
    let sentence = refused(&["check", "--config", "tests/it/testdata/absent.toml"], &[]);
    assert!(sentence.starts_with("tests/it/testdata/absent.toml: cannot read this config file"), "{sentence}");
    let sentence = refused(&["run", "--config", "tests/it/testdata/config/unknown-extension.ini"], &[]);
    assert!(sentence.contains("its name must end in .toml, .yaml or .yml"), "{sentence}");
}

#[test]
fn unknown_variable_names_the_nearest() {
    let sentence = refused(&["run", "--bootstrap-server", "a:1"], &[("KAFKA_PROBER__VANTAG", "west")]);
    assert_eq!(sentence, "KAFKA_PROBER__VANTAG: unknown variable; the nearest known one is KAFKA_PROBER__VANTAGE");
}

#[test]
fn port_in_use_is_named_with_a_remedy() {
    let holder = TcpListener::bind(("127.0.0.1", free_port())).expect("the port is free");
    let taken = holder.local_addr().expect("it is bound").to_string();
    let sentence = refused(&["run", "--bootstrap-server", "localhost:9092", "--listen", &taken], &[]);
    let what = format!("cannot listen on {taken}: another process has this port; stop it, or set http.listen");
    assert!(sentence.starts_with(&what), "{sentence}");
}

#[test]
fn bad_otlp_endpoint_says_how_to_write_one() {
    for bad in ["ftp://collector:4317", "http://", "http://collector:99999"] {
        let sentence = refused(&["run", "--bootstrap-server", "a:1"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]);
        assert!(sentence.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint: "), "{sentence}");
        assert!(sentence.ends_with("write it like http://collector:4317"), "{sentence}");
    }
}

#[test]
fn unusable_certificates_are_refused_before_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it is ours");
        path.display().to_string()
    };
    let authority = Authority::new();
    let (one, other) = (authority.issue(&[]), authority.issue(&[]));
    let (certificate, key) = (file("one.pem", &one.certificate), file("other.key", &other.key));
    let ca = file("ca.pem", &authority.pem());
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317");
    let mismatch = [
        endpoint,
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str()),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate.as_str()),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key.as_str()),
    ];
    let listen = format!("127.0.0.1:{}", free_port());
    let args = ["run", "--bootstrap-server", "a:1", "--listen", &listen];
    let sentence = refused(&args, &mismatch);
    assert!(sentence.contains("the key in otlp.client_key"), "{sentence}");
    assert!(sentence.contains("does not belong to the certificate in otlp.client_certificate"), "{sentence}");

    let nowhere = folder.path().join("nowhere.pem").display().to_string();
    let sentence = refused(&args, &[endpoint, ("OTEL_EXPORTER_OTLP_CERTIFICATE", &nowhere)]);
    assert!(sentence.starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE: otlp.ca: cannot read "), "{sentence}");

    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).expect("it is ours");
    let empty = empty.display().to_string();
    let without = [endpoint, ("SSL_CERT_FILE", nowhere.as_str()), ("SSL_CERT_DIR", empty.as_str())];
    let sentence = refused(&args, &without);
    assert!(sentence.contains("this machine has no CA certificates"), "{sentence}");
    assert!(sentence.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"), "{sentence}");
}

#[test]
fn bad_usage_exits_2_and_points_to_the_help() {
    let cases: [&[&str]; 4] = [&[], &["walk"], &["run", "--bootstrp", "a:1"], &["check", "--timeout", "soon"]];
    for args in cases {
        let ended = run(args, &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--help") || ended.stderr.contains("Usage:"), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn help_goes_to_stdout_and_lists_subcommands_and_exit_codes() {
    let ended = run(&["--help"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for word in ["run", "check", "explain", "demo", "config"] {
        let listed = ended.stdout.lines().any(|line| line.starts_with(&format!("  {word} ")));
        assert!(listed, "{word} is not listed:\n{}", ended.stdout);
    }
    let flowing = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let codes = "0 pass; 1 the cluster is to blame; 2 the command line or the configuration; 3 unclear, or the prober's own \
                 permissions, credentials or network; 4 the prober is unhealthy";
    assert!(flowing.contains(codes), "{}", ended.stdout);
}

#[test]
fn version_is_that_of_the_package() {
    let ended = run(&["--version"], &[]);
    assert_eq!(ended.stdout, format!("kafka-prober {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn config_check_says_ok_on_stdout() {
    let ended = run(&["config", "check", "--config", "tests/it/testdata/config/full.toml"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.starts_with("OK: ") && ended.stdout.lines().count() == 1, "{}", ended.stdout);
}

#[test]
fn config_print_hides_secrets() {
    for args in [
        &["config", "print", "--bootstrap-server", "a:1"][..],
        &["config", "print", "--origin", "--bootstrap-server", "a:1"],
    ] {
        let ended = run(args, &[("KAFKA_PROBER__OTLP__HEADERS", CANARY_HEADER)]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert!(!ended.stdout.contains(CANARY), "{}", ended.stdout);
        assert!(ended.stdout.contains("authorization = \"<redacted>\""), "{}", ended.stdout);
    }
}

#[test]
fn printed_configuration_can_be_read_back() {
    let printed = run(&["config", "print", "--origin", "--bootstrap-server", "a:1"], &[]);
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let file = folder.path().join("printed.toml");
    std::fs::write(&file, &printed.stdout).expect("the temporary folder is writable");
    let again = run(&["config", "check", "--config", &file.to_string_lossy()], &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
}
