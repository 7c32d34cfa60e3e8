//! Approvals that are none, as the interlock sees them: tickets, decisions, and actions that did not wait (DET.13).

use std::sync::{MutexGuard, PoisonError};

use super::{Interlock, holds::digest_of, table::Table};
use crate::{
    incident::World,
    telemetry::{Action, Status},
    terms::{AgentId, HoldId, Time},
    tripwire::Approvals,
};

impl Interlock {
    pub(super) fn approvals(&self) -> MutexGuard<'_, Approvals> {
        self.approvals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the holds as they stand, and judges the decisions that are new.
    pub(super) fn see_approvals(&self, world: &World, now: Time) {
        self.approvals().see(&world.holds, **self.review_s.load(), now);
    }

    /// An executed action: did its call wait for a person, and did the person say yes?
    pub(super) fn ran(&self, table: &Table, action: &Action) {
        if let Some(digests) = self.waited_as(table, action) {
            self.approvals().ran(action, &digests);
        }
    }

    /// The rules that a person let this action by; each approval is for one.
    pub fn approved(&self, action: &Action) -> Vec<String> {
        let digests = self.waited_as(&self.table(), action);
        digests.map(|digests| self.approvals().approved(action, &digests)).unwrap_or_default()
    }

    /// The digests that its call may have waited under, where any of its agent's did: a client asks by whatever name it
    /// calls the tool.
    fn waited_as(&self, table: &Table, action: &Action) -> Option<Vec<String>> {
        if action.status == Status::Denied || !self.approvals().concerns(&action.agent) {
            return None;
        }
        let call = table.call_of(action);
        let names = call.tool.iter().chain(&call.aliases);
        Some(names.map(|tool| digest_of(&action.agent, Some(tool), action.input.as_ref())).collect())
    }

    /// A ticket was shown that is none for this call.
    pub(super) fn forged(&self, agent: &AgentId, hold: HoldId, why: &str, now: Time) {
        self.approvals().forged(agent, hold, why, now);
    }
}
