//! Who is exporting: the resource, with our defaults *under* what the environment says.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;

/// The service name unless the environment has one.
const SERVICE_NAME: &str = "kafka-prober";
/// What the SDK's detector says when the environment has none.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// The resource of the run with this id. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over every default.
pub(super) fn of_run(run_id: [u8; 16]) -> Resource {
    with_defaults(&Resource::builder().build(), run_id)
}

/// `service.instance.id` always stands, because two probers without one would write the same series.
fn with_defaults(given: &Resource, run_id: [u8; 16]) -> Resource {
    let name = Key::from_static_str("service.name");
    let unnamed = given.get(&name).is_none_or(|name| name.as_str().starts_with(UNKNOWN_SERVICE));
    let given = given.iter().filter(|(key, _)| !unnamed || **key != name);
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new(name.clone(), SERVICE_NAME),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", uuid(run_id)),
        ])
        .with_attributes(given.map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
        .build()
}

/// The text form of RFC 9562, section 4.
fn uuid(bytes: [u8; 16]) -> String {
    let hex = |range: std::ops::Range<usize>| bytes[range].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255];

    fn value(resource: &Resource, key: &'static str) -> String {
        resource.get(&Key::from_static_str(key)).expect("it is set").as_str().into_owned()
    }

    #[test]
    fn defaults_stand_where_the_environment_is_silent() {
        let silent = Resource::builder_empty().with_service_name("unknown_service:kafka-prober").build();
        let resource = with_defaults(&silent, RUN);
        assert_eq!(value(&resource, "service.name"), "kafka-prober");
        assert_eq!(value(&resource, "service.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(value(&resource, "service.instance.id"), "00010203-0405-0607-0809-0a0b0c0d0eff");
    }

    #[test]
    fn environment_wins_over_every_default() {
        let given = Resource::builder_empty()
            .with_service_name("mine")
            .with_attribute(KeyValue::new("service.instance.id", "pod-7"))
            .with_attribute(KeyValue::new("team", "streams"))
            .build();
        let resource = with_defaults(&given, RUN);
        assert_eq!(value(&resource, "service.name"), "mine");
        assert_eq!(value(&resource, "service.instance.id"), "pod-7");
        assert_eq!(value(&resource, "team"), "streams");
    }
}
