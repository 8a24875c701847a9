//! Quotas on clients.

use kafka_protocol::messages::AlterClientQuotasRequest;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};

use super::{Connection, REQUEST_TIMEOUT, RawError, text};

/// A quota of each client at each broker.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Quota {
    /// Bytes written a second.
    ProducedBytes(f64),
    /// Bytes read a second.
    FetchedBytes(f64),
    /// Percent of one request handler thread.
    Requests(f64),
}

impl Quota {
    fn key(self) -> (&'static str, f64) {
        match self {
            Quota::ProducedBytes(rate) => ("producer_byte_rate", rate),
            Quota::FetchedBytes(rate) => ("consumer_byte_rate", rate),
            Quota::Requests(percent) => ("request_percentage", percent),
        }
    }
}

/// Sets the default quota of clients (`on`), or removes it.
pub(crate) fn alter_quota(addr: &str, quota: Quota, on: bool) -> Result<(), RawError> {
    let (key, value) = quota.key();
    let of_all = EntityData::default().with_entity_type(text("client-id")).with_entity_name(None);
    let change = OpData::default().with_key(text(key)).with_value(value).with_remove(!on);
    let entry = EntryData::default().with_entity(vec![of_all]).with_ops(vec![change]);
    let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(0, &request, REQUEST_TIMEOUT)?;
    answer.entries.iter().try_for_each(|entry| RawError::check(entry.error_code))
}
