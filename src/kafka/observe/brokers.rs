//! Who is registered. A small question, asked often, so that a fenced broker is told soon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::BrokerId;
use prober_core::observed::parts::{Cadence, Part};
use prober_core::observed::registration::{Listed, Registrations};

use crate::kafka::wire::{Api, DescribeCluster, DescribedCluster};

use super::Settings;
use super::any_broker::AnyBroker;
use super::error::Trouble;
use super::state::{Board, Cost};

/// At most this often, whatever the interval of the rest.
const EVERY: Duration = Duration::from_secs(10);

/// Asks again and again.
pub(super) async fn run(settings: &Settings, board: &Board) {
    let mut any = AnyBroker::new(settings, board);
    let mut cadence = Cadence::every(settings.interval.min(EVERY));
    let mut registrations = Registrations::default();
    loop {
        let asked = board.clock.now();
        let mut cost = Cost::default();
        let wait = match ask(&mut any, &mut cost).await {
            Ok(described) => {
                take(board, &mut registrations, described, cost);
                cadence.next(Some(cost.took))
            }
            Err(trouble) => {
                let off = matches!(trouble, Trouble::Off(_));
                board.troubled(Part::Brokers, trouble);
                if off { settings.configs_interval } else { cadence.next(None) }
            }
        };
        board.clock.sleep_until(asked + wait).await;
    }
}

async fn ask(any: &mut AnyBroker<'_>, cost: &mut Cost) -> Result<DescribedCluster, Trouble> {
    let described = any.ask(DescribeCluster, cost).await?;
    Trouble::check(described.error, Api::DescribeCluster, "DESCRIBE on CLUSTER")?;
    Ok(described)
}

fn take(board: &Board, registrations: &mut Registrations, described: DescribedCluster, cost: Cost) {
    let let_in = described.brokers.iter().filter(|broker| !broker.fenced);
    let addresses: BTreeMap<BrokerId, Arc<str>> =
        let_in.filter_map(|broker| Some((BrokerId(broker.id), Arc::from(broker.address()?)))).collect();
    board.found(addresses);
    let listed = described.brokers.into_iter().map(|broker| Listed {
        broker: BrokerId(broker.id),
        fenced: broker.fenced,
        rack: broker.rack,
    });
    registrations.observe(listed, described.complete, board.clock.now());
    let newest = Arc::new(registrations.clone());
    board.answered(Part::Brokers, cost, None, |observed| {
        observed.cluster_id = Some(Arc::from(described.cluster_id));
        observed.registrations = Some(newest);
    });
}
