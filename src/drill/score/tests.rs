use serde_json::json;
use uuid::Uuid;

use super::{step::Asked, total::spared, *};
use crate::{
    incident::{
        Command, Context, IncidentCommand, Worlds,
        chain::{Place, seal},
        containment::{AgentProof, HaltProof, ProofState},
        decide,
        drilled::{Course, Harm, HarmCount, Played, Target},
    },
    runbook::Runbook,
    terms::{DrillId, FiringId, IncidentId, SwitchId, Time},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

fn at(seconds: i64) -> Time {
    Time::from_millis(1_772_460_300_000 + seconds * 1_000)
}

/// A log by hand, with one drill in it: sixty times as fast as recorded, so that a second of it is a minute of the recording.
struct Log(Worlds);

impl Log {
    fn new(targets: &[(Target, u32)]) -> Self {
        let course = Course {
            targets: targets.iter().copied().collect(),
            known_ms: Some(20 * 60_000),
            harm_from_ms: Some(60_000),
            harm_to_ms: Some(50 * 60_000),
            ends_ms: 60 * 60_000,
        };
        let mut log = Self(Worlds::default());
        let (name, title) = ("mine".into(), "Paid twice".into());
        let start =
            Command::StartDrill { name, title, seed: 1, speed: 60.0, course: Box::new(course), armed: Box::default() };
        log.ask(0, "lee", None, &start);
        log
    }

    #[track_caller]
    fn ask(&mut self, seconds: i64, by: &str, drill: Option<u32>, command: &Command) {
        let proof = |state| AgentProof { id: "bot".parse().unwrap(), state, how: None, at: at(seconds) };
        let counted = vec![proof(ProofState::Requested)];
        let context =
            Context { by: by.parse().unwrap(), now: at(seconds), drill: drill.map(DrillId), counted, runs: None };
        for new in decide(&self.0, &Runbook::shipped(), &context, command).unwrap() {
            let (id, position) = (Uuid::nil(), self.0.position + 1);
            let place = Place { position, epoch: 1, seq: position, id, recorded_at: at(seconds), prev: String::new() };
            self.0.apply(&seal(new, place).unwrap());
        }
    }

    #[track_caller]
    fn on(&mut self, seconds: i64, by: &str, ask: serde_json::Value) {
        let ask: IncidentCommand = serde_json::from_value(ask).unwrap();
        self.ask(seconds, by, Some(1), &Command::OnIncident { incident: IncidentId(1), ask });
    }

    fn fires(&mut self, seconds: i64) {
        let key = FiringKey { tripwire: Tripwire::Outcome, agent: "bot".parse().unwrap(), detail: "email".into() };
        let opened = FiringChange::Opened {
            key,
            at: at(seconds),
            received_at: at(seconds),
            window: None,
            limit: None,
            baseline: None,
            note: None,
            run: None,
            workflow: None,
        };
        self.ask(seconds, "andon:tripwires", Some(1), &Command::Fire { changes: vec![opened] });
    }

    /// Everything of the recording was played; the last harm came `last_s` of the recording after its zero.
    fn played(&mut self, seconds: i64, done: u64, last_s: i64) {
        let people = |people| Harm { people, ..Harm::NONE };
        let (course, prevented) = (people(40), people(40 - done));
        let (first_at, last_ms) = (Some(at(1)), Some(last_s * 1_000));
        let harm = HarmCount { course, done: people(done), prevented, stopped: 3, first_at, last_ms };
        let played = Command::RecordPlayed(Played { drill: DrillId(1), harm, whole: true });
        self.ask(seconds, "andon:drill", None, &played);
    }

    fn score(&self, seconds: i64) -> Score {
        let take = &self.0.takes[&DrillId(1)];
        score(take, &self.0.drills[&DrillId(1)], &Runbook::shipped(), None, at(seconds))
    }
}

fn step<'a>(score: &'a Score, name: &str) -> &'a ScoredStep {
    score.steps.iter().find(|step| step.step == name).unwrap_or_else(|| panic!("{name}: {:#?}", score.steps))
}

/// DRL.3: in time, late, never, not yet, not asked: each by its own clock, the recording's where it sets one.
#[test]
fn a_step_is_held_against_its_own_clock() {
    let course = Course { targets: [(Target::Halt, 10)].into(), ..Course::default() };
    let held = |zero: Option<i64>, budget_s, done: Option<i64>, over| {
        let asked = Asked::new("halt", "stop", "commander").from(zero.map(at), budget_s, Some(Target::Halt));
        asked.done(done.map(at), None).held(None, &course, at(100), over)
    };
    use StepResult::{Kept, Late, Missed, NotDue};
    for (zero, done, result) in [
        (Some(0), Some(10), Kept),
        (Some(0), Some(11), Late),
        (Some(0), None, Missed),
        (None, None, NotDue),
        (None, Some(3), Kept),
    ] {
        assert_eq!(held(zero, Some(30), done, false).result, result, "{zero:?} {done:?}");
    }
    let set = held(Some(0), Some(30), Some(11), false);
    assert_eq!((set.target_s, set.target_from), (Some(10.0), Some(TargetFrom::Recording)));
    let untimed = |done: Option<i64>, over| {
        let asked = Asked::new("harm", "say", "commander").from(Some(at(0)), None, None);
        asked.done(done.map(at), None).held(None, &course, at(100), over).result
    };
    assert_eq!([untimed(None, false), untimed(None, true), untimed(Some(99), true)], [StepResult::Open, Missed, Kept]);
}

/// DRL.3: the figure that was spared least counts; a recording that counts no harm has no share.
#[test]
fn what_was_spared_is_the_least_of_all_figures() {
    let harm = |records, people| Harm { records, people, ..Harm::NONE };
    let of = |course, done| spared(&HarmCount { course, done, ..HarmCount::default() });
    assert_eq!(of(harm(100, 10), harm(50, 1)), Some(0.5));
    assert_eq!(of(harm(100, 10), harm(0, 10)), Some(0.0));
    assert_eq!(of(harm(0, 10), harm(0, 0)), Some(1.0));
    assert_eq!(of(Harm::NONE, Harm::NONE), None);
}

/// DRL.3: who did what, whose step was late, what was missed by name; harm and minutes against the historical course.
#[test]
fn a_drill_is_scored_by_step_by_role_and_against_its_course() {
    let mut log = Log::new(&[(Target::Update, 20), (Target::Detection, 5), (Target::Acknowledge, 5)]);
    log.fires(2);
    log.on(4, "dana", json!({"type": "confirm"}));
    log.ask(10, "kim", Some(1), &Command::AckFiring { firing: FiringId(1), expected: false });
    log.on(11, "dana", json!({"type": "assign", "role": "commander", "who": "dana"}));
    log.on(11, "dana", json!({"type": "assign", "role": "communications", "who": "kim"}));
    let engage = json!({"scope": {"agent": "bot"}, "incident": "INC-1", "harm_at": at(2)});
    log.ask(12, "dana", Some(1), &Command::Engage(serde_json::from_value(engage).unwrap()));
    let confirmed = AgentProof { id: "bot".parse().unwrap(), state: ProofState::Confirmed, how: None, at: at(13) };
    let halt = HaltProof {
        counted: 1,
        confirmed: 1,
        confirmed_in_s: Some(11.0),
        agents: vec![confirmed],
        ..HaltProof::default()
    };
    log.ask(13, "andon:interlock", Some(1), &Command::Prove { switch: SwitchId(1), halt });
    let playing = log.score(14);
    assert!(!playing.over && playing.missed.is_empty() && playing.spared.is_none() && playing.gained_min.is_none());
    log.played(60, 10, 12 * 60);
    let score = log.score(1_000);
    assert_eq!((score.spared, score.gained_min), (Some(0.75), Some(38.0)), "harm ended at 12 min, it did at 50");
    let known = &score.course[0];
    assert_eq!((known.turn, known.course_s, known.drill_s), (Turn::Known, Some(1_200.0), Some(240.0)));
    let result = |name: &str| step(&score, name).result;
    assert_eq!(result("detection"), StepResult::Kept, "3 s after the first harm");
    assert_eq!((result("acknowledge"), step(&score, "acknowledge").took_s), (StepResult::Late, Some(8.0)));
    assert_eq!((result("halt"), step(&score, "halt").by.as_ref().unwrap().name()), (StepResult::Kept, "dana"));
    assert_eq!(result("command"), StepResult::Kept);
    assert_eq!((result("update"), step(&score, "update").target_s), (StepResult::Missed, Some(20.0)));
    assert_eq!(result("facts"), StepResult::Missed);
    assert_eq!(result("restart"), StepResult::NotDue, "nobody let anything go on");
    assert!(step(&score, "facts").lacks.contains(&"recent-changes".to_owned()), "{:?}", step(&score, "facts"));
    let missed = score.missed.join("\n");
    for name in ["INC-1 update", "INC-1 facts", "recent-changes", "INC-1 rollback", "INC-1 evidence"] {
        assert!(missed.contains(name), "{name}: {missed}");
    }
    assert!(!missed.contains("halt"), "{missed}");
    let role = |name: &str| score.roles.iter().find(|role| role.role == name).unwrap();
    assert_eq!(role("commander").held_by, ["dana"]);
    assert_eq!(role("on-call").late, ["INC-1 acknowledge"]);
    assert_eq!(role("communications").missed, ["INC-1 update"], "those affected are due in four hours");
    let kim = score.people.iter().find(|person| person.who == "kim").unwrap();
    assert_eq!(kim.steps, ["INC-1 acknowledge"]);
    let none = log.score(1_000);
    assert_eq!(none, score, "read twice, it says the same");
}

/// DRL.3: a drill that was ended grows no later by time that passes after it; one cut short says nothing of what was spared.
#[test]
fn what_comes_after_a_drill_does_not_count() {
    let mut log = Log::new(&[]);
    log.fires(2);
    log.on(4, "dana", json!({"type": "confirm"}));
    log.ask(30, "lee", None, &Command::EndDrill { drill: DrillId(1) });
    let (soon, later) = (log.score(31), log.score(100_000));
    assert_eq!(soon, later);
    assert!(soon.over && soon.spared.is_none() && soon.gained_min.is_none());
    assert_eq!(step(&soon, "facts").result, StepResult::Open, "ten minutes were not over");
    assert!(soon.missed.contains(&"nobody stopped anything".to_owned()), "{:?}", soon.missed);
}
