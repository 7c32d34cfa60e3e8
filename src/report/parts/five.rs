//! The summary, and the five parts in their order (PM.1).

use std::collections::BTreeMap;

use super::chain;
use crate::{
    incident::{
        containment::ActuatorState,
        postmortem::{DeltaState, Postmortem},
    },
    report::{
        Sources,
        document::{Block, Chart, Mark, NOT_RECORDED, Section, maybe_time, optional, seconds, span, time},
        postmortem::answers,
    },
    runbook::Part,
};

/// What somebody must know who reads nothing else.
pub fn summary(sources: Sources<'_>) -> Vec<Block> {
    let incident = sources.incident;
    let said = |id: &str| incident.postmortem.said(id).map(str::to_owned);
    let mut blocks = Vec::new();
    for (title, id) in [("What set it off", "root-trigger"), ("What should have stopped it", "failed-control")] {
        if let Some(text) = said(id) {
            blocks.push(Block::Answer { title: title.to_owned(), text: Some(text), by: None });
        }
    }
    if let Some(change) = said("prevention") {
        let owner = said("owner").unwrap_or_else(|| "nobody yet".to_owned());
        let due = said("due").map(|due| format!(", by {due}")).unwrap_or_default();
        let text = Some(format!("{change} ({owner}{due})"));
        blocks.push(Block::Answer { title: "What keeps it from happening again".to_owned(), text, by: None });
    }
    let confirmed = if incident.confirmed { "" } else { ", not confirmed by a person" };
    let agents: Vec<String> = incident.agents.iter().map(ToString::to_string).collect();
    let filed = incident.postmortem.filed.as_ref().map(|filed| format!("{} by {}", time(filed.at), filed.by));
    let pairs = [
        ("Status", incident.status.to_string()),
        ("Severity", format!("{} ({})", incident.severity, incident.scheme)),
        ("Workflow", optional(incident.workflow.as_deref())),
        ("Agents", optional(Some(&agents.join(", ")))),
        ("Declared", format!("{} by {}{confirmed}", time(incident.declared_at), incident.declared_by)),
        ("Harm confirmed since", maybe_time(incident.harm_at)),
        ("Contained", maybe_time(incident.contained_at)),
        ("Resolved", maybe_time(incident.resolved_at)),
        ("Closed", maybe_time(incident.closed_at)),
        ("Post-mortem filed", optional(filed.as_deref())),
        ("Runbook", incident.runbook.clone()),
    ];
    let rows = pairs.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    blocks.push(Block::table(["", ""], rows));
    blocks.push(severity(sources));
    blocks
}

/// Severity over time (SEV.7).
fn severity(sources: Sources<'_>) -> Block {
    let incident = sources.incident;
    let scheme = sources.runbook.schemes.get(&incident.scheme);
    let mut levels: Vec<String> =
        scheme.map(|scheme| scheme.levels.iter().map(|level| level.id.clone()).collect()).unwrap_or_default();
    for change in &incident.severities {
        // A scheme of another runbook: its levels stand as they were used.
        if !levels.contains(&change.severity) {
            levels.push(change.severity.clone());
        }
    }
    let moments =
        [("harm", incident.harm_at), ("contained", incident.contained_at), ("resolved", incident.resolved_at)];
    let mark = |(name, at): (&str, Option<crate::terms::Time>)| Some(Mark { at: at?, name: name.to_owned() });
    Block::Chart(Chart::Severity {
        levels,
        steps: incident.severities.iter().map(|change| (change.at, change.severity.clone())).collect(),
        until: incident.closed_at.or(incident.resolved_at).unwrap_or(sources.now),
        marks: moments.into_iter().filter_map(mark).collect(),
    })
}

/// Business impact, the agent's path, failed controls, guardrail changes, scorecard.
pub fn five(sources: Sources<'_>) -> Vec<Section> {
    let bodies = [impact(sources), path(sources), controls(sources), guardrails(sources), scorecard(sources)];
    let parts = Part::ALL.iter().zip(bodies).enumerate();
    parts
        .map(|(number, (part, body))| {
            let blocks = [answers(sources, *part), body].concat();
            Section::new(format!("{}. {}", number + 1, part.title()), blocks)
        })
        .collect()
}

fn impact(sources: Sources<'_>) -> Vec<Block> {
    let Sources { incident, world, spend, .. } = sources;
    let drafts = incident.drafts.iter().filter(|draft| !draft.fields.impact.trim().is_empty());
    let said = drafts
        .max_by_key(|draft| draft.edited_at)
        .map(|draft| format!("{} ({}, {})", draft.fields.impact, draft.id, time(draft.edited_at)));
    let switches = || incident.switches.iter().filter_map(|id| world.switches.get(id));
    let slipped: usize = switches().map(|one| one.halt.slipped.len()).sum();
    let verified = incident.checklists.iter().filter(|list| list.verified.is_some()).count();
    let mut points = vec![
        format!("In the words last written to others: {}", said.as_deref().unwrap_or(NOT_RECORDED)),
        format!("Actions that slipped through after harm was confirmed: {slipped}"),
        format!("Rolled back and verified: {verified} of {} checklists", incident.checklists.len()),
    ];
    if let Some(blast) = &incident.blast {
        points.push(format!(
            "Blast radius as estimated: up to {:.0} affected, {:.1} an hour for {}",
            blast.affected,
            blast.velocity_per_h,
            seconds(blast.window_s)
        ));
    }
    let mut blocks = vec![Block::List(points)];
    let register = &incident.register;
    if !register.rows.is_empty() {
        let row = |row: &crate::incident::evidence::Affected| {
            let count = row.count.map_or_else(|| "not known".to_owned(), |count| count.to_string());
            let amount = row.amount.as_ref().map(|amount| format!("{:.2} {}", amount.value, amount.currency));
            vec![row.kind.to_string(), row.what.clone(), count, amount.unwrap_or_default(), row.state.to_string()]
        };
        blocks.push(Block::Say(format!("What is affected; of {} rows the extent is not known.", register.unknown())));
        blocks.push(Block::table(
            ["Kind", "What", "How many", "Money", "State"],
            register.rows.iter().map(row).collect(),
        ));
    }
    if let Some(spend) = spend {
        blocks.extend(cost(sources, spend));
    }
    blocks.extend(vendors(sources));
    blocks
}

/// The cost curve and what it adds up to (PM.3).
fn cost(sources: Sources<'_>, spend: &crate::report::Spend) -> Vec<Block> {
    let Sources { incident, world, .. } = sources;
    let estimated = if spend.estimated { ", in part estimated from a price table" } else { "" };
    let cut = if spend.cut { " Not all of the window is stored any more." } else { "" };
    let said = format!(
        "From {} to {} its agents executed {} actions for {:.2} USD{estimated}; {} more were stopped.{cut}",
        time(spend.from),
        time(spend.to),
        spend.actions,
        spend.cost_usd,
        spend.denied
    );
    let firing = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(|firing| firing.at).min();
    let halt = incident.switches.iter().filter_map(|id| world.switches.get(id)).map(|one| one.engaged_at).min();
    let moments =
        [("firing", firing), ("harm", incident.harm_at), ("halt", halt), ("contained", incident.contained_at)];
    let inside = |at: &crate::terms::Time| *at >= spend.from && *at <= spend.to;
    let mark =
        |(name, at): (&str, Option<crate::terms::Time>)| Some(Mark { at: at.filter(inside)?, name: name.to_owned() });
    let points = spend.points.iter().map(|point| (point.at, point.cost_usd, point.actions)).collect();
    let marks = moments.into_iter().filter_map(mark).collect();
    let mut blocks = vec![Block::Say(said)];
    if spend.actions > 0 {
        blocks.push(Block::Chart(Chart::Spend { points, marks }));
    }
    blocks
}

/// PM.3: did what vendors and actuators promised hold.
fn vendors(sources: Sources<'_>) -> Vec<Block> {
    let Sources { incident, world, .. } = sources;
    let mut blocks = Vec::new();
    let named = incident.agents.iter().filter_map(|id| world.agents.get(id));
    let vendors: Vec<String> = named
        .filter_map(|agent| Some(format!("{} runs on {}", agent.declared.id, agent.declared.vendor.as_ref()?)))
        .collect();
    if !vendors.is_empty() {
        blocks.push(Block::List(vendors));
    }
    let switches = incident.switches.iter().filter_map(|id| world.switches.get(id));
    let rows: Vec<Vec<String>> = switches
        .flat_map(|switch| &switch.actuators)
        .map(|run| {
            let took = run.outcome.as_ref().map(|outcome| outcome.took_s);
            let held = match (run.promised_s, took, run.state()) {
                (Some(promised), Some(took), ActuatorState::Done) if took <= promised => "held",
                (Some(_), _, ActuatorState::Done) => "missed",
                (Some(_), _, ActuatorState::Failed) => "missed: it failed",
                (None, ..) => "nothing was promised",
                _ => "not known",
            };
            let figure = |value: Option<f64>| value.map_or_else(String::new, seconds);
            vec![run.name.clone(), figure(run.promised_s), figure(took), run.state().to_string(), held.to_owned()]
        })
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::table(["Kill switch", "Promised", "Observed", "State", "Promise"], rows));
    }
    blocks
}

fn path(sources: Sources<'_>) -> Vec<Block> {
    let Some(spend) = sources.spend.filter(|spend| !spend.tools.is_empty()) else {
        return vec![Block::Say("Its telemetry is not stored any more, or there was none.".to_owned())];
    };
    let row = |tool: &crate::report::ToolTally| {
        let denied = if tool.denied > 0 { tool.denied.to_string() } else { String::new() };
        let figures = [tool.calls.to_string(), denied, time(tool.first), time(tool.last)];
        [vec![tool.agent.to_string(), tool.what.clone()], figures.to_vec()].concat()
    };
    vec![
        Block::Say("What its agents did in that window, the most used first.".to_owned()),
        Block::table(
            ["Agent", "Tool or endpoint", "Calls", "Stopped", "First", "Last"],
            spend.tools.iter().map(row).collect(),
        ),
    ]
}

fn controls(sources: Sources<'_>) -> Vec<Block> {
    let incident = sources.incident;
    let mut blocks = vec![Block::Heading("Detection".to_owned())];
    blocks.extend(chain::detection(sources));
    if Postmortem::missed_by_tripwires(incident, sources.world) {
        let source = incident.team.source.map(|source| format!(" It was noticed by: {source}.")).unwrap_or_default();
        let missed = format!("No tripwire fired before people knew: one was missing.{source}");
        blocks.push(Block::Strong(missed));
    }
    let mut gaps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in incident.evidence.gaps() {
        gaps.entry(item.state.as_str()).or_default().push(&item.plan.title);
    }
    if !gaps.is_empty() {
        blocks.push(Block::Heading("Evidence that was not sufficient".to_owned()));
        let points = gaps.iter().map(|(state, items)| format!("{} {state}: {}", items.len(), items.join(", ")));
        blocks.push(Block::List(points.collect()));
    }
    blocks
}

fn guardrails(sources: Sources<'_>) -> Vec<Block> {
    let filed = &sources.incident.postmortem;
    let mut blocks = vec![Block::Heading("Proposed changes, followed until merged".to_owned())];
    let row = |delta: &crate::incident::postmortem::Delta| {
        let proof = delta.backtest.as_ref().map(|test| format!(" — {}", test.verdict())).unwrap_or_default();
        let settled = delta.settled_at.map(|at| format!(" {}", time(at))).unwrap_or_default();
        let note = if delta.note.is_empty() { String::new() } else { format!(" ({})", delta.note) };
        let state = match delta.state {
            DeltaState::Proposed => "proposed".to_owned(),
            state => format!("{state}{settled}{note}"),
        };
        let due = delta.due.clone().unwrap_or_default();
        let change = format!("{}{proof}", delta.text);
        vec![delta.number.to_string(), delta.kind.to_string(), change, delta.owner.clone(), due, state]
    };
    blocks.push(Block::table(["No.", "Of", "Change", "Owner", "Due", "State"], filed.deltas.iter().map(row).collect()));
    blocks.push(Block::Heading("Regression cases".to_owned()));
    let row = |case: &crate::incident::postmortem::RegressionCase| {
        vec![case.name.clone(), case.kind.to_string(), case.input.clone(), case.expected.clone()]
    };
    blocks.push(Block::table(["Case", "Evaluation", "Input", "Expected"], filed.cases.iter().map(row).collect()));
    blocks
}

fn scorecard(sources: Sources<'_>) -> Vec<Block> {
    let Sources { incident, world, now, .. } = sources;
    let clocks = crate::incident::clocks(incident, world, now);
    let of = |state| clocks.iter().filter(|clock| clock.state == state).count();
    let (met, missed) = (of(crate::incident::ClockState::Met), of(crate::incident::ClockState::Missed));
    let firings = incident.firings.iter().filter_map(|id| world.firings.get(id));
    let (all, noise) = firings.fold((0, 0), |(all, noise), one| (all + 1, noise + usize::from(one.expected)));
    let mut points =
        vec![format!("Budgets kept: {met} of {}", met + missed), format!("Firings that were noise: {noise} of {all}")];
    let contained = incident.contained_at.map(|at| span(at.since(incident.declared_at)));
    points.push(format!("Contained after it was declared: {}", optional(contained.as_deref())));
    vec![Block::List(points)]
}
