//! The facilitator's console: what it shows at every size, who sees it, what its keys ask (DRL.1).

use super::{acting::press, screens};
use crate::{
    api::{DrillPlace, Live},
    cockpit::{
        effect::Effect,
        link::{Heard, LinkError},
        message::Message,
        model::{Model, Overlay},
        sample::{self, Story},
        update::update,
    },
    drill::{Outline, shipped},
    incident::{
        Command,
        drilled::{Harm, HarmCount, Steer, Steered},
    },
    terms::{Author, DrillId},
};

/// A drill that dana leads, 14 minutes of the recording in.
fn drilling() -> Story {
    let mut story = Story::new();
    let begin = Command::StartDrill {
        name: "refunds-twice".into(),
        title: "Refunds twice".into(),
        seed: 7,
        speed: 20.0,
        course: Box::default(),
        armed: Box::default(),
    };
    story.ask("14:05:00", "dana", begin);
    let steer = |how| Command::SteerDrill(Steered { drill: DrillId(1), how });
    let note = Steer::Note { text: "nobody asked whether the boundary holds".into(), at_s: Some(400.0) };
    story.ask("14:05:20", "dana", steer(note));
    story.ask("14:06:00", "dana", steer(Steer::Cut { who: "kim".into(), for_s: 60 }));
    story.drill = Some(DrillId(1));
    story
}

fn live() -> Live {
    let place = DrillPlace { at: sample::at("14:06:00"), at_s: 220.0, goes: 20.0, over: false };
    let course = Harm { people: 214, ..Harm::NONE };
    let done = Harm { people: 12, ..Harm::NONE };
    Live {
        place: Some(place),
        in_drill: vec!["dana".into(), "kim".into(), "lee".into()],
        harm: Some(HarmCount { course, done, stopped: 3, ..HarmCount::default() }),
        ..sample::live()
    }
}

fn led(size: (u16, u16)) -> Model {
    let mut model = sample::showing(&drilling(), live(), size);
    let effects = press(&mut model, "0");
    assert_eq!(effects, [Effect::ReadOutline(DrillId(1))]);
    let outline = Outline::of(&shipped("refunds-twice").unwrap());
    let outline = Message::Outline { drill: DrillId(1), outline: Ok(Box::new(outline)) };
    let now = model.now;
    update(&mut model, now, outline);
    model
}

/// What a key asks of the drill.
fn steered(effects: &[Effect]) -> Option<Steer> {
    match effects {
        [Effect::Submit { world: None, command, .. }] => match &**command {
            Command::SteerDrill(steered) => Some(steered.how.clone()),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn the_console_at_four_sizes() {
    for size in [(200, 60), (120, 34), (80, 24), (44, 30)] {
        let model = led(size);
        let screen = screens::text(&screens::painted(&model, size));
        assert!(screen.contains("DRILL-1") && screen.contains("14:06:31"), "{screen}");
        insta::assert_snapshot!(format!("console-{}x{}", size.0, size.1), screen);
    }
}

/// DRL.1: keys hold it, step, hasten, show hints; what is dangerous asks first.
#[test]
fn keys_steer_the_drill() {
    let mut model = led((80, 24));
    for (key, how) in [
        (" ", Steer::Pause {}),
        (".", Steer::Step {}),
        ("+", Steer::Speed { speed: 60.0 }),
        ("-", Steer::Speed { speed: 10.0 }),
        ("v", Steer::Hints { shown: true }),
    ] {
        assert_eq!(steered(&press(&mut model, key)), Some(how), "{key}");
        model.asked.clear();
    }
    // The selected line is where it goes: forth at once, back by the next take.
    press(&mut model, "g");
    press(&mut model, "j");
    press(&mut model, "enter");
    assert!(matches!(model.overlay, Some(Overlay::Form(_))), "it says first what will happen");
    assert!(matches!(steered(&press(&mut model, "enter")), Some(Steer::Back { to_s }) if to_s < 840.0));
    press(&mut model, "j");
    press(&mut model, "s");
    for key in ["1", ":", "0", "0", ":", "0", "0"] {
        press(&mut model, key);
    }
    assert_eq!(steered(&press(&mut model, "enter")), Some(Steer::Skip { to_s: 3_600.0 }));
    press(&mut model, "i");
    press(&mut model, "tab");
    for key in ["l", "o", "s", "t"] {
        press(&mut model, key);
    }
    let Some(Steer::Inject { line }) = steered(&press(&mut model, "enter")) else { panic!("nothing was put in") };
    assert_eq!(line, r#"{"mark":"report","set":true,"text":"lost"}"#);
    press(&mut model, "i");
    press(&mut model, "d");
    assert_eq!(steered(&press(&mut model, "enter")), Some(Steer::Deafen {}));
    press(&mut model, "x");
    assert_eq!(steered(&press(&mut model, "enter")), Some(Steer::Cut { who: "kim".into(), for_s: 60 }));
    press(&mut model, "o");
    press(&mut model, "h");
    let Some(Steer::Note { text, at_s: Some(at_s) }) = steered(&press(&mut model, "enter")) else { panic!("no note") };
    assert!(text == "h" && (800.0..2_000.0).contains(&at_s), "{at_s}");
    press(&mut model, "!");
    assert!(matches!(model.overlay, Some(Overlay::Contain(_))), "halting is two keys away here too");
    press(&mut model, "esc");
    press(&mut model, "4");
    assert!(model.console.is_none(), "a pane's number leads to the pane");
}

/// The help begins with where somebody stands.
#[test]
fn help_begins_with_the_console() {
    let mut model = led((80, 24));
    press(&mut model, "?");
    let screen = screens::text(&screens::painted(&model, (80, 24)));
    let (console, pane) = (screen.find("In the console of a drill you lead"), screen.find("Everywhere"));
    assert!(console.is_some() && pane.is_none_or(|pane| console < Some(pane)), "{screen}");
}

/// DRL.1: no participant sees the recording ahead of the place: neither console nor its keys are theirs.
#[test]
fn a_participant_has_no_console() {
    for (name, says) in [("kim", "is led by dana"), ("dana", "")] {
        let mut model = sample::showing(&drilling(), live(), (80, 24));
        model.state.as_mut().unwrap().you.name = Author::Person(name.into());
        let effects = press(&mut model, "0");
        assert_eq!((effects.is_empty(), model.console.is_none()), (name == "kim", name == "kim"));
        assert!(model.toast.as_ref().map_or(says.is_empty(), |toast| toast.text.contains(says)), "{:?}", model.toast);
    }
    let mut loading = sample::showing(&drilling(), live(), (80, 24));
    loading.state = None;
    assert!(press(&mut loading, "0").is_empty() && loading.console.is_none(), "nobody leads what is not known yet");
    let mut real = sample::model((80, 24));
    press(&mut real, "0");
    assert!(real.toast.as_ref().is_some_and(|toast| toast.text.contains("only in a drill's world")));
}

/// DRL.1: every cockpit in a drill that is taken back is led on, whatever is open in it; a facilitator's console stays open.
#[test]
fn everybody_is_led_to_the_next_take() {
    for leads in [true, false] {
        let mut story = drilling();
        let mut model = if leads { led((80, 24)) } else { sample::showing(&story, live(), (80, 24)) };
        press(&mut model, "D");
        assert!(model.overlay.is_some());
        let known = story.events.len();
        story.ask(
            "14:06:40",
            "dana",
            Command::SteerDrill(Steered { drill: DrillId(1), how: Steer::Back { to_s: 60.0 } }),
        );
        let mut effects = Vec::new();
        for event in story.events[known..].iter().cloned() {
            let (now, load) = (model.now, model.load);
            effects.extend(update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event)) }));
        }
        assert!(effects.contains(&Effect::Follow { world: Some(DrillId(2)), load: model.load }), "{effects:?}");
        assert_eq!((model.world, model.overlay.is_none(), model.console.is_some()), (Some(DrillId(2)), true, leads));
        assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("it goes on as DRILL-2")));
    }
}

/// DRL.1: what reaches participants from outside is said on every screen, and can be read again.
#[test]
fn what_one_hears_is_said_and_kept() {
    use crate::incident::drilled::{Told, Word};
    let mut story = drilling();
    let mut model = sample::showing(&story, live(), (80, 24));
    let told = Told { drill: DrillId(1), word: Word::Page, text: "first on call\u{1b}[2J".into(), at: model.now };
    story.ask("14:06:40", "andon:drill", Command::TellDrill(told));
    let (now, load) = (model.now, model.load);
    model.focused = false;
    let event = story.events.last().unwrap().clone();
    let effects = update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event)) });
    assert!(matches!(&effects[..], [Effect::Alert(text)] if text.starts_with("DRILL page")), "{effects:?}");
    press(&mut model, "J");
    let screen = screens::text(&screens::painted(&model, (80, 24)));
    assert!(screen.contains("page: first on call␛[2J"), "{screen}");
}

/// DRL.1: a console whose outline does not come says why, at every size.
#[test]
fn a_console_without_an_outline_says_why() {
    for size in [(200, 60), (120, 34), (80, 24), (44, 30), (36, 12)] {
        let mut model = sample::showing(&drilling(), live(), size);
        press(&mut model, "0");
        assert!(screens::text(&screens::painted(&model, size)).contains("reading …"));
        let wrong = Err(LinkError::Refused("DRILL-1 is not played by this backend any more".into()));
        let now = model.now;
        update(&mut model, now, Message::Outline { drill: DrillId(1), outline: wrong });
        let screen = screens::text(&screens::painted(&model, size));
        assert!(screen.contains("is not played"), "{screen}");
        for key in ["j", "k", "G", "g", "pgdn", "enter", "esc", "x", "esc", "i", "esc"] {
            press(&mut model, key);
            screens::painted(&model, size);
        }
    }
}
