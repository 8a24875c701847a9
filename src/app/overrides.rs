//! What a replay takes from another configuration than the recorded one.

use std::collections::BTreeMap;

use prober_core::diagnosis::recording::replay::Overrides;
use prober_core::observed::PartitionLimits;

use crate::config::Config;

use super::plan;

/// Objectives, thresholds of the probes, partition limits, and the reference of the diagnosis.
pub(crate) fn overrides(config: &Config) -> Overrides {
    let of_views = config
        .probes
        .iter()
        .flat_map(|(probe, settings)| probe.spec().views.iter().map(|view| ((*view, *probe), settings.threshold)));
    Overrides {
        objectives: plan::objectives(config).to_vec(),
        thresholds: of_views.collect::<BTreeMap<_, _>>(),
        limits: partition_limits(config),
        reference: config.diagnosis.reference.address(config.otlp.endpoint.as_deref()).map(Into::into),
    }
}

/// What the diagnosis compares observed partitions with.
pub(super) fn partition_limits(config: &Config) -> PartitionLimits {
    let observation = &config.observation;
    PartitionLimits {
        per_broker: observation.partitions_per_broker,
        per_cluster: observation.partitions_per_cluster,
        internal_partition_bytes: observation.internal_partition_bytes,
        leader_check_interval: observation.leader_check_interval,
    }
}
