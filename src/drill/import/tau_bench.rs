//! tau-bench: trajectories of customer-service agents, with the reward each earned.

use serde_json::{Map, Value, json};

use super::{
    ImportError,
    sheet::{Sheet, list, objects, text, wrong},
};
use crate::drill::Recording;

const AGENT: &str = "service-agent";

pub(super) fn import(given: &str) -> Result<Recording, ImportError> {
    let set = "every time: calls are ten seconds apart; what they harmed";
    let mut sheet = Sheet::new("Runs of a customer-service benchmark", "tau-bench", set);
    for (place, run) in objects(given, None)? {
        if !run.contains_key("traj") {
            return Err(wrong(&place, "has no trajectory: traj"));
        }
        trajectory(&mut sheet, &place, &run)?;
    }
    sheet.finish()
}

fn trajectory(sheet: &mut Sheet, place: &str, run: &Map<String, Value>) -> Result<(), ImportError> {
    let number = |name: &str| run.get(name).and_then(Value::as_u64);
    let task = number("task_id").ok_or_else(|| wrong(place, "has no task_id"))?;
    let id = format!("task-{task}-{}", number("trial").unwrap_or(0));
    let messages = list(run, "traj", place)?;
    let mut acted = false;
    for (number, message) in (1..).zip(messages) {
        let place = format!("message {number} of {place}");
        let Value::Object(fields) = message else { return Err(wrong(&place, "is no object")) };
        for call in list(fields, "tool_calls", &place)? {
            let function = call.get("function").unwrap_or(&Value::Null);
            let tool = text(function, "name").ok_or_else(|| wrong(&place, "holds a call without a function's name"))?;
            let given = function.get("arguments").cloned().unwrap_or_default();
            // Arguments are JSON in a text; one that is none stays a text.
            let input = given.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(given);
            sheet.declare(AGENT, tool);
            let at = sheet.next();
            sheet.line(
                &place,
                json!({
                    "agent": AGENT, "tool": tool, "at": at, "run": id, "input": input,
                    "output": messages.get(number).filter(|next| text(next, "role") == Some("tool"))
                        .and_then(|next| next.get("content")),
                }),
            );
            acted = true;
        }
    }
    let failed = run.get("reward").and_then(Value::as_f64).is_some_and(|reward| reward < 1.0);
    if acted && failed {
        let at = sheet.next();
        let text = format!("Task {task} ended otherwise than it should have");
        sheet.line(place, json!({"mark": "consequence", "at": at, "text": text, "set": true}));
    }
    Ok(())
}
