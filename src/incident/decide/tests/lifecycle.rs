//! An incident as a whole: severity, roles, notes, harm, the status machine (SEV.5, TEAM.1, TEAM.8, protocol 6).

use super::story::{Story, at, halt, key, kinds, on, opened, release};
use crate::{
    incident::{Command, Fact, IncidentCommand as Ask, RefusalCode, Status},
    terms::IncidentId,
    tripwire::Tripwire,
};

fn severity(level: &str, why: &str) -> Command {
    on(Ask::SetSeverity { severity: level.into(), why: why.into() })
}

fn assign(role: &str, who: Option<&str>) -> Command {
    on(Ask::Assign { role: role.into(), who: who.map(str::to_owned), note: None })
}

fn note(text: &str, at: Option<i64>) -> Command {
    on(Ask::Note { text: text.into(), at: at.map(super::story::at) })
}

fn contained(why: &str) -> Command {
    on(Ask::DeclareContained { why: why.into() })
}

fn resolve(over: Option<&str>) -> Command {
    on(Ask::Resolve { note: "fixed".into(), over: over.map(str::to_owned) })
}

fn close(over: Option<&str>) -> Command {
    on(Ask::Close { over: over.map(str::to_owned) })
}

fn reopen() -> Command {
    on(Ask::Reopen { why: "again".into() })
}

/// SEV.5, SEV.7: a person sets it, with a reason, in the incident's own scheme; every change is kept.
#[test]
fn a_person_sets_the_severity() {
    let mut story = Story::declared("SEV-3");
    story.refused(severity("S1", "worse"), RefusalCode::Invalid, "SEV-1");
    story.refused(severity("SEV-1", " "), RefusalCode::Invalid, "reason");
    story.refused(severity("SEV-1", &"é".repeat(2_001)), RefusalCode::Invalid, "2000");
    story.by("automation:ci").refused(severity("SEV-1", "worse"), RefusalCode::Forbidden, "person");
    story.by("dana").at(60).done(severity("sev-1", " money left "));
    story.nothing(severity("SEV-1", "again"));
    let incident = story.incident(1);
    let changes: Vec<_> =
        incident.severities.iter().map(|one| (one.at, one.severity.as_str(), one.why.as_str())).collect();
    assert_eq!(changes, [(at(0), "SEV-3", "declared"), (at(60), "SEV-1", "money left")]);
    story.refused(Command::OnIncident { incident: IncidentId(7), ask: Ask::Confirm {} }, RefusalCode::Unknown, "INC-7");
}

/// TEAM.1, RST.5: roles are the runbook's; a person holds them, an agent never does.
#[test]
fn roles_change_hands_between_people() {
    let mut story = Story::declared("SEV-2");
    story.done(super::agents::declared(&["refund-bot"]));
    story.done(assign(" Commander ", Some(" dana ")));
    assert_eq!(story.incident(1).roles["commander"], "dana");
    story.nothing(assign("commander", Some("dana")));
    story.done(assign("commander", Some("lee")));
    assert_eq!(story.incident(1).roles["commander"], "lee");
    story.refused(assign("king", Some("dana")), RefusalCode::Unknown, "severity-owner");
    for who in ["agent:refund-bot", "agent:unheard-of", "refund-bot"] {
        story.refused(assign("scribe", Some(who)), RefusalCode::Forbidden, "an agent holds no role");
    }
    story.refused(assign("scribe", Some(&"x".repeat(201))), RefusalCode::Invalid, "200");
    story.done(assign("commander", Some("  ")));
    assert!(story.incident(1).roles.is_empty());
    story.nothing(assign("commander", None));
}

/// TEAM.8: anybody notes, back-dated where it happened earlier; what was said stays, marked.
#[test]
fn notes_are_dated_bounded_and_taken_back() {
    let mut story = Story::declared("SEV-2");
    story.at(600).by("automation:ci");
    story.done(note(" two spaces are kept", Some(-3_600)));
    story.refused(note("x", Some(602)), RefusalCode::Invalid, "future");
    story.refused(note(" \n", None), RefusalCode::Invalid, "empty");
    story.refused(note(&"x".repeat(64 * 1024 + 1), None), RefusalCode::Invalid, "65536");
    story.done(note(&"x".repeat(64 * 1024), None));
    let entry = story.incident(1).timeline[1].clone();
    assert_eq!((entry.seq, entry.at, entry.recorded_at), (2, at(-3_600), at(600)));
    assert_eq!(entry.text, " two spaces are kept");
    let retract = |seq| on(Ask::RetractNote { seq });
    story.refused(retract(1), RefusalCode::Unknown, "no note 1");
    story.refused(retract(99), RefusalCode::Unknown, "no note 99");
    story.done(retract(2));
    story.nothing(retract(2));
    let entry = &story.incident(1).timeline[1];
    assert!(entry.retracted && entry.text.contains("two spaces"), "EVI.4: the log keeps it");
    assert!(!story.incident(1).timeline[2].retracted);
}

/// CON.1: harm confirmed anew corrects the zero, on the incident and on every switch still engaged.
#[test]
fn a_corrected_harm_time_reaches_the_engaged_switches() {
    let mut story = Story::declared("SEV-3");
    story.done(Command::Engage(halt()));
    story.done(Command::Engage(halt()));
    story.by("lee").done(release(1, "narrower"));
    let harm = |seconds: Option<i64>| on(Ask::ConfirmHarm { at: seconds.map(at) });
    story.at(20);
    story.refused(harm(Some(25)), RefusalCode::Invalid, "future");
    assert_eq!(kinds(&story.done(harm(Some(-30)))), ["harm-confirmed", "switch-annotated"]);
    story.nothing(harm(Some(-30)));
    assert_eq!((story.switch(1).harm_at, story.switch(2).harm_at), (None, Some(at(-30))));
    story.done(Command::Engage(halt()));
    assert_eq!(story.switch(3).harm_at, Some(at(-30)), "a later switch runs from the harm that is known");
    assert_eq!(kinds(&story.done(harm(None))), ["harm-confirmed", "switch-annotated", "switch-annotated"]);
    assert_eq!((story.incident(1).harm_at, story.switch(3).harm_at), (Some(at(20)), Some(at(20))));
}

/// Protocol 6: what a tripwire opened is confirmed or dismissed by a person, once.
#[test]
fn a_tripwires_incident_waits_for_a_person() {
    let unconfirmed = || {
        let mut story = Story::new();
        story.fires(vec![opened(key(Tripwire::Outcome, "refund-bot", "email"), -10)]);
        assert!(!story.incident(1).confirmed);
        story
    };
    let dismiss = |why: &str| on(Ask::Dismiss { why: why.into() });
    let mut story = unconfirmed();
    story.by("automation:ci");
    story.refused(on(Ask::Confirm {}), RefusalCode::Forbidden, "person");
    story.refused(dismiss("none"), RefusalCode::Forbidden, "person");
    story.by("dana").refused(dismiss(" "), RefusalCode::Invalid, "reason");
    story.done(on(Ask::Confirm {}));
    story.nothing(on(Ask::Confirm {}));
    assert!(story.incident(1).confirmed);
    story.refused(dismiss("none"), RefusalCode::Conflict, "resolve it");

    let mut story = unconfirmed();
    story.done(dismiss("a test address"));
    assert_eq!((story.incident(1).status, story.incident(1).is_open()), (Status::Dismissed, false));
    story.nothing(dismiss("a test address"));
    story.refused(on(Ask::Confirm {}), RefusalCode::Conflict, "reopen");
    story.refused(resolve(None), RefusalCode::Conflict, "reopen");
    story.done(reopen());
    assert_eq!((story.incident(1).status, story.incident(1).confirmed), (Status::Declared, false));
    story.done(on(Ask::Confirm {}));
}

/// Protocol 6: declared → contained → resolved → closed, and back.
#[test]
fn an_incident_ends_in_steps_and_reopens_where_it_stood() {
    let mut story = Story::declared("SEV-2");
    story.refused(reopen(), RefusalCode::Conflict, "is open");
    story.refused(close(None), RefusalCode::Conflict, "resolve it first");
    story.refused(contained(""), RefusalCode::Invalid, "reason");
    story.by("automation:ci");
    for ask in [contained("unplugged"), resolve(None), close(Some("x"))] {
        story.refused(ask, RefusalCode::Forbidden, "person");
    }
    story.by("dana").at(10).done(contained("unplugged"));
    assert_eq!((story.incident(1).status, story.incident(1).contained_at), (Status::Contained, Some(at(10))));
    story.refused(contained("again"), RefusalCode::Conflict, "contained already");
    story.at(20).done(resolve(None));
    assert_eq!((story.incident(1).status, story.incident(1).resolved_at), (Status::Resolved, Some(at(20))));
    story.refused(resolve(None), RefusalCode::Conflict, "reopen it first");
    story.refused(contained("again"), RefusalCode::Conflict, "contained already");
    story.refused(close(None), RefusalCode::Conflict, "needs a post-mortem");
    super::postmortem::write_whole(&mut story);
    story.at(30).done(close(None));
    assert_eq!((story.incident(1).status, story.incident(1).closed_at), (Status::Closed, Some(at(30))));
    story.nothing(close(None));
    story.at(40).done(reopen());
    let incident = story.incident(1);
    assert_eq!((incident.status, incident.contained_at), (Status::Contained, Some(at(10))), "no clock restarts");
    assert_eq!((incident.resolved_at, incident.closed_at), (None, None));
    story.done(close(Some("duplicate of INC-0")));
    assert_eq!(story.incident(1).status, Status::Closed);
}

/// RBK.8: neither resolving nor closing passes over an engaged switch or an unverified class without a reason.
#[test]
fn what_is_left_open_is_named_or_overridden_with_a_reason() {
    let mut story = Story::declared("SEV-2");
    story.done(Command::Engage(halt()));
    story.refused(resolve(None), RefusalCode::Conflict, "SW-1 (all agents) is engaged");
    story.refused(resolve(Some(" ")), RefusalCode::Invalid, "reason");
    let made = story.done(resolve(Some("stays off for good")));
    assert_eq!(kinds(&made), ["note-added", "resolved"]);
    let Fact::NoteAdded { text } = &made[0] else { panic!("{made:?}") };
    assert!(text.contains("SW-1") && text.contains("stays off for good"), "{text}");
    story.refused(close(None), RefusalCode::Conflict, "SW-1 (all agents) is engaged");
    story.refused(close(Some("")), RefusalCode::Invalid, "reason");
    story.done(close(Some("stays off for good")));

    let mut story = Story::declared("SEV-2");
    story.done(resolve(None));
    story.done(super::rollback::open("document", "price page"));
    story.refused(close(None), RefusalCode::Conflict, "is not verified");
    story.done(close(Some("the page is gone with its site")));
    story.refused(super::rollback::open("document", "another"), RefusalCode::Conflict, "reopen it");
}
