//! The wire against a scripted broker, over an in-memory stream and a paused clock.

mod answers;
mod authenticating;
mod broker;
mod calls;
mod coordination;
mod describing;
mod dialing;
mod handshakes;
mod reading;
mod retiring;
mod securing;
