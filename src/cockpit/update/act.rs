//! What the commands of the panes do.

use super::{direct, drafts, opening, reading, undo};
use crate::{
    cockpit::{
        commands::Do,
        draft_view,
        effect::Effect,
        layout,
        model::{Model, Overlay, Pane},
        overlays::{HelpState, TraceView},
        panes,
        rows::{self, RowId},
        sync,
    },
    incident::{
        Command, IncidentCommand, StepState,
        evidence::FreezeEvidence,
        rollback::command_of,
        team::{EndTask, MarkEvent, Snooze, TaskState},
    },
    terms::{DrillId, IncidentId, Printable, Time},
};

/// Asks the backend in the world that is shown.
pub fn ask(model: &mut Model, what: impl Into<String>, command: Command) -> Vec<Effect> {
    ask_in(model, model.world, what.into(), command)
}

/// Asks the backend in `world`; until it answers, it stands among what was asked.
pub fn ask_in(model: &mut Model, world: Option<DrillId>, what: String, command: Command) -> Vec<Effect> {
    model.asked.push(what.clone());
    vec![Effect::Submit { world, what, command: Box::new(command) }]
}

/// Does a command of a pane, or of everywhere.
pub fn act(model: &mut Model, does: Do) -> Vec<Effect> {
    if let Some(overlay) = opening::overlay(model, does) {
        model.overlay = Some(overlay);
        return Vec::new();
    }
    if let Some(effects) = direct::at_once(model, does) {
        return effects;
    }
    match does {
        Do::Quit => return leave(model),
        Do::Suspend => return vec![Effect::Suspend],
        Do::Repaint => return vec![sync::follow(model, model.world), Effect::Repaint],
        Do::World if model.world.is_some() => return vec![sync::follow(model, None)],
        Do::Console => return direct::toggle(model),
        Do::Heard => direct::heard(model),
        Do::PlayDrill => {
            model.overlay = Some(Overlay::Pick(Box::new(opening::recordings(model))));
            return vec![Effect::ReadRecordings];
        }
        Do::Utc => model.utc = !model.utc,
        Do::Zoom => zoom(model, !model.zoom),
        Do::Board => board(model),
        Do::Back => back(model),
        Do::Copy => return copy(model),
        Do::Undo => return undo::undo(model),
        Do::Help => model.overlay = Some(Overlay::Help(HelpState { pane: model.focus, top: 0 })),
        Do::Trace => return trace(model),
        Do::Ready => reading::ready(model),
        Do::EditHere => drafts::edit_here(model),
        Do::Agree => return drafts::agree(model),
        Do::DraftView => model.drafts.turn(),
        Do::EditOutside => return drafts::edit_outside(model),
        Do::Items => {
            model.items = !model.items;
            let list = model.rows.of_mut(Pane::Evidence);
            (list.selected, list.top) = (None, 0);
            rows::refresh(model);
        }
        Do::Confirm
        | Do::Freeze
        | Do::Tick
        | Do::Acknowledge
        | Do::AckPages
        | Do::Retract
        | Do::KeyEvent
        | Do::EndTask
        | Do::Snooze => return at_once(model, does),
        _ => go(model, does),
    }
    Vec::new()
}

/// Opens the window of the trace, and asks for it.
fn trace(model: &mut Model) -> Vec<Effect> {
    let Some(incident) = model.incident else { return Vec::new() };
    model.overlay = Some(Overlay::Trace(Box::new(TraceView::asked(incident))));
    vec![Effect::Trace { world: model.world, incident }]
}

/// Commands that ask the backend without a form.
fn at_once(model: &mut Model, does: Do) -> Vec<Effect> {
    if does == Do::Acknowledge {
        let Some(firing) = model.selected_firing().map(|firing| firing.id) else { return Vec::new() };
        return ask(model, format!("{firing} acknowledged"), Command::AckFiring { firing, expected: false });
    }
    let Some(incident) = model.incident else { return Vec::new() };
    if does == Do::Tick {
        return tick(model, incident);
    }
    if let Some((what, asked)) = of_team(model, does) {
        return ask(model, what, Command::OnIncident { incident, ask: asked });
    }
    let (what, asked) = match (does, model.selected_note().map(|note| note.seq)) {
        (Do::Confirm, _) => ("incident confirmed", IncidentCommand::Confirm {}),
        (Do::AckPages, _) => ("pages acknowledged", IncidentCommand::AckPages { round: None }),
        (Do::Freeze, _) => ("evidence frozen", IncidentCommand::FreezeEvidence(FreezeEvidence::default())),
        (Do::Retract, Some(seq)) => ("note retracted", IncidentCommand::RetractNote { seq }),
        _ => return Vec::new(),
    };
    ask(model, what, Command::OnIncident { incident, ask: asked })
}

/// How long a reminder is put off.
const SNOOZE: i64 = 15 * Time::MINUTE;

/// A team's commands that need no form.
fn of_team(model: &Model, does: Do) -> Option<(String, IncidentCommand)> {
    Some(match does {
        Do::KeyEvent => {
            let entry = model.selected_entry()?;
            let word = if entry.key { "no key event any more" } else { "key event marked" };
            (word.into(), IncidentCommand::MarkEvent(MarkEvent { seq: entry.seq, key: !entry.key }))
        }
        Do::EndTask => {
            let task = model.selected_task()?;
            let end = EndTask { task: task.id, how: TaskState::Done, note: None };
            (format!("{} done", task.id), IncidentCommand::EndTask(end))
        }
        Do::Snooze => {
            let snooze = Snooze { reminder: model.selected_reminder()?.to_owned(), until: model.now.plus(SNOOZE) };
            ("put off by 15 minutes".into(), IncidentCommand::Snooze(snooze))
        }
        _ => return None,
    })
}

/// Ticks the selected step. The selection stays: a second key says that it is ticked, and ticks nothing else.
fn tick(model: &mut Model, incident: IncidentId) -> Vec<Effect> {
    let (Some(list), Some(step)) = (model.checklist(), model.selected_step()) else { return Vec::new() };
    let (checklist, step, state) = (list.id, step.plan.id.clone(), step.state);
    let number = list.steps.iter().position(|one| one.plan.id == step).unwrap_or_default() + 1;
    let what = format!("step {number} of {checklist} ticked");
    if state != StepState::Open || model.asked.contains(&what) {
        let key = model.keymap.key(Do::Undo);
        model.say(format!("step {number} is settled already; {key} opens it again"));
        return Vec::new();
    }
    let asked = IncidentCommand::TickStep { checklist, step };
    ask(model, what, Command::OnIncident { incident, ask: asked })
}

/// Leaves, saving a draft that is being written.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let mut effects = if model.editor.is_some() { drafts::leave(model) } else { Vec::new() };
    effects.push(Effect::Quit);
    effects
}

/// A zoomed pane has room for rows that are left out beside others.
fn zoom(model: &mut Model, zoom: bool) {
    model.zoom = zoom;
    rows::refresh(model);
}

/// `esc`: the most temporary thing goes first.
fn back(model: &mut Model) {
    let list = model.rows.of_mut(model.focus);
    if model.toast.is_some() {
        model.toast = None;
    } else if !list.filter.is_empty() {
        list.filter.clear();
        rows::refresh(model);
    } else if model.console.is_some() {
        model.console = None;
    } else if model.zoom {
        zoom(model, false);
    } else {
        model.banners.clear();
    }
}

fn go(model: &mut Model, does: Do) {
    let height = layout::list_height(model, model.focus);
    let page = height.saturating_sub(1).max(1) as i64;
    if model.focus == Pane::Draft {
        let by = match does {
            Do::Down => 1,
            Do::Up => -1,
            Do::PageDown => page,
            Do::PageUp => -page,
            Do::First => i64::from(i32::MIN),
            Do::Last => i64::from(i32::MAX),
            _ => 0,
        };
        if by != 0 {
            return draft_view::scroll(model, by);
        }
    }
    if model.console.is_some() && in_console(model, does) {
        return;
    }
    let list = model.rows.of_mut(model.focus);
    match does {
        Do::Down => list.go(1, height),
        Do::Up => list.go(-1, height),
        Do::PageDown => list.go(page, height),
        Do::PageUp => list.go(-page, height),
        Do::First => {
            list.selected = None;
            list.top = 0;
        }
        Do::Last => list.go(i64::from(u32::MAX), height),
        Do::Left => tab(model, -1),
        Do::Right => tab(model, 1),
        Do::Next if model.only.is_some() => tab(model, 1),
        Do::Previous if model.only.is_some() => tab(model, -1),
        Do::Next => turn(model, 1),
        Do::Previous => turn(model, -1),
        Do::Pane1 => focus(model, Pane::Timeline),
        Do::Pane2 => focus(model, Pane::Tripwires),
        Do::Pane3 => focus(model, Pane::Containment),
        Do::Pane4 => focus(model, Pane::Checklist),
        Do::Pane5 => focus(model, Pane::Draft),
        Do::Pane6 => focus(model, Pane::Evidence),
        Do::Pane7 => focus(model, Pane::Investigation),
        Do::Pane8 => focus(model, Pane::Restart),
        Do::Pane9 => focus(model, Pane::People),
        _ => {}
    }
}

/// Moves in the console; false where it leads out of it.
fn in_console(model: &mut Model, does: Do) -> bool {
    let page = i64::from(model.size.1 / 2).max(1);
    match does {
        Do::Down => model.console_go(1),
        Do::Up => model.console_go(-1),
        Do::PageDown => model.console_go(page),
        Do::PageUp => model.console_go(-page),
        Do::First => model.console_go(i64::from(i32::MIN)),
        // Back to the playhead, and along with it.
        Do::Last => model.console.iter_mut().for_each(|console| console.chosen = None),
        Do::Left | Do::Right => {}
        _ => return false,
    }
    true
}

fn focus(model: &mut Model, pane: Pane) {
    model.console = None;
    model.focus_on(pane);
}

/// To the call that runs out first.
fn board(model: &mut Model) {
    focus(model, Pane::Containment);
    let list = model.rows.of_mut(Pane::Containment);
    match list.rows.iter().find(|row| matches!(row, RowId::Hold(_))).cloned() {
        Some(row) => {
            list.selected = Some(row);
            list.top = 0;
        }
        None => model.say("no call waits for a person"),
    }
}

fn turn(model: &mut Model, by: isize) {
    let at = (model.focus as isize + by).rem_euclid(Pane::ALL.len() as isize) as usize;
    focus(model, Pane::ALL[at]);
}

/// The next checklist or draft.
fn tab(model: &mut Model, by: isize) {
    let Some(incident) = model.incident() else { return };
    match model.focus {
        Pane::Checklist => {
            let ids: Vec<_> = incident.checklists.iter().map(|list| list.id).collect();
            model.checklist = around(&ids, model.checklist, by);
            let list = model.rows.of_mut(Pane::Checklist);
            list.selected = None;
            list.top = 0;
            rows::refresh(model);
        }
        Pane::Draft => {
            let ids: Vec<_> = incident.drafts.iter().map(|draft| draft.id).collect();
            model.draft = around(&ids, model.draft, by);
            model.drafts.top = 0;
            rows::refresh(model);
        }
        _ => {}
    }
}

fn around<T: Copy + PartialEq>(ids: &[T], now: Option<T>, by: isize) -> Option<T> {
    let at = ids.iter().position(|id| Some(*id) == now).unwrap_or(0) as isize;
    let all = isize::try_from(ids.len()).ok().filter(|all| *all > 0)?;
    ids.get((at + by).rem_euclid(all) as usize).copied()
}

/// What `y` copies: a step's command, else the row's own words.
fn copy(model: &mut Model) -> Vec<Effect> {
    let text = match model.focus {
        Pane::Checklist => {
            let (incident, list) = (model.incident(), model.checklist());
            model.selected_step().zip(incident).zip(list).map(|((step, incident), list)| match &step.plan.command {
                Some(template) => command_of(template, incident, list),
                None => step.plan.text.clone(),
            })
        }
        Pane::Draft => model.draft().map(|draft| draft.fields.body.clone()),
        Pane::Evidence if model.items => model.selected_item().map(|item| {
            format!("{} {} {}", item.plan.title, item.state, item.why.as_deref().unwrap_or(&item.plan.satisfied_by))
        }),
        Pane::Evidence => model.selected_entry().map(|entry| format!("{} {} {}", entry.at, entry.by, entry.text)),
        Pane::Tripwires => model
            .selected_firing()
            .map(|firing| format!("{} {} {} {}", firing.id, firing.key.tripwire, firing.key.agent, firing.key.detail)),
        Pane::Containment => match model.rows.of(Pane::Containment).chosen() {
            Some(RowId::Agent(name)) => Some(name.clone()),
            Some(RowId::Hold(_)) => model.selected_hold().map(|hold| panes::hold_account(model, hold).join("\n")),
            _ => model.selected_switch().map(|switch| format!("{} {}", switch.id, switch.scope)),
        },
        Pane::People => match model.rows.of(Pane::People).chosen() {
            Some(RowId::Link(at)) => {
                model.incident().and_then(|one| one.team.links.get(*at)).map(|link| link.url.clone())
            }
            _ => model.selected_task().map(|task| task.text.clone()),
        },
        Pane::Investigation => model.selected_finding().and_then(|number| {
            let findings = &model.incident()?.investigation.findings;
            findings.iter().find(|finding| finding.number == number).map(|finding| finding.said.text.clone())
        }),
        Pane::Restart | Pane::Timeline => {
            model.incident().map(|incident| format!("{} {}", incident.id, incident.title))
        }
    };
    // Agent-written text must not carry hidden characters onto a clipboard that ends in a shell.
    let Some(text) = text.map(|text| Printable::block(&text).as_str().to_owned()).filter(|text| !text.is_empty())
    else {
        model.say("nothing here to copy");
        return Vec::new();
    };
    let shown = Printable::line(&text).cut(60);
    model.say(format!("copied: {shown}"));
    vec![Effect::Copy(text)]
}
