//! The wire against a scripted broker, over an in-memory stream and a paused clock.

mod answers;
mod broker;
mod calls;
mod describing;
mod dialing;
mod handshakes;
mod reading;
mod retiring;
