//! What the tripwires do besides firing: calls judged before they run (DET.12).

use serde::{Deserialize, Serialize};

use crate::tripwire::Tally;

/// `GET /v1/tripwires`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TripwiresView {
    /// By rule: how often it looked at a call before it ran, and objected, since the backend began.
    pub before: Vec<Tally>,
}
