//! The calls that wait: shown whole, decided by two keys, alone or together (CON.2, CON.12).

use super::{
    acting::press,
    screens::{painted, text},
};
use crate::{
    cockpit::{
        effect::Effect,
        link::Heard,
        message::Message,
        model::{Model, Overlay, Pane},
        rows::RowId,
        sample::{self, Story, agent, at},
        update::update,
    },
    incident::{
        Command, Engage, OpenHold,
        containment::{Call, HoldEnd, Mode, Scope, Slipped},
    },
    terms::{HoldId, SwitchId},
};

/// The incident of the sketches, and three calls that wait for approval.
fn waiting() -> Story {
    let mut story = sample::paying_twice();
    story.ask(
        "14:06:20",
        "dana",
        Command::Engage(Engage { mode: Mode::Approval, scope: Scope::agent(agent("mailer")), ..Engage::default() }),
    );
    for (digest, tool, input) in [
        ("one", "mail.send", serde_json::json!({"to": "all customers", "text": "We \u{1b}[31mpaid\u{202e} twice"})),
        ("two", "mail.send", serde_json::json!({"to": "acct-9"})),
        ("three", "crm.write", serde_json::json!({"order": "A1", "state": "refunded", "note": "n".repeat(300)})),
    ] {
        let call = Call {
            agent: Some(agent("mailer")),
            tool: Some(tool.parse().unwrap()),
            declared_class: Some("customer-communication".parse().unwrap()).filter(|_| tool == "mail.send"),
            run: Some("run-81".into()),
            subject: Some("user-7".into()),
            ..Call::default()
        };
        let hold = OpenHold {
            call,
            input: Some(input),
            input_cut: digest == "three",
            digest: digest.into(),
            switch: Some(SwitchId(2)),
            rule: None,
            reason: "SW-2 (approval of agent mailer)".into(),
        };
        story.ask("14:06:25", "andon:interlock", Command::OpenHold(Box::new(hold)));
    }
    story
}

fn board(size: (u16, u16)) -> Model {
    let mut live = sample::live();
    live.holds_asked.insert(HoldId(1), at("14:06:30"));
    live.holds_asked.insert(HoldId(2), at("14:06:30"));
    let mut model = sample::showing(&waiting(), live, size);
    press(&mut model, "b");
    model
}

fn decided(effects: &[Effect]) -> Option<&Command> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit { command, .. } if matches!(**command, Command::DecideHolds { .. }) => Some(&**command),
        _ => None,
    })
}

#[test]
fn one_key_leads_to_the_calls_that_wait() {
    let model = board((120, 34));
    assert_eq!((model.focus, model.selected_hold().map(|hold| hold.id)), (Pane::Containment, Some(HoldId(1))));
    let rows = &model.rows.of(Pane::Containment).rows;
    assert_eq!(rows[..3], [1, 2, 3].map(|id| RowId::Hold(HoldId(id))));
    for size in [(120, 34), (80, 24), (44, 30)] {
        let mut model = board(size);
        let screen = text(&painted(&model, size));
        assert!(screen.contains("3 wait") && screen.contains("HOLD-1"), "{screen}");
        insta::assert_snapshot!(format!("board-{}x{}", size.0, size.1), screen);
        press(&mut model, "a");
        let screen = text(&painted(&model, size));
        assert!(!screen.contains(['\u{1b}', '\u{202e}']));
        insta::assert_snapshot!(format!("approve-{}x{}", size.0, size.1), screen);
    }
}

#[test]
fn a_word_takes_two_keys_and_keeps_what_was_seen() {
    let mut model = board((120, 34));
    assert!(decided(&press(&mut model, "aaaa")).is_none(), "the first key only shows");
    let approved = press(&mut model, "enter");
    let Some(Command::DecideHolds { holds, approve: true, saw: Some(saw), looked_s: Some(looked), .. }) =
        decided(&approved)
    else {
        panic!("{approved:?}")
    };
    assert_eq!(holds[..], [HoldId(1)]);
    assert!(saw.contains("mailer → mail.send") && saw.contains("all customers") && saw.contains("user-7"), "{saw}");
    assert!(*looked > 0.4, "{looked}");
}

#[test]
fn a_denial_needs_its_reason_and_all_of_a_kind_go_together() {
    let mut model = board((120, 34));
    press(&mut model, "d");
    assert!(decided(&press(&mut model, "enter")).is_none() && decided(&press(&mut model, "enter")).is_none());
    press(&mut model, "not to everybody");
    let denied = press(&mut model, "enter");
    assert!(matches!(decided(&denied), Some(Command::DecideHolds { approve: false, why: Some(_), .. })), "{denied:?}");
    for (times, together) in [(0, 1), (1, 2), (2, 3), (3, 2)] {
        let mut model = board((120, 34));
        press(&mut model, "a");
        (0..times).for_each(|_| drop(press(&mut model, " ")));
        let asked = press(&mut model, "enter");
        let Some(Command::DecideHolds { holds, .. }) = decided(&asked) else { panic!("{asked:?}") };
        assert_eq!(holds.len(), together, "{times}");
    }
}

#[test]
fn the_form_keeps_its_call_while_the_board_moves() {
    let mut model = board((120, 34));
    press(&mut model, "a");
    model.rows.of_mut(Pane::Containment).selected = Some(RowId::Hold(HoldId(2)));
    let asked = press(&mut model, "enter");
    let Some(Command::DecideHolds { holds, .. }) = decided(&asked) else { panic!("{asked:?}") };
    assert_eq!(holds[..], [HoldId(1)]);
    let mut none = sample::model((80, 24));
    press(&mut none, "b");
    assert!(none.toast.as_ref().is_some_and(|toast| toast.text.contains("no call waits")) && none.overlay.is_none());
    press(&mut none, "a");
    assert!(!matches!(none.overlay, Some(Overlay::Form(_))));
}

/// CON.12: a call that is settled while its form is open says so; one that is not in the form says nothing.
#[test]
fn a_call_that_ends_under_its_form_says_so() {
    for (hold, said) in [(HoldId(1), true), (HoldId(2), false)] {
        let mut model = board((120, 34));
        press(&mut model, "a");
        let mut story = waiting();
        let before = story.events.len();
        story.ask("14:06:32", "andon:interlock", Command::EndHolds { holds: vec![hold], how: HoldEnd::Abandoned });
        let (load, now) = (model.load, model.now);
        for event in story.events.drain(before..) {
            update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event)) });
        }
        let toast = model.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
        assert_eq!(toast.contains("HOLD-1 waits no more: abandoned"), said, "{toast}");
        assert!(!model.rows.of(Pane::Containment).rows.contains(&RowId::Hold(hold)));
    }
}

/// CON.10: what slipped by is listed in part beside other panes, and whole in a zoomed one.
#[test]
fn a_zoomed_pane_lists_everything_that_slipped_by() {
    let mut model = board((120, 34));
    let world = &mut model.state.as_mut().unwrap().world;
    let switch = std::sync::Arc::make_mut(world.switches.get_mut(&SwitchId(1)).unwrap());
    let slip = |minute: usize| Slipped {
        agent: agent("refund-bot"),
        what: "stripe.payout".into(),
        at: at(&format!("14:0{minute}:00")),
    };
    switch.halt.slipped = (0..8).map(slip).collect();
    let slipped = |model: &Model| {
        let rows = &model.rows.of(Pane::Containment).rows;
        rows.iter().filter(|row| matches!(row, RowId::Slipped(..))).count()
    };
    press(&mut model, "z");
    assert_eq!(slipped(&model), 8);
    press(&mut model, "z");
    assert_eq!(slipped(&model), 5);
}

/// CON.3: every mode can be reached in the overlay, and a canary's share turned.
#[test]
fn every_mode_is_offered() {
    let mut model = sample::model((80, 24));
    press(&mut model, "!");
    let mut seen = std::collections::BTreeSet::new();
    for _ in Mode::ALL {
        let Some(Overlay::Contain(form)) = &model.overlay else { panic!("no overlay") };
        seen.insert(form.mode);
        press(&mut model, "m");
    }
    assert_eq!(seen.len(), Mode::ALL.len());
    let canary = Mode::ALL.iter().position(|mode| *mode == Mode::Canary).unwrap();
    (0..canary).for_each(|_| drop(press(&mut model, "m")));
    press(&mut model, "l");
    let fired = press(&mut model, "enter");
    let engaged = fired.iter().find_map(|effect| match effect {
        Effect::Submit { command, .. } => match &**command {
            Command::Engage(engage) => Some((engage.mode, engage.percent)),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(engaged, Some((Mode::Canary, Some(25))));
}

/// Law 6: offline, a second and different key breaks the glass; with the backend reached, or in a drill, it does not.
#[test]
fn the_glass_breaks_only_where_the_backend_is_not_reached() {
    let text = "[[actuator]]\nname = \"cut-keys\"\nmove = \"revoke-credential\"\ncommand = [\"true\"]\non = {}\nbreak_glass = true";
    let texts = std::collections::BTreeMap::from([("actuators.toml".to_owned(), text.to_owned())]);
    let mut model = sample::model((80, 24));
    model.runbook = Some(std::sync::Arc::new(crate::runbook::Runbook::from_texts(&texts).unwrap()));
    press(&mut model, "!");
    assert!(press(&mut model, "g").is_empty(), "the backend is reached");
    model.link = crate::cockpit::link::Link::Offline { since: model.now, why: "refused".into() };
    let screen = text_of(&model);
    assert!(screen.contains("g breaks the glass: sets off cut-keys"), "{screen}");
    let broken = press(&mut model, "g");
    assert!(matches!(&broken[..], [Effect::BreakGlass(engage)] if engage.mode == Mode::Halt), "{broken:?}");
    let mut drill = sample::model((80, 24));
    drill.world = Some(crate::terms::DrillId(3));
    drill.link = model.link.clone();
    press(&mut drill, "!");
    assert!(press(&mut drill, "g").is_empty(), "nothing real from a drill");
}

fn text_of(model: &Model) -> String {
    text(&painted(model, (80, 24)))
}
