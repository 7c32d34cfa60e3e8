//! `/v1/agents`: declared by their owners, shown with how far a switch reaches them (CON.16, DET.14).

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    extract::{Id, InWorld, Json, shaped},
    reply::{Reply, ask, unknown, world, worlds},
};
use crate::{
    api::{Accepted, AgentLive, Problem, Used},
    backend::{app::Backend, identity::Identity},
    incident::{AgentDeclaration, Command, World},
    terms::AgentId,
};

/// What a declaration may look like: one agent, several, or a command with an id to repeat it safely.
#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Asked { id: Uuid, command: Many },
    Many(Many),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Many {
    Named { agents: Vec<AgentDeclaration> },
    List(Vec<AgentDeclaration>),
    One(Box<AgentDeclaration>),
}

impl Many {
    fn list(self) -> Vec<AgentDeclaration> {
        match self {
            Self::Named { agents } | Self::List(agents) => agents,
            Self::One(agent) => vec![*agent],
        }
    }
}

/// Every agent, declared or only seen.
pub async fn list(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld) -> Reply<Vec<Value>> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let live = backend.live(drill);
    let seen = live.agents.keys().map(String::as_str);
    let names: BTreeSet<&str> = world.agents.keys().map(AgentId::as_str).chain(seen).collect();
    Ok(axum::Json(names.into_iter().map(|name| entry(name, world, live.agents.get(name))).collect()))
}

/// What one agent used lately: with its declaration, the whole operating unit (TEN.3).
pub async fn used(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<AgentId>,
) -> Reply<Vec<Used>> {
    let all = worlds(&backend, drill)?;
    world(&all, drill)?;
    Ok(axum::Json(backend.used(drill, &id)))
}

/// One agent.
pub async fn show(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld, Id(id): Id<AgentId>) -> Reply<Value> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let live = backend.live(drill);
    let figures = live.agents.get(id.as_str());
    if !world.agents.contains_key(&id) && figures.is_none() {
        return Err(unknown(id, "andon agents"));
    }
    Ok(axum::Json(entry(id.as_str(), world, figures)))
}

/// Declares one or more; all of them, or none are taken.
pub async fn declare(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Json(body): Json<Value>,
) -> Reply<Accepted> {
    let (id, agents) = match serde_json::from_value(body.clone()) {
        Ok(Shape::Asked { id, command }) => (id, command.list()),
        Ok(Shape::Many(many)) => (Uuid::now_v7(), many.list()),
        Err(_) => return Err(what_is_wrong(body)),
    };
    ask(&backend, &identity, drill, id, Command::DeclareAgents { agents }).await
}

/// Which agent's which field: an untagged shape only says that nothing fitted.
fn what_is_wrong(body: Value) -> Problem {
    let body = match body {
        Value::Object(mut map) if map.contains_key("command") => map.remove("command").unwrap_or_default(),
        body => body,
    };
    let agents = match body {
        Value::Object(mut map) if map.contains_key("agents") => map.remove("agents").unwrap_or_default(),
        body => body,
    };
    let (many, agents) = match agents {
        Value::Array(agents) => (true, agents),
        one => (false, vec![one]),
    };
    for (index, agent) in agents.into_iter().enumerate() {
        if let Err(wrong) = shaped::<AgentDeclaration>(agent) {
            let place = if many { format!("agents[{index}]") } else { "the agent".to_owned() };
            return Problem::invalid(422, format!("{place}: {}", wrong.detail));
        }
    }
    Problem::invalid(
        422,
        "send one agent {id, owner, inventory, …}, a list of them, or {id: UUID, command: {agents: […]}}",
    )
}

/// Its declaration where there is one, and its figures where it was seen.
fn entry(name: &str, world: &World, live: Option<&AgentLive>) -> Value {
    let declared = world.agents.get(name);
    let mut entry = Map::from_iter([("id".to_owned(), name.into())]);
    if let Some(agent) = declared {
        merge(&mut entry, agent);
    }
    merge(&mut entry, &live.cloned().unwrap_or_default());
    entry.insert("declared".into(), declared.is_some().into());
    Value::Object(entry)
}

fn merge(into: &mut Map<String, Value>, part: &impl Serialize) {
    if let Ok(Value::Object(part)) = serde_json::to_value(part) {
        into.extend(part);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_declaration_comes_in_every_likely_shape() {
        let bot = json!({"id": "refund-bot", "inventory": ["stripe.payout"]});
        for (shape, count) in [
            (bot.clone(), 1),
            (json!([bot, bot]), 2),
            (json!({"agents": [bot]}), 1),
            (json!({"id": Uuid::now_v7(), "command": {"agents": [bot, bot]}}), 2),
            (json!({"id": Uuid::now_v7(), "command": bot}), 1),
        ] {
            let agents = match serde_json::from_value(shape.clone()).unwrap() {
                Shape::Asked { command, .. } => command.list(),
                Shape::Many(many) => many.list(),
            };
            assert_eq!(agents.len(), count, "{shape}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_declaration_is_named() {
        for (body, word) in [
            (json!([{"id": "a"}, {"id": "b", "blast": "huge"}]), "agents[1]: `blast`"),
            (json!({"id": "b", "ownr": "x"}), "unknown field `ownr`"),
            (json!({"agents": [{"id": ""}]}), "agents[0]: `id`"),
            (json!(7), "the agent"),
            (json!(null), "the agent"),
        ] {
            let detail = what_is_wrong(body.clone()).detail;
            assert!(detail.contains(word), "{body}: {detail}");
        }
    }
}
