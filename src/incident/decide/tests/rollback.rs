//! Rollback checklists (RBK.1–RBK.9).

use super::story::{Story, at, on};
use crate::{
    incident::{Command, IncidentCommand as Ask, RefusalCode, Status, StepState},
    terms::{ActionClass, ChecklistId},
};

const RB: ChecklistId = ChecklistId(1);

pub(super) fn open(class: &str, target: &str) -> Command {
    on(Ask::OpenRollback { class: ActionClass::new(class).unwrap(), target: target.into() })
}

pub(super) fn tick(checklist: u32, step: &str) -> Command {
    on(Ask::TickStep { checklist: ChecklistId(checklist), step: step.into() })
}

/// What changes the state waits for the freeze; here nobody froze.
pub(super) fn go_on() -> Command {
    on(Ask::OverrideEvidence { why: "the telemetry is kept elsewhere".into() })
}

fn untick(step: &str) -> Command {
    on(Ask::UntickStep { checklist: RB, step: step.into() })
}

fn impossible(step: &str, substitute: &str) -> Command {
    on(Ask::MarkImpossible { checklist: RB, step: step.into(), substitute: substitute.into(), kind: None })
}

fn verify(evidence: &str) -> Command {
    on(Ask::VerifyRollback { checklist: RB, evidence: evidence.into() })
}

/// RBK.1–RBK.7, RBK.11: the classes are the runbook's, each with its budget; one checklist for a class and target.
#[test]
fn a_checklist_is_opened_for_a_class_and_a_target() {
    for (class, budget) in [
        ("database-write", 14_400),
        ("external-api-call", 86_400),
        ("customer-communication", 14_400),
        ("document", 3_600),
        ("code-or-deployment", 1_800),
        ("identity-or-access", 1_800),
        ("knowledge-base-write", 14_400),
    ] {
        let mut story = Story::declared("SEV-2");
        story.done(open(class, " the  target "));
        let checklist = &story.incident(1).checklists[0];
        assert_eq!((checklist.id, checklist.budget_s, checklist.target.as_str()), (RB, budget, "the target"));
        assert!(checklist.steps.iter().filter(|step| step.plan.verifies).count() == 1 && checklist.verified.is_none());
        assert!(!checklist.authorised.is_empty() && !checklist.substitute.is_empty(), "RBK.9");
        story.refused(open(class, "the target"), RefusalCode::Conflict, "RB-1");
        story.done(open(class, "another"));
        assert_eq!(story.incident(1).checklists[1].id, ChecklistId(2));
    }
    let mut story = Story::declared("SEV-2");
    story.refused(open("teleport", "x"), RefusalCode::Unknown, "knowledge-base-write");
    story.refused(open("document", " "), RefusalCode::Invalid, "target");
}

/// RBK: words that the checklist does not have are refused with those it has; a tick said twice is one.
#[test]
fn ticks_name_known_steps_and_are_idempotent() {
    let mut story = Story::declared("SEV-2");
    story.refused(tick(1, "list"), RefusalCode::Unknown, "no rollback checklist yet");
    story.done(open("document", "price page"));
    story.refused(tick(9, "unpublish"), RefusalCode::Unknown, "RB-1");
    for ask in [tick(1, "jump"), untick("jump"), impossible("jump", "x")] {
        story.refused(ask, RefusalCode::Unknown, "unpublish");
    }
    story.refused(tick(1, "read-back"), RefusalCode::Conflict, "verify it");
    story.refused(impossible("read-back", "x"), RefusalCode::Conflict, "substitute");
    story.nothing(untick("unpublish"));
    story.done(go_on());
    story.at(5).by("automation:ci").done(tick(1, "unpublish"));
    story.nothing(tick(1, "unpublish"));
    let step = step(&story, "unpublish");
    assert_eq!(
        (step.state, step.at, step.by.map(|by| by.to_string())),
        (StepState::Done, Some(at(5)), Some("automation:ci".into()))
    );
    story.done(untick("unpublish"));
    assert_eq!(self::step(&story, "unpublish").state, StepState::Open);
}

/// RBK.9: what cannot be reversed has a substitute, kept with it until it is taken back.
#[test]
fn an_impossible_step_needs_a_substitute() {
    let mut story = Story::declared("SEV-2");
    story.done(open("document", "price page"));
    story.refused(impossible("unpublish", " "), RefusalCode::Invalid, "instead");
    story.done(impossible("unpublish", "a correction is linked"));
    story.nothing(impossible("unpublish", " a correction is linked "));
    let found = step(&story, "unpublish");
    assert_eq!((found.state, found.substitute.as_deref()), (StepState::Impossible, Some("a correction is linked")));
    story.done(go_on());
    story.done(tick(1, "unpublish"));
    assert_eq!((step(&story, "unpublish").state, step(&story, "unpublish").substitute), (StepState::Done, None));
}

/// RBK.8: the read-back comes last, by a person, and closes the checklist once; a step taken back reopens it.
#[test]
fn the_read_back_closes_a_checklist() {
    let mut story = Story::declared("SEV-2");
    story.done(on(Ask::DeclareContained { why: "unplugged".into() }));
    story.done(open("document", "price page"));
    assert_eq!(story.incident(1).status, Status::RollingBack);
    story.refused(verify("gone"), RefusalCode::Conflict, "unpublish");
    story.done(go_on());
    for id in others(&story) {
        story.done(tick(1, &id));
    }
    story.refused(verify(" "), RefusalCode::Invalid, "read back");
    story.by("automation:ci").refused(verify("gone"), RefusalCode::Forbidden, "person");
    story.by("dana").at(100).done(verify("410 from outside"));
    let checklist = &story.incident(1).checklists[0];
    assert_eq!(
        checklist.verified.as_ref().map(|one| (one.at, one.evidence.as_str())),
        Some((at(100), "410 from outside"))
    );
    assert!(checklist.steps.iter().all(|step| step.state == StepState::Done));
    assert_eq!(story.incident(1).status, Status::Monitoring);

    story.at(9_000).nothing(verify("410 from outside"));
    story.refused(verify("still gone"), RefusalCode::Conflict, "verified already");
    assert_eq!(
        story.incident(1).checklists[0].verified.as_ref().map(|one| one.at),
        Some(at(100)),
        "met when it was met"
    );

    story.done(untick("unpublish"));
    let checklist = &story.incident(1).checklists[0];
    assert!(checklist.verified.is_none());
    assert_eq!(step(&story, "read-back").state, StepState::Open, "the read-back was of another state");
    assert_eq!(story.incident(1).status, Status::RollingBack);
    story.done(tick(1, "unpublish"));
    story.done(verify("410 again"));
    story.done(untick("read-back"));
    assert_eq!((story.incident(1).status, step(&story, "unpublish").state), (Status::RollingBack, StepState::Done));
}

/// RBK: budgets run from containment, whichever came first.
#[test]
fn budgets_run_from_containment() {
    let mut story = Story::declared("SEV-2");
    story.done(open("document", "price page"));
    assert_eq!(story.incident(1).checklists[0].due_at, None, "waits for containment");
    story.at(50).done(on(Ask::DeclareContained { why: "unplugged".into() }));
    story.at(70).done(open("code-or-deployment", "build 7"));
    let due: Vec<_> = story.incident(1).checklists.iter().map(|one| one.due_at).collect();
    assert_eq!(due, [Some(at(3_650)), Some(at(1_850))]);
}

/// EVI.1: looking is free; what changes the state waits for the freeze, or for a person's recorded reason.
#[test]
fn what_changes_the_state_waits_for_the_freeze() {
    let mut story = Story::declared("SEV-2");
    story.done(open("document", "price page"));
    story.done(tick(1, "list-documents"));
    story.refused(tick(1, "unpublish"), RefusalCode::Conflict, "andon evidence freeze INC-1");
    story.done(impossible("answer-old-address", "a correction is linked"));
    story.refused(on(Ask::OverrideEvidence { why: " ".into() }), RefusalCode::Invalid, "reason");
    story.by("automation:ci").refused(go_on(), RefusalCode::Forbidden, "person");
    story.by("dana").done(go_on());
    let over = &story.incident(1).evidence.overrides[0];
    assert_eq!((over.by.to_string().as_str(), over.why.as_str()), ("dana", "the telemetry is kept elsewhere"));
    story.done(tick(1, "unpublish"));
    for class in &story.runbook.classes {
        assert!(
            class.steps.iter().any(|step| step.changes && !step.verifies),
            "{}: something changes the state",
            class.class
        );
    }
}

fn others(story: &Story) -> Vec<String> {
    let steps = &story.incident(1).checklists[0].steps;
    steps.iter().filter(|step| !step.plan.verifies).map(|step| step.plan.id.clone()).collect()
}

fn step(story: &Story, id: &str) -> crate::incident::Step {
    story.incident(1).checklists[0].steps.iter().find(|step| step.plan.id == id).unwrap().clone()
}

/// RBK.4, RBK.5, RBK.6: each class's own steps, those that change the state behind the freeze, and the budgets that differ
/// within one: search and links a day, the audit of what ran four hours, the access log a day.
#[test]
fn classes_have_steps_and_budgets_of_their_own() {
    for (class, changes, later) in [
        ("document", &["unpublish", "answer-old-address"][..], ("search-and-links", 86_400)),
        ("code-or-deployment", &["revert", "rotate-secrets"][..], ("audit-runs", 14_400)),
        ("identity-or-access", &["revoke"][..], ("access-log", 86_400)),
    ] {
        let mut story = Story::declared("SEV-3");
        story.done(open(class, "the target"));
        let steps = story.incident(1).checklists[0].steps.clone();
        let changing: Vec<&str> =
            steps.iter().filter(|step| step.plan.changes).map(|step| step.plan.id.as_str()).collect();
        assert_eq!(changing, changes, "{class}");
        let own = steps.iter().find(|step| step.plan.id == later.0).and_then(|step| step.plan.budget_s);
        assert_eq!(own, Some(later.1), "{class}");
        story.refused(tick(1, changes[0]), RefusalCode::Conflict, "freeze");
        story.done(go_on());
        for step in steps.iter().filter(|step| !step.plan.verifies) {
            story.refused(verify("read"), RefusalCode::Conflict, &step.plan.id);
            story.done(tick(1, &step.plan.id));
        }
        story.done(verify("read from outside"));
    }
}
