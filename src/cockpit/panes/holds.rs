//! Calls that wait for a person, as rows of pane 3 (CON.2, CON.12). What they hold is agent-written.

use ratatui::text::{Line, Span};

use super::pane::zone;
use crate::{
    cockpit::{model::Model, text, theme::Role},
    incident::containment::{Hold, HoldState},
    terms::{Printable, Time},
};

/// How long a client may say nothing before it is shown as one that may have given up, milliseconds.
const SILENT: i64 = 60 * Time::SECOND;

/// Those that wait, oldest first: they run out first.
pub fn waiting(model: &Model) -> impl Iterator<Item = &Hold> {
    let holds = model.world().into_iter().flat_map(|world| world.holds.values());
    holds.map(AsRef::as_ref).filter(|hold| hold.state_at(model.now) == HoldState::Waiting)
}

/// Who calls what, in one line of printable text.
pub fn what(hold: &Hold) -> String {
    let name = |name: Option<String>| name.map_or_else(|| "?".to_owned(), |name| Printable::line(&name).to_string());
    let agent = name(hold.call.agent.as_ref().map(ToString::to_string));
    format!("{agent} → {}", name(hold.call.tool.as_ref().map(ToString::to_string)))
}

/// `HOLD-3 refund-bot → stripe.payout {"amount":120}` and what is left.
pub fn line<'a>(model: &Model, hold: &Hold, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let asked = model.state.as_ref().and_then(|state| state.live.holds_asked.get(&hold.id));
    let silent = asked.is_none_or(|at| model.now.since(*at) > SILENT);
    let left = text::span(hold.left(model.now));
    let (words, role) = match (hold.frozen, silent) {
        (true, _) => (format!("frozen by a halt · {left}"), Role::Halted),
        (false, true) => (format!("client silent · {left}"), Role::Dim),
        (false, false) => (format!("waits · {left}"), Role::Warn),
    };
    let input = hold.input.as_ref().map(|input| Printable::line(&input.to_string()).to_string()).unwrap_or_default();
    let room = columns.saturating_sub(words.chars().count() + 14);
    let left = Line::from(vec![
        Span::styled("? ", theme.style(Role::Key)),
        Span::styled(format!("{} ", hold.id), theme.style(Role::Strong)),
        Span::raw(text::cut(&format!("{} {input}", what(hold)), room.max(8))),
    ]);
    text::ends(left, Line::styled(words, theme.style(role)), columns)
}

/// More about it: by what it is held, and since when.
pub fn detail(model: &Model, hold: &Hold) -> String {
    let by = hold.switch.map(|switch| switch.to_string()).or(hold.rule.clone()).unwrap_or_default();
    let since = text::clock(hold.opened_at, zone(model));
    format!("{} held by {by} since {since} · enter shows it whole", hold.id)
}

/// Everything an approver can see of it, line by line; what is shown is what is recorded.
pub fn account(model: &Model, hold: &Hold) -> Vec<String> {
    let call = &hold.call;
    let class = call.declared_class.as_ref().or(call.claimed_class.as_ref());
    let class = class.map_or_else(|| "class not stated".to_owned(), ToString::to_string);
    let mut lines = vec![format!("{} · {class}", what(hold))];
    let parts = [
        ("on behalf of", call.subject.clone()),
        ("run", call.run.clone()),
        ("workflow", call.declared_workflow.as_ref().or(call.claimed_workflow.as_ref()).map(ToString::to_string)),
        ("revision", call.revision.clone()),
    ];
    let said = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", Printable::line(&value?))));
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        lines.push(said.join(" · "));
    }
    lines.push(format!("held by {}", Printable::line(&hold.reason)));
    lines.push(format!("waits since {}", text::clock(hold.opened_at, zone(model))));
    match &hold.input {
        None => lines.push("its arguments are not known".into()),
        Some(input) => {
            let text = Printable::line(&input.to_string()).to_string();
            let shown: Vec<char> = text.chars().take(LONGEST).collect();
            lines.extend(shown.chunks(CHUNK).map(|chunk| chunk.iter().collect()));
            if hold.input_cut || text.chars().count() > LONGEST {
                lines.push("… the arguments are longer; the rest is not shown".into());
            }
        }
    }
    lines
}

/// Arguments are shown so long, in pieces that fit three rows of a split.
const LONGEST: usize = 900;
const CHUNK: usize = 100;
