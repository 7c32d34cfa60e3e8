//! The hand-over sheet: what the next one must know, in the order in which they need it (TEAM.1).

use super::markdown::{maybe_time, span, table, text, time};
use crate::{
    incident::{
        Clock, ClockState, Incident, World, clocks,
        containment::SwitchState,
        team::{Reminder, reminders},
    },
    terms::Time,
};

/// How many of the newest lines of the timeline it shows, beside every key event.
const NEWEST: usize = 12;

/// The sheet of `incident` as Markdown, as it stands at `now`.
pub fn sheet(incident: &Incident, world: &World, now: Time) -> String {
    let drill = if incident.drill { "DRILL · " } else { "" };
    let clocks = clocks(incident, world, now);
    let mut out = format!("# {drill}Hand-over {}: {}\n\n", incident.id, text(&incident.title));
    out += &format!("As of {}. All times are UTC.\n\n", time(now));
    out += &format!(
        "**{} · {}** · harm confirmed {} · contained {}{}\n",
        text(&incident.severity),
        incident.status,
        maybe_time(incident.harm_at),
        maybe_time(incident.contained_at),
        if incident.containment_broken { " · **containment broke since**" } else { "" },
    );
    let calls = reminders(incident, &clocks, now);
    for (title, body) in [
        ("Now", calling(&calls, now)),
        ("Clocks", running(&clocks)),
        ("Who", who(incident)),
        ("Engaged", engaged(incident, world)),
        ("To do", to_do(incident)),
        ("Said", said(incident)),
        ("Where", places(incident)),
        ("What happened", happened(incident)),
    ] {
        out += &format!("\n## {title}\n\n{}\n", body.trim_end());
    }
    out
}

fn calling(reminders: &[Reminder], now: Time) -> String {
    let calls: Vec<String> =
        reminders.iter().filter(|one| one.calls(now)).map(|one| format!("- {}\n", text(&one.what))).collect();
    if calls.is_empty() { "Nothing calls for anybody.\n".into() } else { calls.concat() }
}

fn running(clocks: &[Clock]) -> String {
    let rows: Vec<Vec<String>> = clocks
        .iter()
        .filter(|clock| clock.state != ClockState::Met)
        .map(|clock| {
            let left = clock.left_s.map(|seconds| span((seconds * 1000.0) as i64)).unwrap_or_default();
            vec![text(&clock.name), clock.state.to_string(), left, maybe_time(clock.due_at)]
        })
        .collect();
    table(&["Clock", "State", "Left", "Due"], &rows)
}

fn who(incident: &Incident) -> String {
    let mut rows: Vec<Vec<String>> =
        incident.roles.iter().map(|(role, who)| vec![text(role), text(who), String::new()]).collect();
    for change in incident.team.handovers.iter().rev() {
        let row = rows.iter_mut().find(|row| row[0] == text(&change.role) && row[2].is_empty());
        if let (Some(row), Some(note)) = (row, &change.note) {
            row[2] = text(note);
        }
    }
    table(&["Role", "Who", "Said on handing over"], &rows)
}

fn engaged(incident: &Incident, world: &World) -> String {
    let switches = incident.switches.iter().filter_map(|id| world.switches.get(id));
    let rows: Vec<Vec<String>> = switches
        .filter(|switch| switch.state == SwitchState::Engaged)
        .map(|switch| {
            let proof = format!("{} of {} confirmed", switch.halt.confirmed, switch.halt.counted);
            vec![switch.id.to_string(), switch.mode.to_string(), text(&switch.scope.to_string()), proof]
        })
        .collect();
    table(&["Switch", "Mode", "Scope", "Proof"], &rows)
}

fn to_do(incident: &Incident) -> String {
    let mut out = String::new();
    for task in incident.tasks.iter().filter(|task| task.is_open()) {
        let due = task.due_at.map(|due| format!(", due {}", time(due))).unwrap_or_default();
        let owner = task.owner.as_deref().map_or_else(|| "nobody".to_owned(), text);
        out += &format!("- {} {} ({owner}{due})\n", task.id, text(&task.text));
    }
    for list in incident.checklists.iter().filter(|list| list.verified.is_none()) {
        let open = list.steps.iter().filter(|step| step.state == crate::incident::StepState::Open).count();
        out += &format!("- {} {} · {}: {open} steps open\n", list.id, text(&list.title), text(&list.target));
    }
    if out.is_empty() { "Nothing is open.\n".into() } else { out }
}

fn said(incident: &Incident) -> String {
    let rows: Vec<Vec<String>> = incident
        .drafts
        .iter()
        .map(|draft| {
            let sent = draft.sent.last().map_or_else(|| "not sent".to_owned(), |sent| time(sent.at));
            vec![draft.id.to_string(), text(&draft.audience), sent, text(&draft.fields.next_update)]
        })
        .collect();
    table(&["Draft", "For", "Sent", "Next update"], &rows)
}

fn places(incident: &Incident) -> String {
    let links = incident.team.links.iter();
    let rows: Vec<Vec<String>> = links
        .map(|link| vec![link.kind.to_string(), text(&link.url), link.title.as_deref().map(text).unwrap_or_default()])
        .collect();
    table(&["What", "Address", "Title"], &rows)
}

/// Every key event, and the newest lines.
fn happened(incident: &Incident) -> String {
    let from = incident.timeline.len().saturating_sub(NEWEST);
    let shown =
        incident.timeline.iter().enumerate().filter(|(at, entry)| (entry.key || *at >= from) && !entry.retracted);
    let rows: Vec<Vec<String>> = shown
        .map(|(_, entry)| {
            let key = if entry.key { "★ " } else { "" };
            vec![time(entry.at), text(&entry.by.to_string()), format!("{key}{}", text(&entry.text))]
        })
        .collect();
    table(&["At", "By", "What"], &rows)
}
