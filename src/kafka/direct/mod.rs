//! Direct probes over the wire: what clients depend on, asked of each broker by itself.
//!
//! | module | asks |
//! | --- | --- |
//! | [`fetch`] | a known record of the broker's pinned partition, read once more: reading judged without writing |
//! | [`metadata`] | for the metadata of our topics: who lags behind the others |
//! | [`connect`] | for nothing: a fresh connection, phase by phase |
//! | [`controller`], [`canary`] | for a topic, validated only or for real: the controller, and the way to it |
//! | [`commit`] | for an offset to be committed and read back: each coordinator of groups |
//! | [`transaction`], [`exchange`], [`seat`] | for a transaction to be committed, and one aborted: each coordinator of those |
//! | [`coordinators`] | what the last two have in common |
//! | [`scout`] | who is there, and who leads what: one question every few seconds, of anybody |
//! | [`known`] | where the pinned partitions end, once their topic is known to be ours |
//! | [`aim`] | for nothing: whom each probe can be asked of |
//! | [`line`] | one kept connection to each broker |
//! | [`rest`] | which probes rest, because the cluster refuses them for good |
//!
//! Nothing that can wait on replication, the controller or a long poll shares a connection with a probe that judges the
//! broker (K3): fetch and metadata share connection C, commit and transaction have a connection K each, the others their own.

mod aim;
mod canary;
mod commit;
mod connect;
mod controller;
mod coordinators;
mod exchange;
mod fetch;
mod known;
mod line;
mod metadata;
mod rest;
mod scout;
mod seat;
mod transaction;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Probe};
use prober_probes::clock::Clock;
use prober_probes::port::{ProbeClient, ProbeInput, ProbeRequest, ProbeResponse};
use prober_probes::record::Identity;
use tokio::sync::{Notify, watch};

use crate::supervisor::{Supervisor, Task};

use super::security::Security;
use super::session;
use super::session::dial_options::DialOptions;

use aim::Aiming;
use commit::Commit;
use connect::Connect;
use controller::Controller;
use coordinators::Coordinating;
use fetch::Fetch;
use line::Lines;
use metadata::Metadata;
use rest::Rests;
use scout::{Scout, Scouted};
use transaction::Transaction;

pub use canary::CanarySettings;
pub use known::Known;
pub(in crate::kafka) use scout::OFFSETS;

/// Takes in what comes back, from any thread, without ever waiting.
pub type Teller = Arc<dyn Fn(ProbeInput) + Send + Sync>;

/// What the direct probes of a cluster are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to ask first, `host:port` each.
    pub bootstrap: Vec<String>,
    /// What the brokers' logs and quotas know us by.
    pub client_id: Arc<str>,
    /// How brokers are spoken to.
    pub security: Arc<Security>,
    /// What the names of this prober's groups and transactional ids begin with: `topics.prefix` and the vantage.
    pub namespace: Arc<str>,
    /// Who writes.
    pub identity: Identity,
    /// The topic of the pinned lane.
    pub pinned: Arc<str>,
    /// The topic of the replicated lane.
    pub replicated: Arc<str>,
    /// The probes that ask, each with its deadline: the idle time-out of its connections.
    pub deadlines: BTreeMap<Probe, Duration>,
    /// The topic whose creation is validated; it is created only where `canary` is set.
    pub canary_topic: Arc<str>,
    /// A real topic creation now and then, if it is wanted.
    pub canary: Option<CanarySettings>,
}

/// What every kind of direct probe shares.
#[derive(Clone)]
struct Context {
    clock: Clock,
    client_id: Arc<str>,
    security: Arc<Security>,
    canary_topic: Arc<str>,
    tell: Teller,
    supervisor: Supervisor,
}

impl Context {
    /// How a broker is dialled that may be silent for `idle_timeout` with requests outstanding.
    fn dial_options(&self, address: Arc<str>, idle_timeout: Duration) -> DialOptions {
        DialOptions {
            address,
            client_id: Arc::clone(&self.client_id),
            security: Arc::clone(&self.security),
            idle_timeout,
        }
    }

    /// A refusal that is known now.
    fn refused(&self, fault: Fault) -> ProbeResponse {
        ProbeResponse { sent: None, at: self.clock.now(), result: Err(fault) }
    }
}

/// The port of a cluster's direct probes. Dropping it ends everything that it started.
pub struct DirectProbes {
    context: Context,
    scouted: watch::Receiver<Arc<Scouted>>,
    hint: Arc<Notify>,
    fetch: Arc<Fetch>,
    metadata: Arc<Metadata>,
    connect: Arc<Connect>,
    controller: Arc<Controller>,
    commit: Arc<Commit>,
    transaction: Arc<Transaction>,
    _tasks: Vec<Task>,
}

/// A look at a suspect is over by then.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// An answer under way.
type Asked = Pin<Box<dyn Future<Output = ProbeResponse> + Send>>;

impl DirectProbes {
    /// Starts to look around; needs a tokio runtime. Tells whom to ask from then on.
    pub fn start(settings: Settings, known: Known, clock: Clock, tell: Teller, supervisor: Supervisor) -> DirectProbes {
        let (client_id, security) = (Arc::clone(&settings.client_id), Arc::clone(&settings.security));
        let canary_topic = Arc::clone(&settings.canary_topic);
        let context = Context { clock, client_id, security, canary_topic, tell, supervisor };
        let scout = Scout::new(&context, &settings);
        let (scouted, hint) = (scout.watch(), scout.hint());
        let idle_timeout = |probe| settings.deadlines.get(&probe).copied();
        let fetching = idle_timeout(Probe::Fetch).into_iter().chain(idle_timeout(Probe::Metadata)).max();
        let lines = Lines::new(context.clone(), scouted.clone(), fetching.unwrap_or(Duration::from_secs(2)));
        let lines = Lines::of_the_broker_alone(lines);
        let fetch = Arc::new(Fetch::new(context.clone(), lines.clone(), Arc::clone(&settings.pinned)));
        let topics = vec![Arc::clone(&settings.pinned), Arc::clone(&settings.replicated)];
        let metadata = Arc::new(Metadata::new(context.clone(), lines, topics));
        let connect = Arc::new(Connect::new(context.clone()));
        let rests = Rests::new(context.clone());
        let controller = Arc::new(Controller::new(context.clone(), rests.clone(), scout.hint()));
        let deadline = |probe| idle_timeout(probe).unwrap_or(Duration::from_secs(4));
        let own_lines = |probe| Lines::new(context.clone(), scouted.clone(), deadline(probe));
        let coordinating = |probe| Coordinating {
            context: context.clone(),
            rests: rests.clone(),
            lines: own_lines(probe),
            known: known.clone(),
            hint: scout.hint(),
            pinned: Arc::clone(&settings.pinned),
            namespace: Arc::clone(&settings.namespace),
            identity: settings.identity,
            deadline: deadline(probe),
        };
        let commit = Arc::new(Commit::new(coordinating(Probe::Commit)));
        let transaction = Arc::new(Transaction::new(coordinating(Probe::Transaction)));
        let aiming = Aiming {
            context: context.clone(),
            settings: settings.clone(),
            scouted: scouted.clone(),
            metadata: Arc::clone(&metadata),
            known,
            rests,
        };
        let mut tasks =
            vec![context.supervisor.spawn("scout", scout.run()), context.supervisor.spawn("aim", aiming.run())];
        if let Some(canary) = settings.canary {
            tasks.push(context.supervisor.spawn("canary", canary::run(context.clone(), canary, scouted.clone())));
        }
        DirectProbes {
            context,
            scouted,
            hint,
            fetch,
            metadata,
            connect,
            controller,
            commit,
            transaction,
            _tasks: tasks,
        }
    }

    fn asked(&self, question: ProbeRequest, within: Duration) -> Option<Asked> {
        let scouted = Arc::clone(&self.scouted.borrow());
        if question.probe == Probe::Controller {
            let controller = Arc::clone(&self.controller);
            return Some(Box::pin(async move { controller.ask(&scouted, within).await }));
        }
        let broker = question.broker.id()?;
        Some(match question.probe {
            Probe::Fetch => {
                let fetch = Arc::clone(&self.fetch);
                Box::pin(async move { fetch.ask(broker, &scouted).await })
            }
            Probe::Metadata => {
                let metadata = Arc::clone(&self.metadata);
                Box::pin(async move { metadata.ask(broker).await })
            }
            Probe::Connect => {
                let connect = Arc::clone(&self.connect);
                Box::pin(async move { connect.ask(broker, &scouted, within).await })
            }
            Probe::Commit => {
                let commit = Arc::clone(&self.commit);
                Box::pin(async move { commit.ask(broker, &scouted).await })
            }
            Probe::Transaction => {
                let transaction = Arc::clone(&self.transaction);
                Box::pin(async move { transaction.ask(broker, &scouted, within).await })
            }
            _ => return None,
        })
    }
}

impl ProbeClient for DirectProbes {
    fn start(&mut self, question: ProbeRequest, within: Duration) {
        let Some(asked) = self.asked(question, within) else { return };
        let tell = Arc::clone(&self.context.tell);
        self.context.supervisor.spawn_brief("ask", async move {
            // Whoever asked keeps the deadline as well; past it nobody listens.
            if let Ok(answer) = tokio::time::timeout(within, asked).await {
                tell(ProbeInput::Response { id: question.id, response: answer });
            }
        });
    }

    fn connect_check(&mut self, broker: BrokerId) {
        let Some(address) = self.scouted.borrow().address(broker) else { return };
        let (context, hint) = (self.context.clone(), Arc::clone(&self.hint));
        self.context.supervisor.spawn_brief("look", async move {
            let dial_options = context.dial_options(address, LOOK_WITHIN);
            let fault = dial_options.dial(LOOK_WITHIN).await.err().map(|error| session::fault::of(&error));
            if fault.is_some() {
                // Whether the cluster still lists it tells a broker that died from one that left.
                hint.notify_one();
            }
            (context.tell)(ProbeInput::ConnectChecked { broker, at: context.clock.now(), fault });
        });
    }
}
