//! DeleteGroups: deletes groups without members, and the offsets that they committed.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{DeleteGroupsRequest, DeleteGroupsResponse, GroupId},
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Deletes groups, each of which must be coordinated by the broker that receives the request.
#[derive(Debug, Clone)]
pub struct DeleteGroups {
    /// Group ids.
    pub groups: Vec<Arc<str>>,
}

/// The response to DeleteGroups, for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedGroup {
    /// The group's id.
    pub group: String,
    /// Kafka's error code, 0 if none.
    pub error: i16,
}

impl Request for DeleteGroups {
    type Response = Vec<DeletedGroup>;

    const API: Api = Api::DeleteGroups;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let names = self.groups.iter().map(|group| GroupId(StrBytes::from_string(group.to_string())));
        codec::write(&DeleteGroupsRequest::default().with_groups_names(names.collect()), version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Vec<DeletedGroup>, Duration), CodecError> {
        let response: DeleteGroupsResponse = body.decode(version)?;
        let results = response.results.into_iter();
        let deleted = results.map(|one| DeletedGroup { group: one.group_id.to_string(), error: one.error_code });
        Ok((deleted.collect(), codec::throttle(response.throttle_time_ms)))
    }
}
