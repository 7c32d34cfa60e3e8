//! What can go wrong between here and the backend, and what to do.

use crate::api::Problem;

/// Why a call has no answer, or not the one hoped for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The backend said no; its words say what to do.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// No answer came.
    #[error("{place} does not answer: {why}")]
    Unreachable {
        /// Which backend.
        place: String,
        /// The system's word.
        why: String,
    },
    /// An answer came that this version cannot read.
    #[error(
        "{place} answered something this andon cannot read ({why}). Is it another version? Compare `andon --version` on both"
    )]
    Garbled {
        /// Which backend.
        place: String,
        /// What did not read.
        why: String,
    },
    /// The address, the token or the socket cannot be used at all.
    #[error("{0}")]
    Unusable(String),
}

impl ClientError {
    /// Whether asking again with the same id may help: nobody said no.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Garbled { .. } | Self::Unusable(_) => false,
        }
    }
}
