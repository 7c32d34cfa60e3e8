//! The way in: who asks, when, in which world; and which family answers.

use super::{
    access, actuators, agents, auto, communication, containment, decision, declare, drills, evidence, firings,
    first_minutes, holds, investigation, lifecycle, pages, postmortem, restart, restriction, rollback, team, upkeep,
};
use crate::{
    incident::{
        Command, Fact, Incident, IncidentCommand, NewEvent, Refusal, RefusalCode, Stream, Topic, World, Worlds,
        containment::AgentProof,
    },
    runbook::Runbook,
    terms::{Author, DrillId, IncidentId, Time},
};

/// Who asks, when, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Who asks; the edge has made sure of it.
    pub by: Author,
    /// The moment of asking.
    pub now: Time,
    /// The drill's world, or the real one.
    pub drill: Option<DrillId>,
    /// Whom a switch engaged now would count (protocol 3); only the interlock knows.
    pub counted: Vec<AgentProof>,
    /// Runs of the agent that a release names, seen since the stage that holds it began; only the interlock knows (RST.3).
    pub runs: Option<u32>,
}

/// A command being decided: everything a rule looks at.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub worlds: &'a Worlds,
    pub world: &'a World,
    pub runbook: &'a Runbook,
    pub context: &'a Context,
}

pub(super) type Decided = Result<Vec<NewEvent>, Refusal>;

impl<'a> Case<'a> {
    /// A fact that happened now.
    pub fn fact(&self, topic: Topic, fact: Fact) -> NewEvent {
        self.fact_at(topic, fact, self.context.now)
    }

    /// A fact that happened at another time.
    pub fn fact_at(&self, topic: Topic, fact: Fact, occurred_at: Time) -> NewEvent {
        let stream = Stream::new(self.context.drill, topic);
        NewEvent { stream, occurred_at, by: self.context.by.clone(), fact }
    }

    /// An incident by id.
    pub fn incident(&self, id: IncidentId) -> Result<&'a Incident, Refusal> {
        let known = self.world.incidents.get(&id).map(AsRef::as_ref);
        // Who does not see a restricted one does not learn of it (TEAM.9).
        known.filter(|incident| incident.is_seen_by(&self.context.by)).ok_or_else(|| no_incident(id))
    }

    /// Refuses everybody but people: an agent never decides, a script never releases (RST.5, protocol 4).
    pub fn person(&self, what: &str) -> Result<(), Refusal> {
        if self.context.by.is_person() {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::Forbidden, format!("only a person may {what}; {} is none", self.context.by)))
    }
}

impl Case<'_> {
    /// Refuses everybody but people, and whoever held the link in a page (TEAM.12).
    pub fn answers(&self, what: &str) -> Result<(), Refusal> {
        if self.context.by.answers() { Ok(()) } else { self.person(what) }
    }
}

/// A refusal: no such thing.
pub(super) fn unknown(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Unknown, detail)
}

/// A refusal: not well formed.
pub(super) fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Invalid, detail)
}

/// A refusal: not by them.
pub(super) fn forbidden(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Forbidden, detail)
}

/// A refusal: not now.
pub(super) fn conflict(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Conflict, detail)
}

/// Decides `command`: the facts it makes, in order; none where there is nothing left to do.
///
/// # Errors
/// A refusal that says what is wrong and what to do; nothing changed then.
pub fn decide(worlds: &Worlds, runbook: &Runbook, context: &Context, command: &Command) -> Decided {
    let Some(world) = worlds.get(context.drill) else {
        return Err(unknown("there is no such drill; `andon drill list` shows them"));
    };
    let case = Case { worlds, world, runbook, context };
    if matches!(context.by, Author::Agent(_)) {
        // Law 11: an agent's identity reports and checks, nothing else.
        return Err(Refusal::new(
            RefusalCode::Forbidden,
            "an agent reports and checks, nothing else; a person asks this",
        ));
    }
    match command {
        Command::Declare(declare) => declare::declare(&case, declare).map(|(_, facts)| facts),
        Command::OnIncident { incident, ask } => on_incident(&case, *incident, ask),
        Command::Engage(engage) => containment::engage(&case, engage),
        Command::Annotate { switch, why, harm_at, incident } => {
            containment::annotate(&case, *switch, why.as_deref(), *harm_at, *incident)
        }
        Command::Release { switch, why, agent, to, over } => {
            containment::release(&case, *switch, why, agent.as_ref(), *to, over.as_deref())
        }
        Command::FireActuators { switch, actuators: wanted } => actuators::fire(&case, *switch, wanted),
        Command::AnswerActuator { switch, actuator, outcome } => actuators::answer(&case, *switch, actuator, outcome),
        Command::Begin { switch } => containment::begin(&case, *switch),
        Command::OpenHold(asked) => holds::open(&case, asked),
        Command::DecideHolds { holds, approve, why, saw, looked_s } => {
            holds::decide_holds(&case, holds, *approve, why.as_deref(), saw.as_deref(), *looked_s)
        }
        Command::UseHolds { holds } => holds::use_holds(&case, holds),
        Command::EndHolds { holds, how } => holds::end(&case, holds, *how),
        Command::Prove { switch, halt } => containment::prove(&case, *switch, halt),
        Command::DeclareAgents { agents } => agents::declare(&case, agents),
        Command::AckFiring { firing, expected } => firings::acknowledge(&case, *firing, *expected),
        Command::RecordPage(ask) => pages::sent(&case, ask),
        Command::RecordTold(ask) => pages::told(&case, ask),
        Command::MuteTripwire(ask) => pages::mute(&case, ask),
        Command::UnmuteTripwire(ask) => pages::unmute(&case, ask),
        Command::SetAuto(ask) => auto::set(&case, ask),
        Command::Fire { changes } => firings::fire(&case, changes),
        Command::TakeRunbook(ask) => upkeep::take(&case, ask),
        Command::ReportFault(ask) => upkeep::report(&case, ask),
        Command::SettleFault(ask) => upkeep::settle(&case, ask),
        Command::MakeToken { name, role, agent, hash } => access::make(&case, name, *role, agent.as_ref(), hash),
        Command::RevokeToken { token } => access::revoke(&case, *token),
        Command::BeginSession(begun) => access::begin(&case, begun),
        Command::EndSession(ended) => access::end(&case, ended),
        Command::StartDrill { name, title, seed, speed, course, armed } => {
            drills::start(&case, (name, title), (*seed, *speed), course, armed)
        }
        Command::SteerDrill(steered) => drills::steer(&case, steered),
        Command::TellDrill(told) => drills::tell(&case, told),
        Command::RecordPlayed(played) => drills::played(&case, *played),
        Command::EndDrill { drill } => drills::end(&case, *drill),
    }
}

fn on_incident(case: &Case<'_>, id: IncidentId, ask: &IncidentCommand) -> Decided {
    if let IncidentCommand::EnterRestricted(ask) = ask {
        return restriction::enter(case, id, ask);
    }
    let incident = case.incident(id)?;
    // What is on its way arrives, whatever became of its incident.
    let on_its_way = matches!(
        ask,
        IncidentCommand::RecordDelivery(_) | IncidentCommand::RecordPage(_) | IncidentCommand::RecordTold(_)
    );
    if incident.status == crate::incident::Status::Merged && !on_its_way {
        return Err(conflict(format!("{id} was merged into another incident; work on that one")));
    }
    // An open incident is worked by the runbook it began with (GOV.1).
    let runbook = case.worlds.upkeep.runbook(&incident.runbook).map_or(case.runbook, AsRef::as_ref);
    let case = &Case { runbook, ..*case };
    let mut facts = by_family(case, incident, ask)?;
    facts.extend(first_minutes::too_early(case, incident, &facts));
    Ok(facts)
}

/// No incident goes by that id, as far as whoever asks may know.
pub(super) fn no_incident(id: IncidentId) -> Refusal {
    unknown(format!("there is no {id} in this world; `andon incidents` shows what there is"))
}

fn by_family(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    match ask {
        IncidentCommand::Confirm {}
        | IncidentCommand::Dismiss { .. }
        | IncidentCommand::SetSeverity { .. }
        | IncidentCommand::Assign { .. }
        | IncidentCommand::Note { .. }
        | IncidentCommand::RetractNote { .. }
        | IncidentCommand::ConfirmHarm { .. }
        | IncidentCommand::SetEarliestAction { .. }
        | IncidentCommand::DeclareContained { .. }
        | IncidentCommand::EstimateBlast { .. }
        | IncidentCommand::Resolve { .. }
        | IncidentCommand::Reopen { .. }
        | IncidentCommand::Close { .. } => lifecycle::decide(case, incident, ask),
        IncidentCommand::AnswerFact(_) | IncidentCommand::WeighFactor(_) => first_minutes::decide(case, incident, ask),
        IncidentCommand::OpenRollback { .. }
        | IncidentCommand::TickStep { .. }
        | IncidentCommand::UntickStep { .. }
        | IncidentCommand::MarkImpossible { .. }
        | IncidentCommand::WorkRollback(_)
        | IncidentCommand::VerifyRollback { .. } => rollback::decide(case, incident, ask),
        IncidentCommand::JudgeCriterion(_) | IncidentCommand::ChooseMove(_) => decision::decide(case, incident, ask),
        IncidentCommand::FreezeEvidence(_)
        | IncidentCommand::AppendEvidence(_)
        | IncidentCommand::LoseEvidence(_)
        | IncidentCommand::SetEvidence(_)
        | IncidentCommand::OverrideEvidence { .. }
        | IncidentCommand::HoldEvidence { .. }
        | IncidentCommand::LiftEvidence { .. }
        | IncidentCommand::AddAffected(_)
        | IncidentCommand::SetAffected(_) => evidence::decide(case, incident, ask),
        IncidentCommand::StartDraft { .. }
        | IncidentCommand::EditDraft { .. }
        | IncidentCommand::WriteDraft { .. }
        | IncidentCommand::SendDraft { .. }
        | IncidentCommand::AgreeDraft(_)
        | IncidentCommand::RecordDelivery(_) => communication::decide(case, incident, ask),
        IncidentCommand::AddFinding(_)
        | IncidentCommand::RetractFinding(_)
        | IncidentCommand::SkipLayer(_)
        | IncidentCommand::AddChange(_)
        | IncidentCommand::JudgeChange(_)
        | IncidentCommand::AddRerun(_) => investigation::decide(case, incident, ask),
        IncidentCommand::AcceptCondition(_)
        | IncidentCommand::ApproveRestart(_)
        | IncidentCommand::AddCorrection(_) => restart::decide(case, incident, ask),
        IncidentCommand::AddTask(_)
        | IncidentCommand::ChangeTask(_)
        | IncidentCommand::EndTask(_)
        | IncidentCommand::ReopenTask(_)
        | IncidentCommand::MarkEvent(_)
        | IncidentCommand::AddLink(_)
        | IncidentCommand::RemoveLink(_)
        | IncidentCommand::Snooze(_)
        | IncidentCommand::SetField(_)
        | IncidentCommand::Relate(_)
        | IncidentCommand::Merge(_)
        | IncidentCommand::Split(_) => team::decide(case, incident, ask),
        IncidentCommand::AckPages { round } => pages::acknowledge(case, incident, *round),
        IncidentCommand::RecordPage(ask) => pages::round_sent(case, incident, ask),
        IncidentCommand::RecordTold(ask) => pages::round_told(case, incident, ask),
        IncidentCommand::Restrict(ask) => restriction::restrict(case, incident, ask),
        IncidentCommand::LiftRestriction(ask) => restriction::lift(case, incident, ask),
        // Decided before anything else: who asks it does not see the incident.
        IncidentCommand::EnterRestricted(ask) => restriction::enter(case, incident.id, ask),
        IncidentCommand::SetPostmortem(_)
        | IncidentCommand::DropCase(_)
        | IncidentCommand::SettleDelta(_)
        | IncidentCommand::FilePostmortem(_) => postmortem::decide(case, incident, ask),
    }
}
