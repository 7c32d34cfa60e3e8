//! What a severity asks for: who must be involved, and who may approve a restart (SEV.6, RST.4).

use crate::{
    incident::Incident,
    runbook::{Level, Runbook},
};

/// The level that is in force, as `runbook` has it.
fn level<'a>(incident: &Incident, runbook: &'a Runbook, id: &str) -> Option<&'a Level> {
    runbook.schemes.get(&incident.scheme)?.level(id)
}

/// Roles that the present level asks for and nobody holds.
pub fn missing_roles(incident: &Incident, runbook: &Runbook) -> Vec<String> {
    let asked = level(incident, runbook, &incident.severity).map(|level| level.roles.as_slice()).unwrap_or_default();
    asked.iter().filter(|role| !incident.roles.contains_key(*role)).cloned().collect()
}

/// The worst level the incident ever had: what was engaged under it is not released under a milder one's rules, so
/// that lowering a severity opens no way around the second person.
pub fn worst_level<'a>(incident: &Incident, runbook: &'a Runbook) -> Option<&'a Level> {
    let scheme = runbook.schemes.get(&incident.scheme)?;
    let worst = incident.worst_severity(scheme.levels.iter().map(|level| level.id.as_str()));
    scheme.level(worst)
}
