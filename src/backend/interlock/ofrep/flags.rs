//! What is asked as a flag, and what is answered.

use serde_json::{Map, Value};

use crate::{
    api::{CheckAnswer, CheckRequest, Decision},
    backend::interlock::Table,
    terms::{AgentId, ToolName},
};

/// Whether the agent may go on.
pub const ALLOWED: &str = "andon.allowed";
/// In which mode it is; `none` when it may go on.
pub const MODE: &str = "andon.mode";
/// Before a tool's name.
const TOOL: &str = "andon.tool.";

/// Why a key is no flag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no flag {key:?}: ask {ALLOWED}, {MODE} or {TOOL}NAME, in small letters, digits, '.', '_' and '-'")]
pub struct NoFlag {
    key: String,
}

/// The key of a tool's flag: what keys do not take becomes `-`.
fn key_of(tool: &ToolName) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let name: String = tool.as_str().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    format!("{TOOL}{name}")
}

/// Every tool that has a flag for `agent`: its inventory under all its names, and what a switch names.
fn tools(table: &Table, agent: &AgentId) -> Vec<ToolName> {
    let inventory = table.agents.get(agent).map(|agent| agent.declared.inventory.as_slice()).unwrap_or_default();
    let names = inventory.iter().flat_map(|item| std::iter::once(item.tool()).chain(item.aliases()));
    names.chain(table.named_tools()).cloned().collect()
}

/// Every key of one agent.
pub fn keys(table: &Table, agent: &AgentId) -> Vec<String> {
    let mut tools: Vec<String> = tools(table, agent).iter().map(key_of).collect();
    tools.sort_unstable();
    tools.dedup();
    [ALLOWED, MODE].into_iter().map(str::to_owned).chain(tools).collect()
}

/// One flag, answered by `judge`.
///
/// # Errors
/// For a key that is none.
pub fn flag(
    key: &str,
    table: &Table,
    asked: &CheckRequest,
    judge: impl Fn(&CheckRequest) -> CheckAnswer,
) -> Result<Map<String, Value>, NoFlag> {
    let answer =
        if key == ALLOWED || key == MODE {
            judge(asked)
        } else {
            let none = || NoFlag { key: key.chars().take(80).collect() };
            let plain = key.strip_prefix(TOOL).and_then(|name| ToolName::new(name).ok()).ok_or_else(none)?;
            if key_of(&plain) != key {
                return Err(none());
            }
            // Two tools may share a key: the stricter answer counts.
            let same = tools(table, &asked.agent).into_iter().filter(|tool| key_of(tool) == key);
            let ask = |tool| judge(&CheckRequest { tool: Some(tool), ..asked.clone() });
            same.map(ask).fold(ask(plain.clone()), |strictest, answer| {
                if answer.decision > strictest.decision { answer } else { strictest }
            })
        };
    Ok(told(key, &answer))
}

/// Every flag of one agent, as the bulk answer lists them: without what changes when they do not.
pub fn all(table: &Table, asked: &CheckRequest, judge: impl Fn(&CheckRequest) -> CheckAnswer) -> Vec<Value> {
    let keys = keys(table, &asked.agent);
    keys.iter().filter_map(|key| flag(key, table, asked, &judge).ok().map(Value::Object)).collect()
}

fn told(key: &str, answer: &CheckAnswer) -> Map<String, Value> {
    let allowed = answer.decision == Decision::Allow;
    let mode = match (answer.decision, answer.mode) {
        (Decision::Allow, _) => "none",
        (_, Some(mode)) => mode.as_str(),
        // A rule's word, or the log is sick: no switch names a mode.
        (Decision::Hold, None) => "approval",
        (_, None) => "halt",
    };
    let value = if key == MODE { mode.into() } else { Value::Bool(allowed) };
    Map::from_iter([
        ("key".to_owned(), key.into()),
        ("value".to_owned(), value),
        ("variant".to_owned(), if allowed { "allow".into() } else { mode.into() }),
        ("reason".to_owned(), if allowed { "STATIC" } else { "TARGETING_MATCH" }.into()),
        ("metadata".to_owned(), metadata(answer, mode)),
    ])
}

/// What stands behind an answer, in the plain values that flag metadata takes: a draft and a hold are told from a denial.
fn metadata(answer: &CheckAnswer, mode: &str) -> Value {
    let mut metadata =
        Map::from_iter([("decision".to_owned(), answer.decision.as_str().into()), ("mode".to_owned(), mode.into())]);
    if let Some(switch) = answer.switch {
        metadata.insert("switch".to_owned(), switch.to_string().into());
    }
    for (name, text) in [("rule", &answer.rule), ("reason", &answer.reason), ("lane", &answer.lane)] {
        if let Some(text) = text {
            metadata.insert(name.to_owned(), text.as_str().into());
        }
    }
    Value::Object(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{Agent, World, containment::Mode},
        terms::{Author, Time},
    };

    fn tool(name: &str) -> ToolName {
        ToolName::new(name).unwrap()
    }

    fn asked() -> CheckRequest {
        serde_json::from_value(serde_json::json!({"agent": "refund-bot"})).unwrap()
    }

    #[test]
    fn keys_are_plain_and_another_spelling_is_no_flag() {
        for (name, key) in [
            ("stripe.payout", "andon.tool.stripe.payout"),
            ("Stripe.Payout", "andon.tool.stripe.payout"),
            ("mcp__crm__find-all", "andon.tool.mcp__crm__find-all"),
            ("POST /v1/payouts", "andon.tool.post--v1-payouts"),
            ("überweisung", "andon.tool.-berweisung"),
        ] {
            assert_eq!(key_of(&tool(name)), key);
        }
        let table = Table::of(&World::default(), 1);
        let judge = |_: &CheckRequest| answer(Decision::Allow, None);
        for key in ["", "andon", "andon.tool.", "andon.tool.A", "andon.tool. a", "andon.tool.a/b", "Andon.allowed"] {
            assert!(flag(key, &table, &asked(), judge).is_err(), "{key}");
        }
        assert_eq!(flag("andon.tool.a", &table, &asked(), judge).unwrap()["value"], true);
    }

    fn answer(decision: Decision, mode: Option<Mode>) -> CheckAnswer {
        let mut answer = serde_json::json!({"decision": decision, "version": 3});
        answer["mode"] = serde_json::to_value(mode).unwrap();
        serde_json::from_value(answer).unwrap()
    }

    /// CON.3: what is not allowed is false, and says how: a draft, a wait for a person, a denial.
    #[test]
    fn every_decision_but_allow_is_false_and_named() {
        for (decision, mode, variant) in [
            (Decision::Allow, None, "allow"),
            (Decision::Draft, Some(Mode::DraftOnly), "draft-only"),
            (Decision::Hold, Some(Mode::Approval), "approval"),
            (Decision::Deny, Some(Mode::ReadOnly), "read-only"),
            (Decision::Deny, None, "halt"),
            (Decision::Hold, None, "approval"),
        ] {
            let answer = answer(decision, mode);
            let (allowed, mode) = (told(ALLOWED, &answer), told(MODE, &answer));
            assert_eq!(allowed["value"], decision == Decision::Allow);
            assert_eq!(allowed["variant"], variant);
            assert_eq!(mode["value"], if decision == Decision::Allow { "none" } else { variant });
            assert_eq!(allowed["metadata"]["decision"], decision.as_str());
            assert!(["STATIC", "TARGETING_MATCH"].contains(&allowed["reason"].as_str().unwrap()));
        }
    }

    /// Law 11: two tools that share a key share the stricter answer.
    #[test]
    fn a_shared_key_answers_the_stricter() {
        let mut world = World::default();
        let declared = serde_json::json!({"id": "refund-bot", "inventory": ["pay/out", "pay:out", "crm.find"]});
        let agent = Agent {
            declared: serde_json::from_value(declared).unwrap(),
            version: 1,
            declared_at: Time::default(),
            declared_by: Author::Person("dana".into()),
        };
        world.agents.insert(AgentId::new("refund-bot").unwrap(), agent.into());
        let table = Table::of(&world, 1);
        let judge = |asked: &CheckRequest| {
            let stopped = asked.tool == Some(tool("pay:out"));
            answer(if stopped { Decision::Deny } else { Decision::Allow }, None)
        };
        assert_eq!(keys(&table, &asked().agent), [ALLOWED, MODE, "andon.tool.crm.find", "andon.tool.pay-out"]);
        assert_eq!(flag("andon.tool.pay-out", &table, &asked(), judge).unwrap()["value"], false);
        assert_eq!(flag("andon.tool.crm.find", &table, &asked(), judge).unwrap()["value"], true);
    }
}
