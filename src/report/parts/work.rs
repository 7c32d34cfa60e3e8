//! What was done: containment with its proof, rollback by class, what was told to whom.

use crate::{
    incident::{
        Checklist, StepState,
        containment::{Switch, SwitchState},
    },
    report::{
        Sources,
        document::{Block, NOT_RECORDED, maybe_time, seconds, time},
    },
};

/// Each switch with its proof of halt (CON.10).
pub fn containment(sources: Sources<'_>) -> Vec<Block> {
    let incident = sources.incident;
    let switches: Vec<&Switch> =
        incident.switches.iter().filter_map(|id| sources.world.switches.get(id)).map(AsRef::as_ref).collect();
    if switches.is_empty() {
        let contained = maybe_time(incident.contained_at);
        return vec![Block::Say(format!("No switch belongs to this incident. Contained: {contained}."))];
    }
    switches.into_iter().flat_map(switch).collect()
}

fn switch(switch: &Switch) -> Vec<Block> {
    let halt = &switch.halt;
    let mut blocks = vec![
        Block::Heading(format!("{} · {} · {}", switch.id, switch.mode, switch.scope)),
        Block::Say(format!(
            "Engaged {} by {}; reason: {}.{}",
            time(switch.engaged_at),
            switch.by,
            switch.why.as_deref().unwrap_or(NOT_RECORDED),
            if switch.recorded { "" } else { " Not in the log when it was enforced." },
        )),
        Block::Say(format!(
            "Proof of halt: {} of {} counted agents confirmed; all confirmed in {}; {} silent, {} without an answer, \
             {} escaped, {} actions in flight, {} slipped through.",
            halt.confirmed,
            halt.counted,
            halt.confirmed_in_s.map_or_else(|| "— (not all of them are)".to_owned(), seconds),
            halt.silent,
            halt.no_answer,
            halt.escaped,
            halt.in_flight,
            halt.slipped.len(),
        )),
    ];
    if !halt.agents.is_empty() {
        let row = |agent: &crate::incident::containment::AgentProof| {
            let how = agent.how.map_or_else(String::new, |how| how.to_string());
            vec![agent.id.to_string(), agent.state.to_string(), how, time(agent.at)]
        };
        blocks.push(Block::table(["Agent", "Proof", "By", "Since"], halt.agents.iter().map(row).collect()));
    }
    if !halt.slipped.is_empty() {
        let row = |slipped: &crate::incident::containment::Slipped| {
            vec![time(slipped.at), slipped.agent.to_string(), slipped.what.clone()]
        };
        blocks.push(Block::Say("Slipped through:".to_owned()));
        blocks.push(Block::table(["At", "Agent", "What"], halt.slipped.iter().map(row).collect()));
    }
    blocks.push(Block::Say(match (&switch.release, switch.state) {
        (Some(lifted), _) => format!("Lifted {} by {}: {}.", time(lifted.at), lifted.by, lifted.why),
        (None, SwitchState::Planned) => format!("Planned for {}; it never engaged.", time(switch.engaged_at)),
        (None, SwitchState::Engaged) => "Still engaged.".to_owned(),
        (None, SwitchState::Released) => "Lifted; by whom is not recorded.".to_owned(),
    }));
    blocks
}

/// Each checklist, by class (RBK).
pub fn rollback(sources: Sources<'_>) -> Vec<Block> {
    let lists = &sources.incident.checklists;
    if lists.is_empty() {
        return vec![Block::Say("No rollback was opened.".to_owned())];
    }
    lists.iter().flat_map(checklist).collect()
}

fn checklist(list: &Checklist) -> Vec<Block> {
    let due = list.due_at.map_or_else(|| "waits for containment".to_owned(), time);
    let step = |step: &crate::incident::Step| {
        let mut said = step.plan.text.clone();
        if step.state == StepState::Impossible {
            said += &format!(" — impossible; instead: {}", step.substitute.as_deref().unwrap_or(NOT_RECORDED));
        }
        if let Some((by, at)) = step.by.as_ref().zip(step.at).filter(|_| step.state != StepState::Open) {
            said += &format!(" ({by}, {})", time(at));
        }
        (step.state == StepState::Done, said)
    };
    vec![
        Block::Heading(format!("{} · {} · {}", list.id, list.title, list.target)),
        Block::Say(format!("Authorised: {}. Due: {due}.", list.authorised)),
        Block::Steps(list.steps.iter().map(step).collect()),
        match &list.verified {
            Some(verified) => Block::Say(format!(
                "Verified {} by {}; read back: {}",
                time(verified.at),
                verified.by,
                verified.evidence
            )),
            None => Block::Strong("Not verified.".to_owned()),
        },
    ]
}

/// Every draft that was sent, with its exact text; and those that never were (COM.5).
pub fn communication(sources: Sources<'_>) -> Vec<Block> {
    let drafts = &sources.incident.drafts;
    if drafts.is_empty() {
        return vec![Block::Say("Nothing was drafted.".to_owned())];
    }
    let mut blocks = Vec::new();
    for draft in drafts {
        let authors: Vec<String> = draft.authors.iter().map(ToString::to_string).collect();
        blocks.push(Block::Heading(format!("{} · {} · written by {}", draft.id, draft.audience, authors.join(", "))));
        if draft.sent.is_empty() {
            blocks.push(Block::Say("Not sent.".to_owned()));
        }
        for sent in &draft.sent {
            let how = format!("Sent {} by {}, {} to {}:", time(sent.at), sent.by, sent.channel, sent.to);
            blocks.push(Block::Say(how));
            blocks.push(Block::Exact(sent.text.clone()));
        }
    }
    blocks
}
