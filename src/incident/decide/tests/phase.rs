//! Where an incident stands and what comes next (TEN.2).

use super::story::{Story, agent, halt, key, on, opened};
use crate::{
    incident::{
        Command, Fields, IncidentCommand as Ask, Status,
        containment::ProofState::{Confirmed, Enforced, Escaped},
        evidence::{FreezeEvidence, Manifest, Pinned},
        first_minutes::{AnswerFact, FirstFact, Phase, PhaseName, phase},
    },
    terms::{ActionClass, ChecklistId, DraftId},
    tripwire::Tripwire,
};

impl Story {
    #[track_caller]
    fn phase(&self) -> Phase {
        phase(self.incident(1), &self.worlds.real, self.context.now)
    }

    #[track_caller]
    fn is_in(&self, name: PhaseName, says: &str) {
        let phase = self.phase();
        assert_eq!(phase.phase, name, "{phase:?}");
        let words = format!("{} {}", phase.next, phase.command);
        assert!(words.contains(says), "{words:?} does not hold {says:?}");
    }

    fn sent(&mut self, audience: &str, number: u32) {
        self.done(on(Ask::StartDraft { audience: audience.into() }));
        let draft = DraftId(number);
        let fields =
            Fields { body: "41 refunds were paid twice.".into(), next_update: "none".into(), ..Fields::default() };
        self.writes(draft, &fields);
        self.done(on(Ask::SendDraft { draft, channel: "chat".into(), to: "everybody".into(), over: None }));
    }
}

/// TEN.2: from a tripwire's guess to the restart, each phase names its next step in words, key and command.
#[test]
fn an_incident_goes_through_its_phases() {
    let mut story = Story::new();
    story.fires(vec![opened(key(Tripwire::Outcome, "refund-bot", "email"), 0)]);
    story.is_in(PhaseName::Detect, "andon confirm INC-1");
    story.done(on(Ask::Confirm {}));
    story.is_in(PhaseName::Classify, "andon severity INC-1");
    story.done(on(Ask::SetSeverity { severity: "SEV-2".into(), why: "customers see it".into() }));
    story.is_in(PhaseName::Contain, "andon halt");
    assert_eq!(story.phase().does.as_deref(), Some("halt"));
    story.counting(&[("refund-bot", Enforced)]);
    story.done(Command::Engage(crate::incident::Engage {
        incident: Some(crate::terms::IncidentId(1)),
        scope: crate::incident::containment::Scope::agent(agent("refund-bot")),
        ..halt()
    }));
    story.is_in(PhaseName::Contain, "0 of 1 confirmed SW-1");
    story.proves(1, &[("refund-bot", Escaped)]);
    story.is_in(PhaseName::Contain, "went past SW-1");
    story.proves(1, &[("refund-bot", Confirmed)]);
    story.is_in(PhaseName::Preserve, "andon evidence freeze INC-1");
    let pinned = Pinned {
        pin: "p1".into(),
        predicate: serde_json::from_value(serde_json::json!({})).unwrap(),
        manifest: Manifest::default(),
        items: Vec::new(),
    };
    let freeze = FreezeEvidence { pinned: Some(Box::new(pinned)), ..FreezeEvidence::default() };
    story.done(on(Ask::FreezeEvidence(freeze)));
    story.is_in(PhaseName::RollBack, "andon rollback open INC-1");
    let class = ActionClass::new("document").unwrap();
    story.done(on(Ask::OpenRollback { class, target: "page one".into() }));
    let steps: Vec<String> = (story.incident(1).checklists[0].steps.iter())
        .filter(|step| !step.plan.verifies)
        .map(|step| step.plan.id.clone())
        .collect();
    for step in steps {
        story.is_in(PhaseName::RollBack, &format!("andon check INC-1 RB-1/{step}"));
        story.done(on(Ask::TickStep { checklist: ChecklistId(1), step }));
    }
    story.is_in(PhaseName::RollBack, "andon verify INC-1 RB-1");
    story.done(on(Ask::VerifyRollback { checklist: ChecklistId(1), evidence: "404 from outside".into() }));
    story.is_in(PhaseName::Communicate, "andon draft new INC-1 internal");
    story.sent("internal", 1);
    story.is_in(PhaseName::Communicate, "andon facts INC-1 impact");
    let fact = AnswerFact {
        fact: FirstFact::Impact,
        answer: Some("yes, 41".into()),
        unknown: false,
        dispute: None,
        settle: None,
    };
    story.done(on(Ask::AnswerFact(fact)));
    story.is_in(PhaseName::Communicate, "andon draft new INC-1 customer");
    story.sent("customer", 2);
    story.is_in(PhaseName::Diagnose, "andon finding INC-1");
    let finding = |root: bool| {
        let said = serde_json::json!({"layer": "safety", "text": "no key on refunds", "root": root, "point": root.then_some("permission")});
        on(Ask::AddFinding(serde_json::from_value(said).unwrap()))
    };
    story.done(finding(false));
    story.is_in(PhaseName::Diagnose, "find the cause");
    story.done(finding(true));
    story.is_in(PhaseName::Remediate, "andon correction INC-1");
    let correction = |tried: Option<&str>| {
        let said = serde_json::json!({"what": "control", "text": "a key on refunds", "shadow": tried, "checks": tried});
        on(Ask::AddCorrection(serde_json::from_value(said).unwrap()))
    };
    story.done(correction(None));
    story.is_in(PhaseName::Validate, "--shadow");
    story.done(correction(Some("38 orders replayed")));
    story.is_in(PhaseName::Restart, "andon restart INC-1 --approve");
    let role = Ask::Assign { role: "severity-owner".into(), who: Some("dana".into()), note: None };
    story.by("dana").done(on(role));
    story.done(on(Ask::ApproveRestart(crate::incident::restart::ApproveRestart {
        second: false,
        why: "it holds".into(),
    })));
    story.is_in(PhaseName::Restart, "stage by stage: SW-1");
}

/// TEN.2: what does harm is stopped before it is classified, and what ends is over.
#[test]
fn harm_comes_before_classification_and_the_end_is_an_end() {
    let mut story = Story::new();
    story.fires(vec![opened(key(Tripwire::Outcome, "refund-bot", "email"), 0)]);
    story.done(on(Ask::Confirm {}));
    story.done(on(Ask::ConfirmHarm { at: None }));
    story.is_in(PhaseName::Contain, "stop what does harm");
    story.done(Command::Engage(halt()));
    story.done(on(Ask::DeclareContained { why: "unplugged".into() }));
    story.freed(1);
    story.by("dana").done(on(Ask::Resolve { note: String::new(), over: None }));
    story.is_in(PhaseName::Restart, "post-mortem");
    story.done(on(Ask::Close { over: Some("nothing to learn".into()) }));
    assert_eq!(story.incident(1).status, Status::Closed);
    assert_eq!((story.phase().next.as_str(), story.phase().command.as_str()), ("nothing: it is closed", ""));
}
