//! Pins against a naive filter, and against retention (EVI.1, EVI.5).

use proptest::prelude::*;

use super::*;
use crate::{
    backend::intake::{
        Limits,
        twins::{actions, now},
    },
    terms::AgentId,
};

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

/// The action of number `seq`: agent a0–a3, run r0–r4 or none, a minute apart.
fn action(seq: u64) -> Kept {
    let mut action = actions(&format!("a{}", seq % 4), &["t"]).remove(0);
    action.run = (!seq.is_multiple_of(5)).then(|| format!("r{}", seq % 5));
    action.at = now().plus(seq as i64 * Time::MINUTE);
    Kept { seq, action }
}

fn pin(id: &str, predicate: Predicate) -> Pin {
    Pin { id: id.into(), incident: IncidentId(1), predicate, made_at: now() }
}

fn some_predicate() -> impl Strategy<Value = Predicate> {
    let agents = prop::collection::vec((0..5u8).prop_map(|at| agent(&format!("a{at}"))), 0..3);
    let runs = prop::collection::vec((0..6u8).prop_map(|at| format!("r{at}")), 0..3);
    let time = || prop::option::of((-2i64..60).prop_map(|minutes| now().plus(minutes * Time::MINUTE)));
    (agents, runs, time(), time()).prop_map(|(agents, runs, from, to)| Predicate { agents, runs, from, to })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// EVI.1, EVI.5: what a pin names is what a naive filter of every action names, in the store, page by page and in
    /// memory; and retention takes everything else, however old.
    #[test]
    fn a_pin_is_a_filter(predicate in some_predicate(), other in some_predicate(), page in 1usize..9) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.db");
            let (store, _) = HotStore::open(&path, Limits::default(), now()).await.unwrap();
            let memory = HotStore::in_memory();
            for seq in 1..=50 {
                prop_assert!(store.push(action(seq), 1) && memory.push(action(seq), 1));
            }
            let naive = |predicate: &Predicate| -> Vec<u64> {
                let named = |kept: &Kept| {
                    let everybody = predicate.agents.is_empty() && predicate.runs.is_empty();
                    let run = kept.action.run.clone().unwrap_or_default();
                    everybody || predicate.agents.contains(&kept.action.agent) || predicate.runs.contains(&run)
                };
                let within = |kept: &Kept| {
                    let at = kept.action.at;
                    at >= predicate.from.unwrap_or(at) && at <= predicate.to.unwrap_or(at)
                };
                (1..=50).map(action).filter(|kept| named(kept) && within(kept)).map(|kept| kept.seq).collect()
            };
            prop_assert_eq!(store.pin(pin("one", predicate.clone())).await.unwrap(), 50);
            memory.pin(pin("one", predicate.clone())).await.unwrap();
            for kept in [&store, &memory] {
                let (mut found, mut after) = (Vec::new(), 0);
                loop {
                    let some = kept.matching(&predicate, after, page).await.unwrap();
                    let Some(last) = some.last() else { break };
                    after = last.seq;
                    found.extend(some.iter().map(|kept| kept.seq));
                }
                prop_assert_eq!(&found, &naive(&predicate));
            }
            store.pin(pin("two", other.clone())).await.unwrap();
            drop(store);
            let (store, _) = HotStore::open(&path, Limits::default(), now()).await.unwrap();
            prop_assert_eq!(store.pins().len(), 2, "pins outlive the process");
            store.retain(now().plus(99 * Time::DAY)).await.unwrap();
            let left: Vec<u64> = store.after(0, None, 99).await.unwrap().iter().map(|kept| kept.seq).collect();
            let wanted: Vec<u64> =
                (1..=50).filter(|seq| naive(&predicate).contains(seq) || naive(&other).contains(seq)).collect();
            prop_assert_eq!(left, wanted);
            store.unpin("one").await.unwrap();
            store.unpin("two").await.unwrap();
            store.retain(now().plus(99 * Time::DAY)).await.unwrap();
            prop_assert_eq!(store.after(0, None, 99).await.unwrap(), []);
            Ok(())
        })?;
    }
}

/// EVI.1: what is pinned is shed last, and each loss is counted; nothing of it counts for anybody else.
#[tokio::test]
async fn pinned_actions_are_shed_last_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = HotStore::open(&folder.path().join("t.db"), Limits::default(), now()).await.unwrap();
    store.pin(pin("one", Predicate { agents: vec![agent("a1")], ..Predicate::default() })).await.unwrap();
    let (pinned, other) = (action(1), action(2));
    let full = 256 << 20;
    assert!(store.push(other.clone(), full));
    assert!(!store.push(other.clone(), 1), "the room is used up");
    assert!(store.push(pinned.clone(), 1), "but for what is pinned");
    assert!(!store.push(pinned.clone(), full));
    assert_eq!((store.matched("one"), store.lost("one")), (2, 1));
    store.told_lost("one", 1);
    assert_eq!(store.lost("one"), 0);
    let memory = HotStore::in_memory();
    memory.pin(pin("one", Predicate { agents: vec![agent("a1")], ..Predicate::default() })).await.unwrap();
    assert!(memory.push(pinned, 1));
    for _ in 0..10_100 {
        assert!(memory.push(other.clone(), 1));
    }
    assert_eq!(memory.after(0, Some(&agent("a1")), 9).await.unwrap().len(), 1, "a drill keeps what is pinned");
}

/// EVI.1: a pin that cannot be written is none, and says so; the one before it stays.
#[tokio::test]
async fn a_disk_that_refuses_pins_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = HotStore::open(&folder.path().join("t.db"), Limits::default(), now()).await.unwrap();
    let one = pin("one", Predicate { runs: vec!["r1".into()], ..Predicate::default() });
    store.pin(one.clone()).await.unwrap();
    store.pool.as_ref().unwrap().close().await;
    assert!(store.pin(pin("two", Predicate::default())).await.is_err());
    assert!(store.pin(pin("one", Predicate::default())).await.is_err());
    assert_eq!(store.pins(), [one]);
}
