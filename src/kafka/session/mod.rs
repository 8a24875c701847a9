//! Connections that are kept: dialled again when they end, and watched for overdue responses. The lanes and the direct
//! probes use them.

pub(super) mod fault;
pub(super) mod managed_connection;
pub(super) mod overdue_monitor;
