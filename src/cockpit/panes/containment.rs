//! Pane 3: switches with their proof, and how far a switch reaches each agent. Requested is never shown as confirmed.

use ratatui::text::{Line, Span};

use super::{
    holds,
    pane::{Canvas, dim, say, zone},
};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::{
        Reach,
        containment::{AgentProof, HaltProof, ProofHow, ProofState, Slipped, Switch, SwitchState},
    },
    terms::{Printable, Time},
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(state) = &model.state else { return };
    let list = model.rows.of(Pane::Containment);
    if list.rows.is_empty() {
        if list.filter.is_empty() {
            say(
                model,
                canvas,
                "Nothing is stopped",
                "! chooses what to stop. Agents appear here with how far a switch reaches them, before any incident.",
            );
        } else {
            canvas.put(0, dim(model, format!("nothing holds {:?}; esc shows all", list.filter)));
        }
        return;
    }
    let fits = canvas.rows().saturating_sub(1).max(1);
    let top = list.window(fits);
    let columns = canvas.columns();
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let line = match id {
            RowId::Switch(id) => state.switch(*id).map(|switch| switch_line(model, switch, columns)),
            RowId::Proof(id, agent) => state.switch(*id).and_then(|switch| {
                let proof = switch.halt.agents.iter().find(|proof| proof.id == *agent)?;
                Some(proof_line(model, proof, columns))
            }),
            RowId::Hold(id) => state.world.holds.get(id).map(|hold| holds::line(model, hold, columns)),
            RowId::Slipped(id, at) => state.world.switches.get(id).and_then(|switch| {
                let slipped = switch.halt.slipped.get(*at)?;
                Some(slipped_line(model, slipped, columns))
            }),
            RowId::Agent(name) => Some(agent_line(model, name, columns)),
            _ => None,
        };
        let line = line.unwrap_or_default();
        if at == list.index() && model.focus == Pane::Containment {
            canvas.put_selected(at - top, line, &model.look.theme);
        } else {
            canvas.put(at - top, line);
        }
    }
    let hidden = list.rows.len().saturating_sub(fits);
    if hidden > 0 {
        canvas.put(fits, dim(model, format!("↑ {top} · ↓ {} more", hidden.saturating_sub(top))));
    } else if canvas.rows() > list.rows.len() {
        canvas.put(fits, detail(model));
    }
}

/// What is proved of a switch in a few words, and how it reads.
pub fn proof_words(halt: &HaltProof) -> (String, Role) {
    if halt.escaped > 0 {
        return (format!("⚠ {} ESCAPED · {}/{} confirmed", halt.escaped, halt.confirmed, halt.counted), Role::Bad);
    }
    if halt.counted == 0 {
        return ("nobody active in scope".into(), Role::Dim);
    }
    let counts = format!("{}/{}", halt.confirmed, halt.counted);
    if let Some(seconds) = halt.confirmed_in_s {
        return (format!("✓ {counts} in {seconds:.1} s"), Role::Good);
    }
    let mut words = format!("… {counts} confirmed");
    if halt.silent > 0 {
        words.push_str(&format!(" · {} silent", halt.silent));
    }
    if halt.no_answer > 0 {
        words.push_str(&format!(" · {} no answer", halt.no_answer));
    }
    (words, if halt.no_answer > 0 { Role::Bad } else { Role::Warn })
}

fn switch_line<'a>(model: &Model, switch: &Switch, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let scope = text::cut(&switch.scope.to_string(), columns.saturating_sub(20).max(14));
    if switch.state == SwitchState::Released {
        let when = switch.release.as_ref().map(|release| text::clock(release.at, zone(model))).unwrap_or_default();
        let line = Line::from(Span::styled(format!("□ {} {scope} released {when}", switch.id), theme.style(Role::Dim)));
        return text::fit(line, columns);
    }
    if switch.state == SwitchState::Planned {
        let when = text::clock(switch.engaged_at, zone(model));
        let words = format!("○ {} {scope} {} engages at {when}", switch.id, switch.mode);
        return text::fit(Line::styled(words, theme.style(Role::Warn)), columns);
    }
    let (words, role) = proof_words(&switch.halt);
    let words = format!("{words}{}", stopwatch(model, switch));
    let unrecorded = if switch.recorded { "" } else { " UNRECORDED " };
    let sign = if switch.mode == crate::incident::containment::Mode::Halt { "■" } else { "▣" };
    let left = Line::from(vec![
        Span::styled(format!("{sign} {} ", switch.mode), theme.style(Role::Halted)),
        Span::styled(unrecorded, theme.style(Role::Bad)),
        Span::styled(format!(" {scope}"), theme.style(Role::Strong)),
        Span::styled(format!(" {}", switch.id), theme.style(Role::Dim)),
    ]);
    text::ends(left, Line::styled(words, theme.style(role)), columns)
}

/// How long it has taken so far, until all are confirmed.
fn stopwatch(model: &Model, switch: &Switch) -> String {
    let halt = &switch.halt;
    if halt.confirmed_in_s.is_some() || halt.counted == 0 {
        return String::new();
    }
    format!(" · {}", text::span(model.now.since(switch.harm_at.unwrap_or(switch.engaged_at))))
}

fn slipped_line<'a>(model: &Model, slipped: &Slipped, columns: usize) -> Line<'a> {
    let what = format!("    slipped: {} {}", Printable::line(slipped.agent.as_str()), Printable::line(&slipped.what));
    let left = Line::styled(text::cut(&what, columns.saturating_sub(12)), model.look.theme.style(Role::Bad));
    text::ends(left, Line::raw(text::clock(slipped.at, zone(model))), columns)
}

fn proof_line<'a>(model: &Model, proof: &AgentProof, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = match proof.state {
        ProofState::Confirmed => ("✓", Role::Good),
        ProofState::Escaped => ("⚠", Role::Bad),
        ProofState::NoAnswer => ("⚠", Role::Warn),
        ProofState::Silent => ("–", Role::Warn),
        ProofState::Idle => ("–", Role::Dim),
        ProofState::Requested | ProofState::Enforced => ("…", Role::Warn),
    };
    let how = proof.how.map(by).unwrap_or_default();
    let beyond = if reach(model, proof.id.as_str()) == Some(Reach::Observed) { " · observed only" } else { "" };
    let words = format!("{}{how}{beyond} {}", proof.state, text::clock(proof.at, zone(model)));
    let left = Line::from(vec![
        Span::styled(format!("  {sign} "), theme.style(role)),
        Span::raw(text::cut(proof.id.as_str(), columns.saturating_sub(16).max(8))),
    ]);
    text::ends(left, Line::styled(words, theme.style(role)), columns)
}

fn by(how: ProofHow) -> &'static str {
    match how {
        ProofHow::Acknowledged => " by acknowledgement",
        ProofHow::Expired => " by expiry",
        ProofHow::Refused => " by refusal",
    }
}

fn reach(model: &Model, agent: &str) -> Option<Reach> {
    model.state.as_ref()?.live.agents.get(agent)?.reach
}

fn agent_line<'a>(model: &Model, name: &str, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let live = model.state.as_ref().and_then(|state| state.live.agents.get(name));
    let (words, role) = match live.and_then(|live| live.reach) {
        Some(Reach::Leased) => (format!("leased ×{}", live.map_or(0, |live| live.leases)), Role::Good),
        Some(Reach::Gated) => ("gated".to_owned(), Role::Good),
        Some(Reach::Checks) => ("checks".to_owned(), Role::Good),
        Some(Reach::Observed) => ("⚠ observed only: this key cannot stop it".to_owned(), Role::Warn),
        None => ("not heard of yet".to_owned(), Role::Dim),
    };
    let drift = live.map_or(0, |live| live.drift.len());
    let drift = if drift > 0 { format!(" · {} undeclared", text::count(drift, "tool")) } else { String::new() };
    let left = Line::from(vec![
        Span::styled("○ ", theme.style(Role::Dim)),
        Span::raw(text::cut(name, columns.saturating_sub(20).max(8))),
    ]);
    text::ends(left, Line::styled(format!("{words}{drift}"), theme.style(role)), columns)
}

/// More about the selected row: why, by whom, what slipped.
fn detail<'a>(model: &Model) -> Line<'a> {
    if let Some(hold) = model.selected_hold() {
        return dim(model, holds::detail(model, hold));
    }
    let Some(switch) = model.selected_switch() else {
        return dim(model, "! stops · r releases · m gives the reason");
    };
    let slipped = switch.halt.slipped.len();
    let slipped = if slipped > 0 { format!(" · {} slipped", text::count(slipped, "action")) } else { String::new() };
    let flight = switch.halt.in_flight;
    let flight = if flight > 0 { format!(" · {flight} in flight") } else { String::new() };
    let why = switch.why.as_ref().map_or("no reason yet: m".into(), |why| text::cut(why, 80));
    let until = |at: Time| text::clock(at, zone(model));
    let watched = switch.watch_until.map(|at| format!(" · watched until {}", until(at))).unwrap_or_default();
    let expires = switch.expires_at.map(|at| format!(" · lifts itself at {}", until(at))).unwrap_or_default();
    let moved: Vec<String> = switch.actuators.iter().map(|run| format!(" · {} {}", run.name, run.state())).collect();
    let flight = format!("{flight}{watched}{expires}{}", moved.concat());
    let by = text::cut(&switch.by.to_string(), 24);
    dim(
        model,
        format!("{} by {by} {}{slipped}{flight} · {why}", switch.id, text::clock(switch.engaged_at, zone(model))),
    )
}
