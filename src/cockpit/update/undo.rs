//! Taking back what can be taken back, by a correcting event.

use crate::{
    cockpit::{
        effect::Effect,
        model::{Model, Pane},
    },
    incident::{Command, Event, Fact, IncidentCommand, StepState, Topic},
};

/// How many things can be taken back one after another.
const MOST: usize = 50;

/// Remembers how to take back what this cockpit did.
pub fn remember(model: &mut Model, events: &[Event]) {
    for event in events {
        let Topic::Incident(incident) = event.stream.topic else { continue };
        let back = match &event.fact {
            Fact::StepTicked { checklist, step } | Fact::StepImpossible { checklist, step, .. } => {
                IncidentCommand::UntickStep { checklist: *checklist, step: step.clone() }
            }
            Fact::NoteAdded { .. } => IncidentCommand::RetractNote { seq: event.seq },
            _ => continue,
        };
        model.done.push((incident, back));
        if model.done.len() > MOST {
            model.done.remove(0);
        }
    }
}

/// Takes back the selected step's tick, else the last thing done here.
pub fn undo(model: &mut Model) -> Vec<Effect> {
    let selected = model.selected_step().filter(|step| step.state != StepState::Open).map(|step| step.plan.id.clone());
    if let (Pane::Checklist, Some(step), Some(list), Some(incident)) =
        (model.focus, selected, model.checklist().map(|list| list.id), model.incident)
    {
        let ask = IncidentCommand::UntickStep { checklist: list, step };
        return super::act::ask(model, "step opened again", Command::OnIncident { incident, ask });
    }
    match model.done.pop() {
        Some((incident, ask)) => super::act::ask(model, "taken back", Command::OnIncident { incident, ask }),
        None => {
            model.say("nothing done here can be taken back");
            Vec::new()
        }
    }
}
