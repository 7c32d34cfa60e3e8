//! What to say of a field that is empty.

use super::lint::{Finding, FindingKind};

/// The finding of an empty field.
pub(super) fn missing(name: &str) -> Finding {
    let (why, instead) = match name {
        "workflow" => ("the affected workflow is not named", "say which workflow, as its users call it"),
        "impact" => {
            ("the known impact is not said", "say what users met, in their view; say so where it is not known yet")
        }
        "contained" => ("what is contained is not said", "say what was stopped, and since when"),
        "investigating" => ("what is still investigated is not said", "name what is not known yet"),
        "owner" => ("nobody owns the next decision", "name the role or person who decides next"),
        "next_update" => {
            ("no time for the next update", "promise a time: 15:00 UTC, +30m; none where this is the last")
        }
        "reason" => ("why they are told is not said", "customer, partner, regulatory or reputational"),
        "reader_should" => ("what the reader should do is not said", "say it, or say that there is nothing to do"),
        "agent_did" => ("what the agent did is not said", "name its actions: which, on what, how often"),
        "systems" => ("which systems it touched is not said", "name them; say so where it is not known yet"),
        "before_restart" => ("what changes before restart is not said", "name the control, the test, who approves"),
        _ => ("the message is empty", "say what happened in the reader's view, and that work goes on"),
    };
    Finding {
        kind: FindingKind::Missing,
        field: name.into(),
        phrase: String::new(),
        why: why.into(),
        instead: instead.into(),
        offer: None,
        at: None,
    }
}
