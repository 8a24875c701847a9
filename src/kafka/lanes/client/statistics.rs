//! What librdkafka says of itself: reasons for people and for the diagnosis, never a verdict.

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

/// Which of the two clients.
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

/// Collects what one client says.
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
        let now = self.clock.now();
        match serde_json::from_slice::<Statistics>(json) {
            Ok(statistics) => {
                let delay = self.delay.lock().unwrap_or_else(PoisonError::into_inner).step(statistics.ts, now);
                self.change(|vitals| {
                    vitals.callback_delay = Some(delay);
                    statistics.enter(vitals);
                });
            }
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

/// How late our poll thread is. librdkafka stamps its statistics by a clock that runs as ours does and began elsewhere: what
/// the two never differed by less than is where it began, and what they differ by more is a delay.
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

/// The few numbers that we take from librdkafka's STATISTICS.md.
#[derive(Deserialize)]
struct Statistics {
    /// When they were put together, in microseconds of librdkafka's monotonic clock.
    ts: u64,
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
    outbuf_cnt: u64,
    waitresp_cnt: u64,
}

impl Statistics {
    fn enter(self, vitals: &mut ClientVitals) {
        // Bootstrap servers and the group's coordinator stand beside the brokers, with ids below zero.
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
    fn poll_thread_is_late_by_what_it_was_never_quicker_than() {
        let mut delay = CallbackDelay::default();
        let mut step = |micros, millis| delay.step(micros, Time::from_millis(millis));
        assert_eq!(step(7_000_000, 1010), Duration::ZERO, "the first says nothing");
        assert_eq!(step(17_000_000, 11_000), Duration::ZERO, "quicker than ever");
        assert_eq!(step(27_000_000, 21_300), Duration::from_millis(300));
        assert_eq!(step(37_000_000, 31_010), Duration::from_millis(10));
    }
}
