//! Roll back, restrict, fall back, or go on watching (DEC.1).

use super::story::{Story, on};
use crate::incident::{
    Command, IncidentCommand as Ask, RefusalCode,
    decision::{Choice, ChooseMove, JudgeCriterion, advise},
    first_minutes::{AnswerFact, FirstFact},
};

fn judge(criterion: &str, answer: Option<bool>) -> Command {
    on(Ask::JudgeCriterion(JudgeCriterion { criterion: criterion.into(), answer, why: None }))
}

fn choose(choice: Choice, why: Option<&str>) -> Command {
    on(Ask::ChooseMove(ChooseMove { choice, why: why.map(str::to_owned) }))
}

fn fact(fact: FirstFact, answer: &str) -> Command {
    let answer = Some(answer.to_owned());
    on(Ask::AnswerFact(AnswerFact { fact, answer, unknown: false, dispute: None, settle: None }))
}

fn advised(story: &Story) -> (Choice, Vec<String>) {
    let advice = advise(&story.runbook.decision, story.incident(1));
    (advice.advised, advice.because)
}

/// DEC.1: what the criteria point to, by people's answers: restriction first where both speak.
#[test]
fn criteria_point_to_a_move() {
    for (held, choice) in [
        (&[][..], Choice::Monitoring),
        (&["safer-lane"], Choice::Fallback),
        (&["release-introduced"], Choice::Rollback),
        (&["previous-safer", "safer-lane"], Choice::Rollback),
        (&["one-tool"], Choice::Restriction),
        (&["broad", "drafts-are-safe"], Choice::RestrictionThenRollback),
    ] {
        let mut story = Story::declared("SEV-2");
        for criterion in held {
            story.done(judge(criterion, Some(true)));
            story.nothing(judge(criterion, Some(true)));
        }
        assert_eq!(advised(&story).0, choice, "{held:?}");
        assert_eq!(advised(&story).1.len(), held.len());
        for criterion in held {
            story.done(judge(criterion, None));
        }
        assert_eq!(advised(&story), (Choice::Monitoring, vec![]));
    }
    Story::declared("SEV-2").refused(judge("one-tol", Some(true)), RefusalCode::Unknown, "did you mean one-tool?");
}

/// DEC.1: recorded facts answer criteria by themselves; a person's answer outweighs them, a disputed fact says nothing.
#[test]
fn recorded_facts_answer_criteria() {
    let mut story = Story::declared("SEV-2");
    story.done(fact(FirstFact::Approvals, "No: one was signed in a second"));
    assert_eq!(advised(&story), (Choice::Restriction, vec!["approval-too-wide".into()]));
    story.done(fact(FirstFact::RecentChanges, "prompt 14 went out at 13:50"));
    assert_eq!(advised(&story).0, Choice::RestrictionThenRollback);
    story.done(judge("approval-too-wide", Some(false)));
    assert_eq!(advised(&story), (Choice::Rollback, vec!["changed-recently".into()]));
    let dispute = AnswerFact {
        fact: FirstFact::RecentChanges,
        answer: None,
        unknown: false,
        dispute: Some("that was staging".into()),
        settle: None,
    };
    story.by("kim").done(on(Ask::AnswerFact(dispute)));
    assert_eq!(advised(&story).0, Choice::Monitoring);
    story.by("dana").done(fact(FirstFact::FallbackLane, "none"));
    assert_eq!(advised(&story).0, Choice::Monitoring, "none is no lane");
}

/// DEC.1, RST.5: the choice is a person's, kept with its criteria and author; one against the criteria needs a reason.
#[test]
fn a_person_chooses_and_says_why_where_the_criteria_point_elsewhere() {
    let mut story = Story::declared("SEV-2");
    story.done(judge("one-tool", Some(true)));
    story.by("automation:ci").refused(choose(Choice::Restriction, None), RefusalCode::Forbidden, "person");
    story.by("agent:refund-bot").refused(choose(Choice::Restriction, None), RefusalCode::Forbidden, "agent");
    story.by("kim").refused(choose(Choice::Rollback, None), RefusalCode::Invalid, "point to restriction");
    story.done(choose(Choice::Restriction, None));
    story.nothing(choose(Choice::Restriction, None));
    story.done(choose(Choice::Rollback, Some("the tool comes back with the old build")));
    let made = &story.incident(1).decision.made;
    assert_eq!(made.len(), 2);
    let stands = story.incident(1).decision.stands().unwrap();
    assert_eq!(
        (stands.chosen.choice, stands.chosen.advised, stands.by.to_string().as_str()),
        (Choice::Rollback, Choice::Restriction, "kim")
    );
    assert_eq!(stands.chosen.because, ["one-tool"]);
}
