//! Figures of agents that another node judges: each judge tells them once a second, and every node hears them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::Client;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::wire::figures_subject;
use crate::api::AgentLive;

/// Agents in one message.
const TOLD: usize = 1_000;
/// Agents that are remembered at most.
const AGENTS: usize = 1 << 16;
/// Before it is listened again.
const AGAIN: Duration = Duration::from_secs(1);

/// What was heard, by agent; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<BTreeMap<String, AgentLive>>>);

impl Heard {
    /// Takes figures of some agents.
    pub fn take(&self, figures: BTreeMap<String, AgentLive>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (agent, live) in figures {
            if all.len() < AGENTS || all.contains_key(&agent) {
                all.insert(agent, live);
            }
        }
    }

    /// Figures of everybody.
    pub fn all(&self) -> BTreeMap<String, AgentLive> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hears what judges tell, until it is stopped. What is missed is told again when it changes.
    pub async fn hear(self, client: Client, stop: CancellationToken) {
        let hear = async {
            loop {
                match client.subscribe("andon.figures.*").await {
                    Ok(mut told) => {
                        while let Some(message) = told.next().await {
                            match serde_json::from_slice(&message.payload) {
                                Ok(figures) => self.take(figures),
                                Err(why) => tracing::warn!(%why, "figures of another node do not read"),
                            }
                        }
                    }
                    Err(why) => tracing::warn!(%why, "figures of other nodes are not heard"),
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        stop.run_until_cancelled(hear).await;
    }
}

/// Tells what changed since `last`.
pub(super) async fn tell(
    client: &Client,
    partition: u32,
    last: &mut BTreeMap<String, AgentLive>,
    figures: BTreeMap<String, AgentLive>,
) {
    let changed: Vec<_> = figures.iter().filter(|(agent, live)| last.get(*agent) != Some(live)).collect();
    for some in changed.chunks(TOLD) {
        let some: BTreeMap<_, _> = some.iter().copied().collect();
        let Ok(body) = serde_json::to_vec(&some) else { continue };
        if let Err(why) = client.publish(figures_subject(partition), body.into()).await {
            tracing::debug!(%why, "figures were not told");
            return;
        }
    }
    *last = figures;
}
