//! Actuators set off beside a switch, and what came of them (CON.3, CON.8).

use super::{
    containment,
    dispatch::{Case, Decided, conflict, invalid},
};
use crate::{
    incident::{
        Fact, FireActuator, Fired, NewEvent, Topic,
        containment::{ActuatorOutcome, SwitchState},
    },
    terms::SwitchId,
};

/// Sets actuators off. One that runs already is not set off again; a person may set off again what has ended.
pub(super) fn fire(case: &Case<'_>, id: SwitchId, wanted: &[FireActuator]) -> Decided {
    let switch = containment::switch(case, id)?;
    if case.context.drill.is_some() {
        return Err(conflict("a drill reaches nothing outside (law 8): no actuator is set off in it"));
    }
    if switch.state != SwitchState::Engaged {
        return Err(conflict(format!("{id} is {}: actuators go with a switch that is engaged", switch.state)));
    }
    if wanted.is_empty() || wanted.len() > 64 {
        return Err(invalid("name 1 to 64 actuators; `andon actuators` lists them"));
    }
    let again = case.context.by.is_person();
    let fresh = wanted.iter().filter(|wanted| {
        let run = switch.actuators.iter().find(|run| run.name == wanted.name);
        run.is_none_or(|run| again && !run.is_open())
    });
    let fired = fresh.map(|FireActuator { name, promised_s }| {
        let fact = Fact::ActuatorFired { switch: id, actuator: name.clone(), promised_s: *promised_s };
        case.fact(Topic::Switches, fact)
    });
    Ok(fired.collect())
}

/// What came of one.
pub(super) fn answer(case: &Case<'_>, id: SwitchId, name: &str, outcome: &ActuatorOutcome) -> Decided {
    let switch = containment::switch(case, id)?;
    if !switch.actuators.iter().any(|run| run.name == name && run.is_open()) {
        return Ok(Vec::new());
    }
    let fact = Fact::ActuatorAnswered { switch: id, actuator: name.to_owned(), outcome: outcome.clone() };
    Ok(vec![case.fact(Topic::Switches, fact)])
}

/// What break-glass did before the backend could be told (law 6).
pub(super) fn fired(case: &Case<'_>, switch: SwitchId, fired: &Fired) -> [NewEvent; 2] {
    let Fired { name, at, promised_s, outcome } = fired;
    let began = Fact::ActuatorFired { switch, actuator: name.clone(), promised_s: *promised_s };
    let answered = Fact::ActuatorAnswered { switch, actuator: name.clone(), outcome: outcome.clone() };
    let ended = at.plus((outcome.took_s.clamp(0.0, 86_400.0) * 1_000.0) as i64);
    [case.fact_at(Topic::Switches, began, *at), case.fact_at(Topic::Switches, answered, ended)]
}
