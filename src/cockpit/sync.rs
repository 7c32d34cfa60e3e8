//! Keeping the model's world true to the backend's: first state, events, figures, loss and return.

use super::{
    effect::Effect,
    form::Ask,
    link::{Heard, Link, LinkError},
    model::{Model, Overlay, Pane},
    rows,
    update::direct,
};
use crate::{
    api::State,
    incident::{Drill, Event, Fact, Incident, Topic, drilled::Word},
    terms::{DrillId, HoldId, IncidentId},
    tripwire::Tripwire,
};

/// Asks for a world anew; what is shown stays until it comes.
pub fn follow(model: &mut Model, world: Option<DrillId>) -> Effect {
    model.load += 1;
    if world != model.world {
        model.world = world;
        model.state = None;
        model.incident = None;
        model.newer = None;
        model.console = None;
        model.link = Link::Connecting;
        rows::refresh(model);
    }
    Effect::Follow { world, load: model.load }
}

/// The state came, or not.
pub fn loaded(model: &mut Model, state: Result<Box<State>, LinkError>) {
    match state {
        Ok(state) => {
            model.state = Some(state);
            model.books.asked.clear();
            model.refused = None;
            model.heard_at = model.now;
            model.link = Link::CatchingUp;
            // Whoever leads no more sees no more.
            model.console = model.console.take().filter(|_| model.led().is_some());
            settle(model);
        }
        Err(LinkError::Refused(why)) => model.refused = Some(why),
        Err(LinkError::Unreachable(why) | LinkError::Kept(why)) => lost(model, why),
    }
}

/// The stream said something.
pub fn heard(model: &mut Model, heard: Heard) -> Vec<Effect> {
    if !matches!(heard, Heard::Lost(_)) {
        model.heard_at = model.now;
    }
    match heard {
        Heard::Connected => {
            model.link = Link::Live;
            return vec![Effect::SendKept];
        }
        Heard::Event(event) => return event_came(model, &event),
        Heard::Live(live) => {
            // A drill's clock is its own.
            if model.world.is_none() {
                model.skew_ms = live.now.since(model.now);
            }
            if let Some(state) = &mut model.state {
                let same_agents = state.live.agents.len() == live.agents.len();
                state.live = *live;
                if !same_agents {
                    rows::refresh(model);
                }
            }
            model.link = Link::Live;
        }
        Heard::Lost(why) => lost(model, why),
        Heard::Resync => model.link = Link::CatchingUp,
    }
    Vec::new()
}

fn lost(model: &mut Model, why: String) {
    let since = match model.link {
        Link::Offline { since, .. } => since,
        _ => model.now,
    };
    model.link = Link::Offline { since, why };
}

fn event_came(model: &mut Model, event: &Event) -> Vec<Effect> {
    let Some(state) = &mut model.state else { return Vec::new() };
    if event.epoch == state.epoch && event.position <= state.position {
        return Vec::new();
    }
    state.position = event.position;
    state.epoch = event.epoch;
    if event.stream.topic == Topic::Drills {
        drill_came(&mut state.drills, event);
    } else if event.stream.topic == Topic::Runbook {
        state.upkeep.apply(event);
    } else if event.stream.drill == model.world {
        state.world.apply(event);
    }
    model.link = Link::Live;
    let alert = announce(model, event);
    settle(model);
    // A drill that is taken back goes on in the next take's world: everybody in it goes along.
    match &event.fact {
        Fact::DrillRewound(rewound) if Some(rewound.drill) == model.world => {
            direct::led_on(model, rewound.next, rewound.to_s)
        }
        _ => alert.into_iter().collect(),
    }
}

fn drill_came(drills: &mut Vec<Drill>, event: &Event) {
    drills.extend(Drill::started(event));
    Drill::take_in(drills.iter_mut().collect(), event);
}

/// What must be seen wherever a person looks: a breach, and a new incident that the view does not jump to.
fn announce(model: &mut Model, event: &Event) -> Option<Effect> {
    match &event.fact {
        Fact::FiringOpened { firing, key, .. } if key.tripwire == Tripwire::Breach => {
            let text = match key.detail.strip_prefix("approval ") {
                Some(how) => format!("{firing} an approval of {}'s call is none: {how}", key.agent),
                None => format!("{firing} breach: {} acts though it is halted", key.agent),
            };
            model.complain(text.clone());
            (!model.focused).then_some(Effect::Alert(text))
        }
        Fact::IncidentDeclared { title, severity, scheme, .. } => {
            let Topic::Incident(id) = event.stream.topic else { return None };
            if model.incident.is_some_and(|shown| shown != id) {
                model.newer = Some(id);
                model.say(format!("{id} was declared: {title}; w switches to it"));
            }
            // Bells that cry wolf are switched off: only the two worst levels ring.
            let levels = model.runbook.as_ref().and_then(|runbook| runbook.schemes.get(scheme));
            let bad = levels.is_none_or(|scheme| scheme.levels.iter().take(2).any(|level| level.id == *severity));
            (!model.focused && bad).then(|| Effect::Alert(format!("{id} {title}")))
        }
        Fact::DrillTold(told) if Some(told.drill) == model.world => {
            let text = format!("{}: {}", told.word, told.text);
            model.say(text.clone());
            let rings = matches!(told.word, Word::Page | Word::Report);
            (!model.focused && rings).then(|| Effect::Alert(format!("DRILL {text}")))
        }
        Fact::HoldDecided { hold, approved, .. } if being_decided(model, *hold) => {
            let word = if *approved { "approved" } else { "denied" };
            model.complain(format!("{hold} was {word} by {} meanwhile", event.by));
            None
        }
        Fact::HoldEnded { hold, how } if being_decided(model, *hold) => {
            model.complain(format!("{hold} waits no more: {how}"));
            None
        }
        _ => None,
    }
}

/// Whether the open form is about that call, which others settle or which ends meanwhile.
fn being_decided(model: &Model, hold: HoldId) -> bool {
    match &model.overlay {
        Some(Overlay::Form(form)) => {
            matches!(&form.ask, Ask::Decide { groups, .. } if groups.first().is_some_and(|only| only.contains(&hold)))
        }
        _ => false,
    }
}

/// Chooses what to show where nothing was chosen, and builds the rows anew.
fn settle(model: &mut Model) {
    if model.incident.is_none() && !model.pinned {
        model.incident = first_choice(model);
    }
    let Some(incident) = model.incident() else {
        rows::refresh(model);
        return;
    };
    let checklist = model.checklist.filter(|id| incident.checklists.iter().any(|list| list.id == *id));
    let checklist = checklist.or_else(|| incident.checklists.first().map(|list| list.id));
    let draft = model.draft.filter(|id| incident.drafts.iter().any(|draft| draft.id == *id));
    let draft = draft.or_else(|| incident.drafts.first().map(|draft| draft.id));
    model.checklist = checklist;
    model.draft = draft;
    rows::refresh(model);
}

/// The newest open incident, else the newest of all.
fn first_choice(model: &Model) -> Option<IncidentId> {
    let incidents = &model.world()?.incidents;
    let newest = |of: &dyn Fn(&Incident) -> bool| {
        incidents.values().rev().find(|incident| of(incident)).map(|incident| incident.id)
    };
    newest(&|incident| incident.is_open()).or_else(|| newest(&|_| true))
}

/// Shows another incident; its panes begin at their top.
pub fn show(model: &mut Model, incident: IncidentId) {
    if model.incident == Some(incident) {
        return;
    }
    model.incident = Some(incident);
    model.newer = model.newer.filter(|newer| *newer != incident);
    model.checklist = None;
    model.draft = None;
    for pane in [Pane::Checklist, Pane::Evidence] {
        let list = model.rows.of_mut(pane);
        list.selected = None;
        list.top = 0;
    }
    settle(model);
}
