//! Agents declared by their owners (DET.14).

use serde_json::json;

use super::story::{Story, agent, at, kinds};
use crate::incident::{AgentDeclaration, Command, RefusalCode};

fn parsed(value: serde_json::Value) -> AgentDeclaration {
    serde_json::from_value(value).unwrap()
}

/// Declares each of `ids`, with no tools.
pub(super) fn declared(ids: &[&str]) -> Command {
    Command::DeclareAgents { agents: ids.iter().map(|id| parsed(json!({ "id": id }))).collect() }
}

fn with(inventory: serde_json::Value) -> Command {
    Command::DeclareAgents { agents: vec![parsed(json!({ "id": "refund-bot", "inventory": inventory }))] }
}

/// DET.14: all of a request or nothing; the same again is nothing; another inventory is another version.
#[test]
fn a_declaration_is_versioned() {
    let mut story = Story::new();
    story.refused(declared(&[]), RefusalCode::Invalid, "at least one");
    story.refused(declared(&["a", "b", "a"]), RefusalCode::Invalid, "a is declared twice");
    assert!(story.worlds.real.agents.is_empty());
    assert_eq!(kinds(&story.done(declared(&["a", "refund-bot"]))), ["agent-declared"; 2]);
    story.nothing(declared(&["a", "refund-bot"]));
    story.at(60).by("automation:ci").done(with(json!(["stripe.payout"])));
    let known = &story.worlds.real.agents[&agent("refund-bot")];
    assert_eq!((known.version, known.declared_at, known.declared_by.to_string()), (2, at(60), "automation:ci".into()));
    assert_eq!(kinds(&story.done(declared(&["a", "refund-bot"]))), ["agent-declared"], "only what changed");
    story.by("agent:refund-bot").refused(declared(&["refund-bot"]), RefusalCode::Forbidden, "person");
}

/// DET.5: a tool has one entry, by canonical name or alias.
#[test]
fn names_and_aliases_never_clash() {
    let known = |tool: &str, aliases: &[&str]| json!({ "tool": tool, "aliases": aliases });
    for (inventory, clash) in [
        (json!(["a.b", "a.c"]), false),
        (json!([known("a.b", &["x"]), known("a.c", &["y"])]), false),
        (json!(["a.b", "A.B"]), true),
        (json!(["a.b", known("a.c", &["a.b"])]), true),
        (json!([known("a.b", &["x"]), known("a.c", &["x"])]), true),
        (json!([known("a.b", &["a.b"])]), true),
    ] {
        let mut story = Story::new();
        match clash {
            true => story.refused(with(inventory), RefusalCode::Invalid, "twice"),
            false => drop(story.done(with(inventory))),
        }
    }
    let many: Vec<String> = (0..4_097).map(|number| format!("tool-{number}")).collect();
    Story::new().refused(with(json!(many)), RefusalCode::Invalid, "4096");
    Story::new().done(with(json!(many[..4_096])));
}
