//! Switches: engaging asks nobody, releasing is slow (CON.5, CON.9, RST.4, protocol 4).

use super::story::{Story, agent, at, declare, halt, kinds, on, release};
use crate::{
    incident::{
        Command, Engage, Fact, IncidentCommand as Ask, RefusalCode,
        containment::{ProofState::*, Scope, SwitchState},
    },
    terms::{IncidentId, SwitchId, Time},
};

fn annotate(id: u32, why: Option<&str>, harm: Option<i64>, incident: Option<u32>) -> Command {
    Command::Annotate {
        switch: SwitchId(id),
        why: why.map(str::to_owned),
        harm_at: harm.map(at),
        incident: incident.map(IncidentId),
    }
}

fn except(id: u32, of: &str, why: &str) -> Command {
    Command::Release { switch: SwitchId(id), why: why.into(), agent: Some(agent(of)), to: None, over: None }
}

fn preventive(seconds: i64) -> Engage {
    Engage { expires_at: Some(at(seconds)), ..halt() }
}

/// CON.5: a bare halt is taken with nothing said, from a person or a script; it counts whom the interlock counts.
#[test]
fn a_bare_halt_asks_nobody() {
    let mut story = Story::new();
    story.by("automation:ci").counting(&[("a", Requested), ("b", Idle)]);
    assert_eq!(kinds(&story.done(Command::Engage(halt()))), ["switch-engaged"]);
    let switch = story.switch(1);
    assert_eq!((switch.state, switch.scope.clone(), switch.incident), (SwitchState::Engaged, Scope::all(), None));
    assert_eq!((switch.halt.counted, switch.halt.agents.len()), (1, 2), "who is idle is listed, not counted");
    story.by("agent:a").refused(Command::Engage(halt()), RefusalCode::Forbidden, "person");
}

/// Which incident a halt belongs to: the one named, else the only open one; none where several are open.
#[test]
fn a_halt_joins_the_incident_it_can_know() {
    let mut story = Story::declared("SEV-2");
    assert_eq!(kinds(&story.done(Command::Engage(halt()))), ["switch-engaged", "switch-joined"]);
    assert_eq!(story.incident(1).switches, [SwitchId(1)]);
    story.done(declare("another", "SEV-3"));
    for declare in [false, true] {
        story.done(Command::Engage(Engage { declare, ..halt() }));
    }
    assert_eq!((story.switch(2).incident, story.switch(3).incident), (None, None), "two are open: a person says which");
    let named = |id| Command::Engage(Engage { incident: Some(IncidentId(id)), ..halt() });
    story.done(named(2));
    assert_eq!(story.switch(4).incident, Some(IncidentId(2)));
    story.refused(named(9), RefusalCode::Unknown, "INC-9");
    story.done(Command::OnIncident {
        incident: IncidentId(2),
        ask: Ask::Resolve { note: String::new(), over: Some("kept off".into()) },
    });
    story.refused(named(2), RefusalCode::Conflict, "reopen it");
    story.done(Command::Engage(halt()));
    assert_eq!(story.switch(5).incident, Some(IncidentId(1)), "one is open again");
}

/// What `!` in the cockpit does: with no incident open, the halt opens one and is its first switch.
#[test]
fn a_halt_declares_where_it_is_asked_to() {
    let mut story = Story::new();
    let scope = Scope { workflow: Some("refunds".parse().unwrap()), ..Scope::agent(agent("refund-bot")) };
    let ask = Engage { scope, declare: true, harm_at: Some(at(-8)), ..halt() };
    let made = story.done(Command::Engage(ask));
    assert_eq!(kinds(&made), ["switch-engaged", "incident-declared", "switch-joined", "harm-confirmed"]);
    let incident = story.incident(1);
    assert_eq!(incident.title, "Halt: agent refund-bot · workflow refunds");
    assert_eq!((incident.severity.as_str(), incident.confirmed, incident.harm_at), ("SEV-2", true, Some(at(-8))));
    assert_eq!(
        (incident.agents.as_slice(), incident.workflow.as_deref()),
        (&[agent("refund-bot")][..], Some("refunds"))
    );
    assert_eq!((story.switch(1).incident, story.switch(1).harm_at), (Some(IncidentId(1)), Some(at(-8))));
}

/// CON.9: a preventive switch expires; one tied to an incident never does.
#[test]
fn only_a_preventive_switch_expires() {
    let mut story = Story::declared("SEV-2");
    let tied = Engage { incident: Some(IncidentId(1)), ..preventive(60) };
    story.refused(Command::Engage(tied), RefusalCode::Conflict, "CON.9");
    for seconds in [0, -60] {
        story.refused(Command::Engage(preventive(seconds)), RefusalCode::Invalid, "past");
    }
    story.done(Command::Engage(Engage { declare: true, ..preventive(60) }));
    assert_eq!((story.switch(1).incident, story.switch(1).expires_at), (None, Some(at(60))));
    story.refused(annotate(1, None, None, Some(1)), RefusalCode::Conflict, "CON.9");

    story.by("andon:clock").at(59);
    story.refused(release(1, "it expired"), RefusalCode::Forbidden, "person");
    story.at(60).by("automation:ci").refused(release(1, "it expired"), RefusalCode::Forbidden, "person");
    let made = story.by("andon:clock").done(release(1, "it expired"));
    assert!(matches!(&made[..], [Fact::SwitchReleased { alone: false, .. }]), "{made:?}");
    story.by("dana").done(Command::Engage(halt()));
    story.by("andon:clock").at(Time::DAY / 1000).refused(release(2, "old"), RefusalCode::Forbidden, "person");
}

/// RST.4, RST.5: only a person releases, and ending the incident first is no way around the gate.
#[test]
fn a_switch_of_an_incident_is_released_by_people_only() {
    for level in ["SEV-1", "SEV-2", "SEV-3", "SEV-4"] {
        let mut story = Story::declared(level);
        story.done(Command::Engage(halt()));
        for by in ["automation:ci", "andon:clock", "agent:a"] {
            story.by(by).refused(release(1, "safe"), RefusalCode::Forbidden, "person");
        }
        story.by("dana").refused(release(1, "safe"), RefusalCode::Conflict, "does not let SW-1 go on to full");
        story.done(on(Ask::Resolve { note: String::new(), over: Some("quiet".into()) }));
        story.refused(release(1, "safe"), RefusalCode::Conflict, "andon restart INC-1");
        story.done(on(Ask::Close { over: Some("quiet".into()) }));
        story.refused(release(1, "safe"), RefusalCode::Conflict, "andon restart INC-1");
        let made = story.freed(1);
        assert!(
            matches!(&made[..], [Fact::RestartOverridden(_), Fact::SwitchReleased { alone: false, .. }]),
            "{made:?}"
        );
        assert_eq!(story.switch(1).state, SwitchState::Released);
    }
}

/// Protocol 4: alone only where the switch belongs to no incident, with a typed reason.
#[test]
fn a_release_has_a_reason_and_happens_once() {
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.refused(release(9, "safe"), RefusalCode::Unknown, "SW-9");
    story.refused(release(1, " \t"), RefusalCode::Invalid, "reason");
    let made = story.done(release(1, "a false alarm"));
    assert!(matches!(&made[..], [Fact::SwitchReleased { alone: true, .. }]), "{made:?}");
    story.refused(release(1, "again"), RefusalCode::Conflict, "released already");
    story.refused(except(1, "mailer", "again"), RefusalCode::Conflict, "released already");
}

/// CON.2, CON.12: one agent comes back from a wide halt; the halt stays, for new agents too.
#[test]
fn one_agent_is_restored_from_a_wide_halt() {
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.refused(except(1, "mailer", ""), RefusalCode::Invalid, "reason");
    assert_eq!(kinds(&story.done(except(1, "mailer", "shown unaffected"))), ["switch-excepted"]);
    story.nothing(except(1, "mailer", "shown unaffected"));
    assert_eq!(
        (story.switch(1).except.as_slice(), story.switch(1).state),
        (&[agent("mailer")][..], SwitchState::Engaged)
    );
    let one = Engage { scope: Scope::agent(agent("refund-bot")), ..halt() };
    story.done(Command::Engage(one));
    story.refused(except(2, "mailer", "safe"), RefusalCode::Conflict, "agent refund-bot");
}

/// CON.5: reason, harm and incident may follow the firing.
#[test]
fn what_was_not_said_when_firing_is_said_after() {
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.done(declare("paid twice", "SEV-3"));
    story.refused(annotate(9, None, None, None), RefusalCode::Unknown, "SW-9");
    story.refused(annotate(1, Some(""), None, None), RefusalCode::Invalid, "reason");
    story.refused(annotate(1, None, Some(5), None), RefusalCode::Invalid, "future");
    story.refused(annotate(1, None, None, Some(9)), RefusalCode::Unknown, "INC-9");
    story.nothing(annotate(1, None, None, None));
    let made = story.done(annotate(1, Some("payouts"), Some(-20), Some(1)));
    assert_eq!(kinds(&made), ["switch-annotated", "switch-joined", "harm-confirmed"]);
    story.nothing(annotate(1, Some("payouts"), Some(-20), Some(1)));
    assert_eq!(story.incident(1).harm_at, Some(at(-20)));
    story.done(annotate(1, None, Some(-30), None));
    assert_eq!((story.switch(1).why.as_deref(), story.incident(1).harm_at), (Some("payouts"), Some(at(-30))));
    story.done(declare("another", "SEV-3"));
    story.refused(annotate(1, None, None, Some(2)), RefusalCode::Conflict, "belongs to INC-1");
}

/// CON.1: one harm time for the incident and all its engaged switches, whichever of them is corrected.
#[test]
fn harm_said_of_one_switch_holds_for_its_incident() {
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.done(annotate(1, None, Some(-5), None));
    story.done(declare("paid twice", "SEV-3"));
    story.done(Command::Engage(halt()));
    story.done(annotate(1, None, None, Some(1)));
    assert_eq!((story.incident(1).harm_at, story.switch(2).harm_at), (Some(at(-5)), Some(at(-5))));
    story.done(annotate(2, None, Some(-9), None));
    assert_eq!((story.incident(1).harm_at, story.switch(1).harm_at), (Some(at(-9)), Some(at(-9))));
    let mut story = Story::new();
    story.done(Command::Engage(halt()));
    story.done(declare("paid twice", "SEV-3"));
    story.done(on(Ask::ConfirmHarm { at: Some(at(-7)) }));
    story.done(annotate(1, None, None, Some(1)));
    assert_eq!(story.switch(1).harm_at, Some(at(-7)));
    story.done(Command::Engage(Engage { incident: None, ..preventive(60) }));
    story.done(on(Ask::Resolve { note: String::new(), over: Some("quiet".into()) }));
    story.done(Command::Engage(halt()));
    story.refused(annotate(3, None, None, Some(1)), RefusalCode::Conflict, "reopen it");
}
