//! The post-mortem: written, refused while something is missing, filed, its changes followed (PM.1–PM.8).

use std::collections::BTreeMap;

use super::story::{Story, at, key, kinds, on, opened};
use crate::{
    incident::{
        Command, Fact, IncidentCommand as Ask, RefusalCode,
        postmortem::{
            CaseKind, DeltaKind, DeltaState, DropCase, FilePostmortem, ProposeDelta, RegressionCase, SetPostmortem,
            SettleDelta, missing,
        },
    },
    runbook::Runbook,
    tripwire::Tripwire,
};

fn set(fields: &[(&str, &str)]) -> Command {
    let fields = fields.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
    on(Ask::SetPostmortem(SetPostmortem { fields, ..SetPostmortem::default() }))
}

fn case(name: &str, input: &str) -> Command {
    let case = RegressionCase {
        name: name.into(),
        kind: CaseKind::Regression,
        input: input.into(),
        expected: "one refund".into(),
        grader: "counts refunds of the order".into(),
        source: Some("run-81".into()),
    };
    on(Ask::SetPostmortem(SetPostmortem { cases: vec![case], ..SetPostmortem::default() }))
}

fn delta(kind: DeltaKind, text: &str) -> Command {
    let delta = ProposeDelta { kind, text: text.into(), owner: "kim".into(), due: None, backtest: None };
    on(Ask::SetPostmortem(SetPostmortem { deltas: vec![delta], ..SetPostmortem::default() }))
}

fn settle(delta: u32, state: DeltaState, note: &str) -> Command {
    on(Ask::SettleDelta(SettleDelta { delta, state, note: note.into() }))
}

fn file(over: Option<&str>) -> Command {
    on(Ask::FilePostmortem(FilePostmortem { over: over.map(str::to_owned) }))
}

/// Every field that is asked, answered.
const WHOLE: [(&str, &str); 13] = [
    ("impact", "38 customers were refunded twice, 4 920 EUR, 6 hours of two people"),
    ("root-trigger", "a retry after a time-out of the payment provider"),
    ("condition", "the refund policy that was retrieved is of 2024 and says to retry"),
    ("failure-class", "payment repeated"),
    ("failed-control", "no idempotency key on refunds"),
    ("safety-layer", "there was no limit on refunds of one order"),
    ("missing-tripwire", "a loop rule on refunds of the same order"),
    ("prevention", "every refund carries an idempotency key"),
    ("owner", "kim"),
    ("due", "2026-12-04"),
    ("verification", "lee replays the 38 orders in the sandbox and counts one refund each"),
    ("observability", "refunds per order as a series, a rule on more than one"),
    ("scorecard", "refund-bot goes back to approval-required"),
];

/// Writes everything that is asked, and files it.
pub(super) fn write_whole(story: &mut Story) {
    story.done(set(&WHOLE));
    story.done(case("refund-retried", "time-out on the first try of order 7"));
    story.done(delta(DeltaKind::Logging, "log the order with each refund"));
    story.done(file(None));
}

fn lacks(story: &Story) -> Vec<String> {
    let world = story.worlds.get(None).unwrap();
    missing(story.incident(1), world, &story.runbook).into_iter().map(|one| one.what).collect()
}

/// PM.5: an empty one is refused with everything that is missing at once; each answer takes one away.
#[test]
fn what_is_missing_is_listed_at_once() {
    let mut story = Story::declared("SEV-1");
    let all = lacks(&story);
    assert_eq!(all.len(), WHOLE.len() + 2, "{all:?}");
    let refusal = story.ask(file(None)).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Conflict);
    for one in &all {
        assert!(refusal.detail.contains(one.as_str()), "{one} in {refusal}");
    }
    assert!(refusal.detail.contains("`andon postmortem INC-1 set root-trigger …`"), "{refusal}");
    for (done, field) in WHOLE.iter().enumerate() {
        story.done(set(&[*field]));
        assert_eq!(lacks(&story).len(), all.len() - done - 1, "{field:?}");
    }
    assert_eq!(lacks(&story)[0], "no regression case");
    story.done(case("refund-retried", "order 7"));
    let short = "26 evidence items are short, and no action item answers for them";
    assert_eq!(lacks(&story), [short], "PM.4");
    story.done(delta(DeltaKind::Logging, "log the order with each refund"));
    assert_eq!(kinds(&story.at(60).done(file(None))), ["postmortem-filed"]);
    assert_eq!(story.incident(1).postmortem.filed.as_ref().unwrap().at, at(60));
    story.nothing(file(None));
}

/// PM.5: the model is no cause, and a better prompt alone no remedy; a change of another kind makes it one.
#[test]
fn the_model_is_no_cause_and_a_better_prompt_no_remedy() {
    let mut story = Story::declared("SEV-3");
    write_whole(&mut story);
    for (field, text, says) in [
        ("root-trigger", "the model hallucinated a second refund", "Root trigger: “hallucinated”"),
        ("failed-control", "LLM error", "Failed control: “llm error” blames the model"),
        ("safety-layer", "the model", "Why the safety layer missed it: it names the model alone"),
        ("prevention", "we improved the prompt", "the only remedy is a better prompt"),
    ] {
        let before = story.incident(1).postmortem.said(field).unwrap().to_owned();
        story.done(set(&[(field, text)]));
        story.refused(file(None), RefusalCode::Conflict, says);
        assert_eq!(lacks(&story).len(), 1, "{:?}", lacks(&story));
        story.done(set(&[(field, &before)]));
    }
    story.done(set(&[("prevention", "improved the prompt")]));
    let unanswered = story.incident(1).postmortem.deltas[0].number;
    story.done(settle(unanswered, DeltaState::Dropped, "no room in the index"));
    assert_eq!(lacks(&story).len(), 1, "what was dropped is no remedy");
    story.done(delta(DeltaKind::Runbook, "say it in the checklist too"));
    assert_eq!(lacks(&story).len(), 1, "words about a runbook stop nothing");
    story.done(delta(DeltaKind::Gate, "the refund suite runs before each release"));
    assert_eq!(lacks(&story), Vec::<String>::new());
}

/// PM.2, DET.6: where a chain has a gap a person picks one; where no tripwire fired first, the missing one is named.
#[test]
fn the_gap_and_the_missing_tripwire_are_asked_where_they_belong() {
    let mut story = Story::new();
    story.at(60).fires(vec![opened(key(Tripwire::Outcome, "refund-bot", "email"), -10)]);
    let all = lacks(&story);
    assert!(all.iter().any(|one| one.starts_with("Detection gap")), "{all:?}");
    assert!(!all.iter().any(|one| one.starts_with("Missing tripwire")), "{all:?}");
    story.refused(set(&[("gap", "lunch")]), RefusalCode::Invalid, "page-acknowledgement");
    story.done(set(&[("gap", "signal-trigger")]));
    assert!(!lacks(&story).iter().any(|one| one.starts_with("Detection gap")));

    let story = Story::declared("SEV-2");
    let all = lacks(&story);
    assert!(all.iter().any(|one| one.starts_with("Missing tripwire")), "{all:?}");
    assert!(!all.iter().any(|one| one.starts_with("Detection gap")), "{all:?}");
}

/// PM.5, PM.7: filed over what is missing with a reason that is kept; a script never files; closing asks for it.
#[test]
fn filing_and_closing_over_what_is_missing_take_a_reason() {
    let close = |over: Option<&str>| on(Ask::Close { over: over.map(str::to_owned) });
    let mut story = Story::declared("SEV-2");
    story.done(on(Ask::Resolve { note: String::new(), over: None }));
    story.refused(close(None), RefusalCode::Conflict, "a SEV-2 needs a post-mortem");
    story.refused(file(Some(" ")), RefusalCode::Invalid, "reason");
    story.by("automation:ci").refused(file(Some("late")), RefusalCode::Forbidden, "person");
    story.done(set(&[("impact", "one customer")]));
    story.by("dana").done(file(Some("the team is gone")));
    let filed = story.incident(1).postmortem.filed.clone().unwrap();
    assert_eq!((filed.over.as_deref(), filed.missing.len()), (Some("the team is gone"), WHOLE.len() + 1));
    story.done(close(None));

    let mut story = Story::declared("SEV-2");
    story.done(on(Ask::Resolve { note: String::new(), over: None }));
    story.done(close(Some("a duplicate")));
    assert!(story.incident(1).postmortem.waived, "its due date is not met by that");
    story.done(on(Ask::Reopen { why: "it was none".into() }));
    assert!(!story.incident(1).postmortem.waived);
    let mut story = Story::declared("SEV-4");
    story.done(on(Ask::Resolve { note: String::new(), over: None }));
    assert_eq!(kinds(&story.done(close(None))), ["closed"], "this level asks for none");
}

/// PM.1: fields are the runbook's, the team's own too; an empty text takes one back; what is the same makes no fact.
#[test]
fn fields_are_the_runbooks() {
    let mut story = Story::declared("SEV-2");
    story.refused(set(&[("root-triger", "x")]), RefusalCode::Unknown, "did you mean root-trigger?");
    story.refused(set(&[("due", "soon")]), RefusalCode::Invalid, "2026-12-04");
    story.refused(set(&[("impact", &"x".repeat(64 * 1024 + 1))]), RefusalCode::Invalid, "65536");
    story.refused(set(&[("impact", "fine"), ("due", "soon")]), RefusalCode::Invalid, "no date");
    assert_eq!(story.incident(1).postmortem.fields, BTreeMap::new(), "all or none");
    assert_eq!(story.done(set(&[("impact", " two ")])).len(), 1);
    story.nothing(set(&[("impact", "two")]));
    assert_eq!(story.incident(1).postmortem.said("impact"), Some("two"));
    story.done(set(&[("impact", "")]));
    assert_eq!(story.incident(1).postmortem.said("impact"), None);
    let text = crate::runbook::SHIPPED.iter().find(|(name, _)| *name == "postmortem.toml").unwrap().1;
    let own = "[[field]]\nid = \"insurer\"\npart = \"impact\"\ntitle = \"Insurer\"\nasks = \"told?\"\nrequired = \"always\"\n";
    let texts = BTreeMap::from([("postmortem.toml".to_owned(), format!("{own}{text}"))]);
    story.runbook = Runbook::from_texts(&texts).unwrap();
    story.done(set(&[("insurer", "told on 3 March")]));
    assert_eq!(story.incident(1).postmortem.said("insurer"), Some("told on 3 March"));
}

/// PM.6: a case is added, replaced by its name, taken back.
#[test]
fn cases_go_by_their_names() {
    let mut story = Story::declared("SEV-2");
    story.done(case("twice", "order 7"));
    story.nothing(case("twice", "order 7"));
    story.done(case("twice", "order 8"));
    assert_eq!(story.incident(1).postmortem.cases.len(), 1);
    assert_eq!(story.incident(1).postmortem.cases[0].input, "order 8");
    story.refused(case("twice", " "), RefusalCode::Invalid, "input is empty");
    let drop = |name: &str| on(Ask::DropCase(DropCase { name: name.into() }));
    story.refused(drop("thrice"), RefusalCode::Unknown, "no regression case");
    story.done(drop("twice"));
    assert!(story.incident(1).postmortem.cases.is_empty());
}

/// PM.8: a change has an owner and is followed until it is merged; a change after the filing leaves the filing as it was.
#[test]
fn changes_are_followed_until_merged() {
    let mut story = Story::declared("SEV-2");
    story.done(delta(DeltaKind::Logging, "log the order id with each refund"));
    story.nothing(delta(DeltaKind::Logging, "log the order id with each refund"));
    story.done(delta(DeltaKind::Tripwire, "a loop rule"));
    let made: Vec<u32> = story.incident(1).postmortem.open_deltas().map(|delta| delta.number).collect();
    assert_eq!(made, [1, 2]);
    story.refused(settle(3, DeltaState::Merged, ""), RefusalCode::Unknown, "it has 1, 2");
    story.refused(settle(2, DeltaState::Dropped, ""), RefusalCode::Invalid, "reason");
    write_whole(&mut story);
    story.at(90).done(settle(1, DeltaState::Merged, "release 41"));
    story.nothing(settle(1, DeltaState::Merged, "release 41"));
    let postmortem = &story.incident(1).postmortem;
    assert!(!postmortem.changed_since(), "a merge is what was filed for");
    assert_eq!((postmortem.deltas[0].settled_at, postmortem.open_deltas().count()), (Some(at(90)), 2));
    story.done(set(&[("vendor", "stopped in 4 s of 10 promised")]));
    assert!(story.incident(1).postmortem.changed_since());
    let made = story.done(file(None));
    assert!(matches!(made[0], Fact::PostmortemFiled(_)));
    assert_eq!(story.incident(1).postmortem.filed.as_ref().unwrap().at, at(0), "the first filing met the date");
}
