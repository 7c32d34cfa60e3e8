//! A call judged before it runs, by authorisation and the team's rules, on top of what switches answer (DET.12).

use std::sync::{PoisonError, atomic::Ordering};

use super::{Interlock, table::Table};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision},
    runbook::BeforeStage,
    telemetry::Action,
    terms::{AgentId, Time},
    tripwire::{AskedCall, Before, Firing, FiringChange, Objection, Recall, Tally, Tripwire},
};

/// What a person approved of a call that waited: it counts as if these did not hold.
#[derive(Debug, Clone, Default)]
pub struct Lifted {
    /// Switches.
    pub switches: Vec<crate::terms::SwitchId>,
    /// Rules by name.
    pub rules: Vec<String>,
}

fn asked_call<'a>(table: &'a Table, asked: &'a CheckRequest, now: Time) -> AskedCall<'a> {
    AskedCall {
        agent: &asked.agent,
        declared: table.agents.get(&asked.agent).map(|agent| &agent.declared),
        tool: asked.tool.as_ref(),
        class: asked.class.as_ref(),
        workflow: asked.workflow.as_ref(),
        run: asked.run.as_deref(),
        input: asked.input.as_ref(),
        at: now,
    }
}

/// What a stage makes of a call.
fn decision(stage: BeforeStage) -> Decision {
    match stage {
        BeforeStage::Off | BeforeStage::Shadow | BeforeStage::Warn => Decision::Allow,
        BeforeStage::EnforceHold => Decision::Hold,
        BeforeStage::EnforceDeny => Decision::Deny,
    }
}

fn said(objection: &Objection) -> String {
    format!("{} ({}): {}", objection.name, objection.stage, objection.note)
}

/// The stricter of what switches answer and what rules say; among equals the switch is named.
fn joined(answer: CheckAnswer, objections: &[Objection]) -> CheckAnswer {
    let warned: Vec<String> =
        objections.iter().filter(|objection| objection.stage == BeforeStage::Warn).map(said).collect();
    let warn = (!warned.is_empty()).then(|| warned.join("; "));
    match objections.first().filter(|strictest| decision(strictest.stage) > answer.decision) {
        None => CheckAnswer { warn, ..answer },
        Some(strictest) => CheckAnswer {
            decision: decision(strictest.stage),
            mode: None,
            switch: None,
            rule: Some(strictest.name.clone()),
            reason: Some(said(strictest)),
            warn,
            lane: None,
            hold: None,
            version: answer.version,
        },
    }
}

impl Interlock {
    fn before<T>(&self, with: impl FnOnce(&mut Before) -> T) -> Option<T> {
        self.judges_before
            .load(Ordering::Acquire)
            .then(|| with(&mut self.before.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// What switches answer, joined with what rules say.
    pub(super) fn judged_before(
        &self,
        table: &Table,
        asked: &CheckRequest,
        answer: CheckAnswer,
        now: Time,
    ) -> CheckAnswer {
        if !self.judges_before.load(Ordering::Acquire) {
            return answer;
        }
        let call = asked_call(table, asked, now);
        let judged = self.before(|before| {
            let objections = before.objections(&call);
            // A call that comes back with its ticket was counted when it began to wait; a made-up ticket hides nothing else.
            let held_before =
                |objection: &&Objection| asked.hold.is_some() && objection.stage == BeforeStage::EnforceHold;
            before.count(&call, objections.iter().filter(|objection| !held_before(objection)));
            let runs = objections.iter().all(|objection| decision(objection.stage) == Decision::Allow);
            if runs && answer.decision == Decision::Allow {
                before.let_through(&call);
            }
            objections
        });
        joined(answer, &judged.unwrap_or_default())
    }

    /// A call by nobody: where agents must be declared, nobody is.
    pub(super) fn nobody_before(&self, answer: CheckAnswer) -> CheckAnswer {
        let stage = self.before(|before| before.authorisation()).unwrap_or(BeforeStage::Off);
        if decision(stage) <= answer.decision {
            return answer;
        }
        let rule = Some(Tripwire::Authorisation.as_str().to_owned());
        let reason = Some(format!("authorisation ({stage}): the call names no agent"));
        CheckAnswer { decision: decision(stage), mode: None, switch: None, rule, reason, ..answer }
    }

    /// The same for a call that a person approved; it is let through by [`Interlock::approved_before`].
    pub(super) fn judged_but(
        &self,
        table: &Table,
        asked: &CheckRequest,
        answer: CheckAnswer,
        lifted: &[String],
        now: Time,
    ) -> CheckAnswer {
        if !self.judges_before.load(Ordering::Acquire) {
            return answer;
        }
        let call = asked_call(table, asked, now);
        let mut objections = self.before(|before| before.objections(&call)).unwrap_or_default();
        let held = |objection: &Objection| objection.stage == BeforeStage::EnforceHold;
        objections.retain(|objection| !(held(objection) && lifted.contains(&objection.name)));
        joined(answer, &objections)
    }

    /// A call that waited runs now.
    pub(super) fn approved_before(&self, table: &Table, asked: &CheckRequest, now: Time) {
        let call = asked_call(table, asked, now);
        self.before(|before| before.let_through(&call));
    }

    /// An executed action, for what rules know of its agent.
    pub(super) fn executed(&self, table: &Table, action: &Action) {
        let declared = table.agents.get(&action.agent).map(|agent| &agent.declared);
        self.before(|before| before.saw(action, declared));
    }

    /// Goes on from what the engine learned before a restart.
    pub fn recall_rules(&self, learned: Vec<(AgentId, Recall)>) {
        self.before(|before| before.recall(learned));
    }

    pub(super) fn reopen_asked<'a>(&self, firings: impl IntoIterator<Item = &'a Firing>) {
        self.before(|before| before.reopen(firings));
    }

    /// What calls that were asked for, and approvals that are none, leave to be recorded; told again until the log took it.
    pub fn own_changes(&self, now: Time) -> Vec<FiringChange> {
        let mut changes = self.before(|before| before.changes(now)).unwrap_or_default();
        changes.extend(self.approvals().changes(now));
        changes
    }

    /// The log took these.
    pub fn own_told(&self, changes: &[FiringChange], now: Time) {
        self.before(|before| before.told(changes, now));
        self.approvals().told(changes, now);
    }

    /// How often each rule looked at a call before it ran, and objected, since the backend began.
    pub fn tallies(&self) -> Vec<Tally> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).tallies()
    }
}
