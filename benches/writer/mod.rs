//! A writer of the log for benches, without a backend around it.

use std::sync::Arc;

use andon::{
    backend::{
        clock,
        core::{Core, Interlocks, Options},
        log::Log,
    },
    incident::{
        Command, Declare, Worlds,
        containment::{AgentProof, Scope},
    },
    runbook::Runbook,
    terms::{Author, DrillId, Time},
};
use arc_swap::ArcSwap;
use uuid::Uuid;

struct NoAgents;

impl Interlocks for NoAgents {
    fn counted(&self, _: Option<DrillId>, _: &Scope, _: Time) -> Vec<AgentProof> {
        Vec::new()
    }

    fn publish(&self, _: &Worlds, _: &[Option<DrillId>]) {}
}

/// Who asks.
pub fn dana() -> Author {
    Author::Person("dana".into())
}

/// A writer of an empty log, with one incident.
pub async fn opened<L: Log>(log: L) -> Core {
    let options = Options {
        interlocks: Arc::new(NoAgents),
        runbook: Arc::new(ArcSwap::from_pointee(Runbook::shipped())),
        clock: clock::system(),
        pulse: Arc::default(),
    };
    let core = Core::open(log, options).await.expect("a writer");
    let declare = Command::Declare(Declare { title: "bench".into(), ..Declare::default() });
    core.submit(None, Uuid::now_v7(), dana(), declare).await.expect("declared");
    core
}
