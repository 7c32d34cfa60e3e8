//! Calls that wait for a person: opened by the interlock, decided by people, used once (CON.2, CON.12, protocol 3).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, OpenHold, Topic,
        containment::{Decision, Hold, HoldEnd, HoldState, decide},
    },
    terms::HoldId,
};

/// How many calls of one agent may wait: more are denied, so that one agent cannot bury the board.
const OF_ONE_AGENT: usize = 64;
/// How many calls may wait in all.
const IN_ALL: usize = 1_024;
/// How many tickets one decision takes.
const AT_ONCE: usize = 1_024;
/// The longest account of what an approver saw, in characters.
const SAW: usize = 8_000;

/// A call begins to wait; the same call asked again waits on with the ticket it has.
pub(super) fn open(case: &Case<'_>, asked: &OpenHold) -> Decided {
    let waiting = || case.world.holds.values().filter(|hold| hold.state_at(case.context.now) == HoldState::Waiting);
    let same = |hold: &Hold| hold.digest == asked.digest && (hold.switch, &hold.rule) == (asked.switch, &asked.rule);
    if waiting().any(|hold| same(hold)) {
        return Ok(Vec::new());
    }
    let of_agent = waiting().filter(|hold| hold.call.agent == asked.call.agent).count();
    if of_agent >= OF_ONE_AGENT || waiting().count() >= IN_ALL {
        return Err(conflict("too many calls wait already; decide those on the board first (`andon holds`)"));
    }
    let hold = case.world.holds.keys().next_back().map_or(HoldId(1), |id| id.next());
    Ok(vec![case.fact(
        Topic::Holds,
        Fact::HoldOpened {
            hold,
            call: asked.call.clone(),
            input: asked.input.clone(),
            input_cut: asked.input_cut,
            digest: asked.digest.clone(),
            switch: asked.switch,
            rule: asked.rule.clone(),
            reason: asked.reason.clone(),
            ttl_s: Hold::TTL_S,
        },
    )])
}

fn hold<'a>(case: &Case<'a>, id: HoldId) -> Result<&'a Hold, crate::incident::Refusal> {
    case.world
        .holds
        .get(&id)
        .map(AsRef::as_ref)
        .ok_or_else(|| unknown(format!("there is no {id} in this world; `andon holds` lists those that wait")))
}

/// A person's word on calls that wait: all of them, or none.
pub(super) fn decide_holds(
    case: &Case<'_>,
    ids: &[HoldId],
    approved: bool,
    why: Option<&str>,
    saw: Option<&str>,
    looked_s: Option<f64>,
) -> Decided {
    if approved {
        case.person("approve a call")?;
    }
    if ids.is_empty() || ids.len() > AT_ONCE {
        return Err(invalid(format!("name 1 to {AT_ONCE} holds; `andon holds` lists those that wait")));
    }
    let why = why.map(|why| checks::reason("decide a held call", why)).transpose()?;
    let saw = saw.map(|saw| saw.chars().take(SAW).collect::<String>());
    let looked_s = looked_s.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let mut facts = Vec::new();
    for id in ids {
        let hold = hold(case, *id)?;
        match hold.state_at(case.context.now) {
            HoldState::Waiting => {}
            HoldState::Approved if approved => continue,
            HoldState::Denied if !approved => continue,
            state => {
                let by = hold.decided.as_ref().map(|decided| format!(" by {}", decided.by)).unwrap_or_default();
                return Err(conflict(format!("{id} is {state}{by}: there is nothing left to decide")));
            }
        }
        if approved && let Some(denied_by) = denied_by(case, hold) {
            return Err(conflict(format!(
                "{id} is under {denied_by}, which denies it: its clock stands still, approve it once that is lifted"
            )));
        }
        let fact = Fact::HoldDecided { hold: *id, approved, why: why.clone(), saw: saw.clone(), looked_s };
        facts.push(case.fact(Topic::Holds, fact));
    }
    Ok(facts)
}

/// The switch that denies a held call, if one does.
fn denied_by(case: &Case<'_>, hold: &Hold) -> Option<crate::terms::SwitchId> {
    let (decision, switch) = decide(case.world.switches.values().map(AsRef::as_ref), &hold.call);
    switch.filter(|_| decision == Decision::Deny).map(|switch| switch.id)
}

/// Uses tickets up: each once, within a minute of its approval; all of them, or none.
pub(super) fn use_holds(case: &Case<'_>, ids: &[HoldId]) -> Decided {
    let mut facts = Vec::new();
    for id in ids {
        let hold = hold(case, *id)?;
        if !hold.is_usable(case.context.now) {
            let state = hold.state_at(case.context.now);
            return Err(conflict(format!("{id} is {state}: a ticket is good once, within a minute of its approval")));
        }
        facts.push(case.fact(Topic::Holds, Fact::HoldEnded { hold: *id, how: HoldEnd::Used }));
    }
    Ok(facts)
}

/// Ends holds whose time ran out, or whose client gave up.
pub(super) fn end(case: &Case<'_>, ids: &[HoldId], how: HoldEnd) -> Decided {
    let mut facts = Vec::new();
    for id in ids {
        let hold = hold(case, *id)?;
        let over = match how {
            HoldEnd::Expired => {
                matches!(hold.state, HoldState::Waiting | HoldState::Approved)
                    && hold.state_at(case.context.now) == HoldState::Expired
            }
            // A client that gave up never gets what was approved meanwhile.
            HoldEnd::Abandoned => matches!(hold.state, HoldState::Waiting | HoldState::Approved),
            HoldEnd::Used => false,
        };
        if over {
            facts.push(case.fact(Topic::Holds, Fact::HoldEnded { hold: *id, how }));
        }
    }
    Ok(facts)
}
