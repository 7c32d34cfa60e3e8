//! AgentDojo: the log of a run, or tasks with their labelled calls, one a line.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    ImportError,
    sheet::{Sheet, list, objects, text, wrong},
};
use crate::drill::Recording;

pub(super) fn import(given: &str) -> Result<Recording, ImportError> {
    let set = "every time: calls are ten seconds apart; what they harmed";
    let mut sheet = Sheet::new("Runs of a benchmark with planted instructions", "AgentDojo", set);
    for (place, task) in objects(given, None)? {
        let value = |name: &str| task.get(name).and_then(Value::as_str);
        let agent = value("suite").or_else(|| value("suite_name")).unwrap_or("agentdojo").to_owned();
        for tool in list(&task, "inventory", &place)? {
            let tool = tool.as_str().ok_or_else(|| wrong(&place, "inventory names its tools as text"))?;
            sheet.declare(&agent, tool);
        }
        if task.contains_key("messages") {
            logged(&mut sheet, &place, &agent, &task)?;
        } else if task.contains_key("calls") {
            labelled(&mut sheet, &place, &agent, &task)?;
        } else {
            return Err(wrong(&place, "has neither messages (a run's log) nor calls (a task's labels)"));
        }
    }
    sheet.finish()
}

/// A task's labels: the calls it takes; an attacker's tasks are marked.
fn labelled(sheet: &mut Sheet, place: &str, agent: &str, task: &Map<String, Value>) -> Result<(), ImportError> {
    let run = task.get("task").and_then(Value::as_str);
    let planted = task.get("kind").and_then(Value::as_str) == Some("injection");
    for (number, call) in (1..).zip(list(task, "calls", place)?) {
        let place = format!("call {number} of {place}");
        let tool = text(call, "tool").ok_or_else(|| wrong(&place, "has no tool"))?;
        let at = sheet.next();
        if planted && number == 1 {
            let mark = json!({"mark": "signal", "at": at, "text": "An attacker's task begins", "set": true});
            sheet.line(&place, mark);
        }
        sheet.line(place, json!({"agent": agent, "tool": tool, "at": at, "run": run, "input": call.get("args")}));
    }
    Ok(())
}

/// A run's log: messages, with the calls the model made and what came of each.
fn logged(sheet: &mut Sheet, place: &str, agent: &str, run: &Map<String, Value>) -> Result<(), ImportError> {
    let named = |name: &str| run.get(name).and_then(Value::as_str);
    let planted = named("injection_task_id");
    let id: Vec<&str> = [named("user_task_id"), planted].into_iter().flatten().collect();
    let id = (!id.is_empty()).then(|| id.join("/"));
    let messages = list(run, "messages", place)?;
    let answers = answers(messages);
    for (number, message) in (1..).zip(messages) {
        let place = format!("message {number} of {place}");
        let Value::Object(fields) = message else { return Err(wrong(&place, "is no object")) };
        for call in list(fields, "tool_calls", &place)? {
            let function = call.get("function").unwrap_or(&Value::Null);
            let tool = function.as_str().or_else(|| text(function, "name"));
            let tool = tool.ok_or_else(|| wrong(&place, "holds a call without a function"))?;
            let answer = text(call, "id").and_then(|id| answers.get(id));
            let failed = answer.is_some_and(|answer| answer.get("error").is_some_and(|error| !error.is_null()));
            let at = sheet.next();
            sheet.line(
                &place,
                json!({
                    "agent": agent, "tool": tool, "at": at, "run": id, "input": call.get("args"),
                    "output": answer.and_then(|answer| answer.get("content")),
                    "status": if failed { "error" } else { "ok" },
                }),
            );
        }
    }
    if planted.is_some() && run.get("security") == Some(&Value::Bool(true)) {
        let at = sheet.next();
        let text = "The attacker's task was carried out";
        sheet.line(place, json!({"mark": "consequence", "at": at, "text": text, "set": true}));
    }
    Ok(())
}

/// What came of each call, by its id.
fn answers(messages: &[Value]) -> HashMap<&str, &Value> {
    let answers = messages.iter().filter(|message| text(message, "role") == Some("tool"));
    answers.filter_map(|message| Some((text(message, "tool_call_id")?, message))).collect()
}
