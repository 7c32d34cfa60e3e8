//! Hooks: where the log's events go by type (TEAM.12).

use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// How far a hook is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct HookState {
    /// Everything up to here was taken, or is of no type it wants.
    pub position: u64,
    /// How many events were taken.
    pub delivered: u64,
    /// When the last one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Time>,
    /// Since when it takes none; absent while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
    /// What it said last.
    pub status: String,
    /// It said that it wants no more (410): nothing is tried until its text changes or a backend begins.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// One hook, as `GET /v1/hooks` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HookView {
    /// Its name.
    pub name: String,
    /// Where to, without what may be a secret.
    pub url: String,
    /// The types it wants.
    pub events: Vec<String>,
    /// Events of the log that it has not come to.
    pub behind: u64,
    /// How far it is; absent before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<HookState>,
}

impl HookView {
    /// What is wrong with it at `now`, where that lasts for `long` milliseconds.
    pub fn wrong(&self, now: Time, long: i64) -> Option<String> {
        let state = self.state.as_ref()?;
        let since = state.failing_since?;
        let word = match state.stopped {
            true => "wants no more; take it out of hooks.toml, or mend it and reload",
            false if now.since(since) < long => return None,
            false => "takes nothing",
        };
        Some(format!("{}: {word}, since {since}: {}, {} events behind", self.name, state.status, self.behind))
    }
}

/// What came of `POST /v1/hooks/NAME/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HookTested {
    /// It was taken.
    pub ok: bool,
    /// What the other side said.
    pub status: String,
    /// How long that took.
    pub took_ms: u64,
}
