//! The two sides of a call: the future of the response, which the caller holds, and the function that decodes and delivers
//! the response, which the pipeline holds until it arrives.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};

use super::{
    codec::{self, Request},
    error::WireError,
};

/// A response, and when it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<A> {
    /// The decoded response.
    pub body: A,
    /// When the last byte of its frame arrived.
    pub at: Instant,
    /// For how long the broker throttles this connection (KIP-219); zero if it does not.
    pub throttle: Duration,
}

/// A request that was sent: a future of its response. Dropping it does not cancel the request; its response is then read
/// and discarded.
#[derive(Debug)]
#[must_use = "the response is lost unless awaited"]
pub struct Call<A> {
    sent: Instant,
    answer: oneshot::Receiver<Result<Reply<A>, WireError>>,
}

impl<A> Call<A> {
    /// Just before the bytes were handed to the socket.
    pub fn sent(&self) -> Instant {
        self.sent
    }
}

impl<A> Future for Call<A> {
    type Output = Result<Reply<A>, WireError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answer.unwrap_or(Err(WireError::Dropped)))
    }
}

/// Decodes the frame of a response and delivers it to the caller. Returns the throttle time, or the error if the response
/// is malformed.
pub(super) type Deliver = Box<dyn FnOnce(Result<(Bytes, Instant), WireError>) -> Result<Duration, WireError> + Send>;

/// Both sides of a call whose request is sent at `sent`.
pub(super) fn pair<R: Request>(request: R, version: i16, sent: Instant) -> (Call<R::Response>, Deliver) {
    let (answer, receiver) = oneshot::channel();
    let deliver = Box::new(move |frame| deliver(request, version, frame, answer));
    (Call { sent, answer: receiver }, deliver)
}

/// Decodes a response and delivers it, unless the caller has dropped the call.
fn deliver<R: Request>(
    request: R,
    version: i16,
    frame: Result<(Bytes, Instant), WireError>,
    answer: oneshot::Sender<Result<Reply<R::Response>, WireError>>,
) -> Result<Duration, WireError> {
    let reply = frame.and_then(|(frame, at)| {
        codec::body(frame, R::API, version)
            .and_then(|body| request.decode(version, body))
            .map(|(body, throttle)| Reply { body, at, throttle })
            .map_err(|error| WireError::Malformed { api: R::API, version, detail: error.to_string() })
    });
    let delivered = reply.as_ref().map(|reply| reply.throttle).map_err(Clone::clone);
    let _ = answer.send(reply);
    delivered
}
