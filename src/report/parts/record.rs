//! The record behind the five parts: everything an auditor asks for.

use super::{chain, work};
use crate::{
    report::{
        Sources,
        document::{Block, Section, maybe_time, time},
    },
    terms::Time,
};

/// Its sections, in order.
pub fn record(sources: Sources<'_>) -> Vec<Section> {
    let mut sections = vec![
        Section::new("Timeline", timeline(sources)),
        Section::new("Tripwire firings", chain::firings(sources)),
        Section::new("Clocks", chain::budgets(sources)),
        Section::new("Containment", work::containment(sources)),
        Section::new("Rollback", work::rollback(sources)),
        Section::new("Communication", work::communication(sources)),
        Section::new("Severity", severity(sources)),
        Section::new("Roles", roles(sources)),
    ];
    let incident = sources.incident;
    if !incident.evidence.items.is_empty() || !incident.evidence.freezes.is_empty() {
        sections.push(Section::new("Evidence", evidence(sources)));
    }
    if !incident.tasks.is_empty() {
        sections.push(Section::new("Tasks", tasks(sources)));
    }
    sections
}

fn severity(sources: Sources<'_>) -> Vec<Block> {
    let row = |change: &crate::incident::SeverityChange| {
        vec![time(change.at), change.severity.clone(), change.by.to_string(), change.why.clone()]
    };
    let rows = sources.incident.severities.iter().map(row).collect();
    vec![Block::table(["At", "Level", "By", "Why"], rows)]
}

fn roles(sources: Sources<'_>) -> Vec<Block> {
    let rows = sources.incident.roles.iter().map(|(role, who)| vec![role.clone(), who.clone()]).collect();
    let mut blocks = vec![Block::table(["Role", "Who"], rows)];
    let changes = &sources.incident.team.handovers;
    if changes.len() > 1 {
        let name = |who: &Option<String>| who.clone().unwrap_or_else(|| "nobody".to_owned());
        let row = |one: &crate::incident::team::HandOver| {
            let note = one.note.clone().unwrap_or_default();
            vec![time(one.at), one.role.clone(), name(&one.from), name(&one.to), note]
        };
        blocks.push(Block::table(["At", "Role", "From", "To", "Said"], changes.iter().map(row).collect()));
    }
    blocks
}

fn evidence(sources: Sources<'_>) -> Vec<Block> {
    let evidence = &sources.incident.evidence;
    let frozen = maybe_time(evidence.frozen_at);
    let row = |item: &crate::incident::evidence::Item| vec![item.plan.title.clone(), item.state.to_string()];
    vec![
        Block::Say(format!("Frozen: {frozen}. {} of {} items are held.", evidence.held, evidence.total)),
        Block::table(["Item", "State"], evidence.items.iter().map(row).collect()),
    ]
}

fn tasks(sources: Sources<'_>) -> Vec<Block> {
    let row = |task: &crate::incident::team::Task| {
        let due = task.due_at.map_or_else(String::new, time);
        let owner = task.owner.clone().unwrap_or_else(|| "nobody".to_owned());
        vec![task.id.to_string(), task.text.clone(), owner, due, task.state.to_string()]
    };
    vec![Block::table(["Task", "What", "Owner", "Due", "State"], sources.incident.tasks.iter().map(row).collect())]
}

/// Every entry in order of what happened; one written down later says when (TEAM.8).
fn timeline(sources: Sources<'_>) -> Vec<Block> {
    let mut entries: Vec<_> = sources.incident.timeline.iter().collect();
    entries.sort_by_key(|entry| (entry.at, entry.seq));
    let rows = entries
        .into_iter()
        .map(|entry| {
            let mut said = entry.text.clone();
            if entry.retracted {
                said += " (taken back)";
            }
            if entry.recorded_at.since(entry.at) >= Time::MINUTE {
                said += &format!(" (written down {})", time(entry.recorded_at));
            }
            vec![time(entry.at), entry.by.to_string(), entry.kind.clone(), said]
        })
        .collect();
    vec![Block::table(["At", "By", "Kind", "What"], rows)]
}
