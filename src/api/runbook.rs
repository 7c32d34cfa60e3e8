//! The runbook on the wire.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    runbook::{Runbook, RunbookError},
    terms::{Author, Time},
};

/// `GET /v1/runbook`: a version, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunbookView {
    /// Its name, as incidents keep it.
    pub version: String,
    /// SHA-256 (hex) of its texts.
    pub digest: String,
    /// Date of its review.
    pub review_by: String,
    /// Which files are a team's own.
    pub own: Vec<String>,
    /// When it came into force last.
    pub at: Time,
    /// Who brought it.
    pub by: Author,
    /// Whether it is in force for new incidents.
    pub in_force: bool,
    /// Every file's text.
    pub texts: BTreeMap<String, String>,
}

impl RunbookView {
    /// What the texts mean.
    ///
    /// # Errors
    /// Texts of an andon that knows more than this one.
    pub fn read(&self) -> Result<Arc<Runbook>, RunbookError> {
        let mut runbook = Runbook::from_texts(&self.texts)?;
        runbook.version.clone_from(&self.version);
        Ok(Arc::new(runbook))
    }
}
