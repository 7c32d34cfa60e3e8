use super::*;
use crate::{
    drill::{SHIPPED, shipped},
    incident::Fact,
    tripwire::backtest,
};

fn played(name: &str, seed: u64, halt_s: Option<i64>) -> (Headless, Vec<String>) {
    let recording = Arc::new(shipped(name).unwrap());
    let halt_ms = halt_s.map(|halt| halt * 1_000);
    let asked = Staging { name: name.into(), speed: 60.0, seed, halt_ms };
    let mut lines = Vec::new();
    let runbook = Runbook::shipped();
    let made = headless(&recording, &runbook, &asked, |event| lines.push(serde_json::to_string(event).unwrap()));
    (made.unwrap(), lines)
}

/// DRL.1, protocol 6: the same recording, seed, speed and halt give the same events, byte for byte; another seed gives other ids
/// and nothing else.
#[test]
fn the_same_seed_and_inputs_give_the_same_bytes() {
    let (one, lines) = played("refunds-twice", 7, Some(1_900));
    let (again, same) = played("refunds-twice", 7, Some(1_900));
    assert_eq!((&one, &lines), (&again, &same));
    assert!(lines.len() > 10, "{}", lines.len());
    let (other, others) = played("refunds-twice", 8, Some(1_900));
    assert_ne!(one.digest, other.digest);
    assert_eq!((&one.firings, one.harm, lines.len()), (&other.firings, other.harm, others.len()));
    assert!(lines.iter().zip(&others).all(|(one, other)| one != other), "every id follows from the seed");
    let (unhalted, _) = played("refunds-twice", 7, None);
    assert_ne!(one.digest, unhalted.digest);
}

/// DRL.3: nobody stops anything, and it comes to the historical course; the sooner everything is halted, the less is harmed.
#[test]
fn an_earlier_halt_harms_less() {
    for (name, _) in SHIPPED {
        let (whole, _) = played(name, 1, None);
        assert_eq!((whole.harm.done, whole.harm.stopped), (whole.harm.course, 0), "{name}");
        assert_eq!(whole.score.gained_min.unwrap_or_default(), 0.0, "{name}");
        let (never, _) = played(name, 1, Some(0));
        let (late, _) = played(name, 1, Some(1_800));
        let worse = |one: &HarmCount, other: &HarmCount| {
            one.done.people >= other.done.people
                && one.done.records >= other.done.records
                && one.done.money_usd >= other.done.money_usd
        };
        assert!(worse(&whole.harm, &late.harm) && worse(&late.harm, &never.harm), "{name}");
        assert!(never.score.gained_min.unwrap_or_default() >= late.score.gained_min.unwrap_or_default(), "{name}");
    }
}

/// DET.8: what fires is what a backtest of the same actions says, in the replay's own times; events are chained and in order.
#[test]
fn what_fires_is_what_a_backtest_says() {
    let recording = Arc::new(shipped("torn-down-platform").unwrap());
    let (made, lines) = played("torn-down-platform", 3, None);
    let replay = Replay::new(recording.clone(), recording.starts, 60.0, 3).unwrap();
    let mut actions: Vec<Action> = replay.history().collect();
    actions.extend((0..replay.len()).filter_map(|number| match replay.get(number)?.item {
        Item::Action(action) => Some(*action),
        Item::Mark(_) => None,
    }));
    assert_eq!(made.firings, backtest(&actions, &recording.agents, Runbook::shipped().tripwires));
    let events: Vec<Event> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut links = chain::Links::default();
    events.iter().for_each(|event| links.follow(event).unwrap());
    assert!(matches!(events.last().unwrap().fact, Fact::DrillEnded { .. }));
}
