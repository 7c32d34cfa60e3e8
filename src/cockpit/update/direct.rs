//! A facilitator's hand on a drill, from the console (DRL.1).

use super::act;
use crate::{
    cockpit::{
        commands::Do,
        console::{Console, next_speed, read_stamp, stamp},
        effect::Effect,
        form::{Ask, Field, Form},
        link::LinkError,
        model::{Model, Overlay},
        overlays::{Sheet, SheetLine},
    },
    drill::Outline,
    incident::{
        Command,
        drilled::{Steer, Steered},
    },
    terms::DrillId,
};

/// Opens the console, or closes it.
pub fn toggle(model: &mut Model) -> Vec<Effect> {
    match (model.console.take(), model.world) {
        (None, Some(drill)) => {
            model.console = Some(Box::default());
            vec![Effect::ReadOutline(drill)]
        }
        _ => Vec::new(),
    }
}

/// The outline came, or not.
pub fn came(model: &mut Model, drill: DrillId, outline: Result<Box<Outline>, LinkError>) {
    let shown = model.world == Some(drill);
    let Some(console) = model.console.as_mut().filter(|_| shown) else { return };
    match outline {
        Ok(outline) => (console.outline, console.wrong) = (Some(*outline), None),
        Err(wrong) => console.wrong = Some(wrong.to_string()),
    }
}

/// The drill that is shown was taken back: everybody goes on in the next take's world, and nobody starts anew.
pub fn led_on(model: &mut Model, next: DrillId, to_s: f64) -> Vec<Effect> {
    let console = model.console.take();
    let from = model.world.map(|drill| drill.to_string()).unwrap_or_default();
    // What is open is about a world that is over.
    (model.overlay, model.beneath, model.editor, model.outside) = (None, None, None, None);
    model.left.clear();
    model.pinned = false;
    let follow = crate::cockpit::sync::follow(model, Some(next));
    model.console = console.map(|console| Box::new(Console { chosen: None, ..*console }));
    model.say(format!("{from} was taken back to {}: it goes on as {next}", stamp(to_s)));
    let mut effects = vec![follow];
    effects.extend(model.console.is_some().then_some(Effect::ReadOutline(next)));
    effects
}

/// What one hears in a drill from outside, newest first.
pub fn heard(model: &mut Model) {
    let Some(take) = model.take() else { return };
    let zone = if model.utc { crate::cockpit::text::Zone::Utc } else { model.look.zone };
    let line = |told: &crate::incident::drilled::Told| SheetLine {
        state: None,
        text: format!("{} {}: {}", crate::cockpit::text::clock(told.at, zone), told.word, told.text),
    };
    let mut lines: Vec<SheetLine> = take.told.iter().rev().map(line).collect();
    if lines.is_empty() {
        lines.push(SheetLine { state: None, text: "Nobody outside has said anything yet.".into() });
    }
    let title = format!("DRILL: heard in {}", take.id);
    model.overlay = Some(Overlay::Sheet(Box::new(Sheet { title, agent: None, lines, top: 0 })));
}

/// Commands of the console that need no form; `None` where it is none of them.
pub fn at_once(model: &mut Model, does: Do) -> Option<Vec<Effect>> {
    let take = model.led();
    let paused = take.is_some_and(|take| take.paused);
    let (speed, shown) = take.map_or((1.0, false), |take| (take.speed, take.hints_shown));
    let (what, how) = match does {
        Do::DrillPlay if paused => ("it goes on".to_owned(), Steer::Resume {}),
        Do::DrillPlay => ("held".to_owned(), Steer::Pause {}),
        Do::DrillStep => ("one thing played".to_owned(), Steer::Step {}),
        Do::DrillFaster | Do::DrillSlower => {
            let speed = next_speed(speed, does == Do::DrillFaster);
            (format!("×{speed}"), Steer::Speed { speed })
        }
        Do::DrillHints if shown => ("participants see no hints".to_owned(), Steer::Hints { shown: false }),
        Do::DrillHints => ("participants see hints as they come".to_owned(), Steer::Hints { shown: true }),
        _ => return None,
    };
    Some(model.world.map(|drill| steer(model, drill, what, how)).unwrap_or_default())
}

fn steer(model: &mut Model, drill: DrillId, what: String, how: Steer) -> Vec<Effect> {
    act::ask_in(model, None, what, Command::SteerDrill(Steered { drill, how }))
}

/// What can be put in, and what each is.
const PUT_IN: [(&str, &str); 6] = [
    ("report", "somebody outside says this; everybody in the drill hears it"),
    ("page", "somebody is paged with this; everybody in the drill hears it"),
    ("deaf pager", "the next page is heard by nobody: the queue goes on to the next; no words needed"),
    ("signal", "something that could be noticed"),
    ("consequence", "what it led to"),
    ("action", "an agent acts: AGENT TOOL, or a line of a recording as JSON"),
];

/// The form a command of the console opens.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let take = model.led()?;
    let id = take.id;
    let now = model.second().unwrap_or_default();
    Some(match does {
        Do::DrillSeek => {
            let to = model.console_row().map_or(now, |(_, at_s, _)| at_s.max(0.0));
            let fields = vec![Field::text("to", "a moment of the recording: 12:30, 1:02:30, or seconds", stamp(to))];
            Form::new(format!("Seek in {id}"), Ask::DrillSeek(id), fields)
                .about(format!("It is at {}. Later: all that comes before it happens at once.", stamp(now)))
                .about("Earlier: the next take begins there, and everybody is led to it. Nobody has done anything in it yet.")
                .about(format!("{id} then ends; what was done in it stays in its log, and counts in its score."))
        }
        Do::DrillInject => {
            let kinds = PUT_IN.iter().map(|(kind, means)| ((*kind).to_owned(), (*means).to_owned())).collect();
            let fields = vec![
                Field::choice("what", kinds, 0),
                Field::text("words", "what is said; of an action who acts with what: refund-bot payouts.create", ""),
            ];
            Form::new(format!("Put something into {id}"), Ask::DrillInject(id), fields)
                .about("It happens now, whether it is held or not. Nothing of it is real.")
        }
        Do::DrillNote => {
            let fields = vec![Field::text("note", "what to talk about afterwards", "")];
            Form::new(format!("Note to self at {}", stamp(now)), Ask::DrillNote(id), fields)
                .about("Only who leads the drill reads it.")
        }
        Do::DrillCut => {
            let here = model.state.as_ref().map(|state| state.live.in_drill.clone()).unwrap_or_default();
            let me = model.state.as_ref().map(|state| state.you.name.name().to_owned()).unwrap_or_default();
            let who: Vec<(String, String)> =
                here.into_iter().filter(|name| *name != me).map(|name| (name, "is here".into())).collect();
            let who = match who.is_empty() {
                true => Field::text("who", "nobody else is here; by name", ""),
                false => Field::choice("who", who, 0),
            };
            let fields = vec![who, Field::text("for", "seconds, at most 600", "60")];
            Form::new(format!("Cut a client off from {id}"), Ask::DrillCut(id), fields)
                .about("Their cockpit loses this drill's world, and only that, as if a wire was cut.")
        }
        Do::DrillAppoint => {
            let fields = vec![Field::text("who", "by name; they see what comes, and steer", "")];
            Form::new(format!("Somebody else leads {id} too"), Ask::DrillAppoint(id), fields)
        }
        Do::DrillEnd => Form::new(format!("End {id}"), Ask::DrillEnd(id), Vec::new())
            .about("It plays no more. Its world and its score stay to be read."),
        _ => return None,
    })
}

/// What the filled form asks.
pub fn asked(form: &Form, model: &Model) -> Option<Result<(String, Command), String>> {
    Some(match &form.ask {
        Ask::DrillSeek(drill) => read_stamp(&form.get("to")).map(|to_s| {
            let back = model.second().is_some_and(|now| to_s < now);
            let how = if back { Steer::Back { to_s } } else { Steer::Skip { to_s } };
            (format!("{drill} goes to {}", stamp(to_s)), steered(*drill, how))
        }),
        Ask::DrillInject(drill) => injected(form).map(|how| (format!("put into {drill}"), steered(*drill, how))),
        Ask::DrillNote(drill) => form.need("note").map(|text| {
            let how = Steer::Note { text, at_s: model.second() };
            ("noted to self".to_owned(), steered(*drill, how))
        }),
        Ask::DrillCut(drill) => cut(form).map(|(who, for_s)| {
            (format!("{who} is cut off for {for_s} s"), steered(*drill, Steer::Cut { who, for_s }))
        }),
        Ask::DrillAppoint(drill) => {
            form.need("who").map(|who| (format!("{who} leads {drill} too"), steered(*drill, Steer::Appoint { who })))
        }
        Ask::DrillEnd(drill) => Ok((format!("{drill} ended"), Command::EndDrill { drill: *drill })),
        _ => return None,
    })
}

fn steered(drill: DrillId, how: Steer) -> Command {
    Command::SteerDrill(Steered { drill, how })
}

fn cut(form: &Form) -> Result<(String, u32), String> {
    let for_s = form.need("for")?;
    let for_s = for_s.trim_end_matches('s').trim().parse().map_err(|_| format!("{for_s:?} is no number of seconds"))?;
    Ok((form.need("who")?, for_s))
}

fn injected(form: &Form) -> Result<Steer, String> {
    let kind = form.need("what")?;
    if kind == "deaf pager" {
        return Ok(Steer::Deafen {});
    }
    let words = form.need("words")?;
    let line = match kind.as_str() {
        "action" if words.starts_with('{') => words,
        "action" => {
            let (agent, tool) = words.split_once(' ').ok_or("say who acts with what: AGENT TOOL")?;
            serde_json::json!({"agent": agent, "tool": tool.trim()}).to_string()
        }
        mark => serde_json::json!({"mark": mark, "text": words, "set": true}).to_string(),
    };
    Ok(Steer::Inject { line })
}
