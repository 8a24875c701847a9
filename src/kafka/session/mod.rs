//! Connections that are kept open, for the lanes and the direct probes.
//!
//! | module | holds |
//! | --- | --- |
//! | [`connection_pool`] | one managed connection to each broker, shared by direct probes |
//! | [`dial_options`] | how to open a connection to one broker |
//! | [`managed_connection`] | a connection that is dialled again when it ends |
//! | [`overdue_monitor`] | reports when a response on it is overdue |
//! | [`fault`] | the cause of a failed attempt, by its wire error |

pub(super) mod connection_pool;
pub(super) mod dial_options;
pub(super) mod fault;
pub(super) mod managed_connection;
pub(super) mod overdue_monitor;
