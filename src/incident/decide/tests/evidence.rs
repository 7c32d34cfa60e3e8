//! Evidence by cases: freeze, items, gate, legal hold, register (EVI).

use super::story::{Story, at, on};
use crate::{
    incident::{
        Command, Fact, IncidentCommand as Ask, RefusalCode,
        evidence::{
            AddAffected, AffectedKind, AffectedState, AppendEvidence, EvidenceItemSet, FreezeEvidence, ItemState,
            LoseEvidence, Manifest, Pinned, Predicate, SetAffected, SetEvidence, Source,
        },
    },
    terms::{AffectedId, FreezeId},
};

fn freeze(pin: &str, items: Vec<EvidenceItemSet>) -> Command {
    let manifest = Manifest { count: 5, first: Some(1), last: Some(9), read_to: 10, ..Manifest::default() };
    let pinned = Some(Box::new(Pinned { pin: pin.into(), predicate: Predicate::default(), manifest, items }));
    on(Ask::FreezeEvidence(FreezeEvidence { pinned, ..FreezeEvidence::default() }))
}

fn fill(item: &str, state: ItemState) -> EvidenceItemSet {
    let source = Some(Source::Freeze { freeze: FreezeId(1), count: 3, first: Some(1) });
    EvidenceItemSet { item: item.into(), state, why: Some("3 of 5 actions".into()), expires_at: None, source }
}

fn set(item: &str, state: ItemState, why: Option<&str>) -> Command {
    let why = why.map(str::to_owned);
    on(Ask::SetEvidence(SetEvidence { item: item.into(), state, why, expires_at: None, source: None }))
}

/// EVI.1, EVI.2, EVI.5: a freeze needs its pin; it fills what is open, names itself as the source, and takes back nothing
/// that a person found. The clock is met when nothing is unknown.
#[test]
fn a_freeze_fills_what_is_open() {
    let mut story = Story::declared("SEV-2");
    assert_eq!(story.incident(1).evidence.unknown, 26);
    story.refused(on(Ask::FreezeEvidence(FreezeEvidence::default())), RefusalCode::Invalid, "andon evidence freeze");
    story.done(set("model", ItemState::Disproved, Some("the log says another")));
    story.at(60);
    story.done(freeze("one", vec![fill("runs", ItemState::Held), fill("model", ItemState::Held)]));
    story.done(freeze("two", vec![fill("runs", ItemState::Held)]));
    let kept = &story.incident(1).evidence;
    assert_eq!((kept.frozen_at, kept.settled_at, kept.freezes.len()), (Some(at(60)), None, 2));
    assert_eq!(kept.item("model").unwrap().state, ItemState::Disproved);
    let sources = &kept.item("runs").unwrap().sources;
    let freezes: Vec<u32> = sources
        .iter()
        .filter_map(|source| match source {
            Source::Freeze { freeze, .. } => Some(freeze.0),
            _ => None,
        })
        .collect();
    assert_eq!(freezes, [1, 2]);
    let rest: Vec<String> = kept.gaps().map(|item| item.plan.id.clone()).collect();
    assert_eq!(rest.len(), 24);
    story.at(120);
    for item in rest {
        story.done(set(&item, ItemState::NotApplicable, Some("there is none")));
    }
    assert_eq!(story.incident(1).evidence.settled_at, Some(at(120)));
    assert_eq!(story.incident(1).evidence.total, 2);
}

/// EVI.3, EVI.5: a gap has its reason and an expiring item its time; a wrong name is answered with the nearest.
#[test]
fn an_item_is_set_with_what_its_state_needs() {
    let mut story = Story::declared("SEV-2");
    story.refused(set("modle", ItemState::Held, None), RefusalCode::Unknown, "did you mean model?");
    for state in [ItemState::Missing, ItemState::NotApplicable, ItemState::Disproved] {
        story.refused(set("model", state, Some(" ")), RefusalCode::Invalid, "needs a reason");
    }
    story.refused(set("model", ItemState::Expiring, None), RefusalCode::Invalid, "--expires");
    story.done(set("model", ItemState::Missing, Some("nobody logged it")));
    story.nothing(set("model", ItemState::Missing, Some("nobody logged it")));
    assert!(story.incident(1).evidence.gaps().any(|item| item.plan.id == "model"));
    let long = "x".repeat(2_001);
    story.refused(set("model", ItemState::Held, Some(&long)), RefusalCode::Invalid, "2000");
}

/// EVI.1, EVI.3: what joins later counts once; each loss is an item of its own.
#[test]
fn addenda_count_once_and_losses_are_items() {
    let mut story = Story::declared("SEV-2");
    story.by("andon:evidence");
    let append = |freeze: u32, read_to: u64| {
        let manifest = Manifest { count: 2, read_to, ..Manifest::default() };
        on(Ask::AppendEvidence(AppendEvidence { freeze: FreezeId(freeze), manifest }))
    };
    story.refused(append(1, 20), RefusalCode::Unknown, "FRZ-1");
    story.done(freeze("one", Vec::new()));
    story.nothing(append(1, 10));
    story.done(append(1, 20));
    story.nothing(append(1, 20));
    assert_eq!(story.incident(1).evidence.freezes[0].count(), 7);
    let lose =
        |count| on(Ask::LoseEvidence(LoseEvidence { freeze: FreezeId(1), count, why: "disk".into(), was_kept: false }));
    story.nothing(lose(0));
    story.done(lose(4));
    story.done(lose(1));
    let kept = &story.incident(1).evidence;
    assert_eq!(kept.item("lost-frz-1-2").unwrap().state, ItemState::Missing);
    assert_eq!(kept.freezes[0].losses.iter().map(|loss| loss.count).sum::<u64>(), 5);
}

/// EVI.5: a legal hold outlives closing; only whoever holds the named role lifts it.
#[test]
fn a_legal_hold_is_lifted_by_a_named_role() {
    let mut story = Story::declared("SEV-2");
    let hold = || on(Ask::HoldEvidence { why: "claims are likely".into() });
    let lift = || on(Ask::LiftEvidence { why: "settled".into() });
    story.refused(lift(), RefusalCode::Conflict, "no legal hold");
    story.done(hold());
    story.refused(hold(), RefusalCode::Conflict, "already");
    story.done(on(Ask::Close { over: Some("a test".into()) }));
    assert!(story.incident(1).evidence.legal_hold().is_some(), "it outlives closing");
    story.refused(lift(), RefusalCode::Forbidden, "severity-owner");
    story.done(on(Ask::Assign { role: "severity-owner".into(), who: Some("dana".into()), note: None }));
    story.by("automation:ci");
    story.refused(lift(), RefusalCode::Forbidden, "only a person");
    story.by("dana");
    story.done(lift());
    assert!(story.incident(1).evidence.legal_hold().is_none());
}

/// EVI.8: rows by hand and from telemetry; what is not counted is known as such; telemetry only adds.
#[test]
fn the_register_counts_what_is_not_known() {
    let mut story = Story::declared("SEV-2");
    let add = |what: &str, count, from_telemetry| {
        let kind = AffectedKind::Person;
        on(Ask::AddAffected(AddAffected { kind, what: what.into(), count, amount: None, from_telemetry }))
    };
    let change =
        |state, count| on(Ask::SetAffected(SetAffected { id: AffectedId(1), state, count, amount: None, why: None }));
    story.done(add("customers", None, false));
    assert_eq!((story.incident(1).register.unknown(), story.incident(1).register.is_identified()), (1, false));
    story.refused(add("customers", Some(3), false), RefusalCode::Conflict, "AFF-1");
    story.refused(change(Some(AffectedState::Notified), None), RefusalCode::Invalid, "not counted");
    story.done(change(None, Some(41)));
    assert_eq!(story.incident(1).register.rows[0].state, AffectedState::Identified);
    story.done(change(Some(AffectedState::Notified), None));
    story.nothing(change(Some(AffectedState::Notified), Some(41)));
    story.done(add("recipients", Some(5), true));
    story.nothing(add("recipients", Some(4), true));
    story.done(add("recipients", Some(9), true));
    let register = &story.incident(1).register;
    assert_eq!((register.count(AffectedKind::Person), register.unknown(), register.is_identified()), (50, 0, true));
}

/// EVI.1: an incident of an older log gets its items when its evidence is first worked on.
#[test]
fn an_older_incident_gets_its_items() {
    let mut story = Story::declared("SEV-2");
    let mut older = story.events[0].clone();
    if let Fact::IncidentDeclared { evidence, .. } = &mut older.fact {
        *evidence = Default::default();
    }
    story.worlds = Default::default();
    story.worlds.apply(&older);
    assert_eq!(story.incident(1).evidence.items, []);
    story.done(set("model", ItemState::Held, None));
    assert_eq!((story.incident(1).evidence.held, story.incident(1).evidence.items.len()), (1, 26));
}
