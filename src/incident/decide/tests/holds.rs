//! Calls that wait: one ticket a call, a person's word, one use, a clock that a halt stops (CON.2, CON.12).

use super::story::{Story, agent, at, halt, kinds, release};
use crate::{
    incident::{
        Command, Engage, Fact, OpenHold, RefusalCode,
        containment::{Call, HoldEnd, HoldState, Mode, Scope},
    },
    terms::{HoldId, SwitchId},
};

fn call(of: &str, digest: &str, switch: u32) -> Command {
    Command::OpenHold(Box::new(OpenHold {
        call: Call { agent: Some(agent(of)), tool: Some("stripe.payout".parse().unwrap()), ..Call::default() },
        input: Some(serde_json::json!({"amount": 120})),
        input_cut: false,
        digest: digest.into(),
        switch: Some(SwitchId(switch)),
        rule: None,
        reason: "approval".into(),
    }))
}

fn word(id: u32, approve: bool) -> Command {
    Command::DecideHolds {
        holds: vec![HoldId(id)],
        approve,
        why: Some("looked at".into()),
        saw: Some("refund-bot pays 120 to acct-9".into()),
        looked_s: Some(12.0),
    }
}

fn use_up(id: u32) -> Command {
    Command::UseHolds { holds: vec![HoldId(id)] }
}

/// Everything waits for approval at 0 s; `refund-bot` asks for a payout, HOLD-1.
fn waiting() -> Story {
    let mut story = Story::new();
    story.done(Command::Engage(Engage { mode: Mode::Approval, ..halt() }));
    story.by("andon:interlock").done(call("refund-bot", "one", 1));
    story.by("dana");
    story
}

fn state(story: &Story, id: u32, seconds: i64) -> HoldState {
    story.worlds.real.holds[&HoldId(id)].state_at(at(seconds))
}

#[test]
fn a_call_has_one_ticket_and_a_person_says_what_becomes_of_it() {
    let mut story = waiting();
    story.by("andon:interlock").at(5);
    assert_eq!(story.done(call("refund-bot", "one", 1)).len(), 0, "asked again it waits on with the one it has");
    story.done(call("refund-bot", "two", 1));
    story.by("automation:ci").refused(word(1, true), RefusalCode::Forbidden, "only a person");
    assert_eq!(kinds(&story.done(word(2, false))), ["hold-decided"], "a script may deny: that restrains");
    story.by("dana").at(60).done(word(1, true));
    let hold = &story.worlds.real.holds[&HoldId(1)];
    let decided = hold.decided.as_ref().unwrap();
    assert_eq!((decided.by.to_string().as_str(), decided.looked_s), ("dana", Some(12.0)));
    assert!(decided.saw.as_ref().unwrap().contains("acct-9"), "what the approver saw is kept");
    assert_eq!(story.done(word(1, true)).len(), 0);
    story.refused(word(1, false), RefusalCode::Conflict, "approved by dana");
    story.refused(word(9, true), RefusalCode::Unknown, "HOLD-9");
    let none = Command::DecideHolds { holds: vec![], approve: true, why: None, saw: None, looked_s: None };
    story.refused(none, RefusalCode::Invalid, "name 1 to");
}

#[test]
fn a_ticket_is_used_once_and_within_a_minute() {
    let mut story = waiting();
    story.by("andon:interlock").refused(use_up(1), RefusalCode::Conflict, "waiting");
    story.by("dana").at(100).done(word(1, true));
    story.by("andon:interlock").at(159).done(use_up(1));
    assert_eq!(state(&story, 1, 159), HoldState::Used);
    story.refused(use_up(1), RefusalCode::Conflict, "used");
    // Another one, too late.
    story.at(200).done(call("refund-bot", "two", 1));
    story.by("dana").at(210).done(word(2, true));
    story.by("andon:interlock").at(270).refused(use_up(2), RefusalCode::Conflict, "expired");
    let ended = story.done(Command::EndHolds { holds: vec![HoldId(2)], how: HoldEnd::Expired });
    assert_eq!(kinds(&ended), ["hold-ended"]);
}

/// A held call that its client cancelled is dropped, never released later.
#[test]
fn what_a_client_gave_up_is_never_released() {
    let mut story = waiting();
    let gave_up = || Command::EndHolds { holds: vec![HoldId(1)], how: HoldEnd::Abandoned };
    story.by("andon:interlock").done(gave_up());
    story.by("dana").refused(word(1, true), RefusalCode::Conflict, "abandoned");
    story.by("andon:interlock").refused(use_up(1), RefusalCode::Conflict, "abandoned");
    // The word came first: the client's end still counts.
    story.done(call("refund-bot", "one", 1));
    story.by("dana").done(word(2, true));
    story.by("andon:interlock").done(Command::EndHolds { holds: vec![HoldId(2)], how: HoldEnd::Abandoned });
    story.refused(use_up(2), RefusalCode::Conflict, "abandoned");
    assert_eq!(story.done(gave_up()).len(), 0);
}

/// CON.12: under a halt the clock stands still, nothing is approved, and exactly the rest is given back.
#[test]
fn a_halt_freezes_those_who_wait() {
    let mut story = waiting();
    story.at(300).done(Command::Engage(halt()));
    assert!(story.worlds.real.holds[&HoldId(1)].frozen);
    story.at(9_000).refused(word(1, true), RefusalCode::Conflict, "SW-2");
    assert_eq!(state(&story, 1, 9_000), HoldState::Waiting);
    story.done(release(2, "safe again"));
    let hold = &story.worlds.real.holds[&HoldId(1)];
    assert_eq!((hold.frozen, hold.left(at(9_000)), hold.left(at(9_600))), (false, 600_000, 0));
    assert_eq!(state(&story, 1, 9_600), HoldState::Expired);
    // A halt of another agent is none of its business.
    story.by("andon:interlock").at(9_700).done(call("refund-bot", "two", 1));
    story.by("dana").done(Command::Engage(Engage { scope: Scope::agent(agent("mailer")), ..halt() }));
    assert!(!story.worlds.real.holds[&HoldId(2)].frozen);
}

#[test]
fn what_is_lifted_holds_nobody_any_more() {
    let mut story = waiting();
    story.by("andon:interlock").done(call("mailer", "two", 1));
    story.by("dana").at(10);
    let only = Command::Release {
        switch: SwitchId(1),
        why: "unaffected".into(),
        agent: Some(agent("mailer")),
        to: None,
        over: None,
    };
    story.done(only);
    assert_eq!((state(&story, 1, 10), state(&story, 2, 10)), (HoldState::Waiting, HoldState::Lifted));
    story.done(release(1, "over"));
    assert_eq!(state(&story, 1, 10), HoldState::Lifted);
    story.refused(word(1, true), RefusalCode::Conflict, "lifted");
}

#[test]
fn one_agent_cannot_bury_the_board() {
    let mut story = waiting();
    story.by("andon:interlock");
    for at in 1..64 {
        story.done(call("refund-bot", &format!("d{at}"), 1));
    }
    story.refused(call("refund-bot", "more", 1), RefusalCode::Conflict, "too many calls wait");
    let opened = story.done(call("mailer", "more", 1));
    assert!(matches!(opened[..], [Fact::HoldOpened { hold: HoldId(65), .. }]));
}
