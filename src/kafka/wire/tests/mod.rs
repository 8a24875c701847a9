//! The wire against a scripted broker, over an in-memory stream and a paused clock.

mod answers;
mod authenticating;
#[path = "../../../../tests/harness/authority.rs"]
#[allow(dead_code, reason = "each that includes it uses a part of it")]
mod authority;
mod broker;
mod calls;
mod dialing;
mod handshakes;
mod reading;
mod retiring;
mod securing;
