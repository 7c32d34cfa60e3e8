//! Tokens, and drills' own worlds (TEAM.6, DRL.1).

use super::story::{Story, agent, at, declare, halt, key, kinds, on, opened};
use crate::{
    incident::{
        Command, IncidentCommand as Ask, RefusalCode, Role,
        session::{SessionBegun, SessionEnded},
    },
    terms::{DrillId, TokenId},
    tripwire::Tripwire,
};

fn token(name: &str, role: Role, of: Option<&str>, hash: &str) -> Command {
    Command::MakeToken { name: name.into(), role, agent: of.map(agent), hash: hash.into() }
}

fn drill(name: &str, speed: f64) -> Command {
    Command::StartDrill {
        name: name.into(),
        title: "A drill".into(),
        seed: 7,
        speed,
        course: Box::default(),
        armed: Box::default(),
    }
}

/// TEAM.6: an agent's token is bound to its agent, another to none; only the hash is kept.
#[test]
fn a_token_is_made_and_revoked_by_a_person() {
    let hash = "0a".repeat(32);
    let mut story = Story::new();
    for (ask, says) in [
        (token(" ", Role::Viewer, None, &hash), "name"),
        (token("x", Role::Agent, None, &hash), "bound to one agent"),
        (token("x", Role::Operator, Some("a"), &hash), "bound to no agent"),
        (token("x", Role::Viewer, None, &hash[1..]), "SHA-256"),
        (token("x", Role::Viewer, None, &"zz".repeat(32)), "SHA-256"),
        (token("x", Role::Viewer, None, &"é".repeat(32)), "SHA-256"),
    ] {
        story.refused(ask, RefusalCode::Invalid, says);
    }
    for by in ["automation:ci", "andon:clock", "agent:a"] {
        story.by(by).refused(token("x", Role::Viewer, None, &hash), RefusalCode::Forbidden, "person");
        story.refused(Command::RevokeToken { token: TokenId(1) }, RefusalCode::Forbidden, "person");
    }
    story.by("dana").done(token("wall", Role::Viewer, None, &hash));
    story.done(token("refund-bot", Role::Agent, Some("refund-bot"), &hash.to_uppercase()));
    assert_eq!(story.worlds.tokens[&TokenId(2)].hash, hash, "kept as it is compared");
    story.at(9).done(Command::RevokeToken { token: TokenId(1) });
    story.at(10).nothing(Command::RevokeToken { token: TokenId(1) });
    assert_eq!(story.worlds.tokens[&TokenId(1)].revoked_at, Some(at(9)));
    assert_eq!(story.worlds.tokens[&TokenId(2)].revoked_at, None);
    story.refused(Command::RevokeToken { token: TokenId(3) }, RefusalCode::Unknown, "TOK-3");
    story.done(drill("refund-loop", 60.0));
    story.in_drill(Some(1)).refused(token("x", Role::Viewer, None, &hash), RefusalCode::Conflict, "outside the drill");
    story.refused(Command::RevokeToken { token: TokenId(2) }, RefusalCode::Conflict, "outside the drill");
}

/// TEAM.6: a challenge opens one session, for a person and in the real world; logged out, it is over.
#[test]
fn a_session_begins_once_for_each_challenge() {
    let begun = |secret: &str, challenge: &str, until: i64| {
        let (name, key) = ("dana".to_owned(), "SHA256:a".to_owned());
        Command::BeginSession(SessionBegun {
            name,
            hash: secret.into(),
            challenge: challenge.into(),
            key,
            until: at(until),
        })
    };
    let end = |secret: &str| Command::EndSession(SessionEnded { hash: secret.into() });
    let mut story = Story::new();
    story.by("automation:ci").refused(begun("s1", "c1", 900), RefusalCode::Forbidden, "person");
    story.by("dana").refused(begun("s1", "c1", 0), RefusalCode::Invalid, "after it begins");
    story.done(begun("s1", "c1", 900));
    story.refused(begun("s2", "c1", 900), RefusalCode::Conflict, "answered already");
    story.done(begun("s2", "c2", 900));
    story.at(9).done(end("s1"));
    story.at(10).nothing(end("s1"));
    story.nothing(end("s3"));
    story.refused(begun("s3", "c1", 900), RefusalCode::Conflict, "answered already");
    let holds = |story: &Story, secret: &str, now: i64| story.worlds.sessions.get(secret, at(now)).is_some();
    assert!(!holds(&story, "s1", 11) && holds(&story, "s2", 11) && !holds(&story, "s2", 900));
    story.done(drill("refund-loop", 60.0));
    story.in_drill(Some(1)).refused(begun("s4", "c4", 900), RefusalCode::Conflict, "outside the drill");
}

/// DRL.1: a drill is a world of its own; what is done there leaves the real one untouched, and the other way round.
#[test]
fn a_drill_never_touches_the_real_world() {
    let mut story = Story::new();
    for speed in [0.0, -1.0, 1_000.5, f64::NAN, f64::INFINITY] {
        story.refused(drill("refund-loop", speed), RefusalCode::Invalid, "0.1 to 1000");
    }
    story.refused(drill(" ", 1.0), RefusalCode::Invalid, "title");
    story.done(declare("real", "SEV-3"));
    story.done(drill("refund-loop", 60.0));
    let real = story.worlds.real.clone();
    story.in_drill(Some(1)).done(declare("played", "SEV-1"));
    story.done(Command::Engage(halt()));
    story.done(super::agents::declared(&["refund-bot"]));
    story.fires(vec![opened(key(Tripwire::Breach, "refund-bot", "SW-1"), -1)]);
    story.done(on(Ask::Note { text: "practice".into(), at: None }));
    assert_eq!(story.worlds.real, real);
    assert_eq!((story.incident(1).title.as_str(), story.incident(1).drill), ("played", true));
    assert!(
        story.events.iter().skip(2).all(|event| event.drill && event.stream.to_string().starts_with("drill/DRILL-1/"))
    );
    let played = story.worlds.drills[&DrillId(1)].clone();
    story.in_drill(None).done(Command::Engage(halt()));
    assert_eq!((story.switch(1).incident.map(|id| id.0), &story.worlds.drills[&DrillId(1)]), (Some(1), &played));
    // Asked from inside a drill, the list of drills is still the real one.
    story.in_drill(Some(1)).done(drill("another", 1.0));
    assert_eq!(story.events.last().unwrap().stream.to_string(), "drills");
    story.at(50).done(Command::EndDrill { drill: DrillId(1) });
    story.nothing(Command::EndDrill { drill: DrillId(1) });
    assert_eq!(story.worlds.takes[&DrillId(1)].ended_at, Some(at(50)));
    story.refused(Command::EndDrill { drill: DrillId(9) }, RefusalCode::Unknown, "DRILL-9");
    assert_eq!(kinds(&story.in_drill(Some(2)).done(declare("next", "SEV-1"))), ["incident-declared"]);
    assert_eq!(story.incident(1).title, "next", "ids begin anew in each world");
}
