//! What agents did, as typed actions, and the decoders of the formats it arrives in (DET.14, protocol 1).
//!
//! Pure: bytes in, actions and named rejections out. Decoders never panic on input.

mod action;
mod decoded;
mod detail;
pub mod endpoint;
pub mod native;
pub mod otlp;
mod price;
mod profile;
pub mod trace;

pub use action::{Action, Amount, Artefact, Review, Status, Tokens};
pub use decoded::{DecodeError, Decoded, Rejected};
pub use detail::{Approval, Change, Detail, Found, HandOff, Retrieval, Score, is_mutable_alias};
pub use price::Prices;
pub use profile::{Part, Profile, Touched, Use, touched};
