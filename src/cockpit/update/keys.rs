//! Where a key goes: the editor, the overlay, or the pane.

use crossterm::event::{KeyEvent, KeyEventKind};

use super::{act, drafts, reading, submit};
use crate::cockpit::{
    commands::{Do, Scope, command, why_not},
    effect::Effect,
    form::Value,
    keymap::Key,
    layout,
    link::Link,
    model::{Model, Overlay},
    overlays::{Choice, help},
    scope_choice::{ContainForm, SETTLE_MS},
    sync,
};

/// Takes a key press.
pub fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let scope = match (&model.overlay, &model.editor) {
        (Some(Overlay::Contain(_)), _) => Scope::Containing,
        (Some(Overlay::Pick(_)), _) => Scope::Picking,
        (Some(Overlay::Form(_)), _) => Scope::Filling,
        (Some(Overlay::Help(_) | Overlay::Trace(_) | Overlay::Sheet(_)), _) => Scope::Reading,
        (None, Some(_)) => Scope::Editing,
        (None, None) if model.console.is_some() => Scope::Directing,
        (None, None) => Scope::of(model.focus),
    };
    match model.keymap.find(scope, Key::from(key)) {
        Some(does) => run(model, does),
        None => {
            typed(model, key);
            drafts::send(model)
        }
    }
}

/// Does a command, or says why not.
pub fn run(model: &mut Model, does: Do) -> Vec<Effect> {
    if let Some(reason) = command(does).and_then(|row| why_not(row, model)) {
        model.complain(reason);
        return Vec::new();
    }
    if let Some(effects) = in_overlay(model, does) {
        return effects;
    }
    act::act(model, does)
}

/// A key that is no command is text where text is written.
fn typed(model: &mut Model, key: KeyEvent) {
    match (&mut model.overlay, &mut model.editor) {
        (Some(Overlay::Form(form)), _) => {
            let Some(field) = form.field() else { return };
            match &mut field.value {
                Value::Text(input) => drop(input.key(key)),
                Value::Choice { options, at } => turn_choice(options, at, key),
            }
            form.wrong = None;
        }
        (Some(Overlay::Pick(pick)), _) => pick.key(key),
        (None, Some(editor)) => {
            editor.key(key);
            drafts::judge(model);
        }
        _ => {}
    }
}

/// Left and right turn a choice; a letter or digit jumps to the option that holds it first.
fn turn_choice(options: &[(String, String)], at: &mut usize, key: KeyEvent) {
    use crossterm::event::KeyCode;
    let all = options.len().max(1);
    match key.code {
        KeyCode::Left => *at = (*at + all - 1) % all,
        KeyCode::Right | KeyCode::Char(' ') => *at = (*at + 1) % all,
        KeyCode::Char(typed) => {
            let holds = |(word, _): &(String, String)| {
                word.to_lowercase().starts_with(typed.to_ascii_lowercase())
                    || (typed.is_ascii_digit() && word.ends_with(typed))
            };
            if let Some(step) = (1..=all).find(|step| options.get((*at + step) % all).is_some_and(holds)) {
                *at = (*at + step) % all;
            }
        }
        _ => {}
    }
}

/// Puts pasted text where text is written; elsewhere it does nothing, so that a paste can never fire.
pub fn paste(model: &mut Model, text: &str) {
    match (&mut model.overlay, &mut model.editor) {
        (Some(Overlay::Form(form)), _) => {
            if let Some(Value::Text(input)) = form.field().map(|field| &mut field.value) {
                input.insert(text);
            }
        }
        (Some(Overlay::Pick(pick)), _) => {
            pick.query.insert(text);
            pick.search();
        }
        (None, Some(editor)) => {
            editor.paste(text);
            drafts::judge(model);
        }
        _ => {}
    }
}

/// The wheel moves the selection of the focused pane.
pub fn wheel(model: &mut Model, rows: i32) {
    if model.overlay.is_none() && model.editor.is_none() && model.console.is_some() {
        model.console_go(i64::from(rows));
    } else if model.overlay.is_none() && model.editor.is_none() {
        let height = layout::list_height(model, model.focus);
        model.rows.of_mut(model.focus).go(i64::from(rows), height);
    }
}

/// Commands of overlays and of the editor; `None` when it is one of the panes'.
fn in_overlay(model: &mut Model, does: Do) -> Option<Vec<Effect>> {
    match does {
        Do::HaltHere | Do::HaltFromForm => {
            let form = ContainForm::open(model);
            model.beneath = model.overlay.replace(Overlay::Contain(Box::new(form)));
        }
        Do::CancelForm | Do::CancelPick | Do::CloseHelp => model.overlay = None,
        Do::CancelHalt => model.overlay = model.beneath.take(),
        Do::More | Do::Fewer => {
            if let Some(Overlay::Contain(form)) = &mut model.overlay {
                form.share(if does == Do::More { 1 } else { -1 });
            }
        }
        Do::Fire => return Some(fire(model)),
        Do::BreakGlass => return Some(break_glass(model)),
        Do::SubmitForm => return Some(submit::submit(model)),
        Do::Choose => return Some(choose(model)),
        Do::Leave => return Some(drafts::leave(model)),
        Do::TakeOffer => drafts::take_offer(model),
        Do::TakeBack | Do::WriteAgain => drafts::take_back(model, does == Do::WriteAgain),
        Do::NextField | Do::PreviousField => {
            let by = if does == Do::NextField { 1 } else { -1 };
            model.editor.iter_mut().for_each(|editor| editor.turn(by));
            drafts::judge(model);
        }
        _ => return move_in(model, does),
    }
    Some(Vec::new())
}

fn move_in(model: &mut Model, does: Do) -> Option<Vec<Effect>> {
    let by = match does {
        Do::NextInput | Do::PickDown | Do::Narrower | Do::HelpDown => 1,
        Do::PreviousInput | Do::PickUp | Do::Wider | Do::HelpUp => -1,
        Do::Mode => 0,
        _ => return None,
    };
    let rows = match &model.overlay {
        Some(Overlay::Help(state)) => help::lines(model, state.pane).len(),
        _ => 0,
    };
    match &mut model.overlay {
        Some(Overlay::Form(form)) => form.turn(by),
        Some(Overlay::Pick(pick)) => pick.turn(by),
        Some(Overlay::Help(state)) => {
            let page = 10 * by;
            let last = rows.saturating_sub(usize::from(model.size.1).saturating_sub(3));
            state.top = state.top.saturating_add_signed(page).min(last);
        }
        Some(Overlay::Trace(view)) => view.scroll(10 * by, model.size.1),
        Some(Overlay::Sheet(sheet)) => sheet.scroll(10 * by, model.size),
        Some(Overlay::Contain(form)) if by == 0 => form.next_mode(),
        Some(Overlay::Contain(form)) => {
            let all = form.choices.len().max(1) as isize;
            form.at = (form.at as isize + by).rem_euclid(all) as usize;
        }
        None => {}
    }
    Some(Vec::new())
}

/// `Enter` in the containment overlay: fires what is shown, once it could be read.
fn fire(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Contain(form)) = &mut model.overlay else { return Vec::new() };
    if model.now.since(form.opened_at) < SETTLE_MS {
        form.again = true;
        return Vec::new();
    }
    let (world, command) = (form.world, form.command());
    let what = form.choice().map(|choice| format!("{} asked for {}", form.mode, choice.scope)).unwrap_or_default();
    model.overlay = model.beneath.take();
    if model.overlay.is_none() && model.editor.is_none() && model.only.is_none() {
        model.focus = crate::cockpit::model::Pane::Containment;
    }
    command.map_or_else(Vec::new, |command| act::ask_in(model, world, what, command))
}

/// `g` in the containment overlay: only where the backend is not reached, and only for real.
fn break_glass(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Contain(form)) = &model.overlay else { return Vec::new() };
    let why_not = if !matches!(model.link, Link::Offline { .. } | Link::Connecting) {
        Some("the backend is reached: enter fires")
    } else if form.world.is_some() {
        Some("this is a drill: nothing real is stopped from it")
    } else if model.now.since(form.opened_at) < SETTLE_MS {
        Some("again: it came before this could be read")
    } else {
        None
    };
    if let Some(why_not) = why_not {
        model.complain(why_not);
        return Vec::new();
    }
    let Some(crate::incident::Command::Engage(engage)) = form.command() else { return Vec::new() };
    model.overlay = model.beneath.take();
    model.say("breaking the glass …");
    vec![Effect::BreakGlass(Box::new(engage))]
}

fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Pick(pick)) = &model.overlay else { return Vec::new() };
    let Some(item) = pick.item().cloned() else { return Vec::new() };
    if let Some(why) = item.why_not {
        model.complain(why);
        return Vec::new();
    }
    model.overlay = None;
    match item.choice {
        Choice::Do(does) => return run(model, does),
        Choice::Incident(id) => {
            model.pinned = model.pinned && model.only.is_some();
            sync::show(model, id);
        }
        Choice::World(world) => return vec![sync::follow(model, world)],
        Choice::Audience(incident, audience) => return drafts::begin(model, incident, audience),
        Choice::Agent(agent) => return reading::open(model, agent),
        Choice::Drill(name) => {
            model.say(format!("{name} is being set up"));
            return vec![Effect::Play { name }];
        }
    }
    Vec::new()
}
