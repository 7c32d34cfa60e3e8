//! State, events, loss and return.

use crate::{
    api::Live,
    cockpit::{
        effect::Effect,
        link::{Heard, Link, LinkError},
        message::Message,
        model::Pane,
        sample::{self, Story},
        update::update,
    },
    incident::{Command, Declare, IncidentCommand},
    terms::IncidentId,
};

#[test]
fn events_heard_give_the_same_world_as_a_state_loaded_and_come_once() {
    let whole = sample::paying_twice();
    let mut model = sample::showing(&Story::new(), sample::live(), (120, 34));
    let (load, now) = (model.load, model.now);
    for event in whole.events.iter().chain(&whole.events) {
        update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event.clone())) });
    }
    assert_eq!(model.world(), Some(&whole.worlds.real));
    assert_eq!(model.incident, Some(IncidentId(1)));
    assert_eq!(model.link, Link::Live);
}

#[test]
fn a_second_incident_is_announced_and_not_jumped_to() {
    let mut story = sample::paying_twice();
    let mut model = sample::showing(&story, sample::live(), (120, 34));
    let before = story.events.len();
    story.ask("14:07:00", "kim", Command::Declare(Declare { title: "another".into(), ..Declare::default() }));
    let (load, now) = (model.load, model.now);
    for event in story.events.drain(before..) {
        update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event)) });
    }
    assert_eq!((model.incident, model.newer), (Some(IncidentId(1)), Some(IncidentId(2))));
    assert!(model.toast.as_ref().is_some_and(|toast| toast.text.contains("INC-2")));
}

#[test]
fn a_selection_stays_with_its_row_while_the_feed_moves() {
    let mut story = sample::paying_twice();
    let mut model = sample::showing(&story, sample::live(), (120, 34));
    super::acting::press(&mut model, "6");
    super::acting::press(&mut model, "j");
    let chosen = model.rows.of(Pane::Evidence).chosen().cloned();
    let before = story.events.len();
    story.on("14:07:00", "kim", IncidentCommand::Note { text: "new".into(), at: None });
    let (load, now) = (model.load, model.now);
    for event in story.events.drain(before..) {
        update(&mut model, now, Message::Heard { load, heard: Heard::Event(Box::new(event)) });
    }
    assert_eq!(model.rows.of(Pane::Evidence).chosen().cloned(), chosen);
}

#[test]
fn a_lost_link_keeps_what_is_shown_and_counts_from_the_first_loss() {
    let mut model = sample::model((120, 34));
    let load = model.load;
    for clock in ["14:06:40", "14:06:50"] {
        update(&mut model, sample::at(clock), Message::Heard { load, heard: Heard::Lost("refused".into()) });
    }
    assert!(matches!(model.link, Link::Offline { since, .. } if since == sample::at("14:06:40")));
    assert!(model.is_stale() && model.incident().is_some());
    update(&mut model, sample::at("14:07:00"), Message::Heard { load, heard: Heard::Live(Box::default()) });
    assert_eq!(model.link, Link::Live);
}

#[test]
fn answers_to_an_asking_that_was_replaced_are_dropped() {
    let mut model = sample::model((120, 34));
    let (old, now) = (model.load, model.now);
    let follows = super::acting::press(&mut model, "\u{0}");
    assert!(follows.is_empty());
    let effect = crate::cockpit::sync::follow(&mut model, Some(crate::terms::DrillId(1)));
    assert!(matches!(effect, Effect::Follow { world: Some(_), .. }));
    let state = Ok(Box::new(sample::paying_twice().state(Live::default())));
    update(&mut model, now, Message::Loaded { load: old, state });
    assert!(model.state.is_none(), "the real world's state must not be shown as the drill's");
}

#[test]
fn a_refusal_is_said_and_what_was_asked_is_no_longer_pending() {
    let mut model = sample::model((120, 34));
    super::acting::press(&mut model, "n");
    super::acting::press(&mut model, "x");
    super::acting::press(&mut model, "enter");
    assert_eq!(model.asked.len(), 1);
    let (what, now) = (model.asked[0].clone(), model.now);
    update(&mut model, now, Message::Answered { what, result: Err(LinkError::Refused("viewers only look".into())) });
    assert!(model.asked.is_empty());
    assert!(model.toast.as_ref().is_some_and(|toast| toast.bad && toast.text.contains("viewers only look")));
}

/// Law 6: what waits though the stream stands is sent again by the clock; not while offline, and not at every tick.
#[test]
fn what_waits_is_sent_again_while_the_backend_is_heard() {
    let mut model = sample::model((120, 34));
    let load = model.load;
    update(&mut model, sample::at("14:07:00"), Message::Heard { load, heard: Heard::Live(Box::default()) });
    let sends =
        |model: &mut _, clock: &str| update(model, sample::at(clock), Message::Tick).contains(&Effect::SendKept);
    assert!(!sends(&mut model, "14:07:01"), "nothing waits");
    update(&mut model, sample::at("14:07:01"), Message::SentKept { sent: Vec::new(), waiting: 1 });
    assert!(sends(&mut model, "14:07:02") && !sends(&mut model, "14:07:03") && sends(&mut model, "14:07:04"));
    update(&mut model, sample::at("14:07:05"), Message::Heard { load, heard: Heard::Lost("cut".into()) });
    assert!(!sends(&mut model, "14:07:20"), "the return of the stream sends it");
}

/// Law 5: a switch in force that is not in the log yet is shown as that, and why the log cannot be written.
#[test]
fn what_is_in_force_and_not_recorded_is_shown() {
    use crate::incident::containment::Switch;
    let mut model = sample::showing(&Story::new(), sample::live(), (120, 34));
    let switch = sample::paying_twice().worlds.real.switches.values().next().cloned().expect("one is engaged");
    let unrecorded = std::sync::Arc::new(Switch { recorded: false, ..(*switch).clone() });
    let wrong = vec!["the log cannot be written".to_owned()];
    let live = Live { unrecorded: vec![unrecorded], wrong, ..Live::default() };
    let (load, now) = (model.load, model.now);
    update(&mut model, now, Message::Heard { load, heard: Heard::Live(Box::new(live)) });
    super::acting::press(&mut model, "3");
    let shown = super::screens::text(&super::screens::painted(&model, (120, 34)));
    for words in ["UNRECORDED", "the log cannot be written", "the backend is sick"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}
