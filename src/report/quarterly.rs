//! The quarterly check (DRL.4): whether a drill is due, which is next, whether the real switches are proved, who rehearsed, and
//! whether the runbook and the agents' tools still speak of the same things.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::readiness::{Line, line, some};
use crate::{
    api::State,
    drill::{SHIPPED, shipped},
    incident::{Drill, World, rollback::drift},
    runbook::{DrillPlan, Runbook},
    terms::{ActionClass, Time},
};

/// The code of every line.
const CODE: &str = "DRL.4";

/// When the next drill is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Time,
    /// When the last one began that was played to its end.
    pub last: Option<Time>,
}

impl Due {
    /// Whole days that are left, negative once it is overdue.
    pub fn days_left(&self, now: Time) -> i64 {
        self.at.since(now).div_euclid(Time::DAY)
    }

    /// `drill due 9 d`, from so many days before; nothing where there is time.
    pub fn words(&self, now: Time, warn_days: u32) -> Option<String> {
        match self.days_left(now) {
            left if left > i64::from(warn_days) => None,
            0 => Some("drill due today".into()),
            left if left < 0 => Some(format!("drill overdue {} d", -left)),
            left => Some(format!("drill due {left} d")),
        }
    }
}

/// Drills that were played to their end.
fn played(drills: &[Drill]) -> impl Iterator<Item = &Drill> {
    drills.iter().filter(|drill| drill.played.is_some_and(|played| played.whole))
}

/// When the next drill is due; never where no agent is declared.
pub fn due(drills: &[Drill], world: &World, plan: &DrillPlan) -> Option<Due> {
    let last = played(drills).map(|drill| drill.started_at).max();
    let zero = last.or(world.agents.values().map(|agent| agent.declared_at).min())?;
    Some(Due { at: zero.plus(i64::from(plan.every_days) * Time::DAY), last })
}

/// Which classes of action do harm in each shipped recording.
static REHEARSES: LazyLock<BTreeMap<&str, BTreeSet<ActionClass>>> = LazyLock::new(|| {
    let classes = |name: &str| shipped(name).map(|recording| recording.harmful_classes()).unwrap_or_default();
    SHIPPED.iter().map(|(name, _)| (*name, classes(name))).collect()
});

/// Which recording is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Its name.
    pub recording: String,
    /// When it was played last.
    pub last: Option<Time>,
    /// A class that it rehearses and nobody did yet.
    pub class: Option<ActionClass>,
}

/// The rolling list, the next one first: before all others those for a class that `ours` can act in and nobody rehearsed, then
/// by when they were played last, then as the plan has them.
pub fn rolling(drills: &[Drill], plan: &DrillPlan, ours: &BTreeSet<ActionClass>) -> Vec<Next> {
    let last = |name: &str| played(drills).filter(|drill| drill.name == name).map(|drill| drill.started_at).max();
    let done: BTreeSet<&ActionClass> =
        played(drills).filter_map(|drill| REHEARSES.get(drill.name.as_str())).flatten().collect();
    let names: Vec<String> = match plan.rolling.as_slice() {
        [] => SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect(),
        own => own.to_vec(),
    };
    let next = |name: String| {
        let classes = REHEARSES.get(name.as_str()).into_iter().flatten();
        let class = classes.filter(|class| ours.contains(*class) && !done.contains(class)).min().cloned();
        Next { last: last(&name), class, recording: name }
    };
    let mut all: Vec<Next> = names.into_iter().map(next).collect();
    all.sort_by_key(|next| (next.class.is_none(), next.last));
    all
}

/// The lines of the quarterly check.
pub(super) fn lines(state: &State, runbook: &Runbook) -> Vec<Line> {
    vec![
        held(state, runbook),
        listed(state, runbook),
        armed(state, runbook),
        rehearsed(state, runbook),
        matched(state, runbook),
    ]
}

fn days(from: Time, to: Time) -> String {
    format!("{} d ago", to.since(from).max(0) / Time::DAY)
}

fn held(state: &State, runbook: &Runbook) -> Line {
    let (what, now) = ("a drill each quarter", state.live.now);
    let Some(due) = due(&state.drills, &state.world, &runbook.drills) else {
        return line(CODE, what, true, "none is due before an agent is declared");
    };
    let by = due.at.to_chrono().format("%Y-%m-%d");
    let last = match due.last {
        Some(last) => format!("the last one {}", days(last, now)),
        None => "none was played to its end yet".to_owned(),
    };
    let met = due.days_left(now) >= 0;
    let word = if met { "the next by" } else { "overdue since" };
    line(CODE, what, met, format!("{last}, {word} {by}: `andon drill run NAME`"))
}

/// Classes that declared agents can act in.
fn ours(state: &State) -> BTreeSet<ActionClass> {
    let items = state.world.agents.values().flat_map(|agent| &agent.declared.inventory);
    items.filter_map(|item| item.class()).filter(|class| !class.only_reads()).cloned().collect()
}

fn listed(state: &State, runbook: &Runbook) -> Line {
    let all = rolling(&state.drills, &runbook.drills, &ours(state));
    let open: BTreeSet<String> = all.iter().filter_map(|next| next.class.as_ref()).map(ToString::to_string).collect();
    let never = all.iter().filter(|next| next.last.is_none()).count();
    let next = all.first().map_or_else(
        || "drills.toml: rolling is empty".to_owned(),
        |next| {
            let last = next
                .last
                .map_or_else(|| "never played".to_owned(), |at| format!("played {}", days(at, state.live.now)));
            format!("next is {}, {last}; {never} of {} were never played", next.recording, all.len())
        },
    );
    let open: Vec<String> = open.into_iter().collect();
    let lacks = if open.is_empty() { String::new() } else { format!("; nobody rehearsed {}", some(&open)) };
    line(CODE, "the rolling list", open.is_empty(), format!("{next}{lacks}"))
}

/// CON.13: probes stay real; the last drill cites what they said.
fn armed(state: &State, runbook: &Runbook) -> Line {
    let (live, now) = (&state.live, state.live.now);
    let oldest = i64::from(runbook.drills.proof_days) * Time::DAY;
    let proved = live.agents.values().filter_map(|agent| agent.proved_at);
    let stale = proved.clone().filter(|at| now.since(*at) > oldest).count();
    let (failing, beyond) = (live.failing(), live.beyond_reach());
    let mut detail = match live.oldest_proof() {
        Some((agent, at)) => format!("proved for {} agents, the oldest {agent} at {at}", proved.count()),
        None => "no agent holds a lease or asks: nobody is proved to stop".to_owned(),
    };
    if stale > 0 {
        detail.push_str(&format!("; {stale} proofs are older than {} d", runbook.drills.proof_days));
    }
    if !beyond.is_empty() {
        detail.push_str(&format!(
            "; beyond reach: {}",
            some(&beyond.iter().map(ToString::to_string).collect::<Vec<_>>())
        ));
    }
    failing.iter().for_each(|why| detail.push_str(&format!("; {why}")));
    let last = played(&state.drills).max_by_key(|drill| drill.started_at);
    if let Some((id, said)) = last.and_then(|drill| Some((drill.id, drill.armed.words()?))) {
        detail.push_str(&format!("; {id} cites: {said}"));
    }
    let met = live.oldest_proof().is_some() && stale == 0 && failing.is_empty();
    line(CODE, "the kill switch works", met, detail)
}

fn rehearsed(state: &State, runbook: &Runbook) -> Line {
    let since = state.live.now.plus(-i64::from(runbook.drills.every_days) * Time::DAY);
    let recent = played(&state.drills).filter(|drill| drill.started_at >= since);
    let took: BTreeSet<&str> = recent.flat_map(|drill| &drill.people).map(String::as_str).collect();
    let rotation: BTreeSet<&str> =
        runbook.access.role.iter().flat_map(|role| &role.people).map(String::as_str).collect();
    let absent: Vec<String> = rotation.difference(&took).map(|who| (*who).to_owned()).collect();
    let who: Vec<String> = took.iter().map(|who| (*who).to_owned()).collect();
    let took = match who.as_slice() {
        [] => format!("nobody acted in a drill in {} d", runbook.drills.every_days),
        who => format!("{} took part", some(who)),
    };
    let lacks = if absent.is_empty() { String::new() } else { format!("; not yet {}", some(&absent)) };
    line(CODE, "the rotation knows the procedure", !who.is_empty() && absent.is_empty(), format!("{took}{lacks}"))
}

/// Tools without a procedure, tools that agents call and nobody declared, and names in the runbook that nothing bears.
pub fn drifted(state: &State, runbook: &Runbook) -> Vec<String> {
    let declared = || state.world.agents.values().map(|agent| &agent.declared);
    let uncovered = declared().flat_map(|agent| drift(agent, runbook));
    let mut all: Vec<String> = uncovered.map(|it| format!("{}'s {} has no procedure", it.agent, it.tool)).collect();
    for (agent, live) in &state.live.agents {
        all.extend(live.drift.iter().map(|tool| format!("{agent} calls {tool}, which nobody declared")));
    }
    let rules = runbook.tripwires.rules.rules.iter();
    let rules = rules.map(|rule| (format!("rule {:?}", rule.name), rule.only.agent.as_ref(), rule.only.tool.as_ref()));
    let moves = runbook.actuators.iter().filter_map(|it| Some((it, it.on.as_ref()?)));
    let moves = moves.map(|(it, on)| (format!("actuator {:?}", it.name), on.agent.as_ref(), on.tool.as_ref()));
    for (place, agent, tool) in rules.chain(moves) {
        if let Some(agent) = agent.filter(|agent| !state.world.agents.contains_key(*agent)) {
            all.push(format!("{place} names agent {agent}, whom nobody declared"));
        }
        if let Some(tool) = tool.filter(|tool| declared().all(|agent| agent.item(tool).is_none())) {
            all.push(format!("{place} names {tool}, which no agent has"));
        }
    }
    all
}

fn matched(state: &State, runbook: &Runbook) -> Line {
    let all = drifted(state, runbook);
    let what = "procedures match the agents' tools";
    match all.as_slice() {
        [] => line(CODE, what, true, "every tool has its procedure, and every name in the runbook its tool"),
        all => line(CODE, what, false, some(all)),
    }
}

#[cfg(test)]
#[path = "quarterly_tests.rs"]
mod tests;
