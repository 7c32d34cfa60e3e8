//! Approvals that are none (DET.13): forged, given without looking, or not waited for.
//!
//! They fire as breaches: what a person had to decide went on without one. Pure; the interlock shows it what happened.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use imbl::OrdMap;

use super::{
    Firing,
    firing::{FiringChange, FiringKey, Tripwire},
    own::OwnFirings,
};
use crate::{
    incident::containment::{Hold, HoldState},
    telemetry::Action,
    terms::{AgentId, HoldId, Printable, Time, ToolName, words},
};

words! {
    /// What is wrong with an approval; the details of its firings.
    Wrong, "something wrong with an approval" {
        /// The call ran though a person refused it, or nobody answered in time.
        Bypassed = "approval bypassed",
        /// The call ran while it waited.
        Unenforced = "approval unenforced",
        /// The ticket that was shown does not exist, or is for another call.
        Forged = "approval forged",
        /// It was given in less time than a review takes.
        RubberStamped = "approval rubber-stamped",
    }
}

/// How long a call that ran is compared with those that waited.
const LOOK_BACK: i64 = Time::DAY;
/// Holds compared at most, the newest.
const HOLDS: usize = 4_096;
/// Columns of agent-written text in a note.
const QUOTED: usize = 60;

/// A call that waited, as it stands.
#[derive(Debug, Clone)]
struct Waited {
    id: HoldId,
    digest: String,
    state: HoldState,
    opened_at: Time,
    tool: Option<ToolName>,
    rule: Option<String>,
    ended_at: Option<Time>,
}

/// The approvals of one world.
#[derive(Debug, Default)]
pub struct Approvals {
    waited: HashMap<AgentId, Vec<Waited>>,
    /// Decisions that were looked at.
    judged: BTreeSet<HoldId>,
    /// Used tickets whose action was seen.
    spent: BTreeSet<HoldId>,
    begun: bool,
    firings: OwnFirings,
}

impl FiringKey {
    /// What is wrong with an approval, where it is about one.
    pub fn approval(&self) -> Option<Wrong> {
        (self.tripwire == Tripwire::Breach).then(|| self.detail.parse().ok())?
    }
}

/// For how long an approver can have looked at each of `together` calls approved at once, in seconds, at the very most.
fn looked(hold: &Hold, together: usize) -> Option<f64> {
    let decided = hold.decided.as_ref().filter(|decided| decided.approved)?;
    // Nobody looks longer than it was there, whatever their client says.
    let there = decided.at.since(hold.opened_at).max(0) as f64 / 1e3;
    Some(decided.looked_s.map_or(there, |said| said.min(there)) / together.max(1) as f64)
}

impl Approvals {
    /// Takes the holds as they stand, oldest first, and judges the decisions that are new.
    pub fn see(&mut self, holds: &OrdMap<HoldId, Arc<Hold>>, review_s: f64, now: Time) {
        let recent: Vec<&Hold> = (holds.values().rev().map(AsRef::as_ref).take(HOLDS))
            .take_while(|hold| now.since(hold.opened_at) < LOOK_BACK)
            .collect();
        self.waited.clear();
        for hold in &recent {
            let Some(agent) = hold.call.agent.clone() else { continue };
            let state = hold.state_at(now);
            let waited = Waited {
                id: hold.id,
                digest: hold.digest.clone(),
                state,
                opened_at: hold.opened_at,
                tool: hold.call.tool.clone(),
                rule: hold.rule.clone(),
                ended_at: hold.ended_at,
            };
            self.waited.entry(agent).or_default().push(waited);
        }
        let begun = std::mem::replace(&mut self.begun, true);
        let oldest = recent.last().map(|hold| hold.id);
        self.judged = oldest.map(|oldest| self.judged.split_off(&oldest)).unwrap_or_default();
        self.spent = oldest.map(|oldest| self.spent.split_off(&oldest)).unwrap_or_default();
        let new: Vec<&Hold> =
            recent.iter().copied().filter(|hold| hold.decided.is_some() && self.judged.insert(hold.id)).collect();
        // What was decided before this process began was judged by the one before.
        if !begun || new.is_empty() {
            return;
        }
        let decision = |hold: &Hold| {
            let approved = hold.decided.as_ref().filter(|decided| decided.approved)?;
            Some((approved.at, approved.by.to_string()))
        };
        let mut together = BTreeMap::<_, usize>::new();
        for word in recent.iter().filter_map(|hold| decision(hold)) {
            *together.entry(word).or_default() += 1;
        }
        for hold in new {
            let at_once = decision(hold).and_then(|word| together.get(&word).copied());
            self.stamped(hold, at_once.unwrap_or(1), review_s);
        }
    }

    fn stamped(&mut self, hold: &Hold, together: usize, review_s: f64) {
        let (Some(seconds), Some(agent)) = (looked(hold, together), &hold.call.agent) else { return };
        let Some(decided) = hold.decided.as_ref().filter(|_| seconds < review_s) else { return };
        let at_once = if together > 1 { format!(", {together} at once") } else { String::new() };
        let note = format!("{} was approved by {} within {seconds:.1} s{at_once}", hold.id, decided.by);
        let figures = (Some(seconds), Some(review_s));
        self.fire(Wrong::RubberStamped, agent, decided.at, decided.at, (note, figures, hold.call.run.clone()));
    }

    /// Whether any call of `agent` waited lately: nobody else's actions need be compared.
    pub fn concerns(&self, agent: &AgentId) -> bool {
        self.waited.contains_key(agent)
    }

    /// An action was executed; `digests` are those that its call may have waited under.
    pub fn ran(&mut self, action: &Action, digests: &[String]) {
        let began = action.started.unwrap_or(action.at);
        let same = |waited: &&Waited| digests.contains(&waited.digest);
        let newest = self.waited.get(&action.agent).and_then(|all| all.iter().filter(same).max_by_key(|one| one.id));
        let Some(waited) = newest.filter(|waited| began >= waited.opened_at) else { return };
        let wrong = match waited.state {
            HoldState::Waiting => Wrong::Unenforced,
            HoldState::Denied | HoldState::Expired | HoldState::Abandoned => Wrong::Bypassed,
            HoldState::Approved | HoldState::Used | HoldState::Lifted => return,
        };
        let what = Printable::line(action.what()).cut(QUOTED);
        let note = format!("{what} ran though {} was {}", waited.id, waited.state);
        self.fire(wrong, &action.agent, action.at, action.received_at, (note, (None, None), action.run.clone()));
    }

    /// The rules whose tickets an executed action used; telemetry that does not say its input is known by its tool.
    pub fn approved(&mut self, action: &Action, digests: &[String]) -> Vec<String> {
        let fits = |waited: &&Waited| match &action.input {
            Some(_) => digests.contains(&waited.digest),
            None => waited.tool == action.tool,
        };
        let all = self.waited.get(&action.agent).map(Vec::as_slice).unwrap_or_default();
        let used = all.iter().filter(|waited| waited.state == HoldState::Used && !self.spent.contains(&waited.id));
        let used: Vec<&Waited> = used.filter(fits).collect();
        // One call may have used tickets of several rules, all at once.
        let Some(first) = used.iter().map(|waited| waited.ended_at).min() else { return Vec::new() };
        let of_it: Vec<&Waited> = used.into_iter().filter(|waited| waited.ended_at == first).collect();
        self.spent.extend(of_it.iter().map(|waited| waited.id));
        of_it.iter().filter_map(|waited| waited.rule.clone()).collect()
    }

    /// A ticket was shown that is none for this call.
    pub fn forged(&mut self, agent: &AgentId, hold: HoldId, why: &str, now: Time) {
        let note = format!("{hold} was shown: {why}");
        self.fire(Wrong::Forged, agent, now, now, (note, (None, None), None));
    }

    fn fire(
        &mut self,
        wrong: Wrong,
        agent: &AgentId,
        at: Time,
        received_at: Time,
        (note, (window, limit), run): (String, (Option<f64>, Option<f64>), Option<String>),
    ) {
        let key = FiringKey { tripwire: Tripwire::Breach, agent: agent.clone(), detail: wrong.as_str().to_owned() };
        // Whoever did not look may well look now; whoever did not wait is stopped.
        let advice = match wrong {
            Wrong::RubberStamped => {
                format!("advised: `andon halt --agent {agent} --mode approval`, and somebody else to approve")
            }
            Wrong::Forged | Wrong::Unenforced => {
                format!(
                    "advised: `andon halt --agent {agent} --mode approval`, or a halt where it cannot be made to wait"
                )
            }
            Wrong::Bypassed => format!("advised: `andon halt --agent {agent}`"),
        };
        self.firings.meet(key, at, |key| FiringChange::Opened {
            key,
            at,
            received_at,
            window,
            limit,
            baseline: None,
            note: Some(format!("{note} · {advice}")),
            run,
            workflow: None,
        });
    }

    /// What is to be recorded; told again until [`Approvals::told`].
    pub fn changes(&self, now: Time) -> Vec<FiringChange> {
        self.firings.changes(now)
    }

    /// The log took these.
    pub fn told(&mut self, changes: &[FiringChange], now: Time) {
        self.firings.told(changes, now);
    }

    /// Firings that were open before a restart close in their time.
    pub fn reopen<'a>(&mut self, firings: impl IntoIterator<Item = &'a Firing>) {
        self.firings.reopen(firings, |key| key.approval().is_some());
    }
}
