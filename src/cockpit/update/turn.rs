//! One message.

use super::{act, book, direct, drafts, kept, keys, opening, reading, undo};
use crate::{
    api::RecordingView,
    cockpit::{
        effect::Effect,
        link::LinkError,
        message::Message,
        model::{Model, Overlay, Pane},
        rows, sync,
    },
    incident::{Fact, Topic},
    telemetry::trace::Trace,
    terms::{IncidentId, Time},
};

/// How long a toast stays.
const TOAST_MS: i64 = 8_000;

/// Takes one message at `now`.
pub fn update(model: &mut Model, now: Time, message: Message) -> Vec<Effect> {
    let mut effects = take(model, now, message);
    effects.extend(book::choose(model));
    effects
}

fn take(model: &mut Model, now: Time, message: Message) -> Vec<Effect> {
    model.now = now;
    match message {
        Message::Key(key) => return keys::key(model, key),
        Message::Paste(text) => keys::paste(model, &text),
        Message::Wheel(rows) => keys::wheel(model, rows),
        Message::Resized(columns, rows) => {
            model.size = (columns, rows);
            if let Some(Overlay::Trace(view)) = &mut model.overlay {
                view.fit(columns);
            }
        }
        Message::Focused(focused) => model.focused = focused,
        Message::Tick => return tick(model),
        Message::Loaded { load, state } if load == model.load => {
            sync::loaded(model, state);
            drafts::hear(model);
        }
        Message::Heard { load, heard } if load == model.load => {
            let effects = sync::heard(model, heard);
            drafts::hear(model);
            return effects;
        }
        // An answer to an asking that another one replaced.
        Message::Loaded { .. } | Message::Heard { .. } => {}
        Message::Answered { what, result } => answered(model, what, result),
        Message::Traced { incident, trace } => traced(model, incident, trace),
        Message::SentKept { sent, waiting } => kept::sent(model, sent, waiting),
        Message::Used { agent, used } => reading::came(model, &agent, used),
        Message::Book { version, view } => book::came(model, version, view),
        Message::Ran(Ok(done)) => model.say(done),
        Message::Ran(Err(wrong)) => model.complain(wrong.to_string()),
        Message::BrokeGlass(Ok(done)) => model.say(done),
        Message::BrokeGlass(Err(wrong)) => model.complain(wrong.to_string()),
        Message::Outline { drill, outline } => direct::came(model, drill, outline),
        Message::Recordings(recordings) => listed(model, recordings),
        Message::Playing(Ok(drill)) => {
            model.say(format!("{drill} plays; W comes back to the real world"));
            return vec![sync::follow(model, Some(drill))];
        }
        Message::Playing(Err(wrong)) => model.complain(wrong.to_string()),
        Message::Edited(text) => return drafts::came_back(model, text),
        Message::Said(text) => model.say(text),
        Message::Terminate => return act::leave(model),
    }
    Vec::new()
}

/// The recordings came: a list that is open for them shows them, with what was typed in it.
fn listed(model: &mut Model, recordings: Result<Vec<RecordingView>, LinkError>) {
    match recordings {
        Ok(recordings) => model.recordings = recordings,
        Err(wrong) => return model.complain(wrong.to_string()),
    }
    let mut fresh = opening::recordings(model);
    if let Some(Overlay::Pick(pick)) = &mut model.overlay
        && pick.title == fresh.title
        && pick.items != fresh.items
    {
        fresh.query = pick.query.clone();
        if !fresh.query.text().is_empty() {
            fresh.search();
        }
        **pick = fresh;
    }
}

/// A trace came for the window that waits for it; one that was closed meanwhile wants it no more.
fn traced(model: &mut Model, incident: IncidentId, trace: Result<Box<Trace>, LinkError>) {
    let columns = model.size.0;
    match &mut model.overlay {
        Some(Overlay::Trace(view)) if view.incident == incident => match trace {
            Ok(trace) => view.came(trace, columns),
            Err(wrong) => view.wrong = Some(wrong.to_string()),
        },
        _ => {}
    }
}

fn tick(model: &mut Model) -> Vec<Effect> {
    drafts::judge(model);
    // Reminders come by time alone.
    if model.focus == Pane::People {
        rows::refresh(model);
    }
    if model.toast.as_ref().is_some_and(|toast| model.now.since(toast.at) > TOAST_MS) {
        model.toast = None;
    }
    let mut effects = drafts::send(model);
    effects.extend(drafts::tell(model));
    effects.extend(kept::again(model));
    effects
}

fn answered(model: &mut Model, what: String, result: Result<crate::api::Accepted, LinkError>) {
    if let Some(at) = model.asked.iter().position(|asked| *asked == what) {
        model.asked.remove(at);
    }
    if drafts::answered(model, &what, &result) {
        return;
    }
    match result {
        Ok(accepted) => {
            undo::remember(model, &accepted.events);
            let declared = accepted.events.iter().find_map(|event| match (&event.fact, event.stream.topic) {
                (Fact::IncidentDeclared { .. }, Topic::Incident(id)) => Some(id),
                _ => None,
            });
            if let Some(id) = declared.filter(|_| !model.pinned) {
                sync::show(model, id);
            }
            let unrecorded = if accepted.recorded { "" } else { " — engaged, unrecorded: the log cannot be written" };
            model.say(format!("{what}{unrecorded}"));
        }
        Err(LinkError::Refused(why)) => model.complain(format!("{what}: {why}")),
        Err(LinkError::Unreachable(why)) => model.complain(format!("{what}: not sent, {why}")),
        Err(LinkError::Kept(why)) => {
            model.complain(format!("{what}: kept until the backend is back — {why}"));
        }
    }
    if let Some(Overlay::Contain(_)) = model.overlay {
        model.toast.take_if(|toast| !toast.bad);
    }
}
