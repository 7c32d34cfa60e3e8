//! Autonomy returns in stages, watched; modes that need something; switches that are planned (RST.2, RST.3, CON.3, CON.9).

use super::story::{Story, agent, at, halt, key, kinds, opened, release};
use crate::{
    incident::{
        Command, Engage, RefusalCode,
        containment::{Call, Decision, Mode, ProofState, Stage, SwitchState, decide},
    },
    terms::SwitchId,
    tripwire::{FiringChange, Tripwire},
};

fn to(id: u32, of: &str, stage: Stage) -> Command {
    Command::Release {
        switch: SwitchId(id),
        why: "looks well".into(),
        agent: Some(agent(of)),
        to: Some(stage),
        over: None,
    }
}

fn fire(changes: Vec<FiringChange>) -> Command {
    Command::Fire { changes }
}

fn answer(story: &Story, of: &str) -> Decision {
    let call = Call { agent: Some(agent(of)), ..Call::default() };
    decide(story.worlds.real.switches.values().map(AsRef::as_ref), &call).0
}

/// RST.2: one event takes the agent out of the halt and into its stage; other switches on it, and new agents, still count.
#[test]
fn an_agent_returns_row_by_row() {
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.counting(&[("a", ProofState::Requested), ("b", ProofState::Requested)]);
    assert_eq!(kinds(&story.done(to(1, "a", Stage::DraftOnly))), ["switch-excepted", "switch-engaged"]);
    assert_eq!(
        (answer(&story, "a"), answer(&story, "b"), answer(&story, "new")),
        (Decision::Draft, Decision::Deny, Decision::Deny)
    );
    let stage = story.switch(2);
    assert_eq!((stage.stage, stage.mode, stage.halt.counted), (Some(Stage::DraftOnly), Mode::DraftOnly, 1));
    // The next row replaces this one, whichever switch is named.
    story.at(100).done(to(2, "a", Stage::ApprovalRequired));
    assert_eq!((answer(&story, "a"), story.switch(2).state), (Decision::Hold, SwitchState::Released));
    story.at(200).done(to(1, "a", Stage::Canary));
    assert_eq!((story.switch(3).state, story.switch(4).percent), (SwitchState::Released, Some(10)));
    story.done(to(4, "a", Stage::Full));
    assert_eq!(answer(&story, "a"), Decision::Allow);
    story.refused(to(1, "b", Stage::Halted), RefusalCode::Conflict, "halted already");
    let nobody =
        Command::Release { switch: SwitchId(1), why: "x".into(), agent: None, to: Some(Stage::Canary), over: None };
    story.refused(nobody, RefusalCode::Invalid, "one agent at a time");
    story.by("automation:ci").refused(to(1, "b", Stage::ReadOnly), RefusalCode::Forbidden, "only a person");
}

/// RST.3: a tripwire in the watch falls back one row, by itself; after the watch it does not.
#[test]
fn a_tripwire_in_the_watch_falls_back_a_row() {
    let cost = |seconds| fire(vec![opened(key(Tripwire::CostRate, "a", ""), seconds)]);
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.done(to(1, "a", Stage::ApprovalRequired));
    story.by("andon:tripwires").at(600);
    let facts = kinds(&story.done(cost(600)));
    assert_eq!(facts, ["firing-opened", "switch-engaged", "switch-released"]);
    assert_eq!((answer(&story, "a"), story.switch(3).stage), (Decision::Draft, Some(Stage::DraftOnly)));
    assert!(story.switch(3).why.as_ref().unwrap().contains("TW-1"));
    // The watch is over a day later.
    story.at(600 + 86_400);
    let later = fire(vec![opened(key(Tripwire::ActionRate, "a", "rate"), 600 + 86_400)]);
    assert_eq!(kinds(&story.done(later)), ["firing-opened"]);
    // Nobody else's firing moves it.
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.done(to(1, "a", Stage::Canary));
    story.by("andon:tripwires");
    assert_eq!(kinds(&story.done(fire(vec![opened(key(Tripwire::CostRate, "b", ""), 0)]))), ["firing-opened"]);
}

/// CON.3: a fallback names its lane, a canary its share; nothing else has either.
#[test]
fn a_mode_gets_what_it_needs_and_nothing_else() {
    let mut story = Story::new();
    let with = |mode, lane: Option<&str>, percent| {
        Command::Engage(Engage { mode, lane: lane.map(str::to_owned), percent, ..halt() })
    };
    for (mode, lane, percent, word) in [
        (Mode::Fallback, None, None, "names the lane"),
        (Mode::Fallback, Some(" "), None, "names the lane"),
        (Mode::Halt, Some("human"), None, "only a fallback"),
        (Mode::Canary, None, None, "1 to 99"),
        (Mode::Canary, None, Some(100), "1 to 99"),
        (Mode::ReadOnly, None, Some(5), "only a canary"),
    ] {
        story.refused(with(mode, lane, percent), RefusalCode::Invalid, word);
    }
    story.done(with(Mode::Fallback, Some("human"), None));
    story.done(with(Mode::Canary, None, Some(5)));
    assert_eq!((story.switch(1).lane.as_deref(), story.switch(2).percent), (Some("human"), Some(5)));
}

/// CON.9: a preventive switch engages at its time, counts whom it meets then, and can be called off before.
#[test]
fn a_planned_switch_waits_for_its_time() {
    let planned = |seconds| Engage { starts_at: Some(at(seconds)), why: Some("release night".into()), ..halt() };
    let mut story = Story::new();
    story.refused(Command::Engage(planned(0)), RefusalCode::Invalid, "past");
    story.refused(Command::Engage(Engage { why: None, ..planned(60) }), RefusalCode::Invalid, "reason");
    let backwards = Engage { expires_at: Some(at(50)), ..planned(60) };
    story.refused(Command::Engage(backwards), RefusalCode::Invalid, "before the switch begins");
    story.counting(&[("old", ProofState::Requested)]).done(Command::Engage(planned(60)));
    assert_eq!((story.switch(1).state, answer(&story, "a")), (SwitchState::Planned, Decision::Allow));
    story.by("andon:clock").at(59);
    assert_eq!(story.done(Command::Begin { switch: SwitchId(1) }).len(), 0, "not yet");
    story.at(60).counting(&[("a", ProofState::Requested)]);
    story.done(Command::Begin { switch: SwitchId(1) });
    assert_eq!((answer(&story, "a"), story.switch(1).halt.counted), (Decision::Deny, 1));
    assert_eq!(story.switch(1).halt.agents[0].id, agent("a"));
    story.by("dana").done(Command::Engage(planned(90)));
    story.done(release(2, "called off"));
    story.by("andon:clock").at(90);
    assert_eq!(story.done(Command::Begin { switch: SwitchId(2) }).len(), 0);
    assert_eq!(answer(&story, "a"), Decision::Deny, "by the first one, still");
}
