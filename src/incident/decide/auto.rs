//! Automatic containment: a person approves a switch before, a firing engages it (CON.14).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, NewEvent, Refusal, SetAuto, Topic,
        containment::{AutoContainment, AutoStage, Mode, Scope, SwitchState, auto_name, auto_name_of},
    },
    terms::{Author, FiringId, IncidentId, SwitchId, Time},
    tripwire::{FiringKey, Tripwire},
};

/// The stage after `stage`.
fn next(stage: AutoStage) -> AutoStage {
    match stage {
        AutoStage::Off => AutoStage::Shadow,
        AutoStage::Shadow => AutoStage::Warn,
        AutoStage::Warn | AutoStage::Enforce => AutoStage::Enforce,
    }
}

/// A person's word: one stage on at a time, each after its backtest; back at any time.
pub(super) fn set(case: &Case<'_>, ask: &SetAuto) -> Decided {
    case.person("approve a switch before it is needed")?;
    let why = ask.why.as_deref().map(|why| checks::reason("approve a switch", why)).transpose()?;
    named(case, ask)?;
    if matches!(ask.mode, Mode::Fallback | Mode::Canary) {
        return Err(invalid(format!("{} needs more than a firing says: approve a halt or another mode", ask.mode)));
    }
    let name = auto_name(ask.tripwire, ask.rule.as_deref());
    let old = case.world.auto.get(name).map(AsRef::as_ref);
    let stage = old.map_or(AutoStage::Off, |old| old.stage);
    let same = |old: &AutoContainment| (old.stage, old.scope, old.mode) == (ask.stage, ask.scope, ask.mode);
    if old.is_none_or(|old| old.stage == AutoStage::Off) && ask.stage == AutoStage::Off || old.is_some_and(same) {
        return Ok(Vec::new());
    }
    if ask.stage > next(stage) {
        return Err(conflict(format!("{name} is at {stage}: move it to {} first, and watch it there", next(stage))));
    }
    // What would be engaged is new: a wider scope is no smaller a step than the next stage.
    let moves_on = ask.stage > stage || old.is_some_and(|old| (old.scope, old.mode) != (ask.scope, ask.mode));
    if moves_on && ask.stage > AutoStage::Off && ask.backtest.is_none() {
        return Err(invalid(format!(
            "moving {name} to {} needs its backtest first: look at it, then confirm it by its digest",
            ask.stage
        )));
    }
    let fact = Fact::AutoContainmentSet {
        tripwire: ask.tripwire,
        rule: ask.rule.clone(),
        stage: ask.stage,
        scope: ask.scope,
        mode: ask.mode,
        why,
        backtest: ask.backtest.clone().filter(|_| moves_on),
    };
    Ok(vec![case.fact(Topic::Tripwires, fact)])
}

fn named(case: &Case<'_>, ask: &SetAuto) -> Result<(), Refusal> {
    match (&ask.rule, ask.tripwire) {
        (None, Tripwire::Rule) => Err(invalid("name the rule; `andon tripwires rules` lists those there are")),
        // A rule that is gone can still be switched off.
        (Some(rule), Tripwire::Rule) if ask.stage > AutoStage::Off => {
            let known = case.runbook.tripwires.rules.named(rule).is_some();
            let why = || unknown(format!("there is no rule {rule:?}; `andon tripwires rules` lists those there are"));
            known.then_some(()).ok_or_else(why)
        }
        (Some(_), tripwire) if tripwire != Tripwire::Rule => {
            Err(invalid(format!("{tripwire} has no rules of its own; leave the rule out")))
        }
        _ => Ok(()),
    }
}

/// What a firing engages by itself, or would.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Due {
    pub stage: AutoStage,
    pub scope: Scope,
    pub mode: Mode,
    by: Author,
    at: Time,
}

/// The pre-approval of a firing. A drill without its own goes by the real world's: what it shows is what would happen.
pub(super) fn due(case: &Case<'_>, key: &FiringKey) -> Option<Due> {
    let name = auto_name_of(key)?;
    let own = case.world.auto.get(name);
    let set = own.or_else(|| case.worlds.real.auto.get(name).filter(|_| case.context.drill.is_some()))?;
    if set.stage == AutoStage::Off {
        return None;
    }
    let scope = set.scope.of(&key.agent, key.tool(&case.runbook.tripwires.rules).as_ref());
    Some(Due { stage: set.stage, scope, mode: set.mode, by: set.by.clone(), at: set.at })
}

/// The engaged switch that does already what is due.
pub(super) fn standing(case: &Case<'_>, due: &Due, key: &FiringKey) -> Option<SwitchId> {
    let engaged = case.world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    let mut does = engaged.filter(|switch| {
        let mode = switch.mode == due.mode || switch.mode == Mode::Halt;
        mode && switch.scope.contains(&due.scope) && !switch.except.contains(&key.agent)
    });
    does.next().map(|switch| switch.id)
}

/// The switch itself; it says whose word it is.
pub(super) fn engage(
    case: &Case<'_>,
    due: &Due,
    (switch, firing): (SwitchId, FiringId),
    key: &FiringKey,
    incident: Option<IncidentId>,
) -> NewEvent {
    let mut agents = case.context.counted.clone();
    agents.retain(|counted| due.scope.agent.as_ref().is_none_or(|agent| counted.id == *agent));
    let name = auto_name_of(key).unwrap_or_default();
    let fact = Fact::SwitchEngaged {
        switch,
        scope: due.scope.clone(),
        mode: due.mode,
        why: Some(format!("{firing} ({name}) fired; {} approved this before, at {}", due.by, due.at)),
        incident,
        harm_at: None,
        expires_at: None,
        agents,
        starts_at: None,
        lane: None,
        percent: None,
        stage: None,
        watch_until: None,
    };
    case.fact(Topic::Switches, fact)
}

/// What a warning asks of whoever reads it.
pub(super) fn asks(due: &Due) -> String {
    let scope = &due.scope;
    let agent = scope.agent.as_ref().map_or_else(|| " --all".to_owned(), |agent| format!(" --agent {agent}"));
    let tool = scope.tool.as_ref().map(|tool| format!(" --tool {tool}")).unwrap_or_default();
    format!("asks for {} of {scope}: `andon halt{agent}{tool} --mode {}`", due.mode, due.mode)
}
