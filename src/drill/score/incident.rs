//! The steps of one incident of a drill, as the log shows them: TEN.1, CON.1, EVI.1, RBK, COM.4, RST.1.

use super::step::{Asked, ScoredStep, StepResult};
use crate::{
    incident::{
        Checklist, ClockState, Incident, Sent, StepState, World, clocks,
        drilled::{Course, Target},
        halted_at,
        restart::{self, ConditionState},
    },
    runbook::Runbook,
    terms::{Author, Time},
};

/// A drill, as far as its incidents are scored.
pub(super) struct Scene<'a> {
    pub world: &'a World,
    pub runbook: &'a Runbook,
    pub course: &'a Course,
    pub now: Time,
    pub over: bool,
}

impl Scene<'_> {
    /// Every step of one incident, in the order of the work.
    pub fn steps(&self, incident: &Incident) -> Vec<ScoredStep> {
        let mut asked = vec![self.acknowledge(incident), self.command(incident), harm(incident)];
        asked.extend([
            self.halt(incident),
            facts(incident),
            evidence(incident),
            update(incident),
            users(self, incident),
        ]);
        asked.extend(rollback(incident));
        asked.push(self.restart(incident));
        let held = |asked: Asked| asked.held(Some(incident.id), self.course, self.now, self.over);
        asked.into_iter().map(held).chain(promise(self, incident)).collect()
    }

    /// From the page to a person; where a drill pages nobody, from the moment at which it would have.
    fn acknowledge(&self, incident: &Incident) -> Asked {
        let firings = || incident.firings.iter().filter_map(|id| self.world.firings.get(id));
        let paged = firings().filter(|firing| !firing.paged.is_empty()).map(|firing| firing.recorded_at).min();
        let acked = firings().flat_map(|firing| &firing.paged).filter_map(|paged| Some((paged.acked_at?, &paged.by)));
        let by = acked.min_by_key(|(at, _)| *at).and_then(|(_, by)| by.clone());
        Asked::new("acknowledge", "answer the page", "on-call")
            .from(incident.mttd.page.or(paged), None, Some(Target::Acknowledge))
            .done(incident.mttd.acknowledgement, by)
    }

    fn command(&self, incident: &Incident) -> Asked {
        let first = incident.team.handovers.iter().find(|one| one.role == "commander" && one.to.is_some());
        let who = first.and_then(|one| one.to.clone()).map(Author::Person);
        Asked::new("command", "take command", "commander")
            .from(Some(incident.declared_at), incident.clock_plan.command_s, None)
            .done(first.map(|one| one.at), who)
    }

    fn halt(&self, incident: &Incident) -> Asked {
        let own = incident.switches.iter().filter_map(|id| self.world.switches.get(id));
        let first = own.min_by_key(|switch| switch.engaged_at);
        let lacks = match first {
            None => vec!["nobody stopped anything".to_owned()],
            Some(switch) if switch.halt.escaped > 0 => vec![format!("{} agents acted past it", switch.halt.escaped)],
            Some(switch) => {
                let left = switch.halt.counted.saturating_sub(switch.halt.confirmed);
                if left > 0 { vec![format!("{left} agents are not proved stopped")] } else { Vec::new() }
            }
        };
        Asked::new("halt", "stop everything in scope, and prove it", "commander")
            .from(incident.harm_at, Some(incident.clock_plan.halt_s), Some(Target::Halt))
            .done(halted_at(incident, self.world), first.map(|switch| switch.by.clone()))
            .lacking(lacks)
    }

    /// RST.1: no time is set; going on over open conditions is what is missed.
    fn restart(&self, incident: &Incident) -> Asked {
        let open: Vec<String> = restart::conditions(incident, self.runbook)
            .into_iter()
            .filter(|condition| condition.state == ConditionState::Open)
            .map(|condition| condition.title)
            .collect();
        let over = incident.gate.overridden.first();
        let went_on = incident.gate.restarted_at.or(over.map(|over| over.at));
        let passed = open.is_empty() && over.is_none();
        let approved = incident.gate.approvals.last();
        let by = approved.map(|approval| approval.by.clone());
        let at = went_on.or(approved.map(|approval| approval.at)).or(incident.contained_at);
        // Until somebody goes on, open conditions are work that is left, nothing that was missed.
        let zero = went_on.filter(|_| !passed);
        let lacks = over.map(|over| over.said.open.clone()).unwrap_or(open);
        Asked::new("restart", "meet every condition before an agent acts again", "severity-owner")
            .from(zero, None, None)
            .done(at.filter(|_| passed), by)
            .lacking(lacks)
    }
}

fn harm(incident: &Incident) -> Asked {
    let said = incident.timeline.iter().find(|entry| entry.kind == "harm-confirmed");
    Asked::new("harm", "confirm since when there is harm", "commander")
        .from(Some(incident.declared_at), None, None)
        .done(said.map(|entry| entry.at).or(incident.harm_at), said.map(|entry| entry.by.clone()))
}

fn facts(incident: &Incident) -> Asked {
    let last = incident.facts.iter().filter(|fact| fact.by.as_ref().is_some_and(Author::is_person));
    let by = last.max_by_key(|fact| fact.known_at).and_then(|fact| fact.by.clone());
    let unknown = incident.facts.iter().filter(|fact| fact.known_at.is_none());
    Asked::new("facts", "answer the seven facts", "commander")
        .from(Some(incident.declared_at), Some(incident.clock_plan.facts_s), Some(Target::Facts))
        .done(incident.facts.complete_at(), by)
        .lacking(unknown.map(|fact| fact.id.to_string()).collect())
}

fn evidence(incident: &Incident) -> Asked {
    let zero = incident.contained_at.map_or(incident.declared_at, |at| at.min(incident.declared_at));
    let kept = &incident.evidence;
    let mut lacks = Vec::new();
    if kept.frozen_at.is_none() {
        lacks.push("telemetry is not frozen".to_owned());
    }
    if kept.unknown > 0 {
        lacks.push(format!("nobody looked at {} items", kept.unknown));
    }
    Asked::new("evidence", "freeze the evidence, and look at every item", "scribe")
        .from(Some(zero), Some(incident.clock_plan.evidence_s), Some(Target::Evidence))
        .done(kept.settled_at, kept.freezes.first().map(|freeze| freeze.by.clone()))
        .lacking(lacks)
}

/// The first message to anybody of `audiences`.
fn first_sent(incident: &Incident, audiences: impl Fn(&str) -> bool) -> Option<(Time, &Sent)> {
    let drafts = incident.drafts.iter().filter(|draft| audiences(&draft.audience));
    let told = drafts.flat_map(|draft| &draft.sent).filter_map(|sent| Some((sent.told_at()?, sent)));
    told.min_by_key(|(at, _)| *at)
}

fn update(incident: &Incident) -> Asked {
    let first = first_sent(incident, |_| true);
    Asked::new("update", "send the first update", "communications")
        .from(Some(incident.declared_at), Some(incident.clock_plan.coordination_s), Some(Target::Update))
        .done(first.map(|(at, _)| at), first.map(|(_, sent)| sent.by.clone()))
}

fn users(scene: &Scene<'_>, incident: &Incident) -> Asked {
    let first = first_sent(incident, |audience| audience == "customer" || audience == "status-page");
    let due = clocks(incident, scene.world, scene.now).into_iter().find(|clock| clock.name == "users");
    let zero = due.and_then(|clock| clock.due_at).map(|_| incident.declared_at);
    Asked::new("users", "tell those affected", "communications")
        .from(zero, Some(incident.clock_plan.users_s), None)
        .done(first.map(|(at, _)| at), first.map(|(_, sent)| sent.by.clone()))
}

/// COM.4: the update that was promised; nothing where none was.
fn promise(scene: &Scene<'_>, incident: &Incident) -> Option<ScoredStep> {
    let clock = clocks(incident, scene.world, scene.now).into_iter().find(|clock| clock.name == "update")?;
    let result = match clock.state {
        ClockState::Waiting => return None,
        ClockState::Running => StepResult::Open,
        ClockState::Met => StepResult::Kept,
        ClockState::Missed => StepResult::Missed,
    };
    let asked = Asked::new("promise", "send the update that was promised, when it was promised", "communications");
    Some(ScoredStep { result, ..asked.held(Some(incident.id), scene.course, scene.now, scene.over) })
}

/// RBK: each checklist within its budget; and that one was opened at all.
fn rollback(incident: &Incident) -> Vec<Asked> {
    if incident.checklists.is_empty() {
        return vec![Asked::new("rollback", "open a rollback for what was done", "responder").from(
            incident.contained_at.or(Some(incident.declared_at)),
            None,
            None,
        )];
    }
    incident.checklists.iter().map(|list| checklist(incident, list)).collect()
}

fn checklist(incident: &Incident, list: &Checklist) -> Asked {
    let open = list.steps.iter().filter(|step| step.state == StepState::Open);
    let lacks = match &list.verified {
        Some(_) => Vec::new(),
        None => open.map(|step| step.plan.text.clone()).chain(["read back".to_owned()]).collect(),
    };
    let verified = list.verified.as_ref();
    let role = list.work.plan.roles.first().map_or("responder", String::as_str);
    Asked::new(format!("rollback {}", list.id), "roll back, and read the real state back", role)
        .from(incident.contained_at, Some(list.budget_s), Some(Target::Rollback))
        .done(verified.map(|verified| verified.at), verified.map(|verified| verified.by.clone()))
        .lacking(lacks)
}
