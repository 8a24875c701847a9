//! The registered brokers. The request is small and frequent, so that a fenced broker is reported soon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::observed::parts::{Cadence, Part};
use prober_core::observed::registration::{RegisteredBroker, Registrations};

use crate::kafka::wire::{Api, DescribeCluster, DescribedCluster};

use super::Settings;
use super::any_broker::AnyBroker;
use super::error::ObservationError;
use super::state::{Cost, ObservationState};

/// The longest interval, whatever the interval of the other parts.
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// Requests them in a loop.
pub(super) async fn run(settings: &Settings, state: &ObservationState) {
    let mut any = AnyBroker::new(settings, state);
    let mut cadence = Cadence::every(settings.interval.min(INTERVAL_MAX));
    let mut registrations = Registrations::default();
    loop {
        let asked = state.clock.now();
        let mut cost = Cost::default();
        let wait = match ask(&mut any, &mut cost).await {
            Ok(described) => {
                on_response(state, &mut registrations, described, cost);
                cadence.next(Some(cost.took))
            }
            Err(error) => {
                let off = matches!(error, ObservationError::Off(_));
                state.on_error(Part::Brokers, error);
                if off { settings.configs_interval } else { cadence.next(None) }
            }
        };
        state.clock.sleep_until(asked + wait).await;
    }
}

async fn ask(any: &mut AnyBroker<'_>, cost: &mut Cost) -> Result<DescribedCluster, ObservationError> {
    let described = any.ask(DescribeCluster, cost).await?;
    ObservationError::check(described.error, Api::DescribeCluster, "DESCRIBE on CLUSTER")?;
    Ok(described)
}

fn on_response(state: &ObservationState, registrations: &mut Registrations, described: DescribedCluster, cost: Cost) {
    let unfenced = described.brokers.iter().filter(|broker| !broker.fenced);
    let addresses: BTreeMap<BrokerId, Arc<str>> =
        unfenced.filter_map(|broker| Some((BrokerId(broker.id), Arc::from(broker.address()?)))).collect();
    state.set_addresses(addresses);
    let listed = described.brokers.into_iter().map(|broker| RegisteredBroker {
        broker: BrokerId(broker.id),
        fenced: broker.fenced,
        rack: broker.rack,
    });
    registrations.observe(listed, described.complete, state.clock.now());
    let newest = Arc::new(registrations.clone());
    state.on_answer(Part::Brokers, cost, None, |observed| {
        observed.cluster_id = Some(Arc::from(described.cluster_id));
        observed.registrations = Some(newest);
    });
}
