//! A call from both sides: the future that its caller holds, and the delivery that the pipeline
//! keeps until the answer is in.

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

/// An answer and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<A> {
    /// The answer.
    pub body: A,
    /// When the last byte of its frame was in.
    pub at: Instant,
    /// How long the broker says that it throttles us (KIP-219); zero if it does not.
    pub throttle: Duration,
}

/// A request on its way: a future of its answer. Dropping it does not take the request back; its
/// answer is consumed when it comes.
#[derive(Debug)]
#[must_use = "the answer is lost unless awaited"]
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

/// What the pipeline keeps of a call: it decodes the frame, hands the answer over, and tells the
/// throttle time, or that the answer was malformed.
pub(super) type Deliver = Box<dyn FnOnce(Result<(Bytes, Instant), WireError>) -> Result<Duration, WireError> + Send>;

/// Both sides of a call that is sent now.
pub(super) fn pair<R: Request>(request: R, version: i16, sent: Instant) -> (Call<R::Response>, Deliver) {
    let (answer, receiver) = oneshot::channel();
    let deliver = Box::new(move |frame| deliver(request, version, frame, answer));
    (Call { sent, answer: receiver }, deliver)
}

/// Decodes an answer and hands it over. The receiver may be gone, which is no matter.
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
