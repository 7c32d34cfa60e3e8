//! The first ten minutes: seven facts, their disputes and what the system reads itself (TEN.1, TEN.2, DET.13).

use super::story::{Story, agent, at, declare, halt, key, kinds, on, opened};
use crate::{
    incident::{
        ClockState, Command, Declare, Engage, Fact, IncidentCommand as Ask, RefusalCode, clocks,
        containment::ProofState::{Confirmed, Enforced, Escaped},
        first_minutes::{AnswerFact, FactState, FirstFact, Known, WeighFactor},
    },
    terms::Author,
    tripwire::{Tripwire, Wrong},
};

fn ask(fact: FirstFact) -> AnswerFact {
    AnswerFact { fact, answer: None, unknown: false, dispute: None, settle: None }
}

fn answer(fact: FirstFact, answer: &str) -> Command {
    on(Ask::AnswerFact(AnswerFact { answer: Some(answer.into()), ..ask(fact) }))
}

fn dispute(fact: FirstFact, why: &str) -> Command {
    on(Ask::AnswerFact(AnswerFact { dispute: Some(why.into()), ..ask(fact) }))
}

fn settle(fact: FirstFact, answer: &str, why: &str) -> Command {
    on(Ask::AnswerFact(AnswerFact { answer: Some(answer.into()), settle: Some(why.into()), ..ask(fact) }))
}

fn unknown(fact: FirstFact) -> Command {
    on(Ask::AnswerFact(AnswerFact { unknown: true, ..ask(fact) }))
}

impl Story {
    #[track_caller]
    fn fact(&self, fact: FirstFact) -> &FactState {
        self.incident(1).facts.get(fact).unwrap()
    }

    #[track_caller]
    fn stands(&self, fact: FirstFact) -> (Known, &str) {
        let fact = self.fact(fact);
        (fact.state, fact.answer.as_deref().unwrap_or_default())
    }

    fn facts_clock(&self, seconds: i64) -> (ClockState, Option<f64>) {
        let world = &self.worlds.real;
        let all = clocks(self.incident(1), world, at(seconds));
        let clock = all.into_iter().find(|clock| clock.name == "facts").unwrap();
        (clock.state, clock.left_s)
    }
}

/// TEN.1: seven facts, in their order; what the declaration states is known, the rest is not.
#[test]
fn a_declaration_answers_what_it_states() {
    let mut story = Story::new();
    let declared = Declare { title: "x".into(), workflow: Some("refunds".into()), ..Declare::default() };
    story.done(Command::Declare(declared));
    let known: Vec<_> = story.incident(1).facts.iter().map(|fact| (fact.id.as_str(), fact.state.as_str())).collect();
    let expected = [
        ("workflow", "known"),
        ("severity", "known"),
        ("impact", "unknown"),
        ("recent-changes", "unknown"),
        ("side-effects-possible", "known"),
        ("approvals-intact", "unknown"),
        ("fallback-lane", "unknown"),
    ];
    assert_eq!(known, expected);
    assert_eq!(story.stands(FirstFact::SideEffects).1, "yes: nothing is stopped");
    // A tripwire's guess of a severity is nobody's word.
    let mut story = Story::new();
    story.fires(vec![opened(key(Tripwire::Outcome, "mailer", "email"), 0)]);
    assert_eq!(story.stands(FirstFact::Severity), (Known::Unknown, ""));
    story.done(on(Ask::SetSeverity { severity: "SEV-3".into(), why: "one mail".into() }));
    assert_eq!(story.stands(FirstFact::Severity), (Known::Known, "SEV-3"));
}

/// TEN.1: an answer carries its author and time; what people say otherwise is a dispute until somebody settles it.
#[test]
fn two_answers_are_a_dispute_until_one_of_them_gives_in_or_a_third_settles_it() {
    let impact = FirstFact::Impact;
    let begin = || {
        let mut story = Story::declared("SEV-2");
        story.at(10).done(answer(impact, " No, it never left "));
        assert_eq!(story.stands(impact), (Known::Known, "No, it never left"));
        assert_eq!(story.fact(impact).by, Some(Author::Person("dana".into())));
        story.by("kim").at(20).done(answer(impact, "no: checked the outbox"));
        assert_eq!(story.stands(impact).0, Known::Known, "kim says the same");
        story.at(30).done(answer(impact, "Yes: 12 customers wrote"));
        assert_eq!(story.stands(impact), (Known::Disputed, "No, it never left"));
        let sides: Vec<String> = story.fact(impact).sides.iter().map(|side| side.by.to_string()).collect();
        assert_eq!(sides, ["dana", "kim"]);
        assert_eq!((story.fact(impact).history.len(), story.fact(impact).known_at), (3, Some(at(10))));
        story
    };
    // Saying it again settles nothing.
    let mut story = begin();
    story.by("dana").done(answer(impact, "no"));
    assert_eq!(story.stands(impact).0, Known::Disputed);
    // Whoever gives in does, and so does a third person.
    for (who, says) in [("dana", "yes: I see them"), ("lee", "no, those were of last week")] {
        let mut story = begin();
        story.by(who).done(answer(impact, says));
        assert_eq!(story.stands(impact), (Known::Known, says), "{who}");
        assert!(story.fact(impact).sides.is_empty());
    }
    // One of them may settle it in the open, with a reason.
    let mut story = begin();
    story.refused(settle(impact, "yes", " "), RefusalCode::Invalid, "reason");
    story.by("automation:ci").refused(settle(impact, "yes", "seen"), RefusalCode::Forbidden, "person");
    story.by("kim").done(settle(impact, "yes: 12", "dana looked at the wrong queue"));
    assert_eq!(story.stands(impact), (Known::Known, "yes: 12"));
    story.refused(settle(impact, "yes", "again"), RefusalCode::Conflict, "no dispute");
}

/// TEN.1: nobody knowing is an answer too; a doubt needs something to doubt.
#[test]
fn what_nobody_knows_is_said_and_what_stands_may_be_doubted() {
    let (changes, lane) = (FirstFact::RecentChanges, FirstFact::FallbackLane);
    let mut story = Story::declared("SEV-2");
    story.nothing(unknown(changes));
    story.refused(dispute(changes, "I doubt it"), RefusalCode::Conflict, "nothing to dispute");
    story.refused(on(Ask::AnswerFact(ask(changes))), RefusalCode::Invalid, "Give an answer");
    let both = AnswerFact { unknown: true, answer: Some("x".into()), ..ask(changes) };
    story.refused(on(Ask::AnswerFact(both)), RefusalCode::Invalid, "leave one out");
    story.refused(answer(changes, "  "), RefusalCode::Invalid, "answer recent-changes");
    story.at(5).done(answer(changes, "prompt v14 at noon"));
    story.by("kim").at(9).done(dispute(changes, "v14 was never rolled out"));
    assert_eq!(story.stands(changes), (Known::Disputed, "prompt v14 at noon"));
    story.done(unknown(changes));
    assert_eq!((story.stands(changes), story.fact(changes).known_at), ((Known::Unknown, ""), None));
    assert_eq!(story.fact(changes).history.len(), 3, "what was said is kept");
    // Who changes their own mind disputes nobody.
    story.done(answer(lane, "yes: the queue for people"));
    story.done(answer(lane, "no, it is full"));
    assert_eq!(story.stands(lane), (Known::Known, "no, it is full"));
}

/// TEN.1, SEV.5: a level is set by its own command; here it is affirmed or doubted. The workflow corrects the incident's.
#[test]
fn the_severity_is_set_elsewhere_and_the_workflow_here() {
    let mut story = Story::declared("SEV-2");
    story.refused(answer(FirstFact::Severity, "SEV-1"), RefusalCode::Conflict, "andon severity INC-1");
    story.refused(answer(FirstFact::Severity, "bad"), RefusalCode::Invalid, "SEV-1");
    story.done(answer(FirstFact::Severity, "sev-2"));
    story.by("kim").done(dispute(FirstFact::Severity, "money left"));
    assert_eq!(story.stands(FirstFact::Severity).0, Known::Disputed);
    story.done(on(Ask::SetSeverity { severity: "SEV-1".into(), why: "money left".into() }));
    assert_eq!(story.stands(FirstFact::Severity), (Known::Known, "SEV-1"));
    story.done(answer(FirstFact::Workflow, "refunds"));
    assert_eq!(story.incident(1).workflow.as_deref(), Some("refunds"));
}

/// TEN.1: ten minutes from the declaration, met when all seven are known; what was open then is told.
#[test]
fn the_ten_minutes_run_until_all_seven_are_known() {
    let mut story = Story::declared("SEV-2");
    assert_eq!(story.facts_clock(0), (ClockState::Running, Some(600.0)));
    for (seconds, fact) in [
        (60, FirstFact::Workflow),
        (120, FirstFact::Impact),
        (180, FirstFact::Approvals),
        (240, FirstFact::FallbackLane),
    ] {
        story.at(seconds).done(answer(fact, "no"));
    }
    assert_eq!(story.facts_clock(599), (ClockState::Running, Some(1.0)));
    assert_eq!(story.facts_clock(601), (ClockState::Missed, Some(-1.0)));
    story.at(700).done(answer(FirstFact::RecentChanges, "none"));
    assert_eq!(story.facts_clock(900), (ClockState::Missed, Some(-100.0)));
    let open = story.incident(1).facts.unknown_at(at(600));
    assert_eq!(open, [FirstFact::RecentChanges]);
    assert_eq!(story.incident(1).facts.complete_at(), Some(at(700)));
}

/// TEN.1, CON.10: whether tools can still act is read from switches and their proof, as the system's word.
#[test]
fn side_effects_are_read_from_the_proof() {
    let effects = FirstFact::SideEffects;
    let mut story = Story::declared("SEV-1");
    story.at(5).counting(&[("refund-bot", Enforced)]).done(Command::Engage(halt()));
    assert_eq!(story.stands(effects), (Known::Known, "yes: SW-1 (halt) is engaged, 0 of 1 confirmed"));
    assert_eq!(story.fact(effects).history.len(), 1, "a figure that moves is no new answer");
    story.by("kim").done(answer(effects, "no, I pulled its key"));
    assert_eq!(story.stands(effects).0, Known::Disputed, "a person says otherwise");
    story.by("dana").at(9).proves(1, &[("refund-bot", Confirmed)]);
    assert_eq!(story.stands(effects), (Known::Known, "no: SW-1 (halt), 1 of 1 confirmed"));
    assert_eq!(story.fact(effects).by, Some(Author::Andon("interlock".into())));
    story.at(20).proves(1, &[("refund-bot", Escaped)]);
    assert_eq!(story.stands(effects), (Known::Known, "yes: an action went past SW-1"));
    let mut story = Story::declared("SEV-3");
    story.done(on(Ask::DeclareContained { why: "unplugged".into() }));
    assert_eq!(story.stands(effects), (Known::Known, "no: contained by word"));
    story.done(Command::Engage(halt()));
    story.freed(1);
    assert_eq!(story.stands(effects), (Known::Known, "yes: SW-1 was lifted"));
}

/// DET.13: an approval that is none turns the fact to “no” by itself, as the system's word, with what is advised.
#[test]
fn a_broken_approval_turns_the_fact_to_no() {
    let approvals = FirstFact::Approvals;
    let broken = |wrong: Wrong| opened(key(Tripwire::Breach, "refund-bot", wrong.as_str()), 30);
    for wrong in Wrong::ALL {
        let mut story = Story::new();
        let agents = vec![agent("refund-bot")];
        story.done(Command::Declare(Declare { title: "x".into(), agents, ..Declare::default() }));
        story.done(answer(approvals, "yes, nothing waits"));
        let made = story.at(30).fires(vec![broken(*wrong)]);
        assert!(made.contains(&"fact-answered".to_owned()), "{wrong}: {made:?}");
        let (known, says) = story.stands(approvals);
        assert!(known == Known::Known && says.starts_with("no: approval") && says.contains("advised"), "{says}");
        assert_eq!(story.fact(approvals).by, Some(Author::Andon("tripwires".into())));
        // Against that, a person's yes is a dispute, and a second broken approval is a no again.
        story.done(answer(approvals, "yes, it was a test"));
        assert_eq!(story.stands(approvals).0, Known::Disputed);
        let other = Wrong::ALL.iter().find(|other| *other != wrong).unwrap();
        story.fires(vec![broken(*other)]);
        assert_eq!(story.stands(approvals).0, Known::Known);
    }
    // Declared after the fact, over the same agent: the fact comes along, still as the system's word.
    let mut story = Story::new();
    story.fires(vec![broken(Wrong::RubberStamped)]);
    let agents = vec![agent("refund-bot")];
    story.done(Command::Declare(Declare { title: "x".into(), agents, ..Declare::default() }));
    assert_eq!(story.fact(approvals).by, Some(Author::Andon("tripwires".into())));
    // Any other breach says nothing of approvals.
    let mut story = Story::declared("SEV-2");
    story.fires(vec![opened(key(Tripwire::Breach, "refund-bot", "SW-1"), 0)]);
    assert_eq!(story.stands(approvals).0, Known::Unknown);
}

/// TEN.2: contain before you diagnose; what is begun before is recorded once, and never blocked.
#[test]
fn work_begun_before_containment_is_recorded_once() {
    let open = |target: &str| {
        let class = crate::terms::ActionClass::new("document").unwrap();
        on(Ask::OpenRollback { class, target: target.into() })
    };
    let mut story = Story::declared("SEV-2");
    assert_eq!(kinds(&story.done(open("page one"))), ["rollback-opened", "begun-before-containment"]);
    assert_eq!(kinds(&story.done(open("page two"))), ["rollback-opened"]);
    let line = story.incident(1).timeline.iter().find(|entry| entry.kind == "begun-before-containment").unwrap();
    assert!(line.text.contains("rollback") && line.text.contains("contain first"), "{}", line.text);
    let mut story = Story::declared("SEV-2");
    story.done(on(Ask::DeclareContained { why: "unplugged".into() }));
    assert_eq!(kinds(&story.done(open("page one"))), ["rollback-opened"]);
}

/// TEN.1: a lane that a fallback names is an answer.
#[test]
fn a_fallback_names_its_lane() {
    let mut story = Story::declared("SEV-2");
    let mode = crate::incident::containment::Mode::Fallback;
    story.done(Command::Engage(Engage { mode, lane: Some("the night desk".into()), ..halt() }));
    assert_eq!(story.stands(FirstFact::FallbackLane), (Known::Known, "yes: the night desk (SW-1)"));
}

/// SEV.5: factors and their answers are the runbook's; an answer can be taken back.
#[test]
fn factors_are_answered_in_the_runbooks_words() {
    let weigh = |factor: &str, answer: Option<&str>| {
        on(Ask::WeighFactor(WeighFactor { factor: factor.into(), answer: answer.map(str::to_owned) }))
    };
    let mut story = Story::declared("SEV-3");
    story.refused(weigh("looks", Some("bad")), RefusalCode::Unknown, "money");
    story.refused(weigh("money", Some("much")), RefusalCode::Unknown, "own-cost");
    let made = story.done(weigh("Money", Some("MOVED")));
    assert!(
        matches!(&made[0], Fact::FactorWeighed(it) if it.factor == "money" && it.answer.as_deref() == Some("moved"))
    );
    story.nothing(weigh("money", Some("moved")));
    assert_eq!(story.incident(1).factors.get("money").unwrap().answer, "moved");
    story.done(weigh("money", None));
    story.nothing(weigh("money", None));
    assert_eq!(story.incident(1).factors.get("money"), None);
    story.done(declare("another", "SEV-4"));
}
