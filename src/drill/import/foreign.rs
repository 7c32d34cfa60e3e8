//! Which foreign forms are read, and what is said of one that is not.

use super::{agentdojo, cloudtrail, otlp, tau_bench};
use crate::{drill::Recording, terms::words};

words! {
    /// A form that a recording can be made from.
    Foreign, "a form that is imported" {
        /// AgentDojo: logs of runs, or labelled calls a line.
        AgentDojo = "agentdojo",
        /// tau-bench: a list of trajectories.
        TauBench = "tau-bench",
        /// AWS CloudTrail: a log file, or its records a line.
        CloudTrail = "cloudtrail",
        /// OTLP/JSON trace requests, one or one a line.
        Otlp = "otlp",
    }
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text as a whole does not read.
    #[error("the file is no JSON, or cut off: {0}")]
    Json(String),
    /// One thing in it does not read.
    #[error("{place}: {why}")]
    Item {
        /// Where.
        place: String,
        /// What is wrong; may quote the file: print it through `Printable`.
        why: String,
    },
    /// It reads, and nobody acts in it.
    #[error("no action is in it: {0}")]
    NoAction(String),
}

impl Foreign {
    /// Makes a recording of a file in this form.
    ///
    /// # Errors
    /// Names the first place that does not read.
    pub fn import(self, text: &str) -> Result<Recording, ImportError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::AgentDojo => agentdojo::import(text),
            Self::TauBench => tau_bench::import(text),
            Self::CloudTrail => cloudtrail::import(text),
            Self::Otlp => otlp::import(text),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
