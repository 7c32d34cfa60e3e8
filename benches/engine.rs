//! Actions a second through the engine, against a bare update of the same map in the same run, and bytes per agent.
//!
//! `cargo bench --bench engine`. Prints figures and their ratio; asserts nothing.

use std::{collections::HashMap, hint::black_box, time::Instant};

use andon::{
    runbook::Runbook,
    telemetry::Action,
    terms::{AgentId, NanoUsd, Time},
    tripwire::Engine,
};
use serde_json::json;

const ACTIONS: usize = 1_000_000;

fn agents(count: usize) -> Vec<Action> {
    let at = Time::from_millis(1_700_000_000_000);
    let one = json!({"at": at, "received_at": at, "agent": "a", "status": "ok", "cost_usd": 0.000_001,
        "tool": "mail.send", "endpoint": "POST mail.test/v1/send"});
    let one: Action = serde_json::from_value(one).expect("an action");
    let named = |number| AgentId::new(&format!("agent-{number}")).expect("a name");
    (0..count).map(|number| Action { agent: named(number), ..one.clone() }).collect()
}

/// Runs over `actions` in turn; each action is 20 ms of event time after the one before.
fn per_second(actions: &mut [Action], mut each: impl FnMut(&Action)) -> f64 {
    let began = Instant::now();
    let count = actions.len();
    for number in 0..ACTIONS {
        let action = &mut actions[number % count];
        action.at = Time::from_millis(1_700_000_000_000 + number as i64 * 20);
        action.received_at = action.at;
        each(action);
    }
    ACTIONS as f64 / began.elapsed().as_secs_f64()
}

fn main() {
    for count in [1, 10_000] {
        let mut actions = agents(count);
        let mut bare: HashMap<AgentId, (NanoUsd, u64)> = HashMap::new();
        let floor = per_second(&mut actions, |action| {
            if let Some(held) = bare.get_mut(&action.agent) {
                *held = (held.0 + action.cost.unwrap_or_default(), held.1 + 1);
            } else {
                bare.insert(action.agent.clone(), (NanoUsd::ZERO, 1));
            }
        });
        black_box(&bare);
        let mut plan = Runbook::shipped().tripwires;
        // The quiet path is measured: no limit is met.
        (plan.cold_calls, plan.call_factor) = (None, 1e9);
        let mut engine = Engine::new(plan);
        for action in &actions {
            let declared = json!({"id": action.agent, "inventory": ["mail.send"]});
            engine.declare(&serde_json::from_value(declared).expect("a declaration"));
        }
        let (mut changes, mut fired) = (Vec::new(), 0);
        let rate = per_second(&mut actions, |action| {
            engine.judge(action, &mut changes);
            fired += changes.drain(..).count();
        });
        println!(
            "{count:>6} agents: bare {floor:>11.0}/s  engine {rate:>11.0}/s  {:.2} of bare, {fired} changes",
            rate / floor
        );
    }
    println!("bytes per agent: {} and 8 per endpoint called (at most 2,048)", Engine::BYTES_PER_AGENT);
}
