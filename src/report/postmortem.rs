//! The post-mortem: one Markdown file, or the same as JSON (PM.1, PM.2).

use serde_json::{Value, json};

use super::{
    chain,
    markdown::{NOT_RECORDED, maybe_time, table, text, time},
    work,
};
use crate::{
    incident::{Incident, World, clocks},
    terms::Time,
};

/// What a drill's post-mortem says at its head and at its end (law 8).
const DRILL: &str = "> **DRILL. This was an exercise: no agent, customer or payment in it is real.**\n";

/// The post-mortem of `incident` as Markdown, as it stands at `now`.
pub fn markdown(incident: &Incident, world: &World, now: Time) -> String {
    let drill = if incident.drill { "DRILL · " } else { "" };
    let mut out = format!("# {drill}Post-mortem {}: {}\n\n", incident.id, text(&incident.title));
    if incident.drill {
        out += DRILL;
        out.push('\n');
    }
    out += &format!("As of {}, event {} of its stream. All times are UTC.\n", time(now), incident.version);
    if incident.is_open() {
        out += &format!("\n**The incident is still open ({}): this is not its last word.**\n", incident.status);
    }
    let sections = [
        ("Summary", summary(incident)),
        ("Business impact", impact(incident, world)),
        ("Detection", chain::detection(incident)),
        ("Tripwire firings", chain::firings(incident, world)),
        ("Clocks", chain::budgets(incident, world, now)),
        ("Containment", work::containment(incident, world)),
        ("Rollback", work::rollback(incident)),
        ("Communication", work::communication(incident)),
        ("Severity", severity(incident)),
        ("Roles", roles(incident)),
        ("Timeline", timeline(incident)),
    ];
    for (title, body) in sections {
        out += &format!("\n## {title}\n\n{}\n", body.trim_end());
    }
    if incident.drill {
        out += &format!("\n{DRILL}");
    }
    out
}

/// The same as JSON: the incident, its clocks at `now`, its switches and firings.
pub fn json(incident: &Incident, world: &World, now: Time) -> Value {
    let switches: Vec<_> = incident.switches.iter().filter_map(|id| world.switches.get(id)).collect();
    let firings: Vec<_> = incident.firings.iter().filter_map(|id| world.firings.get(id)).collect();
    json!({
        "drill": incident.drill,
        "as_of": now,
        "incident": incident,
        "clocks": clocks(incident, world, now),
        "switches": switches,
        "firings": firings,
    })
}

fn optional(written: Option<&str>) -> String {
    written.map(str::trim).filter(|one| !one.is_empty()).map_or_else(|| NOT_RECORDED.to_owned(), text)
}

fn agents(incident: &Incident) -> String {
    let names: Vec<String> = incident.agents.iter().map(|agent| text(&agent.to_string())).collect();
    if names.is_empty() { NOT_RECORDED.to_owned() } else { names.join(", ") }
}

fn summary(incident: &Incident) -> String {
    let by = text(&incident.declared_by.to_string());
    let confirmed = if incident.confirmed { "" } else { ", not confirmed by a person" };
    let rows = [
        ("Status", incident.status.to_string()),
        ("Severity", format!("{} ({})", text(&incident.severity), text(&incident.scheme))),
        ("Workflow", optional(incident.workflow.as_deref())),
        ("Agents", agents(incident)),
        ("Declared", format!("{} by {by}{confirmed}", time(incident.declared_at))),
        ("Harm confirmed since", maybe_time(incident.harm_at)),
        ("Contained", maybe_time(incident.contained_at)),
        ("Resolved", maybe_time(incident.resolved_at)),
        ("Closed", maybe_time(incident.closed_at)),
        ("Runbook", text(&incident.runbook)),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    table(&["", ""], &rows)
}

/// What it meant for the business: as people last wrote it, and what was counted.
fn impact(incident: &Incident, world: &World) -> String {
    let said = incident
        .drafts
        .iter()
        .filter(|draft| !draft.fields.impact.trim().is_empty())
        .max_by_key(|draft| draft.edited_at)
        .map(|draft| format!("{} ({}, {})", text(&draft.fields.impact), draft.id, time(draft.edited_at)));
    let slipped: usize =
        incident.switches.iter().filter_map(|id| world.switches.get(id)).map(|one| one.halt.slipped.len()).sum();
    let verified = incident.checklists.iter().filter(|list| list.verified.is_some()).count();
    let mut out = format!("- In the words last written: {}\n", said.unwrap_or_else(|| NOT_RECORDED.to_owned()));
    out += &format!("- Affected workflow: {}\n", optional(incident.workflow.as_deref()));
    out += &format!("- Actions that slipped through after harm was confirmed: {slipped}\n");
    out += &format!("- Rolled back and verified: {verified} of {} checklists\n", incident.checklists.len());
    out
}

fn severity(incident: &Incident) -> String {
    let rows: Vec<Vec<String>> = incident
        .severities
        .iter()
        .map(|change| vec![time(change.at), text(&change.severity), text(&change.by.to_string()), text(&change.why)])
        .collect();
    table(&["At", "Level", "By", "Why"], &rows)
}

fn roles(incident: &Incident) -> String {
    let rows: Vec<Vec<String>> = incident.roles.iter().map(|(role, who)| vec![text(role), text(who)]).collect();
    table(&["Role", "Who"], &rows)
}

/// Every entry in order of what happened; one written down later says when (TEAM.8).
fn timeline(incident: &Incident) -> String {
    let mut entries: Vec<_> = incident.timeline.iter().collect();
    entries.sort_by_key(|entry| (entry.at, entry.seq));
    let rows: Vec<Vec<String>> = entries
        .into_iter()
        .map(|entry| {
            let mut said = text(&entry.text);
            if entry.retracted {
                said = format!("~~{said}~~ (taken back)");
            }
            if entry.recorded_at.since(entry.at) >= Time::MINUTE {
                said += &format!(" (written down {})", time(entry.recorded_at));
            }
            vec![time(entry.at), text(&entry.by.to_string()), text(&entry.kind), said]
        })
        .collect();
    table(&["At", "By", "Kind", "What"], &rows)
}

#[cfg(test)]
#[path = "postmortem_tests.rs"]
mod tests;
