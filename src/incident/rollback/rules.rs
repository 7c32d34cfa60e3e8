//! What is still open on a checklist, and its commands as they would run.

use super::PlannedSign;
use crate::{
    incident::{Checklist, Incident, restart::persons_needed},
    runbook::Runbook,
    terms::Time,
};

/// Sign-offs that are still needed: asked where severity asks for two persons (RBK.9, RST.4).
pub fn open_signs<'c>(checklist: &'c Checklist, incident: &Incident, runbook: &Runbook) -> Vec<&'c PlannedSign> {
    if persons_needed(incident, runbook) < 2 {
        return Vec::new();
    }
    let work = &checklist.work;
    work.plan.signs.iter().filter(|sign| !work.signed.contains_key(&sign.id)).collect()
}

/// Undo windows in the order in which they close, those nobody knows last (RBK.8).
pub fn open_windows(checklist: &Checklist) -> Vec<(&str, Option<Time>)> {
    let work = &checklist.work;
    let mut windows: Vec<(&str, Option<Time>)> =
        work.windows.iter().map(|(what, window)| (what.as_str(), Some(window.closes_at))).collect();
    windows.sort_by_key(|(_, closes)| *closes);
    let unknown = work.plan.windows.iter().filter(|plan| !work.windows.contains_key(&plan.what));
    windows.extend(unknown.map(|plan| (plan.what.as_str(), None)));
    windows
}

/// Until when what it reached is watched after its read-back (RBK.7).
pub fn watch_until(checklist: &Checklist) -> Option<Time> {
    let verified = checklist.verified.as_ref()?;
    let lasts = i64::try_from(checklist.work.plan.watch_s?).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000);
    Some(verified.at.plus(lasts))
}

/// A step's command with what is known filled in: `{incident}`, `{checklist}`, `{target}`, `{since}`, `{until}`. What
/// people or agents wrote is quoted, so that a shell takes it as one word.
pub fn command_of(template: &str, incident: &Incident, checklist: &Checklist) -> String {
    let since = incident.mttd.action.unwrap_or(incident.declared_at);
    let until = incident.contained_at.map_or_else(String::new, |at| at.to_string());
    let filled = template
        .replace("{incident}", &incident.id.to_string())
        .replace("{checklist}", &checklist.id.to_string())
        .replace("{since}", &since.to_string())
        .replace("{until}", &until);
    // Last, so that nothing in it is taken for a name.
    filled.replace("{target}", &quoted(&checklist.target))
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
