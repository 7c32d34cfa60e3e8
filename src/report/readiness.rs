//! Whether a team is ready before an incident: GOV.1–GOV.6 and DRL.4 in lines, each with what to do where it is open.
//!
//! Pure: from what a cockpit knows and the runbook; nothing is asked of anybody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    figures::{Figures, of_world},
    quarterly,
};
use crate::{
    api::State,
    incident::{
        AgentDeclaration, Blast, Reach, Status,
        rollback::{drift, readiness as undo},
    },
    runbook::{Runbook, WorkflowPlan},
    terms::{Time, Workflow, words},
    tripwire::Tripwire,
};

words! {
    /// How one line of readiness stands.
    Ready, "a word of readiness" {
        /// It is so.
        Met = "met",
        /// It is not; the detail says what to do.
        Open = "open",
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `GOV.2`.
    pub code: String,
    /// What is asked.
    pub what: String,
    /// How it stands.
    pub state: Ready,
    /// Why, or what to do.
    pub detail: String,
}

/// Days whose firings tell how much of a tripwire is noise.
const NOISE_DAYS: i64 = 30;

/// Every line, in the order of their codes.
pub fn readiness(state: &State, runbook: &Runbook) -> Vec<Line> {
    let now = state.live.now;
    let figures = of_world(&state.world, Some(now.plus(-NOISE_DAYS * Time::DAY)), now);
    let all = of_world(&state.world, None, now);
    let mut lines = vec![review(state, runbook)];
    lines.extend(six(state, runbook, &all));
    lines.extend(controls(runbook, &figures));
    lines.push(owners(state, runbook));
    lines.extend(workflows(state, runbook));
    lines.push(reports(state));
    lines.extend(quarterly::lines(state, runbook));
    lines
}

pub(super) fn line(code: &str, what: impl Into<String>, met: bool, detail: impl Into<String>) -> Line {
    let state = if met { Ready::Met } else { Ready::Open };
    Line { code: code.into(), what: what.into(), state, detail: detail.into() }
}

/// GOV.1: a version, and a date of review that has not passed.
fn review(state: &State, runbook: &Runbook) -> Line {
    let today = state.live.now.to_chrono().format("%Y-%m-%d").to_string();
    let fresh = runbook.review_by.as_str() >= today.as_str();
    let word = if fresh { "to be reviewed by" } else { "its review is overdue since" };
    let kept = state.upkeep.versions.len();
    line("GOV.1", "runbook", fresh, format!("version {}, {word} {}; {kept} kept", runbook.version, runbook.review_by))
}

fn declared(state: &State) -> impl Iterator<Item = &AgentDeclaration> {
    state.world.agents.values().map(|agent| &agent.declared)
}

/// GOV.2: six things that must be so before an incident.
fn six(state: &State, runbook: &Runbook, all: &Figures) -> [Line; 6] {
    let can_fire = state.live.armed.can_fire;
    let authority = match can_fire {
        0..3 => format!("{can_fire} can fire, three roles should: `andon token make NAME --role operator`"),
        _ => format!("{can_fire} identities can fire"),
    };
    let drifted: Vec<String> =
        declared(state).flat_map(|agent| drift(agent, runbook)).map(|it| format!("{} {}", it.agent, it.tool)).collect();
    let undone = |agent| undo(agent, &BTreeSet::new(), runbook).iter().map(|one| one.missing.len()).sum::<usize>();
    let missing: usize = declared(state).map(undone).sum();
    let counts = &state.live.telemetry;
    let (runless, seen) = (counts.without_run, counts.accepted);
    let captured = match (seen, runless) {
        (0, _) => "no telemetry since the backend began: nothing to capture from".to_owned(),
        (_, 0) => format!("all {seen} actions name their run"),
        _ => format!("{runless} of {seen} actions name no run: a freeze finds them by their time only"),
    };
    let urgent = |tripwire: &Tripwire| runbook.tripwires.opens_incident.contains(tripwire);
    let urgent = urgent(&Tripwire::Breach) && runbook.tripwires.pages.contains_key(&Tripwire::Breach);
    let unreasoned: Vec<&str> = runbook
        .templates
        .iter()
        .filter(|template| template.external && template.reasons.is_empty())
        .map(|template| template.audience.as_str())
        .collect();
    let named = unreasoned.is_empty() && !runbook.failures.is_empty();
    let closed = state.world.incidents.values().filter(|incident| incident.status == Status::Closed).count();
    [
        line("GOV.2", "containment authority", can_fire >= 3, authority),
        line(
            "GOV.2",
            "rollback and restriction documented",
            drifted.is_empty() && missing == 0,
            match (drifted.as_slice(), missing) {
                ([], 0) => format!("{} classes, every declared tool among them", runbook.classes.len()),
                ([], _) => format!("{missing} things an undo needs are missing: `andon agents readiness`"),
                _ => format!(
                    "no procedure covers {}: add a class to classes.toml, or one to the inventory",
                    some(&drifted)
                ),
            },
        ),
        line("GOV.2", "evidence by run id", seen > 0 && runless == 0, captured),
        line(
            "GOV.2",
            "approval failures are urgent",
            urgent,
            if urgent {
                format!("they open an incident and page {}", runbook.tripwires.pages[&Tripwire::Breach])
            } else {
                "tripwires.toml: put breach into opens_incident and pages".to_owned()
            },
        ),
        line(
            "GOV.2",
            "messages name the failure",
            named,
            if named {
                format!("{} classes of failure, a reason for every audience outside", runbook.failures.len())
            } else {
                format!("templates.toml: no reasons for {}", unreasoned.join(", "))
            },
        ),
        line(
            "GOV.2",
            "incidents change the controls",
            all.open_changes == 0,
            match (closed, all.open_changes) {
                (0, 0) => "no incident was closed yet".to_owned(),
                (closed, 0) => format!("{closed} closed, every proposed change merged or dropped"),
                (_, open) => format!("{open} proposed changes wait: `andon postmortem INC` lists them"),
            },
        ),
    ]
}

/// GOV.3, DET.7: why each tripwire is there, how good its signal is, what follows, who keeps it.
fn controls(runbook: &Runbook, figures: &Figures) -> Vec<Line> {
    let plan = &runbook.tripwires;
    let of = |tripwire: &Tripwire| {
        let control = plan.control.get(tripwire);
        let noise = figures.noise.get(tripwire.as_str()).copied().unwrap_or_default();
        let noisy = noise.firings > 0 && noise.noise as f64 > plan.noise_share * noise.firings as f64;
        let signal = match noise.firings {
            0 => format!("no firing in {NOISE_DAYS} days"),
            _ => format!("{} of {} firings were noise in {NOISE_DAYS} days", noise.noise, noise.firings),
        };
        let lacks = [
            (control.is_none_or(|it| it.purpose.is_empty()), "a purpose"),
            (!plan.pages.contains_key(tripwire), "somebody to page"),
            (control.is_none_or(|it| it.owner.is_empty()), "an owner"),
            (noisy, "tuning: `andon tripwires` shows what fired"),
        ];
        let lacks: Vec<&str> = lacks.iter().filter(|(lacks, _)| *lacks).map(|(_, what)| *what).collect();
        let pages = plan.pages.get(tripwire).map(|who| format!(", pages {who}")).unwrap_or_default();
        let owner = control
            .map(|it| format!(", kept by {}", it.owner))
            .filter(|_| control.is_some_and(|it| !it.owner.is_empty()));
        let purpose = control.map(|it| it.purpose.as_str()).filter(|it| !it.is_empty()).unwrap_or("no purpose said");
        let needs = if lacks.is_empty() { String::new() } else { format!(" — needs {}", lacks.join(", ")) };
        let detail = format!("{purpose}; {signal}{pages}{}{needs}", owner.unwrap_or_default());
        line("GOV.3", tripwire.as_str(), lacks.is_empty(), detail)
    };
    Tripwire::ALL.iter().map(of).collect()
}

/// GOV.4: what nobody owns.
fn owners(state: &State, runbook: &Runbook) -> Line {
    let nobody = |owner: &Option<String>| owner.as_deref().is_none_or(|owner| owner.trim().is_empty());
    let mut gaps: Vec<String> =
        declared(state).filter(|agent| nobody(&agent.owner)).map(|agent| format!("agent {}", agent.id)).collect();
    let undeclared =
        state.live.agents.keys().filter(|name| state.world.agents.iter().all(|(id, _)| id.as_str() != *name));
    gaps.extend(undeclared.map(|name| format!("agent {name}, which nobody declared")));
    gaps.extend(used(state).filter(|name| runbook.workflow(name).is_none()).map(|name| format!("workflow {name}")));
    match gaps.as_slice() {
        [] => line("GOV.4", "everything is owned", true, "every agent and workflow has an owner"),
        _ => {
            line("GOV.4", "everything is owned", false, format!("nobody owns {}: no wider rollout before", some(&gaps)))
        }
    }
}

/// Workflows that agents serve or incidents hit.
fn used(state: &State) -> impl Iterator<Item = &str> {
    let served = declared(state).filter_map(|agent| agent.workflow.as_ref()).map(Workflow::as_str);
    let hit = state.world.incidents.values().filter_map(|incident| incident.workflow.as_deref());
    served.chain(hit).collect::<BTreeSet<&str>>().into_iter()
}

/// GOV.5, SEV.8: whether each workflow could be paused, reversed and audited, before it is let loose.
fn workflows(state: &State, runbook: &Runbook) -> Vec<Line> {
    used(state).map(|name| workflow(state, runbook, name, runbook.workflow(name))).collect()
}

fn workflow(state: &State, runbook: &Runbook, name: &str, plan: Option<&WorkflowPlan>) -> Line {
    let serves = |agent: &&AgentDeclaration| agent.workflow.as_ref().is_some_and(|it| it.as_str() == name);
    let agents: Vec<&AgentDeclaration> = declared(state).filter(serves).collect();
    let live = |agent: &AgentDeclaration| state.live.agents.get(agent.id.as_str());
    let reached = |agent: &&AgentDeclaration| {
        live(agent).and_then(|live| live.reach).is_some_and(|reach| reach != Reach::Observed)
    };
    let mut lacks: Vec<String> = Vec::new();
    let mut need = |met: bool, what: &str| {
        if !met {
            lacks.push(what.to_owned());
        }
    };
    need(plan.is_some(), "a severity table and an owner");
    need(!agents.is_empty(), "declared agents");
    need(agents.iter().all(reached), "a switch that reaches every agent");
    need(agents.iter().all(|agent| !agent.inventory.is_empty()), "bounds: an inventory of every agent");
    need(agents.iter().all(|agent| live(agent).is_some_and(|live| live.last_seen.is_some())), "telemetry to audit by");
    let missing =
        |agent: &&AgentDeclaration| undo(agent, &BTreeSet::new(), runbook).iter().all(|one| one.missing.is_empty());
    need(agents.iter().all(missing), "what an undo needs: `andon agents readiness`");
    let high = agents.iter().any(|agent| agent.blast == Blast::High);
    // What can do little harm may be found without a map.
    for link in plan.filter(|_| high).into_iter().flat_map(WorkflowPlan::unlinked) {
        need(false, &format!("a link to its {link}"));
    }
    let what = format!("workflow {name}");
    match lacks.as_slice() {
        [] => line("GOV.5", what, true, "could be paused, reversed and audited"),
        _ => line("GOV.5", what, false, format!("lacks {}", some(&lacks))),
    }
}

/// GOV.6: what people found wrong, until it is settled.
fn reports(state: &State) -> Line {
    let open: Vec<String> =
        state.upkeep.open().map(|fault| format!("{} ({})", fault.reported.fault, fault.reported.owner)).collect();
    match open.as_slice() {
        [] => line("GOV.6", "reports on the runbook", true, "none is open"),
        _ => line("GOV.6", "reports on the runbook", false, format!("{}: `andon runbook reports`", some(&open))),
    }
}

/// The first few of many.
pub(super) fn some(all: &[String]) -> String {
    const SHOWN: usize = 6;
    let more = all.len().saturating_sub(SHOWN);
    let shown = all.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
#[path = "readiness_tests.rs"]
mod tests;
