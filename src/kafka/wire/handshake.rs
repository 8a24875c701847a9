//! ApiVersions (KIP-35), the first request on every connection.
//!
//! It is sent in v3, which names the client software to the broker (KIP-511). A broker that does not support v3 responds with
//! UNSUPPORTED_VERSION in the v0 format, in which it may list the versions that it supports; the request is then sent again
//! in the newest of those. Responses in versions 0 to 2 are decoded by hand, because they are in the older encoding, which
//! `codec` cannot check.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiVersionsRequest, ApiVersionsResponse},
    protocol::StrBytes,
};
use prober_core::observed::flavour::METADATA_VERSION;

use super::{
    api::{Api, VersionRange},
    codec::{self, Body, CodecError, Request},
    connection::Connection,
    error::WireError,
    versions::Versions,
};

/// Kafka's UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: i16 = 35;

/// The first version in the flexible encoding.
const FLEXIBLE: i16 = 3;

type Offers = Vec<(i16, VersionRange)>;

/// Requests the versions that the broker offers, and agrees on them.
pub(super) async fn agree(connection: &Connection) -> Result<Versions, WireError> {
    let newest = Api::ApiVersions.ours().max;
    let mut answer = ask(connection, newest).await?;
    if answer.error == UNSUPPORTED_VERSION {
        let offered = Versions::offered(answer.offers.drain(..));
        let version = offered.agree(Api::ApiVersions, newest - 1).unwrap_or(0);
        answer = ask(connection, version).await?;
    }
    match answer.error {
        0 => Ok(Versions::offered(answer.offers).finalizing_metadata_version(answer.finalizes_metadata_version)),
        code => Err(WireError::HandshakeRefused { code }),
    }
}

async fn ask(connection: &Connection, version: i16) -> Result<Offered, WireError> {
    let call = connection.call_in_version(ApiVersions, version)?;
    Ok(call.await?.body)
}

pub(super) struct ApiVersions;

pub(super) struct Offered {
    error: i16,
    offers: Offers,
    finalizes_metadata_version: bool,
}

impl Offered {
    /// A response in the v0 format, which has no features.
    fn plain(error: i16, offers: Offers) -> Offered {
        Offered { error, offers, finalizes_metadata_version: false }
    }
}

impl Request for ApiVersions {
    type Response = Offered;

    const API: Api = Api::ApiVersions;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let mut request = ApiVersionsRequest::default();
        if version >= FLEXIBLE {
            request = request
                .with_client_software_name(StrBytes::from_static_str("kafka-prober"))
                .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        }
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Offered, Duration), CodecError> {
        let mut peek = body.rest().clone();
        let error = peek.try_get_i16().map_err(CodecError::new)?;
        if error == UNSUPPORTED_VERSION && version >= FLEXIBLE {
            // librdkafka's mock cluster responds with a mixture of both encodings. Without offers, v0 is tried next.
            let offers = plain_offers(peek).unwrap_or_default();
            return Ok((Offered::plain(error, offers), Duration::ZERO));
        }
        if version < FLEXIBLE {
            return Ok((Offered::plain(error, plain_offers(peek)?), Duration::ZERO));
        }
        let response: ApiVersionsResponse = body.decode(version)?;
        let offers = response
            .api_keys
            .iter()
            .map(|offer| (offer.api_key, VersionRange { min: offer.min_version, max: offer.max_version }));
        let throttle = codec::throttle(response.throttle_time_ms);
        let mut finalized = response.finalized_features.iter();
        let finalizes_metadata_version = finalized.any(|feature| *feature.name == *METADATA_VERSION);
        Ok((Offered { error, offers: offers.collect(), finalizes_metadata_version }, throttle))
    }
}

/// The list of offers in v0 to v2: a count, then API key, minimum and maximum of 16 bits each.
fn plain_offers(mut bytes: Bytes) -> Result<Offers, CodecError> {
    const OFFER: usize = 6;
    let count = bytes.try_get_i32().map_err(CodecError::new)?;
    let count = usize::try_from(count).map_err(CodecError::new)?;
    if count > bytes.len() / OFFER {
        return Err(CodecError::new(format_args!("{count} offers in {} bytes", bytes.len())));
    }
    let offers = bytes
        .chunks_exact(OFFER)
        .take(count)
        .map(|mut offer| (offer.get_i16(), VersionRange { min: offer.get_i16(), max: offer.get_i16() }));
    Ok(offers.collect())
}
