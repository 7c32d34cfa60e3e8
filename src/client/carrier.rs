//! What carries requests: reqwest over the system's network, or something else in its place. reqwest makes its own
//! connections and takes no other network's; a simulated one carries whole requests instead, and everything above it —
//! asking again, resuming, the outbox — is what people run.

use std::{error::Error, fmt::Debug};

use futures_util::future::BoxFuture;
use reqwest::{Request, Response};

/// Why a request has no answer.
pub type Lost = Box<dyn Error + Send + Sync>;

/// Carries requests in place of the system's network.
pub trait Carrier: Debug + Send + Sync + 'static {
    /// Carries one; the answer's body may follow later. Keeps the request's own time limit.
    fn carry(&self, request: Request) -> BoxFuture<'static, Result<Response, Lost>>;

    /// A number drawn by chance: many clients must not come back in step.
    fn chance(&self) -> u8;
}
