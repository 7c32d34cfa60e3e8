//! The fields, filled from what the incident knows: known, not known, being done (COM.1, COM.2).

use super::{Subject, known::minute};
use crate::{incident::Fields, runbook::Template, terms::Time};

/// How long until the next update is promised, unless the writer says otherwise.
const NEXT_UPDATE: i64 = 30 * Time::MINUTE;

/// Fills the fields of a new draft. What is not known is left for the writer, or said to be unknown.
pub fn fill(subject: &Subject<'_>, template: &Template) -> Fields {
    let Subject { incident, now, .. } = *subject;
    let workflow = incident.workflow.clone().unwrap_or_else(|| match incident.agents.as_slice() {
        [] => String::new(),
        agents => agents.iter().map(|agent| format!("what {agent} does")).collect::<Vec<_>>().join(", "),
    });
    let owner = incident.roles.get("commander").cloned().unwrap_or_else(|| match incident.declared_by.is_person() {
        true => incident.declared_by.name().to_owned(),
        false => String::new(),
    });
    let register = subject.register();
    let counted =
        Some(&register).filter(|_| !incident.register.rows.is_empty()).map(|said| format!("affected so far: {said}"));
    let harmed = incident
        .harm_at
        .map(|at| format!("harm confirmed since {}; how far it goes is being counted", minute(at, now)));
    Fields {
        workflow,
        impact: counted.or(harmed).unwrap_or_default(),
        contained: subject.contained(),
        investigating: "what caused it, and whom else it reached".into(),
        owner,
        next_update: minute(now.plus(NEXT_UPDATE), now),
        reason: template.reasons.first().cloned().unwrap_or_default(),
        agent_did: subject.actions(),
        systems: subject.systems(),
        before_restart: subject.restart(),
        ..Fields::default()
    }
}
