//! A checklist while it is worked: operator, windows, sign-offs, values (RBK.1, RBK.8, RBK.9), readiness (RBK.10).

use std::collections::BTreeSet;

use super::{
    rollback::{go_on, open, tick},
    story::{Story, at, on},
};
use crate::{
    incident::{
        AgentDeclaration, ClockState, Command, IncidentCommand as Ask, RefusalCode, clocks,
        rollback::{Said, Substitute, WorkRollback, command_of, drift, readiness},
    },
    terms::{ActionClass, ChecklistId},
};

const RB: ChecklistId = ChecklistId(1);

fn say(said: Said) -> Command {
    on(Ask::WorkRollback(WorkRollback { checklist: RB, said }))
}

fn assign(operator: Option<&str>) -> Command {
    say(Said::Assigned { operator: operator.map(str::to_owned) })
}

fn sign(sign: &str, waived: bool) -> Command {
    say(Said::Signed { sign: sign.into(), note: "41 of 41 agree".into(), waived })
}

fn value(record: &str, before: Option<&str>, found: Option<&str>) -> Command {
    let text = |value: Option<&str>| value.map(str::to_owned);
    say(Said::Value { record: record.into(), before: text(before), after: Some("0".into()), found: text(found) })
}

fn verify() -> Command {
    on(Ask::VerifyRollback { checklist: RB, evidence: "read back".into() })
}

fn role(role: &str, who: &str) -> Command {
    on(Ask::Assign { role: role.into(), who: Some(who.into()), note: None })
}

impl Story {
    /// Every step but the read-back is done.
    fn steps_done(&mut self) {
        let open = self.incident(1).checklists[0].steps.iter().filter(|step| !step.plan.verifies);
        for step in open.map(|step| step.plan.id.clone()).collect::<Vec<_>>() {
            self.done(tick(1, &step));
        }
    }
}

/// RBK: an operator is named; nobody else ticks what changes the state, and everybody ticks the rest.
#[test]
fn who_works_a_checklist_is_named() {
    let mut story = Story::declared("SEV-3");
    story.done(open("database-write", "ledger"));
    story.done(go_on());
    story.done(assign(Some("kim")));
    story.nothing(assign(Some("kim")));
    story.done(tick(1, "list-writes"));
    story.refused(tick(1, "restore-rows"), RefusalCode::Forbidden, "worked by kim");
    story.by("kim").done(tick(1, "restore-rows"));
    // Two tick one step: the second changes nothing, and the first stays its author.
    story.by("dana").nothing(tick(1, "restore-rows"));
    story.done(assign(None));
    story.done(tick(1, "check-copies"));
    story.refused(say(Said::Assigned { operator: Some("agent:refund-bot".into()) }), RefusalCode::Forbidden, "agent");
}

/// RBK.6: a class may be for holders of a role alone.
#[test]
fn a_class_may_ask_for_a_role() {
    let mut story = Story::declared("SEV-3");
    let class = ActionClass::new("identity-or-access").unwrap();
    story.runbook.classes.iter_mut().find(|plan| plan.class == class).unwrap().roles = vec!["security".into()];
    story.done(open("identity-or-access", "the new account"));
    story.done(go_on());
    story.refused(tick(1, "revoke"), RefusalCode::Forbidden, "security");
    story.done(role("security", "dana"));
    story.done(tick(1, "revoke"));
}

/// RBK.8: a window that closes before the budget is a clock of its own, met once nothing is left to change; one that always
/// lasts as long is known from the first bad action.
#[test]
fn an_undo_window_is_counted_down() {
    let mut story = Story::declared("SEV-3");
    let class = ActionClass::new("external-api-call").unwrap();
    let plan = story.runbook.classes.iter_mut().find(|plan| plan.class == class).unwrap();
    plan.windows.push(crate::incident::rollback::PlannedWindow { what: "same-day void".into(), within_s: Some(3_600) });
    story.done(open("external-api-call", "payouts"));
    story.done(go_on());
    let window = say(Said::Window { what: "refund or cancellation period".into(), closes_at: Some(at(600)) });
    story.done(window.clone());
    story.nothing(window);
    let clock = |story: &Story, name: &str, seconds| {
        let all = clocks(story.incident(1), &story.worlds.real, at(seconds));
        all.into_iter().find(|clock| clock.name.ends_with(name)).map(|clock| (clock.state, clock.left_s))
    };
    assert_eq!(clock(&story, "period", 200), Some((ClockState::Running, Some(400.0))));
    assert_eq!(clock(&story, "period", 601), Some((ClockState::Missed, Some(-1.0))));
    assert_eq!(clock(&story, "same-day void", 600), Some((ClockState::Running, Some(3_000.0))));
    story.at(500).done(tick(1, "reverse"));
    assert_eq!(clock(&story, "period", 601), Some((ClockState::Met, Some(100.0))));
    story.done(say(Said::Window { what: "refund or cancellation period".into(), closes_at: None }));
    assert_eq!(clock(&story, "period", 601), None);
}

/// RBK.2, RBK.9: the read-back waits for sign-offs where severity asks for two persons; the role signs, the severity owner
/// goes without.
#[test]
fn a_high_risk_rollback_is_signed_off() {
    let mut story = Story::declared("SEV-2");
    story.done(open("customer-communication", "the notice of 20 Nov"));
    story.done(go_on());
    story.steps_done();
    story.refused(verify(), RefusalCode::Conflict, "legal");
    story.refused(sign("leagl", false), RefusalCode::Unknown, "did you mean legal?");
    story.refused(sign("legal", false), RefusalCode::Forbidden, "andon assign INC-1 legal WHO");
    story.refused(sign("legal", true), RefusalCode::Forbidden, "severity owner");
    story.done(role("legal", "dana"));
    story.done(sign("legal", false));
    story.done(verify());
    let mut story = Story::declared("SEV-2");
    story.done(open("customer-communication", "the notice of 20 Nov"));
    story.done(go_on());
    story.steps_done();
    story.done(role("severity-owner", "dana"));
    story.done(sign("legal", true));
    story.done(verify());
    // A milder incident asks for none.
    let mut story = Story::declared("SEV-3");
    story.done(open("customer-communication", "the notice of 20 Nov"));
    story.done(go_on());
    story.steps_done();
    story.done(verify());
}

/// RBK.1, RBK.8: recorded values are read back, and read as before, unless a substitute stands in; what kind it is, is kept.
#[test]
fn values_read_as_before_or_a_substitute_stands_in() {
    let mut story = Story::declared("SEV-3");
    story.done(open("database-write", "ledger"));
    story.done(go_on());
    story.steps_done();
    story.done(value("order 7", Some("120"), None));
    story.nothing(value("order 7", Some("120"), None));
    story.refused(verify(), RefusalCode::Conflict, "not read back: order 7");
    story.done(value("order 7", None, Some("0")));
    story.refused(verify(), RefusalCode::Conflict, "do not read as before: order 7");
    let substitute = |kind| {
        on(Ask::MarkImpossible { checklist: RB, step: "restore-rows".into(), substitute: "credited".into(), kind })
    };
    story.done(substitute(Some(Substitute::CompensatingAction)));
    story.nothing(substitute(Some(Substitute::CompensatingAction)));
    let step = story.incident(1).checklists[0].steps.iter().find(|step| step.plan.id == "restore-rows").unwrap();
    assert_eq!(step.kind, Some(Substitute::CompensatingAction));
    story.done(verify());
    story.done(on(Ask::UntickStep { checklist: RB, step: "restore-rows".into() }));
    story.done(tick(1, "restore-rows"));
    story.refused(verify(), RefusalCode::Conflict, "do not read as before");
    story.done(value("order 7", None, Some("120")));
    story.done(verify());
}

/// RBK.7: what a wrong record reached is watched for seven days from the read-back on; the watch ends by itself.
#[test]
fn readers_are_watched_after_the_read_back() {
    let mut story = Story::declared("SEV-3");
    story.done(open("knowledge-base-write", "kb://refunds-v2"));
    story.done(go_on());
    story.steps_done();
    story.at(100).done(verify());
    let watch = |seconds| {
        let all = clocks(story.incident(1), &story.worlds.real, at(seconds));
        all.into_iter().find(|clock| clock.name == "RB-1 watch").map(|clock| clock.state)
    };
    assert_eq!((watch(200), watch(700_000)), (Some(ClockState::Running), Some(ClockState::Met)));
}

/// RBK: what people wrote goes into a step's command as one word of a shell.
#[test]
fn a_commands_target_is_one_word() {
    let mut story = Story::declared("SEV-3");
    story.done(open("document", "it's; rm -rf $HOME {incident}"));
    let incident = story.incident(1);
    let command =
        command_of("fetch {incident}/{checklist} {target} --since {since}", incident, &incident.checklists[0]);
    let quoted = r"fetch INC-1/RB-1 'it'\''s; rm -rf $HOME {incident}' --since 2026-";
    assert!(command.starts_with(quoted), "{command}");
}

/// RBK.10: what an undo would need is present or missing for each acting class of an agent's tools; a tool without a class,
/// or of a class nobody wrote a procedure for, is drift.
#[test]
fn undo_readiness_and_drift_are_told_before_any_incident() {
    let agent: AgentDeclaration = serde_json::from_value(serde_json::json!({
        "id": "refund-bot",
        "inventory": [
            {"tool": "stripe.payout", "class": "external-api-call"},
            {"tool": "crm.read", "class": "read"},
            {"tool": "robot.arm", "class": "physical-move"},
            "mail.send",
        ],
        "undo": {"external-api-call": ["run-tag", "no-such-thing"]},
    }))
    .unwrap();
    let runbook = crate::runbook::Runbook::shipped();
    let used = BTreeSet::from([ActionClass::new("document").unwrap()]);
    let ready = readiness(&agent, &used, &runbook);
    let told: Vec<(&str, &[String], Vec<&str>)> = ready
        .iter()
        .map(|one| {
            (one.class.as_str(), one.present.as_slice(), one.missing.iter().map(|need| need.id.as_str()).collect())
        })
        .collect();
    let present = ["run-tag".to_owned()];
    assert_eq!(
        told,
        [
            ("document", &[][..], vec!["previous-version", "run-tag"]),
            ("external-api-call", &present[..], vec!["provider-ids"]),
        ]
    );
    let drifted: Vec<String> = drift(&agent, &runbook).iter().map(|one| one.tool.to_string()).collect();
    assert_eq!(drifted, ["robot.arm", "mail.send"]);
}
