//! Runs of agents whose stage is watched: a stage is left after so many of them, and not sooner (RST.3).

use std::collections::{BTreeMap, HashSet};

use crate::{
    incident::containment::{Switch, SwitchState},
    terms::{AgentId, SwitchId},
};

/// Runs that are told apart at most; more are enough for any watch.
const MOST: usize = 1_000;
/// Longest run id that counts.
const LONGEST: usize = 200;

/// Who is watched, under which switch, and the runs seen since.
#[derive(Debug, Default)]
pub(super) struct Watched(BTreeMap<AgentId, (SwitchId, HashSet<String>)>);

impl Watched {
    /// Follows the engaged switches that keep agents in a stage. What an earlier process saw is not known here: the watch
    /// counts from now on then.
    pub fn follow<'a>(&mut self, engaged: impl Iterator<Item = &'a Switch>) {
        let staged: BTreeMap<&AgentId, SwitchId> = engaged
            .filter(|switch| switch.stage.is_some() && switch.state == SwitchState::Engaged)
            .filter_map(|switch| Some((switch.scope.agent.as_ref()?, switch.id)))
            .collect();
        self.0.retain(|agent, (switch, _)| staged.get(agent) == Some(switch));
        for (agent, switch) in staged {
            self.0.entry(agent.clone()).or_insert_with(|| (switch, HashSet::new()));
        }
    }

    /// An agent did something, or asked to, in a run.
    pub fn saw(&mut self, agent: &AgentId, run: Option<&str>) {
        let Some(run) = run.filter(|run| run.len() <= LONGEST && !self.0.is_empty()) else { return };
        if let Some((_, runs)) = self.0.get_mut(agent)
            && runs.len() < MOST
            && !runs.contains(run)
        {
            runs.insert(run.to_owned());
        }
    }

    /// Runs of `agent` since its stage began, or since this process did.
    pub fn runs(&self, agent: &AgentId) -> u32 {
        self.0.get(agent).map_or(0, |(_, runs)| u32::try_from(runs.len()).unwrap_or(u32::MAX))
    }
}
