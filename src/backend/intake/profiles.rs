//! What each agent of a world did lately: written as its actions are judged, read when somebody looks (TEN.3, SEV.5).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    telemetry::{Action, Part, Profile, Touched, Use, touched},
    terms::{ActionClass, AgentId, Time},
};

/// Agents that are followed.
const AGENTS: usize = 1 << 16;

/// The profiles of a world; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Profiles(Arc<Mutex<HashMap<AgentId, Profile>>>);

impl Profiles {
    fn lock(&self) -> MutexGuard<'_, HashMap<AgentId, Profile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an action in.
    pub fn note(&self, action: &Action, class: Option<&ActionClass>) {
        let mut profiles = self.lock();
        if let Some(profile) = profiles.get_mut(&action.agent) {
            profile.note(action, class);
        } else if profiles.len() < AGENTS {
            profiles.entry(action.agent.clone()).or_default().note(action, class);
        }
    }

    /// What `agents` touched since `from`.
    pub fn touched(&self, agents: &[AgentId], from: Time) -> Touched {
        let profiles = self.lock();
        touched(agents.iter().filter_map(|agent| profiles.get(agent)), from)
    }

    /// What an agent used lately, by kind, the newest first.
    pub fn used(&self, agent: &AgentId) -> Vec<(Part, Vec<(String, Use)>)> {
        let profiles = self.lock();
        let Some(profile) = profiles.get(agent) else { return Vec::new() };
        Part::ALL.iter().map(|part| (*part, profile.used(*part))).filter(|(_, used)| !used.is_empty()).collect()
    }
}
