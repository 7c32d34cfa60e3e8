//! Pane 4: the rollback checklists, one tab each.

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        model::{Model, Pane},
        text,
        theme::Role,
    },
    incident::{
        Checklist, Incident, Step, StepState,
        rollback::{command_of, open_signs, open_windows, watch_until},
    },
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(incident) = model.incident() else {
        return say(model, canvas, "No incident", "Rollback checklists belong to an incident. D declares one.");
    };
    let Some(list) = model.checklist() else {
        return say(
            model,
            canvas,
            "No checklist is open",
            "o opens one for a class of action and a target: database writes, API calls, messages, documents, deployments, access, knowledge.",
        );
    };
    canvas.put(0, tabs(model, &incident.checklists, list));
    canvas.put(1, head(model, list, canvas.columns()));
    let selected = model.rows.of(Pane::Checklist).index();
    let blocks: Vec<Vec<Line<'_>>> = (list.steps.iter().enumerate())
        .map(|(at, step)| block(model, (incident, list), step, at == selected, canvas.columns()))
        .collect();
    let beside = beside(model, incident, list);
    let top = 2 + usize::from(!beside.is_empty());
    if !beside.is_empty() {
        canvas.put(2, line_of(model, beside, canvas.columns()));
    }
    let room = canvas.rows().saturating_sub(top + 1).max(1);
    let mut y = top;
    for (at, lines) in blocks.iter().enumerate().skip(first_block(&blocks, selected, room)) {
        for (row, line) in lines.iter().enumerate() {
            if y >= top + room {
                break;
            }
            if at == selected && row == 0 && model.focus == Pane::Checklist {
                canvas.put_selected(y, line.clone(), &model.look.theme);
            } else {
                canvas.put(y, line.clone());
            }
            y += 1;
        }
    }
    canvas.put(canvas.rows().saturating_sub(1), foot(model, list, canvas.columns()));
}

/// What stands beside the steps, the most pressing first: undo windows, sign-offs, values, who works it, the watch.
fn beside(model: &Model, incident: &Incident, list: &Checklist) -> Vec<(String, Role)> {
    let work = &list.work;
    let mut said = Vec::new();
    let open = list.verified.is_none();
    for (what, closes) in open_windows(list).into_iter().filter(|_| open) {
        said.push(match closes {
            Some(at) if at < model.now => (format!("⚠ {what} closed"), Role::Bad),
            Some(at) => (format!("{what} closes in {}", text::span(at.since(model.now))), Role::Warn),
            None => (format!("{what}: f says when"), Role::Dim),
        });
    }
    let signs = model.runbook.as_ref().map(|runbook| open_signs(list, incident, runbook)).unwrap_or_default();
    said.extend(signs.into_iter().filter(|_| open).map(|sign| (format!("○ {} signs (s)", sign.id), Role::Warn)));
    said.extend(work.signed.keys().map(|sign| (format!("✓ {sign}"), Role::Good)));
    if !work.values.is_empty() {
        let back = work.values.values().filter(|value| value.is_back()).count();
        let role = if back == work.values.len() { Role::Good } else { Role::Warn };
        said.push((format!("{back}/{} values back", work.values.len()), role));
    }
    if let Some(operator) = &work.operator {
        said.push((format!("worked by {}", text::cut(operator, 16)), Role::Strong));
    }
    if let Some(until) = watch_until(list).filter(|until| *until > model.now) {
        said.push((format!("watched {} more", text::span(until.since(model.now))), Role::Key));
    }
    said
}

fn line_of<'a>(model: &Model, said: Vec<(String, Role)>, columns: usize) -> Line<'a> {
    let (mut spans, mut used) = (Vec::new(), 0);
    for (at, (words, role)) in said.into_iter().enumerate() {
        let between = if at == 0 { "" } else { " · " };
        let room = columns.saturating_sub(used + between.len());
        if room < 6 {
            break;
        }
        let words = text::cut(&words, room);
        used += between.chars().count() + words.chars().count();
        spans.push(Span::styled(between, model.look.theme.style(Role::Dim)));
        spans.push(Span::styled(words, model.look.theme.style(role)));
    }
    Line::from(spans)
}

/// The first block to draw so that the selected one is whole on the screen.
fn first_block(blocks: &[Vec<Line<'_>>], selected: usize, room: usize) -> usize {
    let (mut first, mut used) = (selected.min(blocks.len()), 0);
    let upto = blocks.get(selected).map_or(0, Vec::len);
    // One step of what comes next stays visible under the selection, where there is room.
    let after = blocks.get(selected + 1).map_or(0, |_| 1);
    used += upto + after;
    while first > 0 && used + blocks[first - 1].len() <= room {
        first -= 1;
        used += blocks[first].len();
    }
    first
}

fn done(list: &Checklist) -> usize {
    list.steps.iter().filter(|step| step.state != StepState::Open).count()
}

fn tabs<'a>(model: &Model, lists: &[Checklist], shown: &Checklist) -> Line<'a> {
    let theme = &model.look.theme;
    let mut spans = Vec::new();
    for list in lists {
        let name = list.class.as_str().split('-').next().unwrap_or_default();
        let state =
            if list.verified.is_some() { "✓".to_owned() } else { format!("{}/{}", done(list), list.steps.len()) };
        let label = format!("{} {} {state}", list.id, text::cut(name, 14));
        if list.id == shown.id {
            spans.push(Span::styled(format!("[{label}]"), theme.style(Role::Strong)));
        } else {
            spans.push(Span::styled(format!(" {label} "), theme.style(Role::Dim)));
        }
    }
    Line::from(spans)
}

/// `API calls · payouts of 20 Nov      23:54:09 left`.
fn head<'a>(model: &Model, list: &Checklist, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (left, role) = match (&list.verified, list.due_at) {
        (Some(verified), _) => (format!("✓ verified {}", text::cut(&verified.by.to_string(), 16)), Role::Good),
        (None, None) => ("waits for containment".into(), Role::Dim),
        (None, Some(due)) if due < model.now => (format!("⚠ overdue {}", text::span(due.since(model.now))), Role::Bad),
        (None, Some(due)) => (format!("{} left", text::span(due.since(model.now))), Role::Strong),
    };
    let title = format!("{} · {}", list.title, list.target);
    text::ends(
        Line::styled(text::cut(&title, columns.saturating_sub(18).max(16)), theme.style(Role::Strong)),
        Line::styled(left, theme.style(role)),
        columns,
    )
}

fn block<'a>(
    model: &Model,
    (incident, list): (&Incident, &Checklist),
    step: &Step,
    selected: bool,
    columns: usize,
) -> Vec<Line<'a>> {
    let theme = &model.look.theme;
    let (sign, role) = match (step.state, selected) {
        (StepState::Done, _) => ("✓", Role::Good),
        (StepState::Impossible, _) => ("⊘", Role::Warn),
        (StepState::Open, true) => ("▸", Role::Key),
        (StepState::Open, false) => ("○", Role::Dim),
    };
    let by = match (&step.by, step.at) {
        (Some(by), Some(at)) if step.state != StepState::Open => {
            format!("{} {}", text::cut(&by.to_string(), 12), text::minute(at, zone(model)))
        }
        _ if step.plan.verifies => "verifies".into(),
        _ => String::new(),
    };
    let narrow = columns < 60;
    let room = columns.saturating_sub(if narrow { 3 } else { by.len() + 4 }).max(8);
    // The selected step is read whole; the others in one line, two in a split.
    let most = if selected {
        4
    } else if narrow {
        2
    } else {
        1
    };
    let words = text::wrap(&step.plan.text, room, most);
    let mut lines = Vec::new();
    for (row, words) in words.into_iter().enumerate() {
        let text_role = if step.state == StepState::Done { Role::Dim } else { Role::Strong };
        let style = if row == 0 || selected { theme.style(text_role) } else { theme.style(Role::Dim) };
        let sign = if row == 0 { format!("{sign} ") } else { "  ".into() };
        let left = Line::from(vec![Span::styled(sign, theme.style(role)), Span::styled(words, style)]);
        let mark = if row == 0 && !narrow { by.clone() } else { String::new() };
        lines.push(text::ends(left, Line::styled(mark, theme.style(Role::Dim)), columns));
    }
    if narrow && !by.is_empty() {
        lines.push(dim(model, format!("  {by}")));
    }
    if let Some(substitute) = &step.substitute {
        let kind = step.kind.map(|kind| format!("{kind}: ")).unwrap_or_default();
        lines.push(dim(model, format!("  → {}", text::cut(&format!("{kind}{substitute}"), room))));
    }
    if let Some(run) = list.work.runs.iter().rfind(|run| run.step == step.plan.id) {
        let (ended, role) = match run.output.exit {
            Some(0) => ("ended well".to_owned(), Role::Good),
            Some(code) => (format!("ended with {code}"), Role::Bad),
            None => ("was killed".to_owned(), Role::Bad),
        };
        let said = format!("  $ {ended}, {} bytes kept", run.output.bytes);
        lines.push(Line::styled(text::cut(&said, columns), theme.style(role)));
    }
    let template = step.plan.command.as_ref().filter(|_| selected);
    if let Some(command) = template.map(|template| command_of(template, incident, list)) {
        lines.push(Line::styled(format!("  $ {}", text::cut(&command, room)), theme.style(Role::Key)));
    }
    lines
}

/// Who may work it, and what to do where a step cannot be done.
fn foot<'a>(model: &Model, list: &Checklist, columns: usize) -> Line<'a> {
    let all = done(list) == list.steps.len();
    match (&list.verified, all) {
        (Some(verified), _) => dim(model, format!("read back: {}", text::cut(&verified.evidence, columns))),
        (None, true) => {
            Line::styled("every step is settled: v records the read-back", model.look.theme.style(Role::Warn))
        }
        (None, false) => dim(model, format!("authorised: {}", text::cut(&list.authorised, columns))),
    }
}
