//! Where an incident stands, and what comes next (TEN.2): contain before you diagnose.

use serde::{Deserialize, Serialize};

use super::{FirstFact, Known};
use crate::{
    incident::{
        Checklist, Incident, Status, StepState, World,
        containment::{Switch, SwitchState},
    },
    terms::{Time, words},
};

words! {
    /// The phases of an incident, in their order (TEN.2).
    PhaseName, "a phase" {
        /// Is it one?
        Detect = "detect",
        /// How bad is it?
        Classify = "classify",
        /// Stop it.
        Contain = "contain",
        /// Keep what proves it.
        Preserve = "preserve",
        /// Undo what it did.
        RollBack = "roll-back",
        /// Tell people.
        Communicate = "communicate",
        /// Find out why.
        Diagnose = "diagnose",
        /// Change what failed.
        Remediate = "remediate",
        /// Show that the change holds.
        Validate = "validate",
        /// Give autonomy back, stage by stage.
        Restart = "restart",
    }
}

/// A phase, and the step that leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Which.
    pub phase: PhaseName,
    /// What to do next, in words; may hold person- or agent-written text.
    pub next: String,
    /// The cockpit's command for it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub does: Option<String>,
    /// The plain command for it; empty where nothing is left to do.
    pub command: String,
}

impl Phase {
    fn new(phase: PhaseName, next: impl Into<String>, does: &str, command: impl Into<String>) -> Self {
        let does = (!does.is_empty()).then(|| does.to_owned());
        Self { phase, next: next.into(), does, command: command.into() }
    }
}

/// What later work shows in an incident; a family that is not begun leaves nothing.
struct Seen<'a> {
    incident: &'a Incident,
    engaged: Vec<&'a Switch>,
}

/// The phase of `incident` now, computed from what the log holds of it.
pub fn phase(incident: &Incident, world: &World, now: Time) -> Phase {
    let own = incident.switches.iter().filter_map(|id| world.switches.get(id)).map(AsRef::as_ref);
    let engaged = own.filter(|switch: &&Switch| switch.state == SwitchState::Engaged).collect();
    let seen = Seen { incident, engaged };
    over(&seen)
        .or_else(|| detect(&seen))
        .or_else(|| classify(&seen))
        .or_else(|| contain(&seen))
        .or_else(|| preserve(&seen, now))
        .or_else(|| roll_back(&seen))
        .or_else(|| communicate(&seen))
        .or_else(|| diagnose(&seen))
        .or_else(|| remediate(&seen))
        .or_else(|| validate(&seen))
        .unwrap_or_else(|| restart(&seen))
}

/// Incidents that nobody works on any more.
fn over(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    match seen.incident.status {
        Status::Resolved => Some(Phase::new(
            PhaseName::Restart,
            "write the post-mortem, then close it",
            "",
            format!("andon postmortem {id}"),
        )),
        Status::Closed | Status::Merged | Status::Dismissed => {
            Some(Phase::new(PhaseName::Restart, format!("nothing: it is {}", seen.incident.status), "", ""))
        }
        _ => None,
    }
}

fn detect(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    let next = "say whether it is an incident: confirm or dismiss it";
    (!seen.incident.confirmed).then(|| Phase::new(PhaseName::Detect, next, "confirm", format!("andon confirm {id}")))
}

/// A level nobody chose; what does harm is stopped first.
fn classify(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    let unknown = seen.incident.facts.known(FirstFact::Severity) == Known::Unknown;
    let calm = seen.incident.harm_at.is_none() && seen.engaged.is_empty() && seen.incident.contained_at.is_none();
    let next = "say how severe it is";
    (unknown && calm).then(|| Phase::new(PhaseName::Classify, next, "severity", format!("andon severity {id}")))
}

fn contain(seen: &Seen<'_>) -> Option<Phase> {
    let incident = seen.incident;
    if incident.contained_at.is_some() && !incident.containment_broken {
        return None;
    }
    let halt = format!("andon halt --incident {}", incident.id);
    let here = |next: String, does: &str, command: String| Some(Phase::new(PhaseName::Contain, next, does, command));
    if let Some(passed) = seen.engaged.iter().find(|switch| switch.halt.escaped > 0) {
        return here(format!("an action went past {}: stop it wider", passed.id), "halt", halt);
    }
    if let Some(waits) = seen.engaged.first() {
        let proof = format!("{} of {} confirmed {}", waits.halt.confirmed, waits.halt.counted, waits.id);
        let command = format!("andon contained {} --why WHY", incident.id);
        return here(
            format!("wait for the proof ({proof}), or say by what it is contained"),
            "declare-contained",
            command,
        );
    }
    here("stop what does harm".into(), "halt", halt)
}

fn preserve(seen: &Seen<'_>, _now: Time) -> Option<Phase> {
    let id = seen.incident.id;
    let open = !seen.incident.evidence.is_frozen() && seen.incident.evidence.overrides.is_empty();
    let next = "freeze the evidence before anything is undone";
    open.then(|| Phase::new(PhaseName::Preserve, next, "freeze-evidence", format!("andon evidence freeze {id}")))
}

fn roll_back(seen: &Seen<'_>) -> Option<Phase> {
    let incident = seen.incident;
    let here = |next: String, does: &str, command: String| Some(Phase::new(PhaseName::RollBack, next, does, command));
    if let Some(list) = incident.checklists.iter().find(|list| list.verified.is_none()) {
        return next_step(incident, list);
    }
    if incident.checklists.is_empty() && !told(incident, |_| true) && !later(incident) {
        let command = format!("andon rollback open {} CLASS TARGET", incident.id);
        return here(
            "open a checklist for what it did; where there is nothing, go on".into(),
            "open-rollback",
            command,
        );
    }
    None
}

fn next_step(incident: &Incident, list: &Checklist) -> Option<Phase> {
    let open = list.steps.iter().find(|step| step.state == StepState::Open && !step.plan.verifies);
    let (next, does, command) = match open {
        Some(step) => (
            format!("{}: {}", list.id, step.plan.text),
            "go-rollback",
            format!("andon check {} {}/{}", incident.id, list.id, step.plan.id),
        ),
        None => (
            format!("{}: read the real state back", list.id),
            "verify-rollback",
            format!("andon verify {} {} --evidence TEXT", incident.id, list.id),
        ),
    };
    Some(Phase::new(PhaseName::RollBack, next, does, command))
}

/// Whether something was sent to one of these audiences.
fn told(incident: &Incident, audience: impl Fn(&str) -> bool) -> bool {
    incident.drafts.iter().any(|draft| audience(&draft.audience) && !draft.sent.is_empty())
}

/// Whether work of a later phase began.
fn later(incident: &Incident) -> bool {
    incident.investigation.standing().next().is_some() || !incident.gate.corrections.is_empty()
}

fn communicate(seen: &Seen<'_>) -> Option<Phase> {
    let incident = seen.incident;
    let id = incident.id;
    let here = |next: &str, does: &str, command: String| Some(Phase::new(PhaseName::Communicate, next, does, command));
    if !told(incident, |audience| audience == "internal") {
        return here("tell those inside what is known", "new-draft", format!("andon draft new {id} internal"));
    }
    if told(incident, |audience| audience == "customer" || audience == "status-page") {
        return None;
    }
    let impact = incident.facts.get(FirstFact::Impact).and_then(|fact| fact.answer.as_deref());
    match impact.map(str::to_lowercase) {
        None => {
            here("say whether users or customers feel it", "answer-fact", format!("andon facts {id} impact ANSWER"))
        }
        Some(no) if no.starts_with("no") => None,
        Some(_) => here("tell those affected", "new-draft", format!("andon draft new {id} customer")),
    }
}

/// Until a root cause stands.
fn diagnose(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    if seen.incident.investigation.standing().any(|finding| finding.said.root) {
        return None;
    }
    let next = "find the cause: retrieval, prompt, model, safety, in this order";
    let command = format!("andon finding {id} --layer retrieval TEXT");
    Some(Phase::new(PhaseName::Diagnose, next, "go-investigation", command))
}

/// Until a correction is recorded.
fn remediate(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    let next = "change what failed, and record the correction";
    let command = format!("andon correction {id} TEXT --what control");
    (seen.incident.gate.corrections.is_empty()).then(|| Phase::new(PhaseName::Remediate, next, "go-restart", command))
}

/// Until a correction passed shadow tasks and checks.
fn validate(seen: &Seen<'_>) -> Option<Phase> {
    let id = seen.incident.id;
    let tried = |one: &crate::incident::restart::Correction| one.said.shadow.is_some() && one.said.checks.is_some();
    let next = "show that the change holds: shadow tasks and deterministic checks";
    let command = format!("andon correction {id} TEXT --what test --shadow TASKS --checks CHECKS");
    let open = !seen.incident.gate.corrections.iter().any(tried);
    open.then(|| Phase::new(PhaseName::Validate, next, "go-restart", command))
}

fn restart(seen: &Seen<'_>) -> Phase {
    let id = seen.incident.id;
    let approved = seen.incident.gate.approvals.iter().any(|approval| !approval.second);
    match seen.engaged.first() {
        Some(_) if !approved => Phase::new(
            PhaseName::Restart,
            "the severity owner says that it may go on",
            "go-restart",
            format!("andon restart {id} --approve --why WHY"),
        ),
        Some(switch) => Phase::new(
            PhaseName::Restart,
            format!("give autonomy back stage by stage: {} is engaged", switch.id),
            "go-containment",
            format!("andon restart {id}"),
        ),
        None => Phase::new(
            PhaseName::Restart,
            "say how it ended for those affected",
            "resolve",
            format!("andon resolve {id}"),
        ),
    }
}
