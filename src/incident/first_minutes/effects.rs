//! Whether tools can still act on the world, read from switches and their proof (TEN.1).

use crate::incident::{
    Incident, World,
    containment::{Mode, Switch, SwitchState},
};

/// Modes under which nothing acts on the world any more.
fn stops(mode: Mode) -> bool {
    matches!(mode, Mode::Halt | Mode::ReadOnly | Mode::DraftOnly | Mode::Fallback)
}

/// The answer to “can its tools still act on the world”, as the state of the incident's switches gives it.
pub fn effects(incident: &Incident, world: &World) -> String {
    let own = incident.switches.iter().filter_map(|id| world.switches.get(id)).map(AsRef::as_ref);
    let engaged: Vec<&Switch> = own.filter(|switch| switch.state == SwitchState::Engaged).collect();
    if let Some(switch) = engaged.iter().find(|switch| switch.halt.escaped > 0) {
        return format!("yes: an action went past {}", switch.id);
    }
    let contained = incident.contained_at.is_some() && !incident.containment_broken;
    let restored = engaged.iter().find_map(|switch| {
        let back = switch.except.iter().find(|agent| incident.agents.contains(agent))?;
        Some(format!("yes: {back} was restored from {}", switch.id))
    });
    if let Some(restored) = restored {
        return restored;
    }
    let Some(best) = engaged.iter().find(|switch| stops(switch.mode)).or(engaged.first()) else {
        return match (contained, incident.switches.last()) {
            (true, Some(last)) => format!("yes: {last} was lifted"),
            (true, None) => "no: contained by word".into(),
            (false, _) => "yes: nothing is stopped".into(),
        };
    };
    let proof = format!("{} of {} confirmed", best.halt.confirmed, best.halt.counted);
    match (contained, stops(best.mode)) {
        (true, true) if best.halt.counted == 0 => format!("no: {} ({})", best.id, best.mode),
        (true, true) => format!("no: {} ({}), {proof}", best.id, best.mode),
        (false, true) => format!("yes: {} ({}) is engaged, {proof}", best.id, best.mode),
        (_, false) => format!("yes, within limits: {} ({})", best.id, best.mode),
    }
}
