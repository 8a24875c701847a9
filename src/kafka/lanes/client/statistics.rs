//! Logs, errors and statistics of librdkafka: they explain failures, and never decide an attempt.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use serde::Deserialize;

use prober_core::snapshot::ClientVitals;
use prober_core::time::Time;
use prober_probes::clock::Clock;

use crate::kafka::lanes::topic::LaneContext;
use crate::kafka::{Report, Reporter};

/// Producer or consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientRole {
    Producer,
    Consumer,
}

impl ClientRole {
    fn as_str(self) -> &'static str {
        match self {
            ClientRole::Producer => "producer",
            ClientRole::Consumer => "consumer",
        }
    }
}

/// Collects the errors and statistics of one client.
pub(super) struct StatsCollector {
    role: ClientRole,
    report: Reporter,
    clock: Clock,
    vitals: Mutex<ClientVitals>,
    delay: Mutex<CallbackDelay>,
}

impl StatsCollector {
    pub(super) fn new(role: ClientRole, context: &LaneContext) -> StatsCollector {
        StatsCollector {
            role,
            report: context.report.clone(),
            clock: context.clock,
            vitals: Mutex::default(),
            delay: Mutex::default(),
        }
    }

    /// librdkafka logs several lines per attempt, so they are logged at level debug.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(client = self.role.as_str(), ?level, facility, "{message}");
    }

    /// An error that does not belong to one record.
    pub(super) fn error(&self, error: &KafkaError, reason: &str) {
        tracing::debug!(client = self.role.as_str(), %error, reason, "librdkafka");
        self.change(|vitals| {
            vitals.errors += 1;
            vitals.last_error = Some(reason.into());
        });
    }

    /// Takes in librdkafka's statistics, in JSON.
    pub(super) fn statistics(&self, json: &[u8]) {
        let now = self.clock.now();
        match serde_json::from_slice::<Statistics>(json) {
            Ok(statistics) => {
                let delay = self.delay.lock().unwrap_or_else(PoisonError::into_inner).step(statistics.ts, now);
                self.change(|vitals| {
                    vitals.callback_delay = Some(delay);
                    statistics.enter(vitals);
                });
            }
            Err(error) => tracing::debug!(%error, "librdkafka's statistics cannot be parsed"),
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

/// The delay of the poll thread. librdkafka stamps its statistics with a monotonic clock of another origin. The smallest
/// difference between the two clocks seen so far is taken as the difference of the origins; anything above it is delay.
#[derive(Debug, Default)]
struct CallbackDelay {
    least: Option<i128>,
}

impl CallbackDelay {
    fn step(&mut self, stamped_micros: u64, now: Time) -> Duration {
        let difference = i128::from(now.as_nanos()) - 1000 * i128::from(stamped_micros);
        let least = self.least.map_or(difference, |least| least.min(difference));
        self.least = Some(least);
        Duration::from_nanos(u64::try_from(difference - least).unwrap_or(u64::MAX))
    }
}

/// The fields that are used, of those in librdkafka's STATISTICS.md.
#[derive(Deserialize)]
struct Statistics {
    /// When they were collected, in microseconds of librdkafka's monotonic clock.
    ts: u64,
    /// Operations that wait for the poll thread.
    replyq: u64,
    /// Records that wait for their delivery report.
    msg_cnt: u64,
    brokers: BTreeMap<String, BrokerStatistics>,
}

#[derive(Deserialize)]
struct BrokerStatistics {
    nodeid: i32,
    state: String,
    req_timeouts: u64,
    outbuf_cnt: u64,
    waitresp_cnt: u64,
}

impl Statistics {
    fn enter(self, vitals: &mut ClientVitals) {
        // Bootstrap servers and the group's coordinator are listed with the brokers, with negative ids.
        let brokers = || self.brokers.values().filter(|broker| 0 <= broker.nodeid);
        vitals.brokers = brokers().count();
        vitals.connected = brokers().filter(|broker| broker.state == "UP").count();
        vitals.request_timeouts = brokers().map(|broker| broker.req_timeouts).sum();
        vitals.waiting_requests = brokers().map(|broker| broker.outbuf_cnt + broker.waitresp_cnt).sum();
        vitals.waiting_records = self.msg_cnt;
        vitals.waiting_callbacks = self.replyq;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_counted_without_bootstrap_servers_and_coordinator() {
        let json = r#"{"ts": 5, "replyq": 1, "msg_cnt": 2, "unknown": {}, "brokers": {
            "a:1/1": {"nodeid": 1, "state": "UP", "req_timeouts": 3, "outbuf_cnt": 1, "waitresp_cnt": 4, "rtt": {"avg": 1}},
            "b:1/2": {"nodeid": 2, "state": "CONNECT", "req_timeouts": 0, "outbuf_cnt": 0, "waitresp_cnt": 0},
            "a:1/bootstrap": {"nodeid": -1, "state": "UP", "req_timeouts": 0, "outbuf_cnt": 9, "waitresp_cnt": 9}}}"#;
        let mut vitals = ClientVitals::default();
        serde_json::from_str::<Statistics>(json).expect("as librdkafka writes it").enter(&mut vitals);
        let expected = ClientVitals {
            brokers: 2,
            connected: 1,
            request_timeouts: 3,
            waiting_records: 2,
            waiting_callbacks: 1,
            waiting_requests: 5,
            ..ClientVitals::default()
        };
        assert_eq!(vitals, expected);
    }

    #[test]
    fn delay_is_counted_from_the_smallest_difference_of_the_clocks() {
        let mut delay = CallbackDelay::default();
        let mut step = |micros, millis| delay.step(micros, Time::from_millis(millis));
        assert_eq!(step(7_000_000, 1010), Duration::ZERO, "the first is the reference");
        assert_eq!(step(17_000_000, 11_000), Duration::ZERO, "a smaller difference becomes the reference");
        assert_eq!(step(27_000_000, 21_300), Duration::from_millis(300));
        assert_eq!(step(37_000_000, 31_010), Duration::from_millis(10));
    }
}
