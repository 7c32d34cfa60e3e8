//! Drills' worlds: begun, steered, taken back, ended (DRL.1).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, forbidden, invalid, unknown},
};
use crate::{
    incident::{
        Drill, Fact, NewEvent, Refusal, Stream, Topic,
        drilled::{ArmedProof, Course, LONGEST_CUT, Played, Rewound, SPEEDS, Steer, Steered, Told},
    },
    terms::DrillId,
};

/// Longest line that is put into a drill, in bytes.
const INJECTED: usize = 64 * 1024;
/// Longest note to self, in bytes.
const NOTE: usize = 4 * 1024;
/// Notes to self that a drill keeps.
const NOTES: usize = 500;
/// People a drill names: who facilitates, whose clients are cut.
const NAMED: usize = 100;

fn known<'c>(case: &'c Case<'_>, id: DrillId) -> Result<&'c Drill, Refusal> {
    let drill = case.worlds.takes.get(&id);
    drill.ok_or_else(|| unknown(format!("there is no {id}; `andon drill list` shows them")))
}

fn next(case: &Case<'_>) -> DrillId {
    case.worlds.takes.keys().next_back().map_or(DrillId(1), |id| id.next())
}

pub(super) fn start(
    case: &Case<'_>,
    (name, title): (&str, &str),
    (seed, speed): (u64, f64),
    course: &Course,
    armed: &ArmedProof,
) -> Decided {
    let name = checks::title(name)?;
    let title = checks::title(title)?;
    followed(speed)?;
    let (course, armed) = (Box::new(course.clone()), Box::new(armed.clone()));
    Ok(vec![fact(case, Fact::DrillStarted { drill: next(case), name, title, seed, speed, course, armed })])
}

pub(super) fn end(case: &Case<'_>, id: DrillId) -> Decided {
    match known(case, id)?.ended_at {
        Some(_) => Ok(Vec::new()),
        None => Ok(vec![fact(case, Fact::DrillEnded { drill: id })]),
    }
}

/// A facilitator's hand on a drill: of whoever began it, and of those they named.
pub(super) fn steer(case: &Case<'_>, asked: &Steered) -> Decided {
    let drill = known(case, asked.drill)?;
    if !drill.is_led_by(&case.context.by) {
        return Err(forbidden(format!(
            "{id} is led by {}; they may have you lead it too: andon drill appoint {id} {}",
            drill.started_by,
            case.context.by,
            id = drill.id,
        )));
    }
    // What is over can be talked about, and taken back; what ended is a page of the log.
    let talk = matches!(
        asked.how,
        Steer::Note { .. } | Steer::Appoint { .. } | Steer::Hints { .. } | Steer::Back { .. } | Steer::Cut { .. }
    );
    if let Some(next) = drill.next {
        return Err(conflict(format!("{} was taken back: it goes on as {next}", drill.id)));
    }
    let noted = matches!(asked.how, Steer::Note { .. });
    if drill.ended_at.is_some() && !noted || drill.played.is_some() && !talk {
        return Err(conflict(format!("{} plays no more: its recording is over; run it again", drill.id)));
    }
    readable(&asked.how)?;
    let done = match &asked.how {
        Steer::Pause {} => drill.paused,
        Steer::Resume {} => !drill.paused,
        Steer::Step {} if !drill.paused => {
            return Err(conflict(format!("{} plays: pause it, then step", drill.id)));
        }
        Steer::Speed { speed } => drill.speed == *speed,
        Steer::Hints { shown } => drill.hints_shown == *shown,
        Steer::Appoint { who } => drill.facilitators.contains(who),
        Steer::Note { .. } if drill.notes.len() >= NOTES => {
            return Err(conflict(format!("{} holds {NOTES} notes; write the next one elsewhere", drill.id)));
        }
        _ => false,
    };
    if done {
        return Ok(Vec::new());
    }
    let many = |known: usize| known >= NAMED;
    if matches!(asked.how, Steer::Appoint { .. } if many(drill.facilitators.len()))
        || matches!(&asked.how, Steer::Cut { who, .. } if many(drill.cuts.len()) && !drill.cuts.contains_key(who))
    {
        return Err(conflict(format!("{} names {NAMED} people already", drill.id)));
    }
    let mut facts = vec![fact(case, Fact::DrillSteered(Box::new(asked.clone())))];
    if let Steer::Back { to_s } = asked.how {
        facts.extend(back(case, drill, to_s));
    }
    Ok(facts)
}

/// The next take: the same recording in a world of its own, to which everybody is led. The one that was taken back ends, and
/// stays to be read: nothing of a log is undone (law 1).
fn back(case: &Case<'_>, drill: &Drill, to_s: f64) -> [NewEvent; 3] {
    let Drill { id, name, title, seed, speed, course, armed, .. } = drill.clone();
    let rewound = Rewound { drill: id, next: next(case), to_s };
    let started = Fact::DrillStarted { drill: rewound.next, name, title, seed, speed, course, armed };
    [started, Fact::DrillRewound(Box::new(rewound)), Fact::DrillEnded { drill: id }].map(|made| fact(case, made))
}

/// A speed that people can follow.
fn followed(speed: f64) -> Result<(), Refusal> {
    if SPEEDS.contains(&speed) {
        return Ok(());
    }
    Err(invalid(format!("a drill plays at 0.1 to 1000 times the recorded speed, not at {speed}")))
}

/// What can be done at all.
fn readable(how: &Steer) -> Result<(), Refusal> {
    match how {
        Steer::Speed { speed } => followed(*speed),
        Steer::Skip { to_s } | Steer::Back { to_s } if !(to_s.is_finite() && *to_s >= 0.0) => {
            Err(invalid("say to which second of the recording: 0 or more"))
        }
        Steer::Inject { line } if line.len() > INJECTED => {
            Err(invalid(format!("what is put in has {} bytes; at most {INJECTED} are taken", line.len())))
        }
        Steer::Cut { for_s, .. } if !(1..=LONGEST_CUT).contains(for_s) => {
            Err(invalid(format!("a client is cut off for 1 to {LONGEST_CUT} seconds, not for {for_s}")))
        }
        Steer::Cut { who, .. } | Steer::Appoint { who } => checks::name("who", who).map(drop),
        Steer::Note { text, at_s } if text.len() > NOTE || at_s.is_some_and(|at_s| !at_s.is_finite()) => {
            Err(invalid(format!("a note has at most {NOTE} bytes, and a second of the recording that is one")))
        }
        Steer::Note { text, .. } if text.trim().is_empty() => Err(invalid("a note needs its words")),
        _ => Ok(()),
    }
}

/// A recording is played once (DRL.3).
pub(super) fn played(case: &Case<'_>, played: Played) -> Decided {
    match known(case, played.drill)?.played {
        Some(_) => Ok(Vec::new()),
        None => Ok(vec![fact(case, Fact::DrillPlayed(Box::new(played)))]),
    }
}

/// Participants hear something, as long as the drill goes on.
pub(super) fn tell(case: &Case<'_>, told: &Told) -> Decided {
    match known(case, told.drill)?.ended_at {
        Some(_) => Ok(Vec::new()),
        None => Ok(vec![fact(case, Fact::DrillTold(Box::new(told.clone())))]),
    }
}

/// The list of drills is kept in the real world, whoever asks.
fn fact(case: &Case<'_>, fact: Fact) -> NewEvent {
    NewEvent {
        stream: Stream::new(None, Topic::Drills),
        occurred_at: case.context.now,
        by: case.context.by.clone(),
        fact,
    }
}
