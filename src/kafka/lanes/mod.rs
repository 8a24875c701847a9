//! The monitor lanes: what is written and read back, and the topic of each.
//!
//! | module | holds |
//! | --- | --- |
//! | [`topic`] | the topic of a lane, over the wire: found or created, known to be ours, and watched |
//! | [`pinned`] | the pinned lane over the wire: the broker view |
//! | [`client`] | the replicated lane through librdkafka: the client view |

pub mod client;
pub mod pinned;
pub mod topic;
