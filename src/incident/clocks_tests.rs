//! Each clock's zero, met, missed, waiting; and the detection chain (mission: clock zeros; CON.1, EVI.1, COM.4, PM.2).

use super::*;
use crate::{
    incident::{
        ClockPlan, Draft, Entry, Fields, Mttd, Sent, Status, Verified,
        containment::{HaltProof, Mode, Scope, Switch},
    },
    terms::{ActionClass, Author, ChecklistId, DraftId, IncidentId, SwitchId},
};

fn at(seconds: i64) -> Time {
    Time::from_millis(1_772_460_300_000 + seconds * 1000)
}

fn dana() -> Author {
    Author::Person("dana".into())
}

fn entry(kind: &str, by: &str, seconds: i64) -> Entry {
    Entry {
        seq: 1,
        at: at(seconds),
        recorded_at: at(seconds),
        by: by.parse().unwrap(),
        kind: kind.into(),
        text: String::new(),
        retracted: false,
        key: false,
    }
}

/// Declared by a tripwire at 0, and nothing else known.
fn incident() -> Incident {
    Incident {
        restricted: None,
        id: IncidentId(1),
        version: 1,
        drill: false,
        title: "paid twice".into(),
        status: Status::Declared,
        confirmed: false,
        runbook: "1".into(),
        scheme: "sev4".into(),
        severity: "SEV-2".into(),
        severities: Default::default(),
        declared_at: at(0),
        declared_by: Author::Andon("tripwires".into()),
        harm_at: None,
        blast: None,
        contained_at: None,
        containment_broken: false,
        resolved_at: None,
        closed_at: None,
        workflow: None,
        agents: Default::default(),
        roles: Default::default(),
        clock_plan: ClockPlan {
            regulatory: Vec::new(),
            halt_s: 30,
            evidence_s: 900,
            coordination_s: 3_600,
            users_s: 14_400,
            detection_s: 14_400,
            facts_s: 600,
            command_s: None,
            postmortem_s: Some(172_800),
        },
        switches: Default::default(),
        firings: Default::default(),
        timeline: std::iter::once(entry("incident-declared", "andon:tripwires", 0)).collect(),
        checklists: Default::default(),
        drafts: Default::default(),
        communication: Default::default(),
        mttd: Mttd::default(),
        evidence: Default::default(),
        decision: Default::default(),
        paging: Default::default(),
        register: Default::default(),
        investigation: Default::default(),
        gate: Default::default(),
        tasks: Default::default(),
        team: Default::default(),
        postmortem: Default::default(),
        facts: Default::default(),
        factors: Default::default(),
    }
}

/// A switch of the incident: how many it counts, and the seconds from harm to the last confirmation.
fn switch(id: u32, counted: u32, confirmed_in_s: Option<f64>) -> Switch {
    Switch {
        id: SwitchId(id),
        scope: Scope::all(),
        except: Default::default(),
        mode: Mode::Halt,
        state: SwitchState::Engaged,
        engaged_at: at(0),
        lane: None,
        percent: None,
        stage: None,
        watch_until: None,
        recorded: true,
        by: dana(),
        why: None,
        incident: Some(IncidentId(1)),
        harm_at: Some(at(-10)),
        expires_at: None,
        release: None,
        actuators: Vec::new(),
        halt: HaltProof { counted, confirmed_in_s, ..HaltProof::default() },
    }
}

fn seen(incident: &Incident, world: &World, name: &str, now: i64) -> (ClockState, Option<f64>) {
    let found = clocks(incident, world, at(now)).into_iter().find(|clock| clock.name == name);
    let clock = found.unwrap_or_else(|| panic!("no clock {name}"));
    assert_eq!(clock.due_at.is_none(), clock.state == ClockState::Waiting);
    (clock.state, clock.left_s)
}

const WAITING: (ClockState, Option<f64>) = (ClockState::Waiting, None);

fn running(left: f64) -> (ClockState, Option<f64>) {
    (ClockState::Running, Some(left))
}

fn met(left: f64) -> (ClockState, Option<f64>) {
    (ClockState::Met, Some(left))
}

fn missed(left: f64) -> (ClockState, Option<f64>) {
    (ClockState::Missed, Some(left))
}

/// CON.1: 30 s from confirmed harm until every switch is proved, or containment was reached before.
#[test]
fn the_halt_clock_runs_from_confirmed_harm() {
    let halted = |switches: &[Switch], contained: Option<i64>, now: i64| {
        let mut world = World::default();
        let mut one = Incident { harm_at: Some(at(-10)), contained_at: contained.map(at), ..incident() };
        for switch in switches {
            one.switches.extend([switch.id]);
            world.switches.insert(switch.id, switch.clone().into());
        }
        seen(&one, &world, "halt", now)
    };
    assert_eq!(seen(&incident(), &World::default(), "halt", 500), WAITING, "no harm is confirmed");
    assert_eq!(halted(&[], None, 5), running(15.0));
    assert_eq!(halted(&[], None, 20), running(0.0), "the last moment still counts");
    assert_eq!(halted(&[], None, 21), missed(-1.0));
    let (fast, slow, open) = (switch(1, 3, Some(11.4)), switch(2, 3, Some(42.0)), switch(3, 3, None));
    assert_eq!(halted(std::slice::from_ref(&fast), None, 900), met(18.6));
    assert_eq!(halted(&[fast.clone(), slow.clone()], None, 900), missed(-12.0), "all of them");
    assert_eq!(halted(&[fast.clone(), open.clone()], None, 15), running(5.0));
    let nobody = switch(4, 0, None);
    assert_eq!(halted(&[fast.clone(), nobody.clone()], None, 900), met(18.6), "nothing to prove holds nothing up");
    assert_eq!(halted(&[nobody], None, 15), running(5.0), "and meets nothing");
    let mut lifted = open.clone();
    lifted.state = SwitchState::Released;
    assert_eq!(halted(&[fast.clone(), lifted], None, 900), met(18.6));
    assert_eq!(halted(std::slice::from_ref(&open), Some(15), 900), met(5.0), "by word, with its reason");
    // No clock restarts: neither a later switch nor an escape after containment takes back what was met.
    let later = Switch { engaged_at: at(50), ..slow };
    assert_eq!(halted(&[fast.clone(), later], Some(2), 900), met(18.6));
    assert_eq!(halted(&[fast, open], Some(2), 900), met(18.0));
    let unharmed = Switch { harm_at: None, ..switch(1, 3, Some(4.0)) };
    assert_eq!(halted(&[unharmed], None, 900), met(16.0), "a switch without a harm time counts from its request");
}

fn sent(audience: &str, seconds: &[i64]) -> Draft {
    let one = |seconds: &i64| Sent {
        at: at(*seconds),
        by: dana(),
        text: "x".into(),
        channel: "mail".into(),
        to: "all".into(),
        number: 1,
        promise: None,
        over: None,
        authors: Vec::new(),
        delivery: None,
    };
    Draft {
        id: DraftId(1),
        audience: audience.into(),
        fields: Fields::default(),
        edits: Vec::new(),
        version: 1,
        authors: std::iter::once(dana()).collect(),
        edited_at: at(0),
        sent: seconds.iter().map(one).collect(),
    }
}

/// COM.4: from declaration; met by the first message sent to the right audience.
#[test]
fn the_communication_clocks_run_from_declaration() {
    for (clock, audience, other, budget) in [
        ("coordination", "internal", "customer", 3_600),
        ("users", "customer", "internal", 14_400),
        ("users", "status-page", "board", 14_400),
    ] {
        let with = |drafts: Vec<Draft>, now| {
            let one = Incident { drafts: drafts.into_iter().collect(), ..incident() };
            seen(&one, &World::default(), clock, now)
        };
        let left = budget as f64;
        assert_eq!(with(vec![], 100), running(left - 100.0));
        assert_eq!(with(vec![sent(audience, &[])], 100), running(left - 100.0), "a draft is no message");
        assert_eq!(with(vec![sent(other, &[60])], 100), running(left - 100.0));
        assert_eq!(with(vec![sent(audience, &[90, 60])], 99_999), met(left - 60.0), "the first counts");
        assert_eq!(with(vec![sent(audience, &[budget + 7])], 99_999), missed(-7.0));
        assert_eq!(with(vec![], budget + 9), missed(-9.0));
    }
}

/// DET.1: from the action until a person was aware, however they showed it.
#[test]
fn the_detection_clock_runs_from_the_action() {
    let aware = |ack: Option<i64>, entries: &[(&str, &str, i64)], now: i64| {
        let mut one = incident();
        one.mttd.action = Some(at(-400));
        one.mttd.acknowledgement = ack.map(at);
        one.timeline.extend(entries.iter().map(|(kind, by, seconds)| entry(kind, by, *seconds)));
        seen(&one, &World::default(), "detection", now)
    };
    assert_eq!(seen(&incident(), &World::default(), "detection", 9), WAITING, "no action is known");
    assert_eq!(aware(None, &[], 100), running(13_900.0));
    assert_eq!(aware(None, &[], 14_001), missed(-1.0));
    assert_eq!(aware(Some(100), &[], 99_999), met(13_900.0));
    assert_eq!(aware(None, &[("incident-confirmed", "dana", 50)], 99_999), met(13_950.0));
    assert_eq!(aware(Some(100), &[("incident-confirmed", "dana", 50)], 99_999), met(13_950.0), "the earlier");
    assert_eq!(
        aware(None, &[("harm-confirmed", "automation:ci", 50)], 100),
        running(13_900.0),
        "a script knows nothing"
    );
    assert_eq!(aware(None, &[("note-added", "dana", -390)], 100), running(13_900.0), "a note's date is no awareness");
}

fn checklist(budget_s: u64, verified: Option<i64>) -> Checklist {
    Checklist {
        id: ChecklistId(3),
        class: ActionClass::new("document").unwrap(),
        title: "Documents".into(),
        target: "page".into(),
        authorised: "its owner".into(),
        budget_s,
        due_at: None,
        substitute: "x".into(),
        steps: Default::default(),
        verified: verified.map(|seconds| Verified { at: at(seconds), by: dana(), evidence: "x".into() }),
        work: Default::default(),
    }
}

/// RBK, PM.7: rollback budgets run from containment, the post-mortem's from the end of the incident.
#[test]
fn later_clocks_wait_for_their_zero() {
    for (contained, verified, now, expected) in [
        (None, None, 9_999, WAITING),
        (None, Some(5), 9_999, WAITING),
        (Some(100), None, 200, running(3_500.0)),
        (Some(100), None, 3_701, missed(-1.0)),
        (Some(100), Some(700), 9_999, met(3_000.0)),
        (Some(100), Some(3_700), 9_999, met(0.0)),
        (Some(100), Some(3_705), 9_999, missed(-5.0)),
    ] {
        let checklists = std::iter::once(checklist(3_600, verified)).collect();
        let one = Incident { contained_at: contained.map(at), checklists, ..incident() };
        assert_eq!(seen(&one, &World::default(), "rollback RB-3", now), expected, "{contained:?} {verified:?}");
    }
    for (resolved, closed, now, expected) in [
        (None, None, 9_999, WAITING),
        (Some(0), None, 172_800, running(0.0)),
        (Some(0), None, 172_801, missed(-1.0)),
        (Some(0), Some(800), 999_999, met(172_000.0)),
    ] {
        let one = Incident { resolved_at: resolved.map(at), closed_at: closed.map(at), ..incident() };
        assert_eq!(seen(&one, &World::default(), "post-mortem", now), expected, "{resolved:?}");
    }
    // PM.7: the filing meets it; a closing over a missing one does not.
    let filed = |seconds| crate::incident::postmortem::Filed {
        at: at(seconds),
        by: Author::Person("dana".into()),
        over: None,
        missing: Vec::new(),
    };
    let mut one = Incident { resolved_at: Some(at(0)), closed_at: Some(at(900)), ..incident() };
    one.postmortem.filed = Some(filed(800));
    assert_eq!(seen(&one, &World::default(), "post-mortem", 999_999), met(172_000.0));
    one.postmortem.filed = None;
    one.postmortem.waived = true;
    assert_eq!(seen(&one, &World::default(), "post-mortem", 172_801), missed(-1.0));
    let mut none = incident();
    none.clock_plan.postmortem_s = None;
    assert!(clocks(&none, &World::default(), at(0)).iter().all(|clock| clock.name != "post-mortem"));
}

/// A budget beyond all time is no panic.
#[test]
fn absurd_budgets_stay_in_range() {
    let mut one = Incident { harm_at: Some(Time::from_millis(i64::MAX)), ..incident() };
    one.clock_plan.halt_s = u64::MAX;
    assert!(clocks(&one, &World::default(), Time::from_millis(i64::MIN)).len() >= 5);
}

/// EVI.1: from the earlier of declaration and containment; met when it was frozen and no item was left unknown.
#[test]
fn the_evidence_clock_runs_from_the_earlier_of_declaration_and_containment() {
    let found = |one: &Incident, now: i64| {
        let clock = clocks(one, &World::default(), at(now)).into_iter().find(|clock| clock.name == "evidence").unwrap();
        (clock.state, clock.left_s)
    };
    let mut one = incident();
    assert_eq!(found(&one, 60), (ClockState::Running, Some(840.0)));
    one.contained_at = Some(at(-300));
    assert_eq!(found(&one, 60), (ClockState::Running, Some(540.0)));
    one.evidence.frozen_at = Some(at(100));
    assert_eq!(found(&one, 601), (ClockState::Missed, Some(-1.0)), "frozen, but an item is unknown");
    one.evidence.settled_at = Some(at(200));
    assert_eq!(found(&one, 9_999), (ClockState::Met, Some(400.0)));
}

/// PM.2: five points; a gap only between neighbours that are both recorded, the largest by name.
#[test]
fn the_detection_chain_with_absent_points() {
    type Points = [Option<i64>; 5];
    let cases: [(Points, Option<f64>, Option<&str>, usize); 6] = [
        ([Some(0), Some(2), Some(900), Some(905), Some(1_000)], Some(1_000.0), Some("signal-trigger"), 4),
        ([Some(0), Some(2), Some(9), None, Some(1_000)], Some(1_000.0), Some("signal-trigger"), 2),
        ([None, Some(2), Some(9), Some(10), Some(1_000)], None, Some("page-acknowledgement"), 3),
        ([Some(0), None, Some(9), None, None], None, None, 0),
        ([Some(0), None, None, None, Some(60)], Some(60.0), None, 0),
        ([None; 5], None, None, 0),
    ];
    for (points, mttd_s, largest, gaps) in cases {
        let [action, signal, trigger, page, acknowledgement] = points.map(|point| point.map(at));
        let mut chain = Mttd { action, signal, trigger, page, acknowledgement, ..Mttd::default() };
        chain.settle();
        assert_eq!((chain.mttd_s, chain.largest_gap.as_deref()), (mttd_s, largest), "{points:?}");
        assert_eq!(chain.gaps().len(), gaps, "{points:?}");
        assert_eq!(chain.points().map(|(_, at)| at), [action, signal, trigger, page, acknowledgement]);
    }
}
