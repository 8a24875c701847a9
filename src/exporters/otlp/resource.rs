//! The resource of every export: service name, version and instance, *under* the values of the environment.

use std::fs;

use openssl::sha::Sha1;
use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;

/// The service name unless the environment has one.
const SERVICE_NAME: &str = "kafka-prober";
/// How the SDK's detector begins the service name when the environment has none.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// The name of this machine or container.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
/// The namespace of our instance ids: the UUID of OpenTelemetry's semantic conventions for `service.instance.id`.
const NAMESPACE: [u8; 16] =
    [0x4d, 0x63, 0x00, 0x9a, 0x8d, 0x0f, 0x11, 0xee, 0xaa, 0xd7, 0x4c, 0x79, 0x6e, 0xd8, 0xe3, 0x20];

/// The resource of a prober that watches these clusters from this vantage. `OTEL_SERVICE_NAME` and
/// `OTEL_RESOURCE_ATTRIBUTES` win over every default.
pub(super) fn of_prober(clusters: &[&str], vantage: &str) -> Resource {
    // Without a name the id still distinguishes clusters and vantages.
    let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
    with_defaults(&Resource::builder().build(), &instance_id(host.trim(), clusters, vantage))
}

/// `service.instance.id` is always set, because two probers without one would write the same series.
fn with_defaults(given: &Resource, instance: &str) -> Resource {
    let name = Key::from_static_str("service.name");
    let unnamed = given.get(&name).is_none_or(|name| name.as_str().starts_with(UNKNOWN_SERVICE));
    let given = given.iter().filter(|(key, _)| !unnamed || **key != name);
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new(name.clone(), SERVICE_NAME),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ])
        .with_attributes(given.map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
        .build()
}

/// The same for every start of a prober on this host, for these clusters, at this vantage; another for every other. A
/// restart so continues its series. A UUID of version 5: the SHA-1 of a namespace and a name (RFC 9562, section 5.5).
fn instance_id(host: &str, clusters: &[&str], vantage: &str) -> String {
    let mut clusters = clusters.to_vec();
    clusters.sort_unstable();
    let mut hash = Sha1::new();
    hash.update(&NAMESPACE);
    for part in [host, vantage].iter().chain(&clusters) {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    let hash = hash.finish();
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&hash[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let hex = |range: std::ops::Range<usize>| uuid[range].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(resource: &Resource, key: &'static str) -> String {
        resource.get(&Key::from_static_str(key)).expect("it is set").as_str().into_owned()
    }

    #[test]
    fn instance_is_the_same_at_every_start_and_another_for_another_host_cluster_or_vantage() {
        let id = instance_id("host-1", &["orders", "billing"], "west");
        assert_eq!(id, instance_id("host-1", &["billing", "orders"], "west"), "the order of the clusters is no matter");
        let others = [
            instance_id("host-2", &["orders", "billing"], "west"),
            instance_id("host-1", &["orders"], "west"),
            instance_id("host-1", &["ordersbilling"], "west"),
            instance_id("host-1", &["orders", "billing"], "east"),
        ];
        assert!(!others.contains(&id), "{id} {others:?}");
        assert_eq!((id.len(), &id[14..15]), (36, "5"), "a UUID of version 5: {id}");
    }

    #[test]
    fn defaults_apply_where_the_environment_sets_nothing() {
        let silent = Resource::builder_empty().with_service_name("unknown_service:kafka-prober").build();
        let resource = with_defaults(&silent, "instance");
        assert_eq!(value(&resource, "service.name"), "kafka-prober");
        assert_eq!(value(&resource, "service.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(value(&resource, "service.instance.id"), "instance");
    }

    #[test]
    fn environment_wins_over_every_default() {
        let given = Resource::builder_empty()
            .with_service_name("mine")
            .with_attribute(KeyValue::new("service.instance.id", "pod-7"))
            .with_attribute(KeyValue::new("team", "streams"))
            .build();
        let resource = with_defaults(&given, "instance");
        assert_eq!(value(&resource, "service.name"), "mine");
        assert_eq!(value(&resource, "service.instance.id"), "pod-7");
        assert_eq!(value(&resource, "team"), "streams");
    }
}
