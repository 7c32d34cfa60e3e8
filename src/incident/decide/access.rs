//! Tokens, sessions, and drills' worlds.

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, NewEvent, Role, Stream, Topic,
        drilled::{ArmedProof, Course, Played, Steer, Steered},
        session::{SessionBegun, SessionEnded},
    },
    terms::{AgentId, DrillId, TokenId},
};

pub(super) fn make(case: &Case<'_>, name: &str, role: Role, agent: Option<&AgentId>, hash: &str) -> Decided {
    case.person("make a token")?;
    real_only(case)?;
    let name = checks::title(name).map_err(|_| invalid("a token needs a name: what it is for"))?;
    match (role, agent) {
        (Role::Agent, None) => return Err(invalid("an agent's token is bound to one agent: name it")),
        (Role::Agent, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(invalid(format!("a token for {role} is bound to no agent: leave it out"))),
    }
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid("a token is kept as the SHA-256 of its secret, in hex"));
    }
    let token = case.worlds.tokens.keys().next_back().map_or(TokenId(1), |id| id.next());
    let fact = Fact::TokenMade { token, name, role, agent: agent.cloned(), hash: hash.to_ascii_lowercase() };
    Ok(vec![case.fact(Topic::Access, fact)])
}

pub(super) fn revoke(case: &Case<'_>, id: TokenId) -> Decided {
    case.person("revoke a token")?;
    real_only(case)?;
    match case.worlds.tokens.get(&id) {
        None => Err(unknown(format!("there is no {id}; `andon token list` shows them"))),
        Some(token) if token.revoked_at.is_some() => Ok(Vec::new()),
        Some(_) => Ok(vec![case.fact(Topic::Access, Fact::TokenRevoked { token: id })]),
    }
}

/// TEAM.6: a challenge opens one session, whichever backend it was answered at.
pub(super) fn begin(case: &Case<'_>, begun: &SessionBegun) -> Decided {
    case.person("log in")?;
    real_only(case)?;
    let sessions = &case.worlds.sessions;
    if sessions.answered(&begun.challenge) {
        return Err(conflict("this challenge was answered already: ask for another one"));
    }
    if begun.until <= case.context.now {
        return Err(invalid("a session ends after it begins"));
    }
    Ok(vec![case.fact(Topic::Access, Fact::SessionBegun(Box::new(begun.clone())))])
}

pub(super) fn end(case: &Case<'_>, ended: &SessionEnded) -> Decided {
    match case.worlds.sessions.get(&ended.hash, case.context.now) {
        None => Ok(Vec::new()),
        Some(_) => Ok(vec![case.fact(Topic::Access, Fact::SessionEnded(ended.clone()))]),
    }
}

fn real_only(case: &Case<'_>) -> Result<(), crate::incident::Refusal> {
    if case.context.drill.is_some() {
        return Err(conflict("tokens are real: ask outside the drill"));
    }
    Ok(())
}

pub(super) fn start_drill(
    case: &Case<'_>,
    (name, title): (&str, &str),
    (seed, speed): (u64, f64),
    course: &Course,
    armed: &ArmedProof,
) -> Decided {
    let name = checks::title(name)?;
    let title = checks::title(title)?;
    if !(0.1..=1000.0).contains(&speed) {
        return Err(invalid(format!("a drill plays at 0.1 to 1000 times the recorded speed, not at {speed}")));
    }
    let drill = case.worlds.takes.keys().next_back().map_or(DrillId(1), |id| id.next());
    let (course, armed) = (Box::new(course.clone()), Box::new(armed.clone()));
    Ok(vec![drill_fact(case, Fact::DrillStarted { drill, name, title, seed, speed, course, armed })])
}

pub(super) fn end_drill(case: &Case<'_>, id: DrillId) -> Decided {
    match case.worlds.takes.get(&id) {
        None => Err(unknown(format!("there is no {id}; `andon drill list` shows them"))),
        Some(drill) if drill.ended_at.is_some() => Ok(Vec::new()),
        Some(_) => Ok(vec![drill_fact(case, Fact::DrillEnded { drill: id })]),
    }
}

/// Longest line that is put into a drill, in bytes.
const INJECTED: usize = 64 * 1024;

/// A facilitator's hand on a drill that plays (DRL.1).
pub(super) fn steer(case: &Case<'_>, asked: &Steered) -> Decided {
    let drill = case.worlds.takes.get(&asked.drill);
    let drill = drill.ok_or_else(|| unknown(format!("there is no {}; `andon drill list` shows them", asked.drill)))?;
    if drill.ended_at.is_some() || drill.played.is_some() {
        return Err(conflict(format!("{} plays no more: its recording is over; run it again", drill.id)));
    }
    let done = match &asked.how {
        Steer::Pause {} => drill.paused,
        Steer::Resume {} => !drill.paused,
        Steer::Step {} if !drill.paused => {
            return Err(conflict(format!("{} plays: pause it, then step", drill.id)));
        }
        Steer::Speed { speed } if !(0.1..=1000.0).contains(speed) => {
            return Err(invalid(format!("a drill plays at 0.1 to 1000 times the recorded speed, not at {speed}")));
        }
        Steer::Speed { speed } => drill.speed == *speed,
        Steer::Skip { to_s } if !(to_s.is_finite() && *to_s >= 0.0) => {
            return Err(invalid("say to which second of the recording: 0 or more"));
        }
        Steer::Inject { line } if line.len() > INJECTED => {
            return Err(invalid(format!("what is put in has {} bytes; at most {INJECTED} are taken", line.len())));
        }
        _ => false,
    };
    if done {
        return Ok(Vec::new());
    }
    Ok(vec![drill_fact(case, Fact::DrillSteered(Box::new(asked.clone())))])
}

/// A recording is played once (DRL.3).
pub(super) fn played(case: &Case<'_>, played: Played) -> Decided {
    match case.worlds.takes.get(&played.drill) {
        None => Err(unknown(format!("there is no {}; `andon drill list` shows them", played.drill))),
        Some(drill) if drill.played.is_some() => Ok(Vec::new()),
        Some(_) => Ok(vec![drill_fact(case, Fact::DrillPlayed(Box::new(played)))]),
    }
}

/// The list of drills is kept in the real world, whoever asks.
fn drill_fact(case: &Case<'_>, fact: Fact) -> NewEvent {
    NewEvent {
        stream: Stream::new(None, Topic::Drills),
        occurred_at: case.context.now,
        by: case.context.by.clone(),
        fact,
    }
}
