//! The post-mortem: one document from the log, in Markdown, HTML or JSON (PM.1–PM.8).

use serde_json::{Value, json};

use super::{
    document::{Block, Document, Headline, Section, seconds, time},
    html, markdown, parts,
    spend::Spend,
};
use crate::{
    incident::{
        Incident, World, clocks,
        postmortem::{Missing, is_asked, missing},
    },
    runbook::Runbook,
    terms::Time,
};

/// What a post-mortem is written from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its world.
    pub world: &'a World,
    /// The runbook it runs by.
    pub runbook: &'a Runbook,
    /// What its agents spent and did, where telemetry still holds it.
    pub spend: Option<&'a Spend>,
    /// The moment it is written.
    pub now: Time,
}

impl Sources<'_> {
    /// What keeps it from being filed; nothing once it is.
    pub fn missing(&self) -> Vec<Missing> {
        match &self.incident.postmortem.filed {
            Some(_) if !self.incident.postmortem.changed_since() => Vec::new(),
            _ => missing(self.incident, self.world, self.runbook),
        }
    }
}

/// The document, before it has a format.
pub fn document(sources: Sources<'_>) -> Document {
    let Sources { incident, now, .. } = sources;
    let drill = if incident.drill { "DRILL · " } else { "" };
    Document {
        title: format!("{drill}Post-mortem {}: {}", incident.id, incident.title),
        drill: incident.drill,
        as_of: format!("As of {}, event {} of its stream. All times are UTC.", time(now), incident.version),
        warnings: warnings(sources),
        headlines: headlines(sources),
        summary: Section::new("Summary", parts::summary(sources)),
        parts: parts::five(sources),
        record: parts::record(sources),
    }
}

/// As Markdown.
pub fn markdown(sources: Sources<'_>) -> String {
    markdown::render(&document(sources))
}

/// As one HTML page that needs nothing beside it.
pub fn html(sources: Sources<'_>) -> String {
    html::render(&document(sources))
}

/// As JSON: the incident, its clocks at that moment, its switches and firings, what is missing, what was spent.
pub fn json(sources: Sources<'_>) -> Value {
    let Sources { incident, world, spend, now, .. } = sources;
    let switches: Vec<_> = incident.switches.iter().filter_map(|id| world.switches.get(id)).collect();
    let firings: Vec<_> = incident.firings.iter().filter_map(|id| world.firings.get(id)).collect();
    json!({
        "drill": incident.drill,
        "as_of": now,
        "incident": incident,
        "clocks": clocks(incident, world, now),
        "switches": switches,
        "firings": firings,
        "spend": spend,
        "missing": sources.missing(),
        "missed_by_tripwires": crate::incident::postmortem::Postmortem::missed_by_tripwires(incident, world),
    })
}

fn warnings(sources: Sources<'_>) -> Vec<String> {
    let incident = sources.incident;
    let mut warnings = Vec::new();
    if incident.is_open() {
        warnings.push(format!("The incident is still open ({}): this is not its last word.", incident.status));
    }
    let missing = sources.missing();
    match &incident.postmortem.filed {
        None => warnings.push(format!("Not filed yet; {} things are missing.", missing.len())),
        Some(_) if incident.postmortem.changed_since() => warnings.push("Changed since it was filed.".to_owned()),
        Some(filed) => {
            if let Some(over) = &filed.over {
                warnings.push(format!("Filed although {} things were missing: {over}", filed.missing.len()));
            }
        }
    }
    if crate::incident::postmortem::Postmortem::missed_by_tripwires(incident, sources.world) {
        warnings.push("No tripwire fired before people knew: one was missing (DET.6).".to_owned());
    }
    warnings
}

/// What is read in ten seconds.
fn headlines(sources: Sources<'_>) -> Vec<Headline> {
    let Sources { incident, world, spend, .. } = sources;
    let mut all = Vec::new();
    let mut headline = |label, value: String| all.push(Headline { value, label });
    headline("severity", incident.severity.clone());
    if let Some(mttd) = incident.mttd.mttd_s {
        headline("from the action to a person", seconds(mttd));
    }
    let switches = incident.switches.iter().filter_map(|id| world.switches.get(id));
    let (mut halted, mut slipped) = (None::<f64>, 0);
    for switch in switches {
        slipped += switch.halt.slipped.len();
        halted = switch.halt.confirmed_in_s.map(|took| halted.map_or(took, |first| first.min(took))).or(halted);
    }
    if let Some(took) = halted {
        headline("from harm to a proved halt", seconds(took));
    }
    headline("actions slipped through", slipped.to_string());
    if let Some(spend) = spend {
        headline("actions in its window", spend.actions.to_string());
        let estimated = if spend.estimated { "spent in its window, in part estimated" } else { "spent in its window" };
        headline(estimated, format!("{:.2} USD", spend.cost_usd));
    }
    let register = &incident.register;
    if !register.rows.is_empty() {
        let known: u64 = register.rows.iter().filter_map(|row| row.count).fold(0, u64::saturating_add);
        headline("things known to be affected", known.to_string());
    }
    let verified = incident.checklists.iter().filter(|list| list.verified.is_some()).count();
    if !incident.checklists.is_empty() {
        headline("rollbacks verified", format!("{verified} of {}", incident.checklists.len()));
    }
    all
}

/// Answers of one part, in the runbook's order.
pub(super) fn answers(sources: Sources<'_>, part: crate::runbook::Part) -> Vec<Block> {
    let said = &sources.incident.postmortem.fields;
    let plan = sources.runbook.postmortem.fields.iter().filter(|field| field.part == part);
    let known = plan.filter_map(|field| {
        let answer = said.get(&field.id);
        let asked = is_asked(field.required, sources.incident, sources.world);
        (asked || answer.is_some()).then(|| Block::Answer {
            title: field.title.clone(),
            text: answer.map(|said| said.text.clone()),
            by: answer.map(|said| format!("{}, {}", said.by, time(said.at))),
        })
    });
    known.collect()
}

#[cfg(test)]
#[path = "postmortem_tests.rs"]
mod tests;
