//! Who may do what: roles of people, and the switches that each may engage (TEAM.6, CON.5).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{RunbookError, read::wrong};
use crate::{
    incident::{
        Right,
        containment::{Mode, Scope},
    },
    terms::{AgentId, Workflow, words},
};

words! {
    /// What people may do who stand in no role.
    Others, "a word for others" {
        /// Whatever the table gives people.
        Everything = "everything",
        /// See, and nothing else.
        Watch = "watch",
    }
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// What the others may do.
    pub others: Others,
    /// Roles of people.
    #[serde(default)]
    pub role: Vec<AccessRole>,
}

/// One role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRole {
    /// Its name.
    pub name: String,
    /// Who has it, as identities name them.
    pub people: Vec<String>,
    /// What they may do; everybody sees.
    pub may: BTreeSet<Right>,
    /// The switches that it may engage; all where it is absent.
    #[serde(default)]
    pub only: Option<Reach>,
}

/// Switches that a role may engage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reach {
    /// Over one of these workflows.
    pub workflows: Vec<Workflow>,
    /// Over one of these agents.
    pub agents: Vec<AgentId>,
    /// In one of these modes.
    pub modes: Vec<Mode>,
}

impl Reach {
    fn covers(&self, scope: &Scope, mode: Mode) -> bool {
        let workflow =
            self.workflows.is_empty() || scope.workflow.as_ref().is_some_and(|it| self.workflows.contains(it));
        let agent = self.agents.is_empty() || scope.agent.as_ref().is_some_and(|it| self.agents.contains(it));
        workflow && agent && (self.modes.is_empty() || self.modes.contains(&mode))
    }
}

/// What one person may do; only ever less than the table gives people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    may: BTreeSet<Right>,
    /// Each role's switches; none of them limits where one is without limits.
    engage: Option<Vec<Reach>>,
}

impl Grants {
    /// Whether they may do it.
    pub fn allow(&self, right: Right) -> bool {
        // Who is told nothing could not even see why.
        matches!(right, Right::Watch | Right::Health | Right::Ticket) || self.may.contains(&right)
    }

    /// Whether they may engage such a switch.
    pub fn allow_switch(&self, scope: &Scope, mode: Mode) -> bool {
        self.allow(Right::Engage)
            && self.engage.as_ref().is_none_or(|reaches| reaches.iter().any(|reach| reach.covers(scope, mode)))
    }
}

impl Access {
    /// What `person` may do; `None` is whatever the table says.
    pub fn of(&self, person: &str) -> Option<Grants> {
        let roles: Vec<&AccessRole> =
            self.role.iter().filter(|role| role.people.iter().any(|one| one == person)).collect();
        if roles.is_empty() {
            let nothing = Grants { may: BTreeSet::new(), engage: None };
            return (self.others == Others::Watch).then_some(nothing);
        }
        let firing = || roles.iter().filter(|role| role.may.contains(&Right::Engage));
        let free = firing().any(|role| role.only.is_none());
        let engage = (!free).then(|| firing().filter_map(|role| role.only.clone()).collect());
        Some(Grants { may: roles.iter().flat_map(|role| role.may.iter().copied()).collect(), engage })
    }

    /// Roles that somebody has and that may fire (CON.5); `None` where there are no roles.
    pub fn can_fire(&self) -> Option<usize> {
        let fires = |role: &&AccessRole| role.may.contains(&Right::Engage) && !role.people.is_empty();
        (!self.role.is_empty()).then(|| self.role.iter().filter(fires).count())
    }

    /// Whether it locks everybody out.
    pub(super) fn check(&self) -> Result<(), RunbookError> {
        let says = |what: String| Err(wrong("access.toml", None, what));
        for (at, role) in self.role.iter().enumerate() {
            if role.name.trim().is_empty() || self.role[..at].iter().any(|before| before.name == role.name) {
                return says(format!("role {:?} needs a name of its own", role.name));
            }
            if role.may.contains(&Right::Internal) {
                return says(format!("role {:?}: internal is the backend's own", role.name));
            }
        }
        let somebody = |right: Right| {
            self.others == Others::Everything
                || self.role.iter().any(|role| role.may.contains(&right) && !role.people.is_empty())
        };
        for right in [Right::Engage, Right::Release, Right::Runbook] {
            if !somebody(right) {
                return says(format!(
                    "nobody could {right}: give it to a role that somebody has, or others = \"everything\""
                ));
            }
        }
        Ok(())
    }
}
