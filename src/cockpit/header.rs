//! The header: how bad, is it contained, which clock runs out next, who decides.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    clocks,
    commands::Do,
    layout::Size,
    link::Link,
    model::Model,
    panes,
    text::{self, Zone},
    theme::{Role, severity_sign},
};
use crate::{
    incident::{
        Incident, Status,
        containment::{HaltProof, Mode, SwitchState},
        first_minutes::phase,
    },
    report::quarterly,
    terms::Time,
};

/// From when on this host's clock is told to be off, milliseconds: clocks on screen count by it.
const SKEW_MS: i64 = 2_000;

fn zone(model: &Model) -> Zone {
    if model.utc { Zone::Utc } else { model.look.zone }
}

/// Draws it.
pub fn draw(model: &Model, size: Size, area: Rect, frame: &mut Frame<'_>) {
    let columns = usize::from(area.width);
    let first = match size {
        Size::Narrow => text::ends(narrow(model), clock(model), columns),
        _ => text::ends(what(model), place(model, size), columns),
    };
    let second = match size {
        Size::Narrow => text::ends(status(model, size), link(model), columns),
        _ => second_row(model, size, columns),
    };
    frame.buffer_mut().set_line(area.x, area.y, &text::fit(first, columns), area.width);
    if area.height > 1 {
        frame.buffer_mut().set_line(area.x, area.y + 1, &text::fit(second, columns), area.width);
    }
}

fn drill(model: &Model) -> Vec<Span<'static>> {
    match model.world {
        Some(drill) => vec![Span::styled(format!(" {drill} "), model.look.theme.style(Role::Drill)), Span::raw(" ")],
        None => Vec::new(),
    }
}

fn severity(model: &Model, incident: &Incident) -> Span<'static> {
    let rank = panes::rank(model, incident, &incident.severity);
    let text = format!("{}{}", severity_sign(rank), text::cut(&incident.severity, 12));
    Span::styled(text, model.look.theme.severity(rank))
}

/// `harm 12 people, $340.00 · 30 stopped`: what a drill's agents did up to now (DRL.3).
fn harm(model: &Model) -> Option<Span<'static>> {
    let count = model.state.as_ref().filter(|_| model.world.is_some())?.live.harm?;
    let done = count.done.to_string();
    let role = if count.done.is_none() { Role::Good } else { Role::Bad };
    let held = if model.take().is_some_and(|take| take.paused && take.played.is_none()) { " · held" } else { "" };
    Some(Span::styled(format!("  harm {done} · {} stopped{held}", count.stopped), model.look.theme.style(role)))
}

/// `INC-7 ▲SEV-1 refund-bot paying twice`.
fn what(model: &Model) -> Line<'static> {
    let theme = &model.look.theme;
    let mut spans = drill(model);
    match model.incident() {
        Some(incident) => {
            spans.push(Span::styled(format!("{} ", incident.id), theme.style(Role::Strong)));
            spans.push(severity(model, incident));
            spans.push(Span::styled(format!(" {}", text::cut(&incident.title, 120)), theme.style(Role::Strong)));
            spans.extend(harm(model));
            if incident.restricted.is_some() {
                spans.push(Span::styled("  ⊘ restricted", theme.style(Role::Warn)));
            }
            if !incident.confirmed {
                spans.push(Span::styled("  to confirm: C yes, X no", theme.style(Role::Warn)));
            }
        }
        None => {
            let word = if model.state.is_some() { "andon · no incident" } else { "andon" };
            spans.push(Span::styled(word, theme.style(Role::Strong)));
            spans.extend(harm(model));
        }
    }
    Line::from(spans)
}

/// Id, severity and state in a split.
fn narrow(model: &Model) -> Line<'static> {
    let mut spans = drill(model);
    match model.incident() {
        Some(incident) => {
            spans.push(Span::styled(format!("{} ", incident.id), model.look.theme.style(Role::Strong)));
            spans.push(severity(model, incident));
            spans.push(Span::raw(format!(" {}", text::cut(&incident.title, 80))));
        }
        None => spans.push(Span::styled("andon · no incident", model.look.theme.style(Role::Strong))),
    }
    Line::from(spans)
}

/// `● live`, `catching up`, `offline 0:42`.
fn link(model: &Model) -> Line<'static> {
    let theme = &model.look.theme;
    let (words, role) = match &model.link {
        Link::Connecting => ("○ connecting".to_owned(), Role::Warn),
        Link::Live if sick(model) => ("⚠ the backend is sick".to_owned(), Role::Bad),
        Link::Live => ("● live".to_owned(), Role::Good),
        Link::CatchingUp => ("○ catching up".to_owned(), Role::Warn),
        Link::Offline { since, .. } => {
            let waiting = if model.waiting > 0 { format!(" · {} wait", model.waiting) } else { String::new() };
            (format!("⚠ offline {}{waiting}", text::span(model.now.since(*since))), Role::Bad)
        }
    };
    Line::from(Span::styled(words, theme.style(role)))
}

/// Whether the backend answers and cannot do its work; the hint's row says why.
fn sick(model: &Model) -> bool {
    model.state.as_ref().is_some_and(|state| !state.live.wrong.is_empty())
}

fn clock(model: &Model) -> Line<'static> {
    let zone_word = if model.utc { " UTC" } else { "" };
    Line::from(Span::styled(
        format!("{}{zone_word}", text::clock(model.now, zone(model))),
        model.look.theme.style(Role::Strong),
    ))
}

/// Backend, link, who is here, the time.
fn place(model: &Model, size: Size) -> Line<'static> {
    let here = model.state.as_ref().map_or(0, |state| state.live.present.len());
    let mut spans = Vec::new();
    if size == Size::Wide
        && let Some(commander) = model.incident().and_then(|incident| incident.roles.get("commander"))
    {
        spans.push(Span::raw(format!("IC {} · ", text::cut(commander, 16))));
    }
    spans.push(Span::raw(format!("{} ", text::cut(&model.backend_name(), 28))));
    spans.extend(link(model).spans);
    if here > 1 {
        spans.push(Span::raw(format!(" · {here} here")));
    }
    if model.skew_ms.abs() > SKEW_MS {
        let (span, word) = (text::span(model.skew_ms.abs()), if model.skew_ms > 0 { "behind" } else { "ahead" });
        spans.push(Span::styled(format!(" · clock {span} {word}"), model.look.theme.style(Role::Warn)));
    }
    spans.push(Span::raw(" "));
    spans.extend(clock(model).spans);
    Line::from(spans)
}

/// Where the incident stands and what comes next, with its key (TEN.2).
pub fn next_step(model: &Model) -> Option<String> {
    let phase = phase(model.incident()?, model.world()?, model.now);
    let key = phase.does.as_deref().and_then(|does| does.parse::<Do>().ok()).map(|does| model.keymap.key(does));
    let key = key.map(|key| format!("{key} ")).unwrap_or_default();
    Some(format!("{} {key}{}", phase.phase, phase.next))
}

/// Whether it is contained, then the clocks.
fn second_row(model: &Model, size: Size, columns: usize) -> Line<'static> {
    let theme = &model.look.theme;
    let mut spans = status(model, size).spans;
    if model.incident().is_some() && columns < 120 {
        let commander = model.incident().and_then(|incident| incident.roles.get("commander"));
        let who = commander.map_or("no commander: R".to_owned(), |who| format!("IC {}", text::cut(who, 12)));
        spans.push(Span::raw(format!(" · {who}")));
    } else if model.incident().is_some_and(|incident| !incident.roles.contains_key("commander") && incident.is_open()) {
        spans.push(Span::styled(" · no commander: R", theme.style(Role::Warn)));
    }
    for shown in clocks::next(model).into_iter().take(if columns >= 120 { 5 } else { 2 }) {
        spans.push(Span::styled(" │ ", theme.style(Role::Border)));
        spans.push(Span::styled(shown.text, theme.style(shown.role)));
    }
    let mut line = Line::from(spans);
    // The next step where it can be read whole (TEN.2); a split's foot has a row of its own for it.
    let left = columns.saturating_sub(text::width(&line) + 3);
    if let Some(step) = next_step(model).filter(|step| step.chars().count() <= left && model.only.is_none()) {
        line.push_span(Span::styled(" │ ", theme.style(Role::Border)));
        line.push_span(Span::styled(step, theme.style(Role::Strong)));
    }
    line
}

/// Whether it is stopped, and how many calls wait for a person.
fn status(model: &Model, size: Size) -> Line<'static> {
    let mut line = stopped(model, size);
    let waiting = panes::waiting(model).count();
    if waiting > 0 {
        let words = if waiting == 1 { " · 1 waits: b".to_owned() } else { format!(" · {waiting} wait: b") };
        line.spans.push(Span::styled(words, model.look.theme.style(Role::Warn)));
    }
    line
}

/// Everything known of whether it is stopped: of this incident's switches, else of any engaged.
fn stopped(model: &Model, size: Size) -> Line<'static> {
    let theme = &model.look.theme;
    let Some(state) = &model.state else { return Line::default() };
    let engaged: Vec<_> = state
        .unrecorded()
        .chain(state.world.switches.values())
        .filter(|switch| switch.state == SwitchState::Engaged)
        .filter(|switch| model.incident.is_none() || switch.incident.is_none() || switch.incident == model.incident)
        .collect();
    let Some(incident) = model.incident() else {
        return match engaged.len() {
            0 => {
                let mut spans = vec![Span::styled("nothing is stopped", theme.style(Role::Dim))];
                let (armed, due) = (armed(model), drill_due(model));
                // A split has room for one of both: what is wrong comes first, then what is due.
                let wrong = armed.style == theme.style(Role::Warn);
                if size != Size::Narrow || wrong || due.is_none() {
                    spans.push(armed);
                }
                spans.extend(due.filter(|_| size != Size::Narrow || !wrong));
                Line::from(spans)
            }
            number => Line::styled(format!("{} engaged", text::count(number, "switch")), theme.style(Role::Halted)),
        };
    };
    if engaged.is_empty() {
        return not_halted(model, incident);
    }
    let halted = engaged.iter().any(|switch| switch.mode == Mode::Halt);
    let word = if halted { "HALTED" } else { "RESTRICTED" };
    let halt = worst(engaged.iter().map(|switch| &switch.halt));
    let (proof, role) = panes::proof_words(&halt);
    // What was engaged for something else began before this incident's clock.
    let own = engaged.iter().filter(|switch| switch.incident == Some(incident.id));
    let began = own.map(|switch| switch.engaged_at).min().or(engaged.iter().map(|switch| switch.engaged_at).min());
    let zero = incident.harm_at.or(began);
    let running = zero.filter(|_| halt.confirmed_in_s.is_none() && halt.counted > 0);
    let stopwatch = running.map(|zero| format!(" {}", stopwatch(model, incident, zero))).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!(" {word} "), theme.style(Role::Halted)),
        Span::styled(format!(" {proof}{stopwatch}"), theme.style(role)),
    ])
}

/// Whether the switches would work: the age of the oldest proof, or how many things keep them from it (CON.13).
fn armed(model: &Model) -> Span<'static> {
    let theme = &model.look.theme;
    let Some(live) = model.state.as_ref().map(|state| &state.live) else { return Span::raw("") };
    let (failing, beyond) = (live.failing().len(), live.beyond_reach().len());
    match live.oldest_proof() {
        _ if failing > 0 => {
            Span::styled(format!(" · ⚠ {} would not work", text::count(failing, "actuator")), theme.style(Role::Warn))
        }
        _ if beyond > 0 => Span::styled(format!(" · ⚠ {beyond} beyond reach"), theme.style(Role::Warn)),
        Some((_, at)) => {
            Span::styled(format!(" · armed ✓ {}", text::span(model.now.since(at))), theme.style(Role::Good))
        }
        None => Span::raw(""),
    }
}

/// `drill due 9 d`: the quarterly one, between incidents (DRL.4).
fn drill_due(model: &Model) -> Option<Span<'static>> {
    let (state, runbook) = (model.state.as_ref()?, model.runbook.as_ref()?);
    if model.world.is_some() {
        return None;
    }
    let due = quarterly::due(&state.drills, &state.world, &runbook.drills)?;
    let words = due.words(model.now, runbook.drills.warn_days)?;
    Some(Span::styled(format!(" · {words}"), model.look.theme.style(Role::Warn)))
}

/// `9 s of 30 s`.
fn stopwatch(model: &Model, incident: &Incident, zero: Time) -> String {
    format!("{} of {} s", text::span(model.now.since(zero)), incident.clock_plan.halt_s)
}

fn not_halted(model: &Model, incident: &Incident) -> Line<'static> {
    let theme = &model.look.theme;
    match (incident.status, incident.harm_at) {
        (Status::Declared, Some(harm)) => {
            Line::styled(format!("⚠ NOT CONTAINED · harm {}", stopwatch(model, incident, harm)), theme.style(Role::Bad))
        }
        (Status::Declared, None) => Line::styled("NOT CONTAINED · harm not confirmed", theme.style(Role::Warn)),
        (status, _) => Line::styled(status.as_str().to_uppercase(), theme.style(Role::Strong)),
    }
}

/// Proofs of several switches as one: the sum, and proved only when all are.
fn worst<'a>(proofs: impl Iterator<Item = &'a HaltProof>) -> HaltProof {
    let mut sum = HaltProof::default();
    let mut all = Some(0.0_f64);
    for proof in proofs.filter(|proof| proof.counted > 0) {
        sum.counted += proof.counted;
        sum.confirmed += proof.confirmed;
        sum.silent += proof.silent;
        sum.no_answer += proof.no_answer;
        sum.escaped += proof.escaped;
        all = all.zip(proof.confirmed_in_s).map(|(one, other)| one.max(other));
    }
    sum.confirmed_in_s = all.filter(|_| sum.counted > 0);
    sum
}
