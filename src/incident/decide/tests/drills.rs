//! Drills as the log has them: who leads one, what is theirs to see, how one is taken back (DRL.1).

use super::story::{Story, at, kinds};
use crate::{
    incident::{
        Command, RefusalCode,
        drilled::{GoesOn, Steer, Steered, Told, Word},
    },
    terms::{Author, DrillId},
};

fn drilling() -> Story {
    let mut story = Story::new();
    story.done(Command::StartDrill {
        name: "refund-loop".into(),
        title: "A drill".into(),
        seed: 7,
        speed: 60.0,
        course: Box::default(),
        armed: Box::default(),
    });
    story
}

fn steer(drill: u32, how: Steer) -> Command {
    Command::SteerDrill(Steered { drill: DrillId(drill), how })
}

fn who(name: &str) -> Author {
    name.parse().unwrap()
}

/// DRL.1: whoever began it leads it, and those they name; nobody else steers.
#[test]
fn only_who_leads_a_drill_steers_it() {
    let mut story = drilling();
    story.by("kim").refused(steer(1, Steer::Pause {}), RefusalCode::Forbidden, "andon drill appoint DRILL-1 kim");
    story.refused(steer(1, Steer::Appoint { who: "kim".into() }), RefusalCode::Forbidden, "led by dana");
    story.by("dana").done(steer(1, Steer::Appoint { who: "kim".into() }));
    story.nothing(steer(1, Steer::Appoint { who: "kim".into() }));
    story.by("kim").done(steer(1, Steer::Pause {}));
    let take = &story.worlds.takes[&DrillId(1)];
    let leads = ["dana", "kim", "lee", "automation:kim", "agent:dana"].map(|name| take.is_led_by(&who(name)));
    assert_eq!((take.paused, leads), (true, [true, true, false, false, false]));
    // What a script began any person leads.
    story.by("automation:ci");
    story.done(Command::StartDrill {
        name: "x".into(),
        title: "x".into(),
        seed: 1,
        speed: 1.0,
        course: Box::default(),
        armed: Box::default(),
    });
    assert!(story.worlds.takes[&DrillId(2)].is_led_by(&who("lee")));
    assert!(!story.worlds.takes[&DrillId(2)].is_led_by(&who("automation:other")));
}

/// DRL.1: notes to self and cuts are a facilitator's: others have them neither in the drill nor in its events.
#[test]
fn what_a_facilitator_does_is_theirs_to_see() {
    let mut story = drilling();
    story.done(steer(1, Steer::Note { text: "they waited for the page".into(), at_s: Some(42.0) }));
    story.done(steer(1, Steer::Cut { who: "kim".into(), for_s: 60 }));
    story.done(steer(1, Steer::Inject { line: "{}".into() }));
    story.done(steer(1, Steer::Pause {}));
    let shown = |name: &str| story.events.iter().filter(|event| story.worlds.shows(event, &who(name))).count();
    assert_eq!((story.events.len(), shown("dana"), shown("kim")), (5, 5, 2), "it began, and it is held");
    let seen = |name: &str| story.worlds.takes[&DrillId(1)].seen_by(&who(name)).into_owned();
    assert_eq!((seen("dana").notes.len(), seen("dana").cuts.len()), (1, 1));
    assert_eq!((seen("kim").notes.len(), seen("kim").cuts.len(), seen("kim").paused), (0, 0, true));
    assert!(story.worlds.seen_by(&who("kim")).takes[&DrillId(1)].notes.is_empty());
    let take = &story.worlds.takes[&DrillId(1)];
    assert_eq!(take.cut_until(&who("kim"), at(59)), Some(at(60)));
    assert_eq!((take.cut_until(&who("kim"), at(60)), take.cut_until(&who("dana"), at(1))), (None, None));
    for (how, says) in [
        (Steer::Cut { who: "kim".into(), for_s: 0 }, "1 to 600"),
        (Steer::Cut { who: "kim".into(), for_s: 601 }, "1 to 600"),
        (Steer::Cut { who: " ".into(), for_s: 6 }, "a name"),
        (Steer::Note { text: " ".into(), at_s: None }, "words"),
        (Steer::Note { text: "x".repeat(5_000), at_s: None }, "at most"),
        (Steer::Note { text: "x".into(), at_s: Some(f64::NAN) }, "second"),
        (Steer::Back { to_s: -1.0 }, "0 or more"),
        (Steer::Back { to_s: f64::INFINITY }, "0 or more"),
        (Steer::Appoint { who: String::new() }, "a name"),
    ] {
        story.refused(steer(1, how), RefusalCode::Invalid, says);
    }
}

/// DRL.1, law 1: what is taken back ends and stays; the next take goes on for the same people, held as it was, and is the one
/// that is steered from then on.
#[test]
fn a_drill_that_is_taken_back_goes_on_as_the_next_take() {
    let mut story = drilling();
    story.done(steer(1, Steer::Appoint { who: "kim".into() }));
    story.done(steer(1, Steer::Note { text: "watch lee".into(), at_s: None }));
    story.done(steer(1, Steer::Hints { shown: true }));
    story.done(steer(1, Steer::Speed { speed: 5.0 }));
    story.done(steer(1, Steer::Pause {}));
    let facts = story.by("kim").at(30).done(steer(1, Steer::Back { to_s: 120.0 }));
    assert_eq!(kinds(&facts), ["drill-steered", "drill-started", "drill-rewound", "drill-ended"]);
    let (first, next) = (&story.worlds.takes[&DrillId(1)], &story.worlds.takes[&DrillId(2)]);
    assert_eq!((first.next, first.ended_at), (Some(DrillId(2)), Some(at(30))));
    assert_eq!(next.goes_on, Some(GoesOn { from: DrillId(1), at_s: 120.0 }));
    assert_eq!((next.started_by.name(), next.speed, next.paused, next.hints_shown), ("dana", 5.0, true, true));
    assert_eq!((next.notes.len(), next.is_led_by(&who("kim")), next.ended_at), (1, true, None));
    assert!(story.worlds.drills[&DrillId(2)].switches.is_empty(), "nobody did anything there yet");
    story.refused(steer(1, Steer::Back { to_s: 0.0 }), RefusalCode::Conflict, "goes on as DRILL-2");
    story.done(steer(2, Steer::Back { to_s: 0.0 }));
    assert_eq!(story.worlds.takes[&DrillId(3)].goes_on.map(|goes_on| goes_on.from), Some(DrillId(2)));
}

/// DRL.1: what participants heard is kept, the newest of it; nothing is told any more once the drill ended.
#[test]
fn what_participants_hear_is_kept() {
    let mut story = drilling();
    story.by("andon:drill");
    for number in 0..120 {
        let told = Told { drill: DrillId(1), word: Word::Report, text: format!("word {number}"), at: at(number) };
        story.done(Command::TellDrill(told));
    }
    let told = &story.worlds.takes[&DrillId(1)].told;
    assert_eq!((told.len(), told[0].text.as_str(), told[99].text.as_str()), (100, "word 20", "word 119"));
    story.done(Command::EndDrill { drill: DrillId(1) });
    let told = Told { drill: DrillId(1), word: Word::Hint, text: "late".into(), at: at(0) };
    story.nothing(Command::TellDrill(told.clone()));
    story.refused(Command::TellDrill(Told { drill: DrillId(9), ..told }), RefusalCode::Unknown, "DRILL-9");
}
