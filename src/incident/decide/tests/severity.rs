//! Severity from factors, and what a level brings (SEV.5–SEV.8).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::story::{Story, agent, at, key, kinds, on, opened};
use crate::{
    incident::{
        ClockState, Command, Declare, IncidentCommand as Ask, clocks,
        first_minutes::{Advice, From, WeighFactor, advise, missing_roles, worst_level},
    },
    runbook::Runbook,
    telemetry::Touched,
    terms::ActionClass,
    tripwire::Tripwire,
};

fn set(level: &str) -> Command {
    on(Ask::SetSeverity { severity: level.into(), why: "seen more".into() })
}

fn weigh(factor: &str, answer: &str) -> Command {
    on(Ask::WeighFactor(WeighFactor { factor: factor.into(), answer: Some(answer.into()) }))
}

fn assign(role: &str, who: &str) -> Command {
    on(Ask::Assign { role: role.into(), who: Some(who.into()), note: None })
}

fn scheme(scheme: &str) -> Story {
    let mut story = Story::new();
    let ask = Declare { title: "x".into(), scheme: Some(scheme.into()), ..Declare::default() };
    story.done(Command::Declare(ask));
    story
}

impl Story {
    fn advice(&self, touched: &Touched) -> Advice {
        advise(&self.runbook, self.incident(1), &self.worlds.real, touched)
    }
}

/// SEV.5: nothing known, nothing advised; the gravest answer counts, with its reason, in the incident's own scheme.
#[test]
fn the_gravest_factor_is_advised_with_its_reason() {
    for (name, levels) in [
        ("sev4", ["SEV-4", "SEV-3", "SEV-1"]),
        ("s3", ["S3", "S3", "S1"]),
        ("critical4", ["Low", "Medium", "Critical"]),
    ] {
        let mut story = scheme(name);
        let none = story.advice(&Touched::default());
        assert_eq!((none.level, none.reasons.len(), none.open.len()), (None, 0, 9));
        for ((factor, answer), level) in
            [("impact", "nobody"), ("data", "internal"), ("reversibility", "never")].into_iter().zip(levels)
        {
            story.done(weigh(factor, answer));
            assert_eq!(story.advice(&Touched::default()).level.as_deref(), Some(level), "{name} {factor}={answer}");
        }
        let advice = story.advice(&Touched::default());
        let first = &advice.reasons[0];
        assert_eq!((first.factor.as_str(), first.from, first.by.as_str()), ("reversibility", From::Person, "dana"));
        assert!(advice.line().contains("what matters of it cannot be taken back"), "{}", advice.line());
        assert_eq!(
            story.incident(1).severity,
            story.runbook.schemes[name].levels.last().unwrap().id,
            "a person sets it"
        );
    }
}

/// SEV.5: what telemetry and firings show is offered by itself; a person's word counts before it.
#[test]
fn what_is_seen_is_offered_until_a_person_says_otherwise() {
    let mut story = Story::declared("SEV-3");
    let paid = Touched {
        classes: BTreeSet::from([ActionClass::new("external-api-call").unwrap()]),
        money: BTreeMap::from([("EUR".to_owned(), 4_920.0)]),
        payments: 41,
        recipients: 120,
    };
    let advice = story.advice(&paid);
    assert_eq!(advice.level.as_deref(), Some("SEV-1"));
    let money = advice.reasons.iter().find(|reason| reason.factor == "money").unwrap();
    assert_eq!(
        (money.answer.as_str(), money.from, money.by.as_str()),
        ("moved", From::Seen, "41 payments, EUR 4920.00")
    );
    let customers = advice.reasons.iter().find(|reason| reason.factor == "customers").unwrap();
    assert_eq!(customers.answer, "many", "the gravest that shows");
    story.done(weigh("money", "none"));
    let advice = story.advice(&paid);
    assert_eq!(advice.level.as_deref(), Some("SEV-2"));
    assert_eq!(advice.reasons.iter().find(|reason| reason.factor == "money").unwrap().from, From::Person);
    // A firing shows something too, unless it was expected.
    let mut story = Story::new();
    story.fires(vec![opened(key(Tripwire::Authorisation, "refund-bot", "shell"), 0)]);
    let security = story.advice(&Touched::default()).reasons;
    assert_eq!((security[0].factor.as_str(), security[0].by.as_str()), ("security", "TW-1 (authorisation)"));
    story.done(Command::AckFiring { firing: crate::terms::FiringId(1), expected: true });
    assert_eq!(story.advice(&Touched::default()).level, None);
}

proptest! {
    /// SEV.5: a graver answer never lowers the advice, whatever else was answered.
    #[test]
    fn a_graver_answer_never_lowers_the_advice(picks in proptest::collection::vec((0usize..9, 0usize..5), 1..12), at in 0usize..9) {
        let mut story = Story::declared("SEV-4");
        let runbook = Runbook::shipped();
        for (factor, answer) in picks {
            let factor = &runbook.factors[factor];
            story.done(weigh(&factor.id, &factor.answer[answer % factor.answer.len()].id));
        }
        let rank = |advice: &Advice| {
            let level = advice.level.clone();
            runbook.schemes["sev4"].levels.iter().position(|one| Some(&one.id) == level.as_ref()).unwrap_or(9)
        };
        let before = rank(&story.advice(&Touched::default()));
        let factor = &runbook.factors[at];
        story.done(weigh(&factor.id, &factor.answer.last().unwrap().id));
        prop_assert!(rank(&story.advice(&Touched::default())) <= before);
    }
}

/// SEV.6: a level's clocks come into force from the zeros they had, and fall back when it is lowered.
#[test]
fn a_level_brings_its_clocks_and_takes_them_along() {
    let command = |story: &Story, seconds: i64| {
        let all = clocks(story.incident(1), &story.worlds.real, at(seconds));
        all.into_iter().find(|clock| clock.name == "command").map(|clock| (clock.state, clock.left_s))
    };
    let mut story = Story::declared("SEV-3");
    assert_eq!(command(&story, 0), None);
    story.at(200).done(set("SEV-1"));
    assert_eq!(command(&story, 200), Some((ClockState::Running, Some(100.0))), "from the declaration");
    story.at(250).done(assign("commander", "dana"));
    assert_eq!(command(&story, 400), Some((ClockState::Met, Some(50.0))));
    story.done(set("SEV-2"));
    assert_eq!(command(&story, 400), None);
    // A level's own figure stands while the level does; what no level sets goes on as it was declared.
    let text = "[[scheme]]\nid='sev4'\ntitle='t'\n[[scheme.level]]\nid='SEV-1'\nmeaning='m'\nresponse='r'\n\
                clocks={users_s=600,coordination_s=60}\n[[scheme.level]]\nid='SEV-2'\nmeaning='m'\nresponse='r'\nclocks={users_s=900}\n\
                [[scheme.level]]\nid='SEV-3'\nmeaning='m'\nresponse='r'";
    let texts = BTreeMap::from([
        ("severity.toml".to_owned(), text.to_owned()),
        ("factors.toml".to_owned(), "factor=[]".to_owned()),
        ("incidents.toml".to_owned(), String::new()),
        ("templates.toml".to_owned(), "template = []".to_owned()),
    ]);
    let mut story = Story::new();
    story.runbook = Runbook::from_texts(&texts).unwrap();
    story.done(super::story::declare("x", "SEV-3"));
    let plan = |story: &Story| {
        let plan = &story.incident(1).clock_plan;
        (plan.users_s, plan.coordination_s)
    };
    for (level, expected) in
        [("SEV-1", (600, 60)), ("SEV-2", (900, 3_600)), ("SEV-3", (14_400, 3_600)), ("SEV-1", (600, 60))]
    {
        story.done(set(level));
        assert_eq!(plan(&story), expected, "{level}");
    }
}

/// SEV.6: roles that the level asks for and nobody holds are missing; a milder level asks for fewer.
#[test]
fn a_level_names_who_must_be_involved() {
    let mut story = Story::declared("SEV-1");
    let missing = |story: &Story| missing_roles(story.incident(1), &story.runbook);
    assert_eq!(missing(&story), ["commander", "severity-owner", "communications", "executive", "legal", "security"]);
    for role in ["commander", "legal", "executive"] {
        story.done(assign(role, "dana"));
    }
    assert_eq!(missing(&story), ["severity-owner", "communications", "security"]);
    story.done(set("SEV-4"));
    assert_eq!(missing(&story), [""; 0]);
}

/// SEV.6, SEV.7, RST.4: who lowers a severity does not lower what the worst level asked of a restart; every scheme.
#[test]
fn the_worst_level_is_kept_through_lowering_and_raising() {
    for (name, walk, worst, persons) in [
        ("sev4", ["SEV-3", "SEV-1", "SEV-4", "SEV-3"], "SEV-1", 2),
        ("s3", ["S3", "S1", "S3", "S2"], "S1", 2),
        ("critical4", ["Low", "High", "Low", "Medium"], "High", 2),
        ("critical4", ["Low", "Medium", "Low", "Medium"], "Medium", 1),
    ] {
        let mut story = scheme(name);
        for (step, level) in walk.into_iter().enumerate() {
            story.at(step as i64 * 60 + 60);
            let _ = story.ask(set(level));
        }
        let level = worst_level(story.incident(1), &story.runbook).unwrap();
        assert_eq!((level.id.as_str(), level.restart_persons), (worst, persons), "{name} {walk:?}");
        assert_eq!(story.incident(1).severity, walk[3]);
        assert!(story.incident(1).severities.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }
}

/// SEV.8: an incident of a workflow is declared as its owner agreed; by hand, by a firing, and where the agent serves it.
#[test]
fn a_workflows_own_table_decides_the_level_to_begin_with() {
    let text = "[[workflow]]\nid='refunds'\nowner='kim'\nagreed='2026-10-02'\ndefault={sev4='SEV-1'}\n\
                cases=[{when='a refund is late',level={sev4='SEV-3'}},{when='elsewhere',level={s3='S1'}}]";
    let texts = BTreeMap::from([("workflows.toml".to_owned(), text.to_owned())]);
    let begin = || {
        let mut story = Story::new();
        story.runbook = Runbook::from_texts(&texts).unwrap();
        story
    };
    let ask = |severity: Option<&str>, workflow: &str| {
        let (severity, workflow) = (severity.map(str::to_owned), Some(workflow.to_owned()));
        Command::Declare(Declare { title: "x".into(), severity, workflow, ..Declare::default() })
    };
    for (severity, workflow, level) in
        [(None, "refunds", "SEV-1"), (Some("SEV-3"), "refunds", "SEV-3"), (None, "mails", "SEV-4")]
    {
        let mut story = begin();
        story.done(ask(severity, workflow));
        assert_eq!(story.incident(1).severity, level, "{workflow}");
    }
    let mut story = begin();
    story.done(ask(None, "refunds"));
    let advice = story.advice(&Touched::default());
    assert_eq!((advice.level.as_deref(), advice.reasons[0].from), (Some("SEV-1"), From::Agreed));
    assert_eq!(advice.examples.len(), 1, "only what speaks of this scheme");
    let declared = serde_json::from_value(serde_json::json!({"id": "refund-bot", "workflow": "refunds"})).unwrap();
    let mut story = begin();
    story.done(Command::DeclareAgents { agents: vec![declared] });
    story.fires(vec![opened(key(Tripwire::Outcome, "refund-bot", "email"), 0)]);
    assert_eq!(story.incident(1).severity, "SEV-1");
    let agents = vec![agent("refund-bot")];
    let made = story.done(Command::Declare(Declare { title: "y".into(), agents, ..Declare::default() }));
    assert_eq!(kinds(&made)[0], "incident-declared");
    assert_eq!(story.incident(2).workflow.as_deref(), Some("refunds"), "its owner said which workflow it serves");
}
