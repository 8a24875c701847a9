//! What librdkafka says of itself: reasons for people and for the diagnosis, never a verdict.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use serde::Deserialize;

use prober_core::snapshot::ClientVitals;

use crate::kafka::topic::Context;
use crate::kafka::{Report, Reporter};

/// Which of the two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Producer,
    Consumer,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::Producer => "producer",
            Role::Consumer => "consumer",
        }
    }
}

/// Collects what one client says.
pub(super) struct Gauge {
    role: Role,
    report: Reporter,
    vitals: Mutex<ClientVitals>,
}

impl Gauge {
    pub(super) fn new(role: Role, context: &Context) -> Gauge {
        Gauge { role, report: context.report.clone(), vitals: Mutex::default() }
    }

    /// Lines of librdkafka's log come per attempt: they are for whoever debugs it.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(client = self.role.as_str(), ?level, facility, "{message}");
    }

    /// An error that is no verdict on any one record.
    pub(super) fn error(&self, error: &KafkaError, reason: &str) {
        tracing::debug!(client = self.role.as_str(), %error, reason, "librdkafka");
        self.change(|vitals| {
            vitals.errors += 1;
            vitals.last_error = Some(reason.into());
        });
    }

    /// librdkafka's own numbers, as JSON.
    pub(super) fn statistics(&self, json: &[u8]) {
        match serde_json::from_slice::<Statistics>(json) {
            Ok(statistics) => self.change(|vitals| statistics.enter(vitals)),
            Err(error) => tracing::debug!(%error, "librdkafka's statistics are not understood"),
        }
    }

    fn change(&self, change: impl FnOnce(&mut ClientVitals)) {
        let vitals = {
            let mut vitals = self.vitals.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut vitals);
            vitals.clone()
        };
        (self.report)(Report::Client { role: self.role.as_str(), vitals });
    }
}

/// The few numbers that we take from librdkafka's STATISTICS.md.
#[derive(Deserialize)]
struct Statistics {
    /// Operations that wait for our poll thread.
    replyq: u64,
    /// Records that wait for their delivery.
    msg_cnt: u64,
    brokers: BTreeMap<String, BrokerStatistics>,
}

#[derive(Deserialize)]
struct BrokerStatistics {
    nodeid: i32,
    state: String,
    req_timeouts: u64,
}

impl Statistics {
    fn enter(self, vitals: &mut ClientVitals) {
        // Bootstrap servers and the group's coordinator stand beside the brokers, with ids below zero.
        let brokers = || self.brokers.values().filter(|broker| 0 <= broker.nodeid);
        vitals.brokers = brokers().count();
        vitals.connected = brokers().filter(|broker| broker.state == "UP").count();
        vitals.request_timeouts = brokers().map(|broker| broker.req_timeouts).sum();
        vitals.waiting_records = self.msg_cnt;
        vitals.waiting_callbacks = self.replyq;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_counted_without_bootstrap_servers_and_coordinator() {
        let json = r#"{"replyq": 1, "msg_cnt": 2, "unknown": {}, "brokers": {
            "a:1/1": {"nodeid": 1, "state": "UP", "req_timeouts": 3, "rtt": {"avg": 1}},
            "b:1/2": {"nodeid": 2, "state": "CONNECT", "req_timeouts": 0},
            "a:1/bootstrap": {"nodeid": -1, "state": "UP", "req_timeouts": 0}}}"#;
        let mut vitals = ClientVitals::default();
        serde_json::from_str::<Statistics>(json).expect("as librdkafka writes it").enter(&mut vitals);
        let expected = ClientVitals {
            brokers: 2,
            connected: 1,
            request_timeouts: 3,
            waiting_records: 2,
            waiting_callbacks: 1,
            ..ClientVitals::default()
        };
        assert_eq!(vitals, expected);
    }
}
