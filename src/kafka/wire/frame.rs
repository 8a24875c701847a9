//! Length-prefixed frames over any stream, bounded in both directions.
//!
//! Poll functions instead of futures: one task drives both directions, and a call writes its bytes without waiting for that
//! task.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::Instant,
};

use super::error::{Phase, WireError};

/// The largest frame that is accepted: 16 MiB. A fetch asks for 1 MiB, and only a broker with a far larger
/// `message.max.bytes` could return more (KIP-74). A peer that announces more is not a Kafka broker.
pub const MAX_FRAME: usize = 16 << 20;

/// The buffer space that is reserved for a read: at least 4 KiB, and at most 256 KiB for a frame whose length is announced
/// but whose bytes have not arrived.
const READ_AHEAD: std::ops::RangeInclusive<usize> = 4 << 10..=256 << 10;

/// The stream below a connection: TCP, TLS over TCP, or an in-memory duplex in a test.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Reads whole frames from a stream.
#[derive(Debug)]
pub(super) struct FrameReader {
    inbox: BytesMut,
    last_byte_at: Instant,
}

impl FrameReader {
    pub(super) fn new(opened: Instant) -> Self {
        Self { inbox: BytesMut::new(), last_byte_at: opened }
    }

    /// When bytes last arrived.
    pub(super) fn last_byte_at(&self) -> Instant {
        self.last_byte_at
    }

    /// The next frame without its length, and when its last byte arrived.
    pub(super) fn poll_frame(
        &mut self,
        stream: &mut dyn Stream,
        phase: Phase,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Bytes, Instant), WireError>> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Poll::Ready(Ok((frame, self.last_byte_at)));
            }
            self.inbox.reserve(self.missing());
            match ready!(pin!(stream.read_buf(&mut self.inbox)).poll(context)) {
                Ok(0) => return Poll::Ready(Err(WireError::Closed { phase })),
                Ok(_) => self.last_byte_at = Instant::now(),
                Err(error) => return Poll::Ready(Err(WireError::from_stream(&error, phase))),
            }
        }
    }

    fn announced(&self) -> Option<i32> {
        self.inbox.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
    }

    fn take_frame(&mut self) -> Result<Option<Bytes>, WireError> {
        let Some(length) = self.announced() else {
            return Ok(None);
        };
        let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= MAX_FRAME);
        let bytes = bytes.ok_or(WireError::FrameTooLarge { length })?;
        if self.inbox.len() < 4 + bytes {
            return Ok(None);
        }
        self.inbox.advance(4);
        Ok(Some(self.inbox.split_to(bytes).freeze()))
    }

    fn missing(&self) -> usize {
        let announced = self.announced().and_then(|length| usize::try_from(length).ok());
        let missing = announced.map_or(0, |bytes| (4 + bytes).saturating_sub(self.inbox.len()));
        missing.clamp(*READ_AHEAD.start(), *READ_AHEAD.end())
    }
}

/// Writes frames to a stream.
#[derive(Debug, Default)]
pub(super) struct FrameWriter {
    outbox: BytesMut,
    /// Whether the stream may buffer bytes that it has accepted, as TLS does.
    unflushed: bool,
}

impl FrameWriter {
    /// The buffer that the next frame is appended to.
    pub(super) fn outbox(&mut self) -> &mut BytesMut {
        &mut self.outbox
    }

    /// Bytes that the stream has not accepted yet.
    pub(super) fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Writes as much as the stream accepts now.
    pub(super) fn poll_write(&mut self, stream: &mut dyn Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(stream);
        while !self.outbox.is_empty() {
            let taken = ready!(stream.as_mut().poll_write(context, &self.outbox))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.advance(taken);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(stream.as_mut().poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
