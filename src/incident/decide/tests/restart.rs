//! The restart gate and the search for the cause (RST, INV).

use proptest::prelude::*;

use super::story::{Story, agent, at, halt, on, opened, release};
use crate::{
    incident::{
        Command, Declare, Engage, Fact, IncidentCommand as Ask, RefusalCode, Status,
        containment::{Scope, Stage},
        evidence::{AddAffected, AffectedKind, FreezeEvidence, Manifest, Pinned, Predicate},
        investigation::{AddChange, AddFinding, AddRerun, JudgeChange, RetractFinding, SkipLayer, Verdict},
        restart::{AcceptCondition, AddCorrection, ApproveRestart, ConditionState, What, conditions, persons_needed},
    },
    terms::SwitchId,
    tripwire::{FiringKey, Tripwire},
};

/// INC-1 of `level` about refund-bot, which a halt of everything stops; dana is the severity owner.
fn stopped(level: &str) -> Story {
    let mut story = Story::new();
    let severity = Some(level.to_owned());
    let agents = vec![agent("refund-bot")];
    story.done(Command::Declare(Declare { title: "paid twice".into(), severity, agents, ..Declare::default() }));
    story.done(Command::Engage(halt()));
    story.done(on(Ask::Assign { role: "severity-owner".into(), who: Some("dana".into()), note: None }));
    story
}

fn to(of: &str, stage: Stage, over: Option<&str>) -> Command {
    let over = over.map(str::to_owned);
    Command::Release { switch: SwitchId(1), why: "seen".into(), agent: Some(agent(of)), to: Some(stage), over }
}

fn approve(second: bool) -> Command {
    on(Ask::ApproveRestart(ApproveRestart { second, why: "mended".into() }))
}

fn accept(condition: &str) -> Command {
    on(Ask::AcceptCondition(AcceptCondition { condition: condition.into(), why: "nothing left".into() }))
}

fn finding(layer: &str, text: &str, point: Option<&str>) -> Command {
    on(Ask::AddFinding(AddFinding {
        layer: layer.into(),
        text: text.into(),
        question: None,
        root: point.is_some(),
        point: point.map(str::to_owned),
        evidence: None,
    }))
}

fn correction(shadow: Option<&str>, checks: Option<&str>) -> Command {
    on(Ask::AddCorrection(AddCorrection {
        what: What::Permission,
        text: "payouts need a ticket".into(),
        from: Some("v3".into()),
        to: Some("v4".into()),
        shadow: shadow.map(str::to_owned),
        checks: checks.map(str::to_owned),
        rollout: None,
    }))
}

fn open(story: &Story) -> Vec<String> {
    let all = conditions(story.incident(1), &story.runbook);
    all.into_iter().filter(|one| one.state == ConditionState::Open).map(|one| one.id).collect()
}

/// Contained, frozen, owned: what reading needs.
fn light(story: &mut Story) {
    story.done(on(Ask::DeclareContained { why: "nothing runs".into() }));
    let pinned =
        Pinned { pin: "p".into(), predicate: Predicate::default(), manifest: Manifest::default(), items: Vec::new() };
    story.done(on(Ask::FreezeEvidence(FreezeEvidence { pinned: Some(Box::new(pinned)), ..FreezeEvidence::default() })));
}

/// Everything that the gate asks for.
fn ready(story: &mut Story) {
    light(story);
    story.done(on(Ask::AddAffected(AddAffected {
        kind: AffectedKind::Money,
        what: "payouts".into(),
        count: Some(38),
        amount: None,
        from_telemetry: false,
    })));
    story.done(accept("rollback"));
    story.done(finding("safety", "nobody limited payouts per order", Some("permission")));
    story.done(correction(Some("200 orders replayed"), Some("limit test")));
    story.done(approve(false));
}

/// RST.1–RST.3, GOV.4: reading needs three of the nine; acting needs all; stages come one by one, each watched.
#[test]
fn nine_conditions_gate_the_first_acting_stage() {
    let mut story = stopped("SEV-3");
    story.refused(to("refund-bot", Stage::ReadOnly, None), RefusalCode::Conflict, "Evidence archived");
    light(&mut story);
    story.refused(to("refund-bot", Stage::DraftOnly, None), RefusalCode::Conflict, "Guardrails changed");
    let made = story.done(to("refund-bot", Stage::ReadOnly, None));
    assert!(made.iter().any(|fact| matches!(fact, Fact::StageEntered(at) if at.stage == Stage::ReadOnly)), "{made:?}");
    assert_eq!(story.incident(1).status, Status::Restarting);

    let mut story = stopped("SEV-3");
    ready(&mut story);
    assert_eq!(open(&story), [""; 0]);
    story.refused(to("refund-bot", Stage::Canary, None), RefusalCode::Conflict, "next is read-only");
    story.done(to("refund-bot", Stage::ReadOnly, None));
    story.refused(to("refund-bot", Stage::DraftOnly, None), RefusalCode::Conflict, "watched in read-only");
    let mut now = 0;
    for stage in [Stage::DraftOnly, Stage::ApprovalRequired, Stage::Canary, Stage::Full] {
        now += 25 * 3_600;
        story.context.runs = Some(19);
        story.at(now).refused(to("refund-bot", stage, None), RefusalCode::Conflict, "19 of 20 runs seen");
        story.context.runs = Some(20);
        if stage == Stage::Canary {
            story.refused(to("refund-bot", stage, None), RefusalCode::Conflict, "nobody owns refund-bot");
            let owned = serde_json::json!({ "id": "refund-bot", "owner": "kim" });
            story.done(Command::DeclareAgents { agents: vec![serde_json::from_value(owned).unwrap()] });
        }
        story.at(now).done(to("refund-bot", stage, None));
    }
    assert_eq!(story.incident(1).gate.full_at, Some(at(now)));
    story.done(release(1, "everybody else is unaffected"));
}

/// RST.4: two persons where the severity asks for two, by the worst it ever had; the second is somebody else.
#[test]
fn two_persons_restart_what_was_ever_severe() {
    let mut story = stopped("SEV-1");
    ready(&mut story);
    assert_eq!(open(&story), ["approved"]);
    story.done(on(Ask::SetSeverity { severity: "SEV-4".into(), why: "it looks small".into() }));
    assert_eq!(persons_needed(story.incident(1), &story.runbook), 2, "lowering it evades nothing");
    story.refused(approve(true), RefusalCode::Forbidden, "somebody other");
    story.by("lee").refused(approve(false), RefusalCode::Forbidden, "severity owner");
    story.by("automation:ci").refused(approve(true), RefusalCode::Forbidden, "person");
    story.by("lee").done(approve(true));
    assert_eq!(open(&story), [""; 0]);
    story.by("dana").done(to("refund-bot", Stage::ReadOnly, None));
    // Whoever approves is who holds the role now.
    story.done(on(Ask::Assign { role: "severity-owner".into(), who: Some("kim".into()), note: None }));
    assert_eq!(open(&story), ["approved"]);
}

/// RST.1, RST.4: an override is the severity owner's, recorded with what was open, and needs the second person too.
#[test]
fn an_override_is_recorded_before_it_takes_effect() {
    let mut story = stopped("SEV-2");
    let over = || to("refund-bot", Stage::Canary, Some("the queue starves people"));
    story.by("lee").refused(over(), RefusalCode::Forbidden, "only the severity owner");
    story.by("dana").refused(over(), RefusalCode::Forbidden, "two restart");
    story.by("lee").done(approve(true));
    let made = story.by("dana").done(over());
    assert!(matches!(&made[0], Fact::RestartOverridden(said) if said.open.len() > 8), "{made:?}");
    assert_eq!(story.incident(1).gate.overridden.len(), 1);
}

/// RST.1, CON.12: bystanders of a wide halt come back with a reason; another halt that holds keeps the gate out of it.
#[test]
fn bystanders_are_restored_selectively() {
    let mut story = stopped("SEV-1");
    story.done(Command::Release {
        switch: SwitchId(1),
        why: "never touched a payout".into(),
        agent: Some(agent("mail-bot")),
        to: None,
        over: None,
    });
    story.refused(to("refund-bot", Stage::Full, None), RefusalCode::Conflict, "does not let refund-bot");
    story.done(Command::Engage(Engage { scope: Scope::agent(agent("refund-bot")), ..Engage::default() }));
    story.done(release(1, "it is the one"));
    story.refused(release(2, "and now it too"), RefusalCode::Conflict, "does not let SW-2");
}

/// RST.1: what people approved of is not what they see once containment breaks or the incident reopens.
#[test]
fn approvals_do_not_outlive_what_they_were_given_for() {
    let mut story = stopped("SEV-3");
    ready(&mut story);
    story.done(on(Ask::Resolve { note: String::new(), over: Some("quiet".into()) }));
    story.done(on(Ask::Reopen { why: "it did it again".into() }));
    assert_eq!(open(&story), ["rollback", "approved"]);
    story.by("lee").refused(accept("rollback"), RefusalCode::Forbidden, "severity-owner or commander");
    story.by("dana").refused(accept("approved"), RefusalCode::Conflict, "--approve");
    story.refused(accept("nope"), RefusalCode::Unknown, "contained");
}

/// RST.3: a tripwire in the watch falls back a stage, and the incident says so.
#[test]
fn a_tripwire_in_the_watch_is_told_to_the_incident() {
    let mut story = stopped("SEV-3");
    ready(&mut story);
    story.done(to("refund-bot", Stage::ReadOnly, None));
    let key = FiringKey { tripwire: Tripwire::ActionRate, agent: agent("refund-bot"), detail: "rate".into() };
    story.at(60).done(Command::Fire { changes: vec![opened(key, 60)] });
    assert_eq!(story.incident(1).gate.stages[&agent("refund-bot")], Stage::Halted);
}

/// RST.6: tests count once shadow tasks and deterministic checks are both named.
#[test]
fn a_correction_names_both_kinds_of_tests() {
    let mut story = stopped("SEV-3");
    story.done(correction(Some("200 orders"), None));
    assert!(open(&story).contains(&"tests".to_owned()) && !open(&story).contains(&"guardrails".to_owned()));
    story.done(correction(Some("200 orders"), Some("limit test")));
    assert!(!open(&story).contains(&"tests".to_owned()));
}

/// INV.1, INV.4: layers in order, what is passed over shows, a root names its point of failure and no model's whim.
#[test]
fn a_root_cause_names_what_failed() {
    let mut story = stopped("SEV-3");
    story.refused(finding("weather", "rain", None), RefusalCode::Unknown, "retrieval");
    story.refused(finding("model", "  ", None), RefusalCode::Invalid, "empty");
    for excuse in ["The model hallucinated.", "it HALLUCINATED a policy", "well, human error"] {
        story.refused(finding("model", excuse, Some("model")), RefusalCode::Invalid, "is no root cause");
    }
    story.refused(finding("model", "it answered wrongly", Some("fate")), RefusalCode::Invalid, "success metric");
    let made = story.done(finding("safety", "no limit on payouts", Some("Permission")));
    assert!(matches!(&made[..], [Fact::FindingAdded(added)] if added.early && added.number == 1), "TEN.2: {made:?}");
    let plan = &story.runbook.layers.clone();
    assert_eq!(story.incident(1).investigation.passed_over(plan), ["retrieval", "prompt", "model"]);
    let skip = |layer: &str| on(Ask::SkipLayer(SkipLayer { layer: layer.into(), why: "no retrieval here".into() }));
    story.done(skip("retrieval"));
    story.done(finding("prompt", "it says nothing of a limit", None));
    assert_eq!(story.incident(1).investigation.passed_over(plan), ["model"]);
    story.by("agent:refund-bot").refused(finding("model", "me", None), RefusalCode::Forbidden, "agent");
    story.by("automation:ci").refused(finding("model", "x", Some("model")), RefusalCode::Forbidden, "person");
    story.by("dana").done(on(Ask::RetractFinding(RetractFinding { finding: 1, why: "there was one".into() })));
    assert_eq!(story.incident(1).investigation.roots().count(), 0);
}

/// INV.3, INV.6: changes are named and judged; a clean re-run is a rate with its bound.
#[test]
fn changes_are_judged_and_runs_are_rates() {
    let mut story = stopped("SEV-3");
    let change = |kind: &str| {
        on(Ask::AddChange(AddChange { kind: kind.into(), what: "prompt 12 to 13".into(), at: Some(at(-60)) }))
    };
    story.refused(change("mood"), RefusalCode::Invalid, "nothing");
    story.done(change("prompt"));
    let judge =
        |change, verdict| on(Ask::JudgeChange(JudgeChange { change, verdict, why: "rolled back, same".into() }));
    story.refused(judge(2, Verdict::RuledOut), RefusalCode::Unknown, "change 2");
    story.refused(judge(1, Verdict::Open), RefusalCode::Invalid, "confirmed");
    story.done(judge(1, Verdict::RuledOut));
    assert_eq!(story.incident(1).investigation.changes[0].verdict, Verdict::RuledOut);
    let rerun = |runs, failed| on(Ask::AddRerun(AddRerun { runs, failed, conditions: "same input".into() }));
    story.refused(rerun(3, 4), RefusalCode::Invalid, "no more");
    story.done(rerun(30, 0));
    assert!((story.incident(1).investigation.reruns[0].upper_share() - 0.1).abs() < 1e-9);
}

/// What can happen before somebody tries to release.
fn step() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(accept("rollback")),
        Just(accept("affected")),
        Just(accept("evidence")),
        Just(accept("contained")),
        Just(accept("guardrails")),
        Just(approve(false)),
        Just(approve(true)),
        Just(correction(Some("s"), Some("c"))),
        Just(finding("safety", "no limit", Some("permission"))),
        Just(on(Ask::DeclareContained { why: "quiet".into() })),
        Just(on(Ask::SetSeverity { severity: "SEV-4".into(), why: "small".into() })),
        Just(on(Ask::Resolve { note: String::new(), over: Some("quiet".into()) })),
        Just(on(Ask::Reopen { why: "again".into() })),
        Just(release(1, "go")),
        Just(to("refund-bot", Stage::ReadOnly, None)),
        Just(to("refund-bot", Stage::Full, None)),
    ]
}

proptest! {
    /// RST.1, RST.4: no sequence of one person's commands lets an agent of a severe incident act.
    #[test]
    fn one_person_alone_never_lets_it_act(steps in prop::collection::vec(step(), 0..24)) {
        let mut story = stopped("SEV-1");
        for (at, step) in steps.into_iter().enumerate() {
            let _ = story.at(at as i64 * 90_000).ask(step);
        }
        let full = story.incident(1).gate.stages.get(&agent("refund-bot")).is_some_and(|stage| *stage > Stage::ReadOnly);
        prop_assert!(!full, "{:?}", story.incident(1).gate);
    }
}

/// INV.2, INV.5: what the agent did and what passed between agents are asked beside the four layers; an answer names its
/// question, and a wrong one is told which there are.
#[test]
fn behaviour_and_hand_offs_are_asked_too() {
    let mut story = stopped("SEV-3");
    let answer = |layer: &str, question: &str| {
        let said = serde_json::json!({"layer": layer, "text": "seen in run 81", "question": question, "root": false});
        on(Ask::AddFinding(serde_json::from_value(said).unwrap()))
    };
    let layers = story.runbook.layers.layers.clone();
    for (layer, count) in [("behaviour", 6), ("between-agents", 4)] {
        let plan = layers.iter().find(|plan| plan.id == layer).unwrap();
        assert_eq!(plan.questions.len(), count, "{layer}");
        for question in &plan.questions {
            story.done(answer(layer, &question.id));
        }
    }
    assert_eq!(story.incident(1).investigation.standing().count(), 10);
    story.refused(answer("between-agents", "verifyer"), RefusalCode::Unknown, "verifier");
}
