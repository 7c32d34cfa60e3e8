//! The runbook that what is shown is worked by: the incident's own version, else the one in force (GOV.1).

use std::sync::Arc;

use crate::{
    api::RunbookView,
    cockpit::{effect::Effect, link::LinkError, model::Model},
};

/// Puts it in the model's place; an effect where it must be read first. Until it came, this user's own holds.
pub fn choose(model: &mut Model) -> Option<Effect> {
    let upkeep = &model.state.as_ref()?.upkeep;
    let began_with = model.incident().map(|incident| &incident.runbook);
    let wanted = began_with.filter(|version| upkeep.versions.contains_key(*version)).or(upkeep.in_force.as_ref())?;
    if model.runbook.as_ref().is_some_and(|shown| shown.version == *wanted) && model.books.chosen {
        return None;
    }
    // One that came as an event is read already.
    if let Some(read) = upkeep.runbook(wanted).or_else(|| model.books.read.get(wanted)) {
        model.runbook = Some(Arc::clone(read));
        model.books.chosen = true;
        return None;
    }
    let wanted = wanted.clone();
    model.books.asked.insert(wanted.clone()).then_some(Effect::ReadRunbook(wanted))
}

/// It came, or not; what is not there is asked for again when the state is.
pub fn came(model: &mut Model, version: String, view: Result<Box<RunbookView>, LinkError>) {
    match view.map(|view| view.read()) {
        Ok(Ok(runbook)) => drop(model.books.read.insert(version, runbook)),
        Ok(Err(why)) => model.complain(format!("the runbook {version} does not read here: {why}")),
        Err(why) => model.complain(format!("the runbook {version}: {why}")),
    }
}
