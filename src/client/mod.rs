//! The client: typed calls to a backend over its socket or a URL, and its event stream with resume. Knows nothing of
//! screens; never decides anything.

mod blobs;
mod call;
mod carrier;
mod error;
mod interlock;
mod login;
mod outbox;
mod postmortem;
mod signing;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod tripwires;

pub use call::Client;
pub use carrier::{Carrier, Lost};
pub use error::ClientError;
pub use outbox::{Outbox, Sent, Waiting, kept};
pub use signing::{Keys, sign_with_agent, ssh_agent};
pub use stream::Heard;
pub use target::{LOCAL, Secret, Target};
