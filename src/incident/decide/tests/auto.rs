//! Switches that tripwires engage by themselves: a person's word before, the machine's speed then (CON.14).

use super::story::{Story, agent, at, key, kinds, opened};
use crate::{
    incident::{
        Command, Engage, Fact, RefusalCode, SetAuto, Status,
        containment::{AutoScope, AutoStage, BacktestSeen, Mode, ProofState, Scope, SwitchState},
    },
    terms::{Author, DrillId},
    tripwire::{FiringChange, FiringKey, Tripwire::*},
};

fn seen() -> Option<BacktestSeen> {
    Some(BacktestSeen { digest: "0a".repeat(32), days: 7, actions: 90, engagements: 2 })
}

fn approve(stage: AutoStage, scope: AutoScope) -> SetAuto {
    SetAuto { tripwire: CostRate, rule: None, stage, scope, mode: Mode::Halt, why: None, backtest: seen() }
}

/// A story in which `tripwire` was moved to `stage`, one by one.
fn approved(stage: AutoStage, ask: SetAuto) -> Story {
    let mut story = Story::new();
    for stage in AutoStage::ALL.iter().filter(|step| **step > AutoStage::Off && **step <= stage) {
        story.done(Command::SetAuto(SetAuto { stage: *stage, ..ask.clone() }));
    }
    story
}

fn enforced(tripwire: crate::tripwire::Tripwire, scope: AutoScope) -> Story {
    approved(AutoStage::Enforce, SetAuto { tripwire, ..approve(AutoStage::Enforce, scope) })
}

fn fires(of: FiringKey) -> Vec<FiringChange> {
    vec![opened(of, -5)]
}

/// One stage on at a time, each after its backtest; back at once, and only a person.
#[test]
fn a_person_moves_it_on_one_stage_at_a_time() {
    use AutoStage::{Enforce, Off, Shadow, Warn};
    let mut story = Story::new();
    story.nothing(Command::SetAuto(approve(Off, AutoScope::Agent)));
    for (stage, refused) in [(Warn, "move it to shadow first"), (Enforce, "move it to shadow first")] {
        story.refused(Command::SetAuto(approve(stage, AutoScope::Agent)), RefusalCode::Conflict, refused);
    }
    let blind = SetAuto { backtest: None, ..approve(Shadow, AutoScope::Agent) };
    story.refused(Command::SetAuto(blind), RefusalCode::Invalid, "needs its backtest first");
    for by in ["automation:ci", "andon:tripwires", "agent:a"] {
        story.by(by).refused(Command::SetAuto(approve(Shadow, AutoScope::Agent)), RefusalCode::Forbidden, "person");
    }
    story.by("dana");
    assert_eq!(kinds(&story.done(Command::SetAuto(approve(Shadow, AutoScope::Agent)))), ["auto-containment-set"]);
    story.nothing(Command::SetAuto(approve(Shadow, AutoScope::Agent)));
    story.refused(Command::SetAuto(approve(Enforce, AutoScope::Agent)), RefusalCode::Conflict, "to warn first");
    story.by("lee").at(60).done(Command::SetAuto(approve(Warn, AutoScope::Agent)));
    let set = story.worlds.real.auto["cost-rate"].clone();
    assert_eq!((set.stage, &set.by, set.at), (Warn, &Author::Person("lee".into()), at(60)));
    assert_eq!(set.backtest, seen(), "what was shown is kept with the word");
    let wider = SetAuto { backtest: None, ..approve(Warn, AutoScope::All) };
    story.refused(Command::SetAuto(wider), RefusalCode::Invalid, "needs its backtest first");
    story.done(Command::SetAuto(approve(Enforce, AutoScope::Agent)));
    story.done(Command::SetAuto(SetAuto { backtest: None, ..approve(Off, AutoScope::Agent) }));
    assert_eq!(story.worlds.real.auto["cost-rate"].backtest, None);
    assert_eq!(story.fires(fires(key(CostRate, "a", ""))), ["firing-opened"], "off is off");
}

#[test]
fn what_cannot_be_approved_is_said() {
    let base = approve(AutoStage::Shadow, AutoScope::Agent);
    for (ask, code, says) in [
        (SetAuto { tripwire: Rule, ..base.clone() }, RefusalCode::Invalid, "name the rule"),
        (
            SetAuto { tripwire: Rule, rule: Some("gone".into()), ..base.clone() },
            RefusalCode::Unknown,
            "no rule \"gone\"",
        ),
        (SetAuto { rule: Some("x".into()), ..base.clone() }, RefusalCode::Invalid, "leave the rule out"),
        (SetAuto { mode: Mode::Canary, ..base.clone() }, RefusalCode::Invalid, "needs more than a firing says"),
        (SetAuto { mode: Mode::Fallback, ..base.clone() }, RefusalCode::Invalid, "needs more than a firing says"),
        (SetAuto { why: Some(" ".into()), ..base }, RefusalCode::Invalid, "a reason"),
    ] {
        Story::new().refused(Command::SetAuto(ask), code, says);
    }
}

/// CON.14, the table: what follows a firing at each stage, with and without an incident.
#[test]
fn each_stage_does_what_it_says() {
    for (stage, tripwire, made) in [
        (AutoStage::Shadow, CostRate, &["firing-opened", "auto-contained"][..]),
        (AutoStage::Warn, CostRate, &["firing-opened", "auto-contained"]),
        (
            AutoStage::Enforce,
            CostRate,
            &[
                "incident-declared",
                "firing-opened",
                "switch-engaged",
                "switch-joined",
                "auto-contained",
                "firing-joined",
            ],
        ),
        (
            AutoStage::Warn,
            Outcome,
            &["incident-declared", "firing-opened", "note-added", "auto-contained", "firing-joined"],
        ),
        (AutoStage::Shadow, Outcome, &["incident-declared", "firing-opened", "auto-contained", "firing-joined"]),
    ] {
        let mut story = approved(stage, SetAuto { tripwire, ..approve(stage, AutoScope::Agent) });
        story.counting(&[("a", ProofState::Requested), ("b", ProofState::Requested)]);
        assert_eq!(story.fires(fires(key(tripwire, "a", "x"))), made, "{stage} {tripwire}");
        let auto = story.firing(1).auto.clone().unwrap();
        assert_eq!((auto.stage, &auto.scope, auto.mode), (stage, &Scope::agent(agent("a")), Mode::Halt));
        assert_eq!(auto.switch.is_some(), stage == AutoStage::Enforce);
        let note = story.firing(1).note.clone().unwrap_or_default();
        assert_eq!(note.contains("`andon halt --agent a --mode halt`"), stage == AutoStage::Warn, "{note}");
        if stage == AutoStage::Enforce {
            let switch = story.switch(1);
            assert_eq!((&switch.by, switch.state), (&Author::Andon("tripwires".into()), SwitchState::Engaged));
            let why = switch.why.as_deref().unwrap();
            assert!(why.contains("TW-1 (cost-rate) fired; dana approved this before"), "{why}");
            assert_eq!(
                switch.halt.agents.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
                ["a"],
                "who is counted"
            );
            assert_eq!(story.incident(1).switches, [crate::terms::SwitchId(1)]);
            assert!(!story.incident(1).confirmed, "a person still confirms the incident");
            assert_eq!(story.incident(1).status, Status::Declared);
        }
    }
}

/// The scope comes from the firing: its agent, its tool, or everybody.
#[test]
fn the_scope_comes_from_the_firing() {
    let of = |tool: Option<&str>| Scope { tool: tool.map(|tool| tool.parse().unwrap()), ..Scope::agent(agent("a")) };
    for (tripwire, detail, template, scope) in [
        (Authorisation, "stripe.payout", AutoScope::Agent, of(None)),
        (Authorisation, "stripe.payout", AutoScope::Tool, of(Some("stripe.payout"))),
        (Authorisation, "undeclared agent", AutoScope::Tool, of(None)),
        (Authorisation, "POST pay.test/v1", AutoScope::Tool, of(None)),
        (Outcome, "email", AutoScope::Tool, of(None)),
        (Breach, "SW-9", AutoScope::All, Scope::all()),
    ] {
        let mut story = enforced(tripwire, template);
        story.fires(fires(key(tripwire, "a", detail)));
        assert_eq!(story.switch(1).scope, scope, "{tripwire} {detail} {template}");
    }
}

/// What holds already is not engaged twice, within a breath or over it; a lifted one is engaged anew.
#[test]
fn nothing_is_engaged_twice() {
    let mut story = enforced(CostRate, AutoScope::Agent);
    let two = vec![
        opened(key(CostRate, "a", ""), -5),
        opened(key(CostRate, "b", ""), -5),
        opened(key(CostRate, "a", "x"), -4),
    ];
    story.fires(two);
    assert_eq!(story.worlds.real.switches.len(), 2, "one for each agent");
    assert_eq!(story.firing(3).auto.as_ref().unwrap().switch, story.firing(1).auto.as_ref().unwrap().switch);
    story.fires(vec![FiringChange::Counted { key: key(CostRate, "a", ""), count: 2, peak: None, last_at: at(1) }]);
    assert_eq!(story.worlds.real.switches.len(), 2, "a repeat engages nothing");
    story.fires(vec![FiringChange::Closed { key: key(CostRate, "a", ""), at: at(2) }]);
    story.fires(vec![opened(key(CostRate, "a", ""), 3)]);
    assert_eq!(story.worlds.real.switches.len(), 2, "it still holds");
    let first = story.firing(1).auto.as_ref().unwrap().switch.unwrap();
    story.freed(first.0);
    story.fires(vec![FiringChange::Closed { key: key(CostRate, "a", ""), at: at(4) }]);
    story.fires(vec![opened(key(CostRate, "a", ""), 5)]);
    assert_eq!(story.worlds.real.switches.len(), 3, "lifted, and met anew");

    let mut story = enforced(CostRate, AutoScope::Agent);
    story.done(Command::Engage(Engage { mode: Mode::Halt, ..Engage::default() }));
    story.fires(fires(key(CostRate, "a", "")));
    assert_eq!(story.worlds.real.switches.len(), 1, "a person's wide halt does it already");
    let mut story = enforced(CostRate, AutoScope::Agent);
    story.done(Command::Engage(Engage { mode: Mode::ReadOnly, ..Engage::default() }));
    story.fires(fires(key(CostRate, "a", "")));
    assert_eq!(story.worlds.real.switches.len(), 2, "a milder one does not");
}

/// DET.12: a call that was only asked for engages nothing; DET.11: a rule goes by its name.
#[test]
fn rules_go_by_name_and_what_was_asked_for_engages_nothing() {
    let text = "[[rule]]\nname = 'big'\ntool = 'pay'\namount = { USD = 1.0 }\n";
    let texts = std::collections::BTreeMap::from([("rules.toml".to_owned(), text.to_owned())]);
    let mut story = Story::new();
    story.runbook = crate::runbook::Runbook::from_texts(&texts).unwrap();
    let ask = SetAuto { tripwire: Rule, rule: Some("big".into()), ..approve(AutoStage::Off, AutoScope::Tool) };
    for stage in [AutoStage::Shadow, AutoStage::Warn, AutoStage::Enforce] {
        story.done(Command::SetAuto(SetAuto { stage, ..ask.clone() }));
    }
    assert_eq!(story.fires(fires(key(Rule, "a", "asked: big"))), ["firing-opened"]);
    assert_eq!(story.fires(fires(key(Rule, "a", "other"))), ["firing-opened"]);
    story.fires(fires(key(Rule, "a", "big")));
    assert_eq!(story.switch(1).scope.tool.as_ref().unwrap().as_str(), "pay");
    story.runbook = crate::runbook::Runbook::shipped();
    story.done(Command::SetAuto(SetAuto { stage: AutoStage::Off, backtest: None, ..ask }));
}

/// Law 8: a drill shows what would happen, and touches nothing real; its own word goes before.
#[test]
fn a_drill_goes_by_the_real_words() {
    let mut story = enforced(CostRate, AutoScope::Agent);
    let drill = Command::StartDrill {
        name: "x".into(),
        title: "x".into(),
        seed: 1,
        speed: 1.0,
        course: Box::default(),
        armed: Box::default(),
    };
    story.done(drill);
    story.in_drill(Some(1)).fires(fires(key(CostRate, "a", "")));
    assert_eq!(story.worlds.drills[&DrillId(1)].switches.len(), 1);
    assert!(story.worlds.real.switches.is_empty() && story.worlds.real.firings.is_empty());
    story.done(Command::SetAuto(approve(AutoStage::Shadow, AutoScope::Agent)));
    story.fires(fires(key(CostRate, "b", "")));
    assert_eq!(story.worlds.drills[&DrillId(1)].switches.len(), 1, "shadow here");
    assert_eq!(story.worlds.real.auto["cost-rate"].stage, AutoStage::Enforce);
    let facts: Vec<&Fact> = story.events.iter().map(|event| &event.fact).collect();
    assert!(facts.iter().any(|fact| matches!(fact, Fact::AutoContained { switch: Some(_), .. })));
}
