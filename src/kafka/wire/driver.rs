//! The task that serves one connection: it reads, stamps and decodes responses, and ends a retired connection.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::time::{Sleep, sleep_until};

use super::{
    error::WireError,
    pipeline::{Pipeline, lock},
};

/// Reads responses, and writes what a call could not write at once, until the connection ends.
#[derive(Debug)]
pub(super) struct Driver {
    pipeline: Arc<Mutex<Pipeline>>,
    drain: Option<Pin<Box<Sleep>>>,
}

impl Driver {
    pub(super) fn new(pipeline: Arc<Mutex<Pipeline>>) -> Self {
        Self { pipeline, drain: None }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut pipeline = lock(&this.pipeline);
        pipeline.turn(context);
        if let Some(until) = pipeline.retire_at() {
            let drain = this.drain.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if drain.deadline() != until {
                drain.as_mut().reset(until);
            }
            if pipeline.outstanding() == 0 || pin!(drain).poll(context).is_ready() {
                pipeline.end(WireError::Retired);
            }
        }
        if pipeline.ended().is_some() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Driver {
    /// Ends the connection: without its driver, callers would wait for ever. It is dropped when the runtime shuts down.
    fn drop(&mut self) {
        lock(&self.pipeline).end(WireError::Dropped);
    }
}
