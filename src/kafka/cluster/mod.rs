//! The metadata of a cluster: the client that requests them, and what they show.

pub(super) mod metadata_client;
pub(super) mod metadata_poller;
pub(super) mod view;
