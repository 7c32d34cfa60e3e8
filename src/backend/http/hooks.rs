//! `/v1/hooks`: where events go by type, how far each hook is, and whether it answers (TEAM.12).

use std::sync::Arc;

use axum::extract::{Path, State};

use super::reply::Reply;
use crate::{
    api::{HookTested, HookView, Problem},
    backend::{app::Backend, outward},
};

/// Every hook of the runbook in force.
pub async fn list(State(backend): State<Arc<Backend>>) -> Reply<Vec<HookView>> {
    let mut states = outward::hook_states(&backend).await?;
    let (runbook, end) = (backend.runbook.load_full(), backend.core.worlds().position);
    let view = runbook.hooks.iter().map(|hook| {
        let state = states.remove(&hook.name);
        HookView {
            name: hook.name.clone(),
            // A query may hold somebody's key.
            url: hook.url.split('?').next().unwrap_or_default().to_owned(),
            events: hook.events.clone(),
            behind: state.as_ref().map_or(0, |state| end.saturating_sub(state.position)),
            state,
        }
    });
    Ok(axum::Json(view.collect()))
}

/// Sends something harmless to one, once.
pub async fn test(State(backend): State<Arc<Backend>>, Path(name): Path<String>) -> Reply<HookTested> {
    let runbook = backend.runbook.load_full();
    let Some(hook) = runbook.hooks.iter().find(|hook| hook.name == name) else {
        return Err(Problem::unknown("hooks.toml of the runbook in force has no hook of that name"));
    };
    Ok(axum::Json(outward::test_hook(hook, (backend.clock)()).await))
}
