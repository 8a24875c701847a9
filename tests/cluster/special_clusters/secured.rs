//! Brokers with TLS and SASL: both views are good over many sessions. A refusal by the broker or by the prober has its own
//! error type, and blames no broker.

use std::time::Duration;

use crate::harness::authority::{Authority, Issued};
use crate::harness::process_guard::ScratchDir;
use crate::harness::{Cluster, Options, raw, skip_without_kafka, wait_for};
use crate::support::{PROBES, RunningProber, elapse};

const USER: &str = "prober";
const PASSWORD: &str = "its-secret";

/// A broker closes a connection that is older than this at its next request (KIP-368).
const SESSION_MS: &str = "4000";

/// One broker whose client listener demands SASL over TLS and ends sessions after 4 s.
fn cluster(shows: &Issued) -> Cluster {
    let of_client = |key: &str| format!("listener.name.client.{key}");
    let plain = format!("org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";");
    let options = Options { name: "secured".to_owned(), brokers: 1, ..Options::default() }
        .with("listener.security.protocol.map", "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT")
        .with(&of_client("ssl.keystore.type"), "PEM")
        .with(&of_client("ssl.keystore.certificate.chain"), &on_one_line(&shows.certificate))
        .with(&of_client("ssl.keystore.key"), &on_one_line(&shows.key))
        .with(&of_client("sasl.enabled.mechanisms"), "PLAIN,SCRAM-SHA-512")
        .with(&of_client("plain.sasl.jaas.config"), &plain)
        .with(
            &of_client("scram-sha-512.sasl.jaas.config"),
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        )
        .with(&of_client("connections.max.reauth.ms"), SESSION_MS);
    Cluster::start(options)
}

/// As a properties file contains it.
fn on_one_line(pem: &str) -> String {
    pem.trim_end().replace('\n', "\\n")
}

/// A prober with these security settings; those that are not given are valid.
fn probing(cluster: &Cluster, vantage: &str, ca: &str, security: &[(&str, &str)]) -> RunningProber {
    let mut all = vec![("PROTOCOL", "sasl_ssl"), ("CA", ca), ("USERNAME", USER), ("PASSWORD", PASSWORD)];
    all.extend(security);
    let named = all.iter().map(|(key, value)| (format!("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__{key}"), *value));
    let named: Vec<_> = named.collect();
    let env: Vec<_> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    RunningProber::start(&cluster.bootstrap(), None, &["--vantage", vantage], &env)
}

#[test]
fn secured_cluster_is_probed_over_many_sessions_and_refusals_blame_no_broker() {
    if skip_without_kafka() {
        return;
    }
    let (authority, stranger) = (Authority::new(), Authority::named("stranger"));
    let folder = ScratchDir::new("kafka-prober-secured-");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path.display().to_string()
    };
    let (ca, other_ca) = (file("ca.pem", &authority.pem()), file("other.pem", &stranger.pem()));
    let cluster = cluster(&authority.issue(&["127.0.0.1"]));
    wait_for(Duration::from_secs(20), "the SCRAM user exists", || {
        raw::create_scram_user(cluster.any_internal_address(), USER, PASSWORD).ok()
    });

    assert_good_over_sessions(&cluster, &ca);
    assert_refusals_blame_no_broker(&cluster, &ca, &other_ca);
}

/// Two probers beside each other, one for each mechanism.
#[track_caller]
fn assert_good_over_sessions(cluster: &Cluster, ca: &str) {
    let mut all = ["SCRAM-SHA-512", "PLAIN"]
        .map(|mechanism| (mechanism, probing(cluster, mechanism, ca, &[("SASL_MECHANISM", mechanism)])));
    let before = all.each_ref().map(|(_, probing)| probing.wait_good(&[1]));
    // More than two sessions of 4 s.
    elapse(Duration::from_secs(9));
    for ((mechanism, probing), before) in all.iter_mut().zip(before) {
        let after = probing.status();
        for (earlier, later, rate) in [(&before, &after, 40), (&before.client(), &after.client(), 16)] {
            assert_eq!(later.bad(1), 0, "{mechanism}: {}", probing.prober.stderr());
            let good = |of| -> u64 { later.outcome(1, of, "good") - earlier.outcome(1, of, "good") };
            assert!(PROBES.iter().all(|probe| rate <= good(probe)), "{mechanism}");
        }
        assert_eq!(after.unknown("produce", "error"), 0, "{mechanism}");
        probing.stop();
    }
}

/// Four probers beside each other, each of which is refused for another reason.
#[track_caller]
fn assert_refusals_blame_no_broker(cluster: &Cluster, ca: &str, other_ca: &str) {
    let refused = [
        ("SASL_AUTHENTICATION_FAILED", ca, [("SASL_MECHANISM", "SCRAM-SHA-512"), ("PASSWORD", "wrong-7f3a")]),
        ("SASL_AUTHENTICATION_FAILED", ca, [("SASL_MECHANISM", "PLAIN"), ("PASSWORD", "wrong-7f3a")]),
        ("UNSUPPORTED_SASL_MECHANISM", ca, [("SASL_MECHANISM", "SCRAM-SHA-256"), ("USERNAME", USER)]),
        ("certificate_untrusted", other_ca, [("SASL_MECHANISM", "PLAIN"), ("USERNAME", USER)]),
    ];
    for (error, mut probing) in refused.map(|(error, ca, security)| (error, probing(cluster, "default", ca, &security)))
    {
        let status = probing.wait_status(Duration::from_secs(20), error, |status| {
            [status, &status.client()].iter().all(|view| 3 <= view.unknown_errors("produce", error))
        });
        for view in [&status, &status.client()] {
            assert_eq!(view.due(1, "produce"), 0, "{error}: no broker has events, so none is blamed");
            assert_eq!(view.unknown("produce", "error"), view.unknown_errors("produce", error), "and no other error");
        }
        assert_eq!(status.lane().0, "connecting");
        assert!(!probing.prober.stderr().contains("wrong-7f3a"), "the log shows a password");
        probing.stop();
    }
}
