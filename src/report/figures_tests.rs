//! Figures worked by hand, and by a twin.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    incident::{
        Command, Context, IncidentCommand,
        chain::{Place, seal},
        containment::{AgentProof, HaltProof, ProofState},
        decide,
    },
    runbook::Runbook,
    terms::{DrillId, FiringId, IncidentId, SwitchId},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

const ZERO: i64 = 1_772_460_300_000;

fn at(seconds: i64) -> Time {
    Time::from_millis(ZERO + seconds * 1_000)
}

/// A log by hand: who asks, when, in which world.
#[derive(Default)]
struct Log {
    worlds: Worlds,
    drill: Option<DrillId>,
    counted: Vec<AgentProof>,
}

impl Log {
    #[track_caller]
    fn ask(&mut self, seconds: i64, by: &str, command: &Command) {
        let (by, counted) = (by.parse().unwrap(), self.counted.clone());
        let context = Context { by, now: at(seconds), drill: self.drill, counted, runs: None };
        for new in decide(&self.worlds, &Runbook::shipped(), &context, command).unwrap() {
            let (id, position) = (Uuid::nil(), self.worlds.position + 1);
            let place = Place { position, epoch: 1, seq: position, id, recorded_at: at(seconds), prev: String::new() };
            self.worlds.apply(&seal(new, place).unwrap());
        }
    }

    #[track_caller]
    fn on(&mut self, seconds: i64, incident: u32, ask: serde_json::Value) {
        let ask: IncidentCommand = serde_json::from_value(ask).unwrap();
        self.ask(seconds, "dana", &Command::OnIncident { incident: IncidentId(incident), ask });
    }

    /// The outcome tripwire fires at `seconds`, for an action 10 s before.
    fn fires(&mut self, seconds: i64, agent: &str) {
        let key = FiringKey { tripwire: Tripwire::Outcome, agent: agent.parse().unwrap(), detail: "email".into() };
        let opened = FiringChange::Opened {
            key,
            at: at(seconds - 10),
            received_at: at(seconds - 9),
            window: None,
            limit: None,
            baseline: None,
            note: None,
            run: None,
            workflow: None,
        };
        self.ask(seconds, "andon:tripwires", &Command::Fire { changes: vec![opened] });
    }

    /// A whole incident from a firing at `zero`: everything after it takes `pace` times as long.
    fn worked(&mut self, zero: i64, agent: &str, pace: i64) {
        self.fires(zero, agent);
        let (id, firing) = {
            let world = self.worlds.get(self.drill).unwrap();
            (world.incidents.keys().next_back().unwrap().0, *world.firings.keys().next_back().unwrap())
        };
        self.on(zero, id, json!({"type": "confirm"}));
        self.ask(zero + 20 * pace, "dana", &Command::AckFiring { firing, expected: false });
        let proof = |state| AgentProof { id: agent.parse().unwrap(), state, how: None, at: at(zero) };
        self.counted = vec![proof(ProofState::Requested)];
        let incident = IncidentId(id);
        let engage = json!({"scope": {"agent": agent}, "incident": incident, "harm_at": at(zero)});
        self.ask(zero + 25 * pace, "dana", &Command::Engage(serde_json::from_value(engage).unwrap()));
        let switch = *self.worlds.get(self.drill).unwrap().switches.keys().next_back().unwrap();
        let took = 29.0 * pace as f64;
        let halt = HaltProof {
            counted: 1,
            confirmed: 1,
            confirmed_in_s: Some(took),
            agents: vec![proof(ProofState::Confirmed)],
            ..HaltProof::default()
        };
        self.ask(zero + 30 * pace, "andon:interlock", &Command::Prove { switch, halt });
        self.on(zero + 40 * pace, id, json!({"type": "set-severity", "severity": "SEV-3", "why": "no customer"}));
        let owner = json!({"type": "assign", "role": "severity-owner", "who": "dana"});
        self.on(zero + 100 * pace, id, owner);
        let second = serde_json::from_value(json!({"type": "approve-restart", "second": true, "why": "seen"})).unwrap();
        self.ask(zero + 100 * pace, "kim", &Command::OnIncident { incident, ask: second });
        let release = json!({"command": "release", "switch": switch, "why": "guard in place", "over": "it is gone"});
        self.ask(zero + 100 * pace, "dana", &serde_json::from_value(release).unwrap());
        self.on(zero + 200 * pace, id, json!({"type": "resolve"}));
    }
}

/// TEAM.5: each step over two incidents, the budgets by clock, the noise by tripwire; drills apart, the dismissed left out.
#[test]
fn the_figures_of_two_incidents_and_a_drill() {
    let mut log = Log::default();
    log.worked(0, "a", 1);
    log.worked(10_000, "b", 3);
    log.fires(20_000, "c");
    log.on(20_010, 3, json!({"type": "dismiss", "why": "a test address"}));
    log.fires(30_000, "d");
    log.ask(30_001, "dana", &Command::AckFiring { firing: FiringId(4), expected: true });
    let start = Command::StartDrill {
        name: "x".into(),
        title: "X".into(),
        seed: 1,
        speed: 1.0,
        course: Box::default(),
        armed: Box::default(),
    };
    log.ask(40_000, "dana", &start);
    log.drill = Some(DrillId(1));
    log.worked(40_100, "a", 10);

    let Both { real, drills } = figures(&log.worlds, None, at(50_000));
    assert_eq!((real.incidents, real.open, real.by_severity["SEV-3"]), (2, 0, 2), "{real:#?}");
    let measure = |n, median: f64, p90: f64| Measure { n, median_s: Some(median), p90_s: Some(p90), max_s: Some(p90) };
    assert_eq!(real.detect, measure(2, 50.0, 70.0));
    assert_eq!(real.acknowledge, measure(2, 40.0, 60.0));
    assert_eq!(real.halt, measure(2, 58.0, 87.0));
    assert_eq!(real.contain, measure(2, 60.0, 90.0));
    assert_eq!(real.resolve, measure(2, 400.0, 600.0));
    assert_eq!(real.restart, measure(2, 140.0, 210.0));
    assert_eq!(real.budgets["halt"], Budget { met: 1, missed: 1 }, "29 s and 87 s of 30");
    assert_eq!(real.noise["outcome"], Noise { firings: 4, noise: 2 });
    let total = real.budgets.values().fold((0, 0), |(met, missed), one| (met + one.met, missed + one.missed));
    assert_eq!((real.kept.met, real.kept.missed), total);
    assert_eq!((drills.incidents, drills.detect.median_s, drills.noise["outcome"].firings), (1, Some(210.0), 1));

    let later = figures(&log.worlds, Some(at(5_000)), at(50_000)).real;
    assert_eq!((later.incidents, later.detect.median_s, later.noise["outcome"].firings), (1, Some(70.0), 3));
    let none = figures(&Worlds::default(), None, at(0));
    assert_eq!((none.real.incidents, none.real.detect), (0, Measure::default()));
    assert_eq!(log.worlds.real.switches[&SwitchId(1)].state, SwitchState::Released);
}

proptest! {
    /// TEAM.5: the median parts the durations in halves, nine of ten take at most the percentile.
    #[test]
    fn medians_and_percentiles_part_what_they_should(seconds in prop::collection::vec(0.0f64..1e6, 1..60)) {
        let measure = Measure::of(seconds.clone());
        let (median, p90) = (measure.median_s.unwrap(), measure.p90_s.unwrap());
        let below = |limit: f64| seconds.iter().filter(|one| **one <= limit).count();
        prop_assert_eq!(measure.n, seconds.len());
        prop_assert!(below(median) * 2 >= seconds.len());
        prop_assert!(seconds.iter().filter(|one| **one >= median).count() * 2 >= seconds.len());
        prop_assert!(below(p90) * 10 >= seconds.len() * 9 && seconds.contains(&p90));
        prop_assert!(median <= p90 && p90 <= measure.max_s.unwrap());
    }
}
