use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    api::{AgentLive, BackendInfo, Live, You},
    incident::{
        Agent, AgentDeclaration,
        drilled::{ArmedProof, HarmCount, Played},
        upkeep::Upkeep,
    },
    report::readiness::{Ready, readiness},
    terms::{Author, DrillId},
};

const DECLARED: i64 = 1_795_183_200_000;

fn day(day: i64) -> Time {
    Time::from_millis(DECLARED + day * Time::DAY)
}

fn take(number: u32, name: &str, began: i64, whole: bool, people: &[&str]) -> Drill {
    let (id, harm) = (DrillId(number), HarmCount::default());
    let armed = ArmedProof { at: day(began), can_fire: 3, ..ArmedProof::default() };
    Drill {
        id,
        name: name.into(),
        title: name.into(),
        seed: 1,
        speed: 60.0,
        started_at: day(began),
        started_by: Author::Person("lee".into()),
        ended_at: None,
        paused: false,
        played: Some(Played { drill: id, harm, whole }),
        course: Box::default(),
        playhead: Default::default(),
        armed: Box::new(armed),
        people: people.iter().map(|who| (*who).to_owned()).collect(),
        facilitators: Default::default(),
        hints_shown: false,
        told: Default::default(),
        notes: Vec::new(),
        cuts: Default::default(),
        goes_on: None,
        next: None,
    }
}

/// A team of one agent, declared on day 0; it is day `now`.
fn state(now: i64, drills: Vec<Drill>) -> State {
    let text =
        r#"{"id":"refund-bot","owner":"kim","inventory":[{"tool":"pay","class":"external-api-call"},"odd.tool"]}"#;
    let declared: AgentDeclaration = serde_json::from_str(text).unwrap();
    let by = Author::Person("dana".into());
    let agent = Agent { declared: declared.clone(), version: 1, declared_at: day(0), declared_by: by.clone() };
    let mut world = World::default();
    world.agents.insert(declared.id, Arc::new(agent));
    let mut live = Live { now: day(now), ..Live::default() };
    let seen = AgentLive { proved_at: Some(day(now - 1)), drift: vec!["ghost.call".into()], ..AgentLive::default() };
    live.agents.insert("refund-bot".into(), seen);
    State {
        epoch: 1,
        position: 1,
        world,
        drills,
        upkeep: Upkeep::default(),
        you: You { name: by, may_act: true, may: crate::incident::Right::ALL.to_vec(), signs: true },
        backend: BackendInfo {
            nodes: Vec::new(),
            version: "0".into(),
            shared: false,
            host: "here".into(),
            telemetry: None,
            log_file: None,
            broker: None,
        },
        live,
    }
}

fn found<'a>(lines: &'a [Line], what: &str) -> &'a Line {
    lines.iter().find(|line| line.code == "DRL.4" && line.what.contains(what)).unwrap_or_else(|| panic!("{lines:#?}"))
}

/// DRL.4: from the last whole drill, else from the first agent; told in the last two weeks, and when it is overdue.
#[test]
fn a_drill_is_due_a_quarter_after_the_last() {
    let plan = Runbook::shipped().drills;
    let at = |now: i64, drills: Vec<Drill>| {
        let state = state(now, drills);
        let due = due(&state.drills, &state.world, &plan).unwrap();
        (due.days_left(state.live.now), due.words(state.live.now, plan.warn_days))
    };
    let words = |said: &str| Some(said.to_owned());
    assert_eq!(at(0, vec![]), (91, None), "a new team has a quarter");
    assert_eq!(at(82, vec![]), (9, words("drill due 9 d")));
    assert_eq!(at(91, vec![]), (0, words("drill due today")));
    assert_eq!(at(94, vec![]), (-3, words("drill overdue 3 d")));
    assert_eq!(at(94, vec![take(1, "slow-loop", 10, true, &[])]), (7, words("drill due 7 d")));
    assert_eq!(at(94, vec![take(1, "slow-loop", 10, false, &[])]).0, -3, "one that was broken off counts for nothing");
    assert_eq!(due(&[], &World::default(), &plan), None, "nobody to rehearse for");
}

/// DRL.4: what was never played comes first, and before it what rehearses a class that nobody did.
#[test]
fn the_list_rolls() {
    let runbook = Runbook::shipped();
    let ours: BTreeSet<ActionClass> = ["identity-or-access".parse().unwrap()].into();
    let names = |drills: &[Drill], ours| -> Vec<String> {
        rolling(drills, &runbook.drills, ours).into_iter().map(|next| next.recording).collect()
    };
    let none = BTreeSet::new();
    assert_eq!(names(&[], &none)[0], "refunds-twice");
    let played = [take(1, "refunds-twice", 5, true, &[]), take(2, "promised-refund", 9, true, &[])];
    let order = names(&played, &none);
    assert_eq!(
        (&order[0], &order[13], &order[14]),
        (&"added-address".into(), &"refunds-twice".into(), &"promised-refund".into())
    );
    let first = &rolling(&played, &runbook.drills, &ours)[0];
    assert_eq!(first.class, ours.first().cloned(), "{first:?}");
    let own = DrillPlan { rolling: vec!["ours".into(), "slow-loop".into()], ..runbook.drills.clone() };
    let all = rolling(&[take(1, "ours", 1, true, &[])], &own, &none);
    assert_eq!(all.iter().map(|next| next.recording.as_str()).collect::<Vec<_>>(), ["slow-loop", "ours"]);
}

/// DRL.4: who took part, what is proved and cited, what drifted both ways: in readiness, with what to do.
#[test]
fn the_quarterly_check_names_what_is_open() {
    let rules = "[[rule]]\nname = 'big payout'\ntool = 'stripe.payout'\nagent = 'gone-bot'\namount = { USD = 500.0 }\n";
    let access = "others = 'watch'\n[[role]]\nname = 'on-call'\npeople = ['dana', 'kim']\nmay = ['engage', 'release', 'runbook']\n";
    let texts = [("rules.toml".to_owned(), rules.to_owned()), ("access.toml".to_owned(), access.to_owned())].into();
    let runbook = Runbook::from_texts(&texts).unwrap();
    let lines = readiness(&state(95, vec![take(1, "refunds-twice", 10, true, &["dana"])]), &runbook);
    assert_eq!(found(&lines, "quarter").state, Ready::Met);
    let who = found(&lines, "rotation");
    assert!(who.state == Ready::Open && who.detail.contains("dana took part; not yet kim"), "{who:?}");
    let armed = found(&lines, "kill switch");
    assert!(armed.state == Ready::Met && armed.detail.contains("DRILL-1 cites"), "{armed:?}");
    let drift = found(&lines, "procedures");
    for words in [
        "odd.tool has no procedure",
        "calls ghost.call",
        "names agent gone-bot",
        "names stripe.payout, which no agent has",
    ] {
        assert!(drift.detail.contains(words), "{words}: {drift:?}");
    }
    let late = readiness(&state(200, vec![take(1, "refunds-twice", 10, true, &["dana"])]), &runbook);
    assert!(found(&late, "quarter").detail.contains("overdue since"), "{late:#?}");
    assert!(found(&late, "rotation").detail.contains("nobody acted in a drill in 91 d"), "{late:#?}");
    let wrong = |text: &str| Runbook::from_texts(&[("drills.toml".to_owned(), text.to_owned())].into()).unwrap_err();
    assert!(wrong("every_days = 10\nwarn_days = 10\nproof_days = 1").what.contains("warn_days"));
    assert!(wrong("every_days = 0\nwarn_days = 0\nproof_days = 1").what.contains("every_days"));
}

proptest! {
    /// DRL.4: every recording of the plan is on the list once, whatever was played.
    #[test]
    fn a_list_holds_each_recording_once(played in proptest::collection::vec((0usize..15, 0i64..400, any::<bool>()), 0..30)) {
        let takes: Vec<Drill> =
            (1..).zip(&played).map(|(id, (at, began, whole))| take(id, SHIPPED[*at].0, *began, *whole, &[])).collect();
        let all = rolling(&takes, &Runbook::shipped().drills, &BTreeSet::new());
        let names: BTreeSet<&str> = all.iter().map(|next| next.recording.as_str()).collect();
        prop_assert_eq!((all.len(), names.len()), (SHIPPED.len(), SHIPPED.len()));
        prop_assert!(all.windows(2).all(|pair| pair[0].last <= pair[1].last));
    }
}
