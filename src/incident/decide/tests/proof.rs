//! Proof of halt and what follows from it (CON.1, CON.10, protocol 3 and 6).

use super::story::{Story, at, declare, halt, on, prove, release};
use crate::{
    incident::{
        Command, IncidentCommand as Ask, RefusalCode, Status,
        containment::ProofState::{self, *},
    },
    terms::{IncidentId, SwitchId},
};

/// INC-1 with a switch over `agents`.
fn under(agents: &[(&str, ProofState)]) -> Story {
    let mut story = Story::declared("SEV-2");
    story.counting(agents).done(Command::Engage(halt()));
    story.at(10);
    story
}

const PROVED: [&str; 1] = ["switch-proved"];
const CONTAINED: [&str; 2] = ["switch-proved", "contained"];
const BROKEN: [&str; 2] = ["switch-proved", "containment-broken"];

/// CON.10: contained when every counted agent is confirmed; silence, no answer and flight prove nothing.
#[test]
fn every_counted_agent_confirmed_is_containment() {
    for (states, contained) in [
        (&[Confirmed, Confirmed][..], true),
        (&[Confirmed, Idle], true),
        (&[Confirmed, Requested], false),
        (&[Confirmed, Enforced], false),
        (&[Confirmed, Silent], false),
        (&[Confirmed, NoAnswer], false),
        (&[Confirmed, Escaped], false),
        (&[Idle, Idle], false),
    ] {
        let agents: Vec<_> = ["a", "b"].into_iter().zip(states.iter().copied()).collect();
        let mut story = under(&[("a", Requested), ("b", Enforced)]);
        let made = story.proves(1, &agents);
        assert_eq!(made == CONTAINED, contained, "{states:?}: {made:?}");
        assert_eq!(story.incident(1).contained_at, contained.then(|| at(10)), "{states:?}");
        assert_eq!(story.incident(1).status == Status::Contained, contained);
        assert_eq!(story.switch(1).halt.agents.len(), 2);
        story.nothing(Command::Prove { switch: SwitchId(1), halt: story.switch(1).halt.clone() });
    }
    under(&[]).refused(prove(9, &[], at(0)), RefusalCode::Unknown, "SW-9");
}

/// CON.10: nobody counted proves nothing; a person may still say that it is contained.
#[test]
fn an_empty_halt_is_contained_only_by_word() {
    let mut story = under(&[("a", Idle)]);
    assert_eq!(story.proves(1, &[]), PROVED);
    assert_eq!(story.incident(1).status, Status::Declared);
    story.done(on(Ask::DeclareContained { why: "nothing ran".into() }));
    assert_eq!(story.incident(1).status, Status::Contained);
}

/// All engaged switches of the incident count; a released one, or another incident's, does not.
#[test]
fn containment_waits_for_every_engaged_switch() {
    let mut story = under(&[("a", Requested)]);
    story.done(Command::Engage(halt()));
    story.counting(&[]).done(Command::Engage(halt()));
    assert_eq!(story.proves(1, &[("a", Confirmed)]), PROVED);
    assert_eq!(story.proves(2, &[("a", Silent)]), PROVED);
    assert_eq!(story.proves(2, &[("a", Confirmed)]), CONTAINED, "SW-3 counts nobody and holds nothing up");

    let mut story = under(&[("a", Requested)]);
    story.done(Command::Engage(halt()));
    story.by("lee").done(release(1, "narrower"));
    assert_eq!(story.proves(1, &[("a", Confirmed)]), PROVED, "a lifted switch contains nothing");
    story.done(declare("another", "SEV-2"));
    assert_eq!(story.proves(2, &[("a", Confirmed)]), CONTAINED);
    let other = Command::OnIncident { incident: IncidentId(2), ask: Ask::Note { text: "x".into(), at: None } };
    story.done(other);
    assert_eq!(story.incident(2).contained_at, None);
}

/// A halt fired and proved before anybody declared contains the incident it is given to.
#[test]
fn a_proved_switch_brings_containment_along() {
    let mut story = Story::new();
    story.counting(&[("a", Requested)]).done(Command::Engage(halt()));
    assert_eq!(story.proves(1, &[("a", Confirmed)]), PROVED);
    story.at(60).done(declare("paid twice", "SEV-2"));
    story.done(Command::Annotate { switch: SwitchId(1), why: None, harm_at: None, incident: Some(IncidentId(1)) });
    assert_eq!((story.incident(1).status, story.incident(1).contained_at), (Status::Contained, Some(at(60))));
}

/// Protocol 6, DET.9: an escape reopens the status, once for each agent, and restarts no clock.
#[test]
fn a_later_escape_breaks_containment_and_restarts_no_clock() {
    let mut story = under(&[("a", Requested), ("b", Requested)]);
    story.done(super::rollback::open("document", "price page"));
    assert_eq!(story.proves(1, &[("a", Confirmed), ("b", Confirmed)]), CONTAINED);
    let due = story.incident(1).checklists[0].due_at;
    assert_eq!((story.incident(1).status, due), (Status::RollingBack, Some(at(3_610))));
    story.at(60);
    assert_eq!(story.proves(1, &[("a", Escaped), ("b", Confirmed)]), BROKEN);
    let incident = story.incident(1);
    assert_eq!((incident.status, incident.containment_broken), (Status::Declared, true));
    assert_eq!(story.proves(1, &[("a", Escaped), ("b", Silent)]), PROVED, "the same escape breaks once");
    assert_eq!(story.proves(1, &[("a", Escaped), ("b", Escaped)]), BROKEN);
    story.done(super::rollback::go_on());
    story.done(super::rollback::tick(1, "unpublish"));
    assert_eq!(story.incident(1).status, Status::Declared, "work goes on; the status waits for containment");
    story.at(90).done(on(Ask::DeclareContained { why: "its host is off".into() }));
    let incident = story.incident(1);
    assert_eq!((incident.status, incident.containment_broken), (Status::RollingBack, false));
    assert_eq!((incident.contained_at, incident.checklists[0].due_at), (Some(at(10)), due), "no clock restarts");
}

/// An escape before containment breaks nothing; one without an incident, or after the end, is only recorded.
#[test]
fn an_escape_breaks_only_what_was_contained() {
    let mut story = under(&[("a", Requested)]);
    assert_eq!(story.proves(1, &[("a", Escaped)]), PROVED);
    assert!(!story.incident(1).containment_broken);
    let mut story = under(&[("a", Requested)]);
    story.proves(1, &[("a", Confirmed)]);
    story.done(on(Ask::Resolve { note: String::new(), over: Some("kept off".into()) }));
    assert_eq!(story.proves(1, &[("a", Escaped)]), PROVED);
    let mut story = Story::new();
    story.counting(&[("a", Requested)]).done(Command::Engage(halt()));
    assert_eq!(story.proves(1, &[("a", Escaped)]), PROVED);
}
