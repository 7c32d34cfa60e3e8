//! What the tripwires saw (DET.2–DET.9, protocol 2).

use super::story::{Story, agent, at, declare, key, kinds, on, opened};
use crate::{
    incident::{
        AgentDeclaration, Command, Declare, Engage, Fact, IncidentCommand as Ask, RefusalCode, containment::Scope,
    },
    terms::{FiringId, IncidentId},
    tripwire::{FiringChange, FiringKey, FiringState, Tripwire::*},
};

const ALONE: [&str; 1] = ["firing-opened"];
const JOINED: [&str; 2] = ["firing-opened", "firing-joined"];
const OPENED: [&str; 3] = ["incident-declared", "firing-opened", "firing-joined"];

fn counted(key: FiringKey, count: u64, peak: Option<f64>) -> FiringChange {
    FiringChange::Counted { key, count, peak, last_at: at(0) }
}

fn closed(key: FiringKey, seconds: i64) -> FiringChange {
    FiringChange::Closed { key, at: at(seconds) }
}

fn ack(firing: u32, expected: bool) -> Command {
    Command::AckFiring { firing: FiringId(firing), expected }
}

/// DET.2–DET.5, DET.9: which tripwires open an incident for a person to confirm, and whom each pages.
#[test]
fn what_opens_an_incident() {
    for (tripwire, made) in [
        (CostRate, &ALONE[..]),
        (ActionRate, &ALONE),
        (Rule, &ALONE),
        (Outcome, &OPENED),
        (Authorisation, &OPENED),
        (Breach, &OPENED),
    ] {
        let mut story = Story::new();
        assert_eq!(story.fires(vec![opened(key(tripwire, "refund-bot", "x"), -5)]), made, "{tripwire}");
        let firing = story.firing(1);
        assert_eq!((firing.at, firing.received_at, firing.recorded_at), (at(-5), at(-3), at(0)));
        assert_eq!((firing.state, firing.count), (FiringState::Open, 1));
        assert!(!firing.paged[0].to.is_empty(), "{tripwire} pages somebody");
        if made == OPENED {
            let incident = story.incident(1);
            assert!(!incident.confirmed, "SEV.5: a person confirms");
            assert_eq!((incident.severity.as_str(), incident.agents.as_slice()), ("SEV-2", &[agent("refund-bot")][..]));
            assert_eq!((incident.mttd.action, incident.mttd.trigger), (Some(at(-5)), Some(at(0))));
        }
    }
}

/// DET.11: a team's rule says itself whom it pages and whether it opens an incident; one that is gone is as any.
#[test]
fn a_rule_pages_whom_it_names() {
    let text = "[[rule]]\nname = 'big'\namount = { USD = 1.0 }\npages = 'finance'\nopens_incident = true\n\
                [[rule]]\nname = 'loop'\nloop = { times = 3, minutes = 5 }\n";
    let texts = std::collections::BTreeMap::from([("rules.toml".to_owned(), text.to_owned())]);
    let mut story = Story::new();
    story.runbook = crate::runbook::Runbook::from_texts(&texts).unwrap();
    let others = story.runbook.tripwires.pages[&Rule].clone();
    let cases = [("loop", &ALONE[..], others.as_str()), ("gone", &ALONE, others.as_str()), ("big", &OPENED, "finance")];
    for (place, (rule, made, paged)) in cases.into_iter().enumerate() {
        assert_eq!(story.fires(vec![opened(key(Rule, "refund-bot", rule), -5)]), made, "{rule}");
        assert_eq!(story.firing(place as u32 + 1).paged[0].to, paged, "{rule}");
    }
}

/// DET.12, DET.13: what has done nothing yet opens no incident, and joins one that is open.
#[test]
fn what_was_only_asked_for_opens_no_incident() {
    for (tripwire, detail, made) in [
        (Authorisation, "asked: authorisation", &ALONE[..]),
        (Authorisation, "shell.run", &OPENED),
        (Breach, "approval rubber-stamped", &ALONE),
        (Breach, "approval forged", &OPENED),
        (Breach, "approval bypassed", &OPENED),
        (Breach, "approval unenforced", &OPENED),
    ] {
        let mut story = Story::new();
        let mut facts = story.fires(vec![opened(key(tripwire, "refund-bot", detail), -5)]);
        // DET.13: an approval that is none answers the incident's fact, too.
        facts.retain(|kind| kind != "fact-answered");
        assert_eq!(facts, made, "{detail}");
        assert!(!story.firing(1).paged[0].to.is_empty(), "{detail} pages at once");
    }
    let mut story = Story::new();
    story.fires(vec![opened(key(Outcome, "refund-bot", "email"), -5)]);
    assert_eq!(story.fires(vec![opened(key(Rule, "refund-bot", "asked: big"), -5)]), JOINED);
}

/// Protocol 2: a firing joins the open incident of its agent or workflow rather than opening another.
#[test]
fn a_firing_joins_what_is_open() {
    let claimed = |of: &str, workflow: &str| match opened(key(Outcome, of, "email"), -5) {
        FiringChange::Opened { key, at, received_at, window, limit, baseline, note, run, .. } => {
            let workflow = Some(workflow.into());
            FiringChange::Opened { key, at, received_at, window, limit, baseline, note, run, workflow }
        }
        other => other,
    };
    let ask = Declare {
        title: "x".into(),
        workflow: Some("refunds".into()),
        agents: vec![agent("refund-bot")],
        ..Declare::default()
    };
    let mut story = Story::new();
    story.done(Command::Declare(ask));
    let mailer: AgentDeclaration =
        serde_json::from_value(serde_json::json!({ "id": "mailer", "workflow": "refunds" })).unwrap();
    story.done(Command::DeclareAgents { agents: vec![mailer] });
    assert_eq!(story.fires(vec![opened(key(CostRate, "refund-bot", ""), -5)]), JOINED, "its agent");
    assert_eq!(story.fires(vec![opened(key(Outcome, "mailer", "email"), -5)]), JOINED, "its declared workflow");
    assert_eq!(story.fires(vec![claimed("scout", "refunds")]), JOINED, "its claimed workflow");
    assert_eq!(story.incident(1).agents, [agent("refund-bot"), agent("mailer"), agent("scout")]);
    assert_eq!(story.fires(vec![opened(key(Outcome, "stranger", "email"), -5)]), OPENED);
    story.done(on(Ask::Resolve { note: String::new(), over: None }));
    assert_eq!(story.fires(vec![opened(key(Outcome, "refund-bot", "email"), -5)]), OPENED, "the old one is over");
    assert_eq!(story.incident(3).workflow, None);
}

/// CON.10, DET.9: a breach belongs to the incident of the switch that it passed, whoever acted.
#[test]
fn a_breach_joins_its_switchs_incident() {
    let mut story = Story::declared("SEV-1");
    story.done(declare("another", "SEV-4"));
    let engage = |incident| {
        Command::Engage(Engage { scope: Scope::all(), incident: Some(IncidentId(incident)), ..super::story::halt() })
    };
    story.done(engage(1));
    assert_eq!(story.fires(vec![opened(key(Breach, "stranger", "SW-1"), 0)]), JOINED);
    assert_eq!(story.firing(1).incident, Some(IncidentId(1)));
    assert_eq!(story.fires(vec![opened(key(Breach, "other", "SW-9"), 0)]), OPENED, "an unknown switch says nothing");
}

/// One breath of the engine: numbers follow each other, and what one change opens a later one counts and closes.
#[test]
fn one_breath_opens_counts_and_closes() {
    let (loops, tool) = (key(CostRate, "refund-bot", ""), key(Authorisation, "refund-bot", "shell"));
    let mut story = Story::new();
    let made = story.fires(vec![
        opened(tool.clone(), -50),
        opened(tool.clone(), -50),
        opened(loops.clone(), -40),
        counted(loops.clone(), 4, Some(0.7)),
        closed(loops.clone(), 3_560),
        counted(loops.clone(), 9, Some(9.9)),
        closed(loops.clone(), 3_561),
        opened(loops.clone(), 3_570),
    ]);
    let expected = [&OPENED[..], &JOINED, &["firing-counted", "firing-closed"], &JOINED].concat();
    assert_eq!(made, expected);
    assert_eq!((story.firing(2).state, story.firing(2).closed_at), (FiringState::Closed, Some(at(3_560))));
    assert_eq!((story.firing(2).count, story.firing(2).window), (4, Some(0.7)));
    assert_eq!((story.firing(3).state, story.firing(3).at), (FiringState::Open, at(3_570)));
    assert_eq!(story.incident(1).firings, [FiringId(1), FiringId(2), FiringId(3)]);
}

/// After a restart the engine says again what the log holds: nothing new, whether open or closed by now.
#[test]
fn a_replay_makes_nothing() {
    let loops = key(CostRate, "refund-bot", "");
    let breath = || vec![opened(loops.clone(), -40), counted(loops.clone(), 4, Some(0.7))];
    let mut story = Story::new();
    assert_eq!(story.fires(breath()), ["firing-opened", "firing-counted"]);
    assert_eq!(story.fires(breath()), [""; 0]);
    assert_eq!(story.fires(vec![counted(loops.clone(), 3, Some(0.5))]), [""; 0]);
    assert_eq!(story.fires(vec![counted(loops.clone(), 5, None)]), ["firing-counted"]);
    assert_eq!((story.firing(1).count, story.firing(1).window), (5, Some(0.7)));
    // The engine lost its memory and says that it began later: still one firing for the key.
    assert_eq!(story.fires(vec![opened(loops.clone(), -20)]), [""; 0]);
    assert_eq!(story.fires(vec![closed(loops.clone(), 3_600)]), ["firing-closed"]);
    assert_eq!(story.fires([breath(), vec![closed(loops.clone(), 3_600)]].concat()), [""; 0]);
    assert_eq!(story.fires(vec![opened(loops, 7_000)]), ALONE);
    assert_eq!(story.worlds.real.firings.len(), 2);
}

/// A figure that is no number is not written: the log could not give it back.
#[test]
fn figures_are_numbers() {
    let mut story = Story::new();
    let mut change = opened(key(CostRate, "a", ""), -5);
    if let FiringChange::Opened { window, baseline, .. } = &mut change {
        (*window, *baseline) = (Some(f64::NAN), Some(f64::INFINITY));
    }
    story.fires(vec![change, counted(key(CostRate, "a", ""), 2, Some(f64::NEG_INFINITY))]);
    assert_eq!((story.firing(1).window, story.firing(1).limit, story.firing(1).baseline), (None, Some(0.1), None));
}

/// PM.2, DET.7: a person acknowledges, once; `--expected` closes and is possible only while it is open.
#[test]
fn a_person_acknowledges() {
    let mut story = Story::new();
    story.fires(vec![opened(key(Outcome, "a", "email"), -5), opened(key(CostRate, "b", ""), -5)]);
    story.refused(ack(9, false), RefusalCode::Unknown, "TW-9");
    for by in ["automation:ci", "andon:clock", "agent:a"] {
        story.by(by).refused(ack(1, false), RefusalCode::Forbidden, "person");
    }
    story.by("dana").at(10).done(ack(1, false));
    story.at(20).nothing(ack(1, false));
    let paged = &story.firing(1).paged[0];
    assert_eq!((paged.acked_at, paged.by.as_ref().map(|by| by.name())), (Some(at(10)), Some("dana")));
    assert_eq!(story.incident(1).mttd.acknowledgement, Some(at(10)));
    assert_eq!(story.incident(1).mttd.mttd_s, Some(15.0));
    assert_eq!(story.firing(1).state, FiringState::Open, "acknowledged is not over");

    story.at(30).done(ack(1, true));
    story.at(40).nothing(ack(1, true));
    let firing = story.firing(1);
    assert_eq!((firing.state, firing.expected, firing.closed_at), (FiringState::Closed, true, Some(at(30))));
    assert_eq!(firing.paged[0].acked_at, Some(at(10)), "the first acknowledgement stays");
    assert_eq!(story.fires(vec![closed(key(Outcome, "a", "email"), 3_595)]), [""; 0], "closed once");

    story.fires(vec![closed(key(CostRate, "b", ""), 35)]);
    story.refused(ack(2, true), RefusalCode::Conflict, "has closed");
    let made = story.done(ack(2, false));
    assert_eq!(kinds(&made), ["firing-acknowledged"]);
    assert!(matches!(made[0], Fact::FiringAcknowledged { expected: false, .. }));
}

/// PM.2: the earliest acknowledgement counts, in whatever order the firings joined.
#[test]
fn the_earliest_acknowledgement_counts() {
    let mut story = Story::new();
    story.fires(vec![opened(key(CostRate, "a", ""), -9), opened(key(CostRate, "b", ""), -5)]);
    story.at(10).done(ack(1, false));
    story.at(20).done(Command::Declare(Declare { firing: Some(FiringId(2)), ..Declare::default() }));
    story.at(30).done(ack(2, false));
    assert_eq!(story.incident(1).mttd.acknowledgement, Some(at(30)));
    let fact = Fact::FiringJoined { firing: FiringId(1), agent: agent("a") };
    story.record("incident/INC-1", fact);
    let chain = &story.incident(1).mttd;
    assert_eq!((chain.action, chain.signal, chain.acknowledgement), (Some(at(-9)), Some(at(-7)), Some(at(10))));
}

/// PM.2, DET.1: the earliest action is correctable; its signal is its own, or not recorded.
#[test]
fn a_corrected_action_brings_its_own_signal() {
    let earliest = |seconds| on(Ask::SetEarliestAction { at: at(seconds) });
    let mut story = Story::new();
    story.fires(vec![opened(key(Outcome, "a", "email"), -50), opened(key(CostRate, "a", ""), -20)]);
    story.nothing(earliest(-50));
    story.refused(earliest(5), RefusalCode::Invalid, "future");
    for (corrected, signal) in [(-90, None), (-20, Some(-18)), (-50, Some(-48))] {
        story.done(earliest(corrected));
        let chain = &story.incident(1).mttd;
        assert_eq!((chain.action, chain.signal), (Some(at(corrected)), signal.map(at)));
    }
}
