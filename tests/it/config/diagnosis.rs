//! `[diagnosis]`: the machine that the prober calls to judge its own network.

use kafka_prober::config::Reference;

use super::{env, env_is_refused, loaded};

const VARIABLE: &str = "KAFKA_PROBER__DIAGNOSIS__REFERENCE";

fn reference(text: &str) -> Reference {
    loaded(&env(&[(VARIABLE, text)])).config.diagnosis.reference
}

#[test]
fn collector_is_called_by_default_at_the_port_of_its_url() {
    let default = loaded(&env(&[])).config.diagnosis.reference;
    for (url, address) in [
        ("http://collector:4317", "collector:4317"),
        ("https://collector/v1/metrics", "collector:443"),
        ("http://[2001:db8::1]:4318/", "[2001:db8::1]:4318"),
        ("http://collector", "collector:80"),
    ] {
        assert_eq!(default.address(Some(url)).as_deref(), Some(address));
    }
    assert_eq!(default.address(None), None);
}

#[test]
fn address_of_its_own_goes_before_the_collector_and_nothing_is_none() {
    let own = reference("gateway:443");
    assert_eq!(own.address(Some("http://collector:4317")).as_deref(), Some("gateway:443"));
    let off = reference("");
    assert_eq!(off.address(Some("http://collector:4317")), None);
    assert_eq!([own, off].map(String::from), ["gateway:443", ""]);
}

#[test]
fn name_without_a_port_is_one_clear_sentence() {
    env_is_refused(
        &[(VARIABLE, "gateway")],
        &format!(
            "{VARIABLE}: diagnosis.reference: \"gateway\" has no port; write host:port, such as kafka-1:9092; \
             or \"otlp\" for the collector, or \"\" for none"
        ),
    );
}
