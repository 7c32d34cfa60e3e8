//! What was done: containment with its proof, rollback by class, what was told to whom.

use super::markdown::{NOT_RECORDED, fenced, maybe_time, span, table, text, time};
use crate::incident::{
    Checklist, Incident, StepState, World,
    containment::{Switch, SwitchState},
};

/// Each switch with its proof of halt (CON.10).
pub(super) fn containment(incident: &Incident, world: &World) -> String {
    let switches: Vec<&Switch> =
        incident.switches.iter().filter_map(|id| world.switches.get(id)).map(AsRef::as_ref).collect();
    if switches.is_empty() {
        return format!("No switch belongs to this incident. Contained: {}.\n", maybe_time(incident.contained_at));
    }
    switches.into_iter().map(switch).collect::<Vec<_>>().join("\n")
}

fn switch(switch: &Switch) -> String {
    let halt = &switch.halt;
    let mut out = format!(
        "### {} · {} · {}\n\nEngaged {} by {}; reason: {}.{}\n\n",
        switch.id,
        switch.mode,
        text(&switch.scope.to_string()),
        time(switch.engaged_at),
        text(&switch.by.to_string()),
        switch.why.as_deref().map_or_else(|| NOT_RECORDED.to_owned(), text),
        if switch.recorded { "" } else { " Not in the log when it was enforced." },
    );
    let confirmed_in = halt.confirmed_in_s.map(|seconds| span((seconds * 1000.0).round() as i64));
    out += &format!(
        "Proof of halt: {} of {} counted agents confirmed; all confirmed in {}; {} silent, {} without an answer, \
         {} escaped, {} actions in flight, {} slipped through.\n",
        halt.confirmed,
        halt.counted,
        confirmed_in.as_deref().unwrap_or("— (not all of them are)"),
        halt.silent,
        halt.no_answer,
        halt.escaped,
        halt.in_flight,
        halt.slipped.len(),
    );
    if !halt.agents.is_empty() {
        let rows: Vec<Vec<String>> = halt
            .agents
            .iter()
            .map(|agent| {
                let how = agent.how.map_or_else(String::new, |how| how.to_string());
                vec![text(&agent.id.to_string()), agent.state.to_string(), how, time(agent.at)]
            })
            .collect();
        out += &format!("\n{}", table(&["Agent", "Proof", "By", "Since"], &rows));
    }
    if !halt.slipped.is_empty() {
        let rows: Vec<Vec<String>> = halt
            .slipped
            .iter()
            .map(|slipped| vec![time(slipped.at), text(&slipped.agent.to_string()), text(&slipped.what)])
            .collect();
        out += &format!("\nSlipped through:\n\n{}", table(&["At", "Agent", "What"], &rows));
    }
    out += &match (&switch.release, switch.state) {
        (Some(lifted), _) => {
            format!("\nLifted {} by {}: {}.\n", time(lifted.at), text(&lifted.by.to_string()), text(&lifted.why))
        }
        (None, SwitchState::Planned) => format!("\nPlanned for {}; it never engaged.\n", switch.engaged_at),
        (None, SwitchState::Engaged) => "\nStill engaged.\n".to_owned(),
        (None, SwitchState::Released) => "\nLifted; by whom is not recorded.\n".to_owned(),
    };
    out
}

/// Each checklist, by class (RBK).
pub(super) fn rollback(incident: &Incident) -> String {
    if incident.checklists.is_empty() {
        return "No rollback was opened.\n".to_owned();
    }
    incident.checklists.iter().map(checklist).collect::<Vec<_>>().join("\n")
}

fn checklist(list: &Checklist) -> String {
    let mut out = format!("### {} · {} · {}\n\n", list.id, text(&list.title), text(&list.target));
    let due = list.due_at.map_or_else(|| "waits for containment".to_owned(), time);
    out += &format!("Authorised: {}. Due: {due}.\n\n", text(&list.authorised));
    for step in &list.steps {
        let mark = if step.state == StepState::Done { 'x' } else { ' ' };
        out += &format!("- [{mark}] {}", text(&step.plan.text));
        if step.state == StepState::Impossible {
            let instead = step.substitute.as_deref().unwrap_or(NOT_RECORDED);
            out += &format!(" — impossible; instead: {}", text(instead));
        }
        if let Some((by, at)) = step.by.as_ref().zip(step.at).filter(|_| step.state != StepState::Open) {
            out += &format!(" ({}, {})", text(&by.to_string()), time(at));
        }
        out.push('\n');
    }
    out += &match &list.verified {
        Some(verified) => format!(
            "\nVerified {} by {}; read back: {}\n",
            time(verified.at),
            text(&verified.by.to_string()),
            text(&verified.evidence)
        ),
        None => "\n**Not verified.**\n".to_owned(),
    };
    out
}

/// Every draft that was sent, with its exact text; and those that never were (COM.5).
pub(super) fn communication(incident: &Incident) -> String {
    if incident.drafts.is_empty() {
        return "Nothing was drafted.\n".to_owned();
    }
    let mut out = String::new();
    for draft in &incident.drafts {
        let authors: Vec<String> = draft.authors.iter().map(|author| text(&author.to_string())).collect();
        out += &format!("### {} · {} · written by {}\n\n", draft.id, text(&draft.audience), authors.join(", "));
        if draft.sent.is_empty() {
            out += "Not sent.\n\n";
        }
        for sent in &draft.sent {
            out += &format!(
                "Sent {} by {}, {} to {}:\n\n{}\n",
                time(sent.at),
                text(&sent.by.to_string()),
                text(&sent.channel),
                text(&sent.to),
                fenced(&sent.text)
            );
        }
    }
    out
}
