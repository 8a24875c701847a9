//! From a request to its response: writing bytes, the queue of outstanding requests, reading frames, and ending the
//! connection once.
//!
//! [`Pipeline`] is the state that the connection handle and one driver task share. A call appends its frame and writes it to
//! the socket at once, in the caller's task, with the driver's waker; only bytes that the socket does not accept are left to
//! the driver. The driver alone reads, stamps and decodes. A stamp is therefore the arrival of the frame, not the moment at
//! which the caller woke up, and the response to a call that was dropped is still read.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use tokio::{sync::watch, time::Instant};

use super::{
    api::Api,
    call::{self, Call, Deliver},
    codec::{self, CodecError, Request},
    error::{Phase, WireError},
    frame::{FrameReader, FrameWriter, Stream},
};

/// Requests that one connection may have outstanding. A connection without a byte for one deadline is retired, so this is
/// enough for 10 s of attempts every 10 ms; more is a defect of the caller.
pub const MAX_OUTSTANDING: usize = 1024;

/// Bytes that may wait for a socket that accepts none: 8 MiB, eight times the largest record that Kafka accepts by default.
pub const MAX_UNSENT: usize = 8 << 20;

struct Outstanding {
    correlation: i32,
    sent: Instant,
    deliver: Deliver,
}

/// The shared state of one connection.
pub(super) struct Pipeline {
    /// `None` once the connection has ended, so that the socket closes at that moment.
    stream: Option<Box<dyn Stream>>,
    reader: FrameReader,
    writer: FrameWriter,
    client_id: StrBytes,
    phase: Phase,
    next_correlation: i32,
    outstanding: VecDeque<Outstanding>,
    throttled_until: Option<Instant>,
    retire_at: Option<Instant>,
    ended: watch::Sender<Option<WireError>>,
    driver: Option<Waker>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("phase", &self.phase)
            .field("outstanding", &self.outstanding.len())
            .field("ended", &*self.ended.borrow())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    pub(super) fn new(stream: Box<dyn Stream>, client_id: &str) -> Self {
        Self {
            stream: Some(stream),
            reader: FrameReader::new(Instant::now()),
            writer: FrameWriter::default(),
            client_id: StrBytes::from_string(client_id.to_owned()),
            phase: Phase::ApiVersions,
            next_correlation: 0,
            outstanding: VecDeque::new(),
            throttled_until: None,
            retire_at: None,
            ended: watch::Sender::new(None),
            driver: None,
        }
    }

    /// Sends a request in the version given. After an error, not a byte of it was sent.
    pub(super) fn call<R: Request>(&mut self, request: R, version: i16) -> Result<Call<R::Response>, WireError> {
        self.ready_for_a_call()?;
        let correlation = self.next_correlation;
        codec::encode_frame(&request, version, correlation, &self.client_id, self.writer.outbox())
            .map_err(|error| unencodable(R::API, version, &error))?;
        self.next_correlation = correlation.wrapping_add(1);
        let sent = Instant::now();
        let (call, deliver) = call::pair(request, version, sent);
        self.outstanding.push_back(Outstanding { correlation, sent, deliver });
        self.write_at_once();
        Ok(call)
    }

    fn ready_for_a_call(&self) -> Result<(), WireError> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        if self.retire_at.is_some() {
            return Err(WireError::Retired);
        }
        let (outstanding, unsent) = (self.outstanding.len(), self.writer.unsent());
        if outstanding >= MAX_OUTSTANDING || unsent >= MAX_UNSENT {
            return Err(WireError::Backlog { outstanding, unsent });
        }
        Ok(())
    }

    fn write_at_once(&mut self) {
        // Before its first poll the driver has left no waker; it writes in that poll.
        let waker = self.driver.clone().unwrap_or_else(|| Waker::noop().clone());
        self.write(&mut Context::from_waker(&waker));
    }

    fn write(&mut self, context: &mut Context<'_>) {
        let Some(stream) = self.stream.as_deref_mut() else {
            return;
        };
        if let Poll::Ready(Err(error)) = self.writer.poll_write(stream, context) {
            self.write_failed(&error, context);
        }
    }

    /// A write failed. The peer may have sent responses before it closed the connection; they are read first.
    fn write_failed(&mut self, error: &io::Error, context: &mut Context<'_>) {
        self.read(context);
        self.end(WireError::from_stream(error, self.phase));
    }

    fn read(&mut self, context: &mut Context<'_>) {
        while let Some(stream) = self.stream.as_deref_mut() {
            match self.reader.poll_frame(stream, self.phase, context) {
                Poll::Pending => return,
                Poll::Ready(Err(error)) => self.end(error),
                Poll::Ready(Ok((frame, at))) => {
                    if let Err(error) = self.answered(frame, at) {
                        self.end(error);
                    }
                }
            }
        }
    }

    fn answered(&mut self, frame: Bytes, at: Instant) -> Result<(), WireError> {
        let oldest = self.outstanding.front().ok_or(WireError::Unsolicited)?;
        let expected = oldest.correlation;
        match codec::correlation(&frame) {
            Some(found) if found != expected => {
                return Err(WireError::Correlation { expected, found });
            }
            _ => {}
        }
        if let Some(oldest) = self.outstanding.pop_front() {
            let throttle = (oldest.deliver)(Ok((frame, at)))?;
            if !throttle.is_zero() {
                self.throttled_until = self.throttled_until.max(at.checked_add(throttle));
            }
        }
        Ok(())
    }

    /// Ends the connection, once: the socket closes, and outstanding requests fail.
    pub(super) fn end(&mut self, error: WireError) {
        if self.stream.take().is_none() {
            return;
        }
        for outstanding in self.outstanding.drain(..) {
            // The caller gets the reason; the result of decoding is not needed.
            let _ = (outstanding.deliver)(Err(error.clone()));
        }
        self.ended.send_replace(Some(error));
        self.wake_driver();
    }

    /// One poll of the driver: writes and reads what the socket allows now.
    pub(super) fn turn(&mut self, context: &mut Context<'_>) {
        self.driver = Some(context.waker().clone());
        self.write(context);
        self.read(context);
    }

    pub(super) fn retire(&mut self, until: Instant) {
        self.retire_at = Some(self.retire_at.map_or(until, |earlier| earlier.min(until)));
        self.wake_driver();
    }

    fn wake_driver(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(super) fn ended(&self) -> Option<WireError> {
        self.ended.borrow().clone()
    }

    pub(super) fn watch_end(&self) -> watch::Receiver<Option<WireError>> {
        self.ended.subscribe()
    }

    /// When a retired connection ends at the latest; `None` if it is not retired.
    pub(super) fn retire_at(&self) -> Option<Instant> {
        self.retire_at
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    pub(super) fn last_byte_at(&self) -> Instant {
        self.reader.last_byte_at()
    }

    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.outstanding.front().map(|oldest| oldest.sent.max(self.reader.last_byte_at()))
    }

    pub(super) fn throttled_until(&self) -> Option<Instant> {
        self.throttled_until
    }
}

fn unencodable(api: Api, version: i16, error: &CodecError) -> WireError {
    WireError::Unencodable { api, version, detail: error.to_string() }
}

/// Locks the pipeline that handle and driver share.
pub(super) fn lock(pipeline: &Mutex<Pipeline>) -> MutexGuard<'_, Pipeline> {
    // The lock is poisoned only if the driver panicked; dropping it then ends the connection.
    pipeline.lock().unwrap_or_else(PoisonError::into_inner)
}
