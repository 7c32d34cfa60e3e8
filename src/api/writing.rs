//! Who writes in which draft at this moment: told by cockpits, kept for seconds, never in the log (COM.5).

use serde::{Deserialize, Serialize};

use crate::{
    incident::communication::writing::Place,
    terms::{DraftId, DrillId, IncidentId},
};

/// `POST /v1/writing`: what the asker writes now; `null` when they left it. Told again within ten seconds, or forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TellWriting {
    /// Where.
    pub writing: Option<Writing>,
}

/// Where somebody writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Writing {
    /// In which incident.
    pub incident: IncidentId,
    /// In which draft.
    pub draft: DraftId,
    /// In which field.
    pub field: String,
    /// Where their cursor stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub place: Option<Place>,
}

/// Somebody who writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Their name.
    pub name: String,
    /// In which world; none is the real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<DrillId>,
    /// Where.
    #[serde(flatten)]
    pub writing: Writing,
}
