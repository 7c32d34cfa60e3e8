//! A table of small cases for the sentences of protocol 2 (DET.2–DET.5, DET.10).

use serde_json::json;

use super::*;
use crate::{
    incident::AgentDeclaration,
    runbook::{BaselineHours, Runbook, TripwirePlan},
    telemetry::{Action, Artefact, Review, Status},
    terms::{AgentId, NanoUsd, Time, ToolName},
};

pub(super) fn plan() -> TripwirePlan {
    Runbook::shipped().tripwires
}

/// `minutes` after some Monday's midnight; it costs `usd`.
pub(super) fn act(agent: &str, minutes: i64, usd: f64) -> Action {
    let at = Time::from_millis(1_700_006_400_000).plus(minutes * Time::MINUTE);
    Action {
        cost: NanoUsd::from_usd(usd),
        ..serde_json::from_value(json!({"at": at, "received_at": at, "agent": agent, "status": "ok"})).unwrap()
    }
}

/// An engine where `bot` may use `mail.send`, also as `mcp__mail__send`.
pub(super) fn engine(plan: TripwirePlan) -> Engine {
    let mut engine = Engine::new(plan);
    let inventory = json!([{"tool": "mail.send", "aliases": ["mcp__mail__send"]}]);
    let declared: AgentDeclaration = serde_json::from_value(json!({"id": "bot", "inventory": inventory})).unwrap();
    engine.declare(&declared);
    engine
}

fn judge(engine: &mut Engine, action: &Action) -> Vec<FiringChange> {
    let mut changes = Vec::new();
    engine.judge(action, &mut changes);
    changes
}

fn opened(changes: &[FiringChange]) -> Vec<(Tripwire, String)> {
    changes
        .iter()
        .filter_map(|change| match change {
            FiringChange::Opened { key, .. } => Some((key.tripwire, key.detail.clone())),
            _ => None,
        })
        .collect()
}

/// One action an hour at `usd`, hours `0..hours`.
fn history(engine: &mut Engine, hours: i64, usd: f64) -> Vec<FiringChange> {
    (0..hours).flat_map(|hour| judge(engine, &act("bot", hour * 60 + 30, usd))).collect()
}

fn cost() -> (Tripwire, String) {
    (Tripwire::CostRate, String::new())
}

#[test]
fn det_2_spend_fires_over_twice_the_median_and_at_the_floor() {
    for (spike, fires) in [(2.0, false), (2.000_000_001, true)] {
        let mut engine = engine(plan());
        assert_eq!(history(&mut engine, 30, 1.0), []);
        // Hour 31's window reaches back to no earlier action: the last was at 29:30.
        let changes = judge(&mut engine, &act("bot", 31 * 60, spike));
        assert_eq!(opened(&changes), if fires { vec![cost()] } else { vec![] }, "{spike}");
    }
    let mut engine = engine(plan());
    history(&mut engine, 30, 0.1);
    assert_eq!(judge(&mut engine, &act("bot", 31 * 60, 0.99)), []);
    assert_eq!(opened(&judge(&mut engine, &act("bot", 33 * 60, 1.0))), [cost()], "at the floor it fires");
}

#[test]
fn the_window_is_the_minute_and_the_sixty_before() {
    for (later, fires) in [(60, true), (61, false)] {
        let mut engine = engine(plan());
        judge(&mut engine, &act("bot", 0, 6.0));
        let changes = judge(&mut engine, &act("bot", later, 6.0));
        assert_eq!(!opened(&changes).is_empty(), fires, "{later}");
    }
}

#[test]
fn det_10_a_cold_start_says_how_many_hours_count() {
    let mut engine = engine(plan());
    history(&mut engine, 9, 1.0);
    let changes = judge(&mut engine, &act("bot", 10 * 60, 10.5));
    let [FiringChange::Opened { note, baseline, limit, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(note.as_deref(), Some("baseline not ready: 9 of 24 hours"));
    assert_eq!((*baseline, *limit), (None, Some(10.0)));
    let off = TripwirePlan { cold_cost_usd: None, cold_calls: None, ..plan() };
    assert_eq!(judge(&mut self::engine(off), &act("bot", 0, 1e6)), []);
}

/// DET.7: an agent's own limits hold for it alone, from the moment they are set; the rest is as for all.
#[test]
fn det_7_an_agent_has_limits_of_its_own() {
    let text = "cold_cost_usd = 100.0\ncall_floor = 5";
    let tuned = [(AgentId::new("bot").unwrap(), toml::from_str(text).unwrap())];
    let own = TripwirePlan { agent: tuned.into(), ..plan() };
    let mut engine = engine(own.clone());
    assert_eq!(judge(&mut engine, &act("bot", 0, 50.0)), [], "its own limit is 100");
    assert_eq!(opened(&judge(&mut engine, &act("bot", 1, 51.0))), [cost()]);
    assert!(opened(&judge(&mut engine, &act("other", 0, 50.0))).contains(&cost()), "everybody else's is 10");
    let mut engine = self::engine(plan());
    engine.retune(own);
    assert_eq!(judge(&mut engine, &act("bot", 0, 50.0)), []);
    assert!(toml::from_str::<crate::runbook::Tuned>("cost_facter = 2").is_err());
}

#[test]
fn det_3_calls_fire_over_three_medians_and_at_the_floor() {
    let mut engine = engine(plan());
    for call in 0..30 * 25 {
        assert_eq!(judge(&mut engine, &act("bot", call / 25 * 60 + call % 25, 0.0)), []);
    }
    let changes: Vec<_> = (0..76).map(|_| judge(&mut engine, &act("bot", 32 * 60, 0.0))).collect();
    assert_eq!(changes[..75].concat(), []);
    assert_eq!(opened(&changes[75]), [(Tripwire::ActionRate, "rate".to_owned())], "76 > 3 × 25");
}

#[test]
fn a_firing_opens_counts_closes_and_opens_anew() {
    let mut engine = engine(plan());
    history(&mut engine, 30, 1.0);
    assert_eq!(opened(&judge(&mut engine, &act("bot", 1860, 5.0))), [cost()]);
    let again = judge(&mut engine, &act("bot", 1870, 1.0));
    assert!(matches!(again[..], [FiringChange::Counted { count: 2, peak: Some(6.0), .. }]), "{again:?}");
    let anew = judge(&mut engine, &act("bot", 1931, 5.0));
    let FiringChange::Closed { at, .. } = &anew[0] else { panic!("{anew:?}") };
    assert_eq!(*at, act("bot", 1930, 0.0).at);
    assert_eq!(opened(&anew), [cost()]);
}

#[test]
fn a_silent_agents_firing_is_closed_by_the_clock_as_of_its_last_meeting() {
    let mut engine = engine(plan());
    judge(&mut engine, &act("bot", 0, 11.0));
    assert_eq!(engine.advance(act("bot", 119, 0.0).at), []);
    let [FiringChange::Closed { at, .. }] = engine.advance(act("bot", 120, 0.0).at)[..] else { panic!("not closed") };
    assert_eq!(at, act("bot", 60, 0.0).at);
}

#[test]
fn det_10_an_eleven_day_slow_loop_never_becomes_its_own_median() {
    for baseline in [BaselineHours::ActiveHours, BaselineHours::AllHours] {
        let mut engine = engine(TripwirePlan { baseline, ..plan() });
        assert_eq!(history(&mut engine, 48, 1.0), []);
        let mut changes = Vec::new();
        for minutes in (48 * 60..(48 + 11 * 24) * 60).step_by(10) {
            changes.extend(judge(&mut engine, &act("bot", minutes, 0.5)));
            if minutes % 500 == 0 {
                // The backend restarts: the frozen median goes on.
                let kept = engine.snapshot().unwrap();
                engine = self::engine(TripwirePlan { baseline, ..plan() });
                engine.restore(&kept).unwrap();
            }
        }
        assert_eq!(opened(&changes), [cost()], "it opens once");
        let last = changes.last();
        assert!(matches!(last, Some(FiringChange::Counted { count, .. }) if *count > 1500), "it still fires: {last:?}");
        // The loop ends; two hours later the old median is still in force, for no hour of the loop counts.
        let after = judge(&mut engine, &act("bot", (48 + 11 * 24 + 2) * 60, 2.5));
        assert_eq!(opened(&after), [cost()], "{after:?}");
    }
}

#[test]
fn expected_behaviour_closes_thaws_and_counts_its_hours() {
    for expected in [true, false] {
        let mut engine = engine(plan());
        history(&mut engine, 30, 1.0);
        let burst: Vec<_> = (1860..1860 + 40 * 60).step_by(10).collect();
        for minutes in &burst {
            judge(&mut engine, &act("bot", *minutes, 1.0));
        }
        let key =
            FiringKey { tripwire: Tripwire::CostRate, agent: AgentId::new("bot").unwrap(), detail: String::new() };
        let at = act("bot", 1860 + 40 * 60, 0.0).at;
        assert_eq!(engine.acknowledge(&key, expected, at).len(), usize::from(expected));
        let median = engine.figures(&key.agent, at).unwrap().median_spend_usd;
        assert_eq!(median, Some(if expected { 6.0 } else { 1.0 }));
    }
}

#[test]
fn a_cold_start_firing_that_holds_against_a_new_baseline_freezes_from_then_on() {
    let mut engine = engine(plan());
    for hour in 0..23 {
        judge(&mut engine, &act("bot", hour * 60, 1.0));
    }
    for minutes in (23 * 60..40 * 60).step_by(10) {
        judge(&mut engine, &act("bot", minutes, 3.0));
    }
    let figures = engine.figures(&AgentId::new("bot").unwrap(), act("bot", 40 * 60, 0.0).at).unwrap();
    assert_eq!(figures.median_spend_usd, Some(1.0), "the loop's first hour counts, later ones do not");
}

#[test]
fn det_4_customers_see_only_what_was_reviewed_for_thirty_seconds() {
    let review = |seconds| Some(Review { by: None, seconds });
    for (visible_to, review, fires) in [
        (Some("customer"), None, true),
        (Some("customer"), review(None), true),
        (Some("customer"), review(Some(29.999)), true),
        (Some("customer"), review(Some(30.0)), false),
        (Some("team"), None, false),
        (None, None, false),
    ] {
        let artefact = Artefact { kind: "email".into(), visible_to: visible_to.map(Into::into), review };
        let action = Action { artefact: Some(artefact.clone()), ..act("bot", 0, 0.0) };
        let expected = if fires { vec![(Tripwire::Outcome, "email".to_owned())] } else { vec![] };
        assert_eq!(opened(&judge(&mut engine(plan()), &action)), expected, "{artefact:?}");
    }
}

#[test]
fn det_5_only_the_inventory_may_be_used_and_an_undeclared_agent_fires_once() {
    for (tool, fires) in [("mail.send", false), ("MCP__Mail__Send", false), ("shell.run", true)] {
        let action = Action { tool: ToolName::new(tool).ok(), ..act("bot", 0, 0.0) };
        let expected = if fires { vec![(Tripwire::Authorisation, tool.to_owned())] } else { vec![] };
        assert_eq!(opened(&judge(&mut engine(plan()), &action)), expected);
    }
    let unlisted = Action { endpoint: Some("GET a.test/x".into()), ..act("bot", 0, 0.0) };
    assert_eq!(judge(&mut engine(plan()), &unlisted), [], "the inventory lists no endpoint");
    let mut lists = engine(plan());
    lists.declare(&serde_json::from_value(json!({"id": "bot", "endpoints": ["GET a.test/y"]})).unwrap());
    let expected = (Tripwire::Authorisation, "GET a.test/x".to_owned());
    assert_eq!(opened(&judge(&mut lists, &unlisted)), [expected]);
    let mut stranger = engine(plan());
    let fired = [0, 10, 200, 400].map(|minutes| opened(&judge(&mut stranger, &act("new", minutes, 0.0))));
    assert_eq!(fired.concat(), [(Tripwire::Authorisation, "undeclared agent".to_owned())]);
}

#[test]
fn det_3_an_endpoint_is_new_only_a_day_after_first_sight_and_256_are_followed() {
    let call = |minutes, name: &str| Action { endpoint: Some(name.into()), ..act("bot", minutes, 0.0) };
    let mut engine = engine(plan());
    assert_eq!(judge(&mut engine, &call(0, "a")), []);
    assert_eq!(judge(&mut engine, &call(24 * 60, "b")), [], "exactly a day is not over a day");
    assert_eq!(opened(&judge(&mut engine, &call(24 * 60 + 1, "c"))), [(Tripwire::ActionRate, "c".to_owned())]);
    assert_eq!(judge(&mut engine, &call(24 * 60 + 2, "c")), []);
    let many: Vec<_> = (0..600).flat_map(|n| judge(&mut engine, &call(1500 + n * 30, &format!("e{n}")))).collect();
    let many = opened(&many).into_iter().filter(|(_, detail)| detail == "many endpoints").count();
    assert_eq!(many, 1);
}

#[test]
fn denied_late_old_and_future_actions_count_where_they_should() {
    let denied = Action { status: Status::Denied, tool: ToolName::new("shell.run").ok(), ..act("bot", 0, 99.0) };
    let mut engine = engine(plan());
    assert_eq!(judge(&mut engine, &denied), []);
    assert_eq!(engine.agents().count(), 0);
    judge(&mut engine, &act("bot", 20_000, 0.0));
    assert_eq!(judge(&mut engine, &act("bot", 20_000 - 61, 99.0)), [], "late: in no window");
    let late = Action { tool: ToolName::new("shell.run").ok(), ..act("bot", 20_000 - 200, 0.0) };
    assert_eq!(opened(&judge(&mut engine, &late)).len(), 1, "late, and still judged by authorisation");
    let figures = |engine: &Engine| engine.figures(&AgentId::new("bot").unwrap(), act("bot", 20_000, 0.0).at).unwrap();
    let hours = figures(&engine).baseline_hours;
    judge(&mut engine, &act("bot", 20_000 - 7 * 24 * 60 - 1, 1.0));
    let ahead = Action { received_at: act("bot", 20_000, 0.0).at, ..act("bot", 20_006, 99.0) };
    assert_eq!(judge(&mut engine, &ahead), [], "ahead of the backend: no bucket");
    assert_eq!((figures(&engine).baseline_hours, hours), (2, 2));
    assert_eq!(figures(&engine).calls_window, 1);
}

#[test]
fn a_late_burst_is_one_firing() {
    let mut engine = engine(plan());
    judge(&mut engine, &act("bot", 600, 0.0));
    let mut fired = Vec::new();
    for late in 0..20 {
        let action = Action { tool: ToolName::new("shell.run").ok(), ..act("bot", 400 + late, 0.0) };
        fired.extend(judge(&mut engine, &action));
        fired.extend(judge(&mut engine, &act("bot", 600 + late, 0.0)));
    }
    assert_eq!(opened(&fired).len(), 1);
}

#[test]
fn a_bad_snapshot_changes_nothing_and_a_backtest_lists_what_opens() {
    let mut engine = engine(plan());
    judge(&mut engine, &act("bot", 0, 11.0));
    let before = engine.snapshot().unwrap();
    for bad in ["", "{}", r#"{"version":9,"agents":{}}"#, r#"{"version":1,"agents":{"bot":{}}}"#] {
        assert!(engine.restore(bad.as_bytes()).is_err(), "{bad}");
    }
    assert_eq!(engine.snapshot().unwrap(), before);
    let actions = [act("bot", 0, 11.0), act("bot", 1, 1.0)];
    let lines = backtest(&actions, &[], plan());
    let told: Vec<_> = lines.iter().map(|line| (line.tripwire, line.detail.as_str())).collect();
    assert_eq!(told, [(Tripwire::CostRate, ""), (Tripwire::Authorisation, "undeclared agent")]);
}

#[test]
fn an_agents_state_stays_within_four_kibibytes() {
    const { assert!(Engine::BYTES_PER_AGENT <= 4096) };
}
