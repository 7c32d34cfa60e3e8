//! Folds the stream `holds`, and what switches do to those who wait.

use std::sync::Arc;

use crate::{
    incident::{
        Event, Fact, World,
        containment::{Decision, Hold, HoldDecision, HoldState, SwitchState, decide},
    },
    terms::{HoldId, Time},
};

pub(super) fn apply(world: &mut World, event: &Event) {
    match &event.fact {
        Fact::HoldOpened { hold, call, input, input_cut, digest, switch, rule, reason, ttl_s } => {
            let opened = Hold {
                id: *hold,
                state: HoldState::Waiting,
                call: call.clone(),
                input: input.clone(),
                input_cut: *input_cut,
                digest: digest.clone(),
                switch: *switch,
                rule: rule.clone(),
                reason: reason.clone(),
                opened_at: event.occurred_at,
                left_ms: i64::try_from(*ttl_s).unwrap_or(i64::MAX / Time::SECOND).saturating_mul(Time::SECOND),
                since: event.occurred_at,
                frozen: false,
                decided: None,
                ended_at: None,
            };
            world.holds.insert(*hold, Arc::new(opened));
            reconsider(world, event.occurred_at);
        }
        Fact::HoldDecided { hold, approved, why, saw, looked_s } => change(world, hold, |hold| {
            hold.freeze(true, event.occurred_at);
            hold.state = if *approved { HoldState::Approved } else { HoldState::Denied };
            hold.decided = Some(HoldDecision {
                at: event.occurred_at,
                by: event.by.clone(),
                approved: *approved,
                why: why.clone(),
                saw: saw.clone(),
                looked_s: *looked_s,
            });
        }),
        Fact::HoldEnded { hold, how } => change(world, hold, |hold| {
            hold.state = (*how).into();
            hold.ended_at = Some(event.occurred_at);
        }),
        _ => {}
    }
}

/// A switch changed: who waits is freed of what was lifted, and waits on without losing time under what denies (CON.12).
pub(super) fn reconsider(world: &mut World, at: Time) {
    let waiting: Vec<HoldId> =
        world.holds.values().filter(|hold| hold.state == HoldState::Waiting).map(|hold| hold.id).collect();
    for id in waiting {
        let Some(hold) = world.holds.get(&id) else { continue };
        let lifted = hold.switch.is_some_and(|switch| {
            let holder = world.switches.get(&switch).filter(|switch| switch.state == SwitchState::Engaged);
            holder.is_none_or(|switch| switch.decide(&hold.call) == Decision::Allow)
        });
        let denied = decide(world.switches.values().map(AsRef::as_ref), &hold.call).0 == Decision::Deny;
        change(world, &id, |hold| {
            hold.freeze(denied || lifted, at);
            if lifted {
                hold.state = HoldState::Lifted;
                hold.ended_at = Some(at);
            }
        });
    }
}

fn change(world: &mut World, id: &HoldId, with: impl FnOnce(&mut Hold)) {
    if let Some(hold) = world.holds.get_mut(id) {
        with(Arc::make_mut(hold));
    }
}
