//! Incidents that only named people see (TEAM.9).

use super::story::{Story, agent, halt, on};
use crate::{
    incident::{
        Command, Declare, IncidentCommand as Ask, RefusalCode,
        restriction::{EnterRestricted, LiftRestriction, Restrict},
        team::{Merge, Split},
    },
    terms::IncidentId,
};

fn restrict(people: &[&str]) -> Command {
    let people = people.iter().map(|name| (*name).to_owned()).collect();
    on(Ask::Restrict(Restrict { people, why: "a person is named".into() }))
}

fn note() -> Command {
    on(Ask::Note { text: "seen".into(), at: None })
}

/// TEAM.9: who is not named is told what anybody is told of an incident that is not there; whoever restricts is always named.
#[test]
fn who_is_not_named_learns_nothing() {
    let mut story = Story::declared("SEV-2");
    story.refused(restrict(&[&"x".repeat(3_000)]), RefusalCode::Invalid, "who sees it");
    story.by("automation:ci").refused(restrict(&["lee"]), RefusalCode::Forbidden, "person");
    story.by("dana").done(restrict(&["lee"]));
    story.nothing(restrict(&["dana", "lee"]));
    let absent = format!("{:?}", story.ask(Command::OnIncident { incident: IncidentId(9), ask: Ask::Confirm {} }));
    let told = format!("{:?}", story.by("kim").ask(note()));
    assert_eq!(told, absent.replace("INC-9", "INC-1"));
    story.by("lee").done(note());
    story.by("andon:clock").done(note());
    story.by("dana").refused(
        on(Ask::Assign { role: "scribe".into(), who: Some("kim".into()), note: None }),
        RefusalCode::Conflict,
        "kim does not see it",
    );
    let seen = |name: &str| story.worlds.real.seen_by(&name.parse().unwrap()).incidents.len();
    assert_eq!((seen("dana"), seen("lee"), seen("kim")), (1, 1, 0));
    let story = &mut story;
    story.by("dana").done(on(Ask::Assign { role: "scribe".into(), who: Some("lee".into()), note: None }));
    story.refused(restrict(&["kim"]), RefusalCode::Conflict, "scribe");
    story.done(on(Ask::LiftRestriction(LiftRestriction { why: "published".into() })));
    story.by("kim").done(note());
}

/// TEAM.9: an override gets in, and those who are named read who did and why.
#[test]
fn an_override_gets_in_on_the_record() {
    let mut story = Story::declared("SEV-2");
    let enter = |why: &str| on(Ask::EnterRestricted(EnterRestricted { why: why.into() }));
    story.by("kim").refused(enter("it pages me"), RefusalCode::Conflict, "everybody");
    story.by("dana").done(restrict(&[]));
    story.by("kim").refused(enter(" "), RefusalCode::Invalid, "reason");
    story.by("automation:ci").refused(enter("x"), RefusalCode::Forbidden, "person");
    story.by("kim").done(enter("nobody who is named answers"));
    story.nothing(enter("again"));
    story.done(note());
    let last = story.incident(1).timeline.iter().rev().nth(1).unwrap().clone();
    assert_eq!((last.by.name(), last.text.as_str()), ("kim", "let themselves in: nobody who is named answers"));
}

/// TEAM.9: what goes into another incident comes before no other eyes; what is split off keeps the restriction; a halt by who
/// does not see it stands, and belongs to nothing they do not see.
#[test]
fn nothing_leaks_from_one_incident_into_another() {
    let mut story = Story::new();
    let declare = Declare {
        title: "a person is named".into(),
        agents: vec![agent("refund-bot")],
        restricted_to: vec!["lee".into()],
        ..Declare::default()
    };
    story.done(Command::Declare(declare));
    assert!(story.incident(1).restricted.is_some(), "from its first moment");
    story.by("kim").done(Command::Engage(halt()));
    assert!(story.worlds.real.switches.values().next().unwrap().incident.is_none());
    story.done(Command::Declare(Declare { title: "in the open".into(), ..Declare::default() }));
    let merge = on(Ask::Merge(Merge { into: IncidentId(2) }));
    story.by("kim").refused(merge.clone(), RefusalCode::Unknown, "INC-1");
    story.by("lee").refused(merge, RefusalCode::Conflict, "same people");
    let split = Split {
        title: "its other half".into(),
        agents: vec![agent("refund-bot")],
        firings: Vec::new(),
        switches: Vec::new(),
    };
    story.done(on(Ask::Split(split)));
    let people = |number| story.incident(number).restricted.as_ref().map(|only| only.people.len());
    assert_eq!((people(1), people(2), people(3)), (Some(2), None, Some(2)));
}
