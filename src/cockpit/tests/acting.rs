//! Keys in, effects out: `update` without a terminal (CKP.4, CON.5).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    cockpit::{
        effect::Effect,
        link::LinkError,
        message::Message,
        model::{Model, Overlay, Pane},
        sample,
        update::update,
    },
    incident::{Command, Fields, IncidentCommand, communication::writing, containment::Scope},
    terms::{IncidentId, SwitchId, Time},
};

/// Presses keys one after another, half a second apart: `ctrl-x`, `enter`, or each letter of a word.
pub fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let named = match keys {
        "enter" => Some(KeyEvent::from(KeyCode::Enter)),
        "esc" => Some(KeyEvent::from(KeyCode::Esc)),
        "tab" => Some(KeyEvent::from(KeyCode::Tab)),
        "backspace" => Some(KeyEvent::from(KeyCode::Backspace)),
        "delete" => Some(KeyEvent::from(KeyCode::Delete)),
        "pgdn" => Some(KeyEvent::from(KeyCode::PageDown)),
        "ctrl-x" => Some(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL)),
        "ctrl-o" => Some(KeyEvent::new(KeyCode::Char('o'), KeyModifiers::CONTROL)),
        "ctrl-u" => Some(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)),
        "ctrl-e" => Some(KeyEvent::new(KeyCode::Char('e'), KeyModifiers::CONTROL)),
        _ => None,
    };
    let events =
        named.map_or_else(|| keys.chars().map(|c| KeyEvent::from(KeyCode::Char(c))).collect(), |key| vec![key]);
    let mut effects = Vec::new();
    for key in events {
        let now = model.now.plus(500);
        effects.extend(update(model, now, Message::Key(key)));
    }
    effects
}

fn asked(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Submit { command, .. } => Some(&**command),
            _ => None,
        })
        .collect()
}

fn on_incident(effects: &[Effect]) -> Vec<&IncidentCommand> {
    asked(effects)
        .into_iter()
        .filter_map(|command| match command {
            Command::OnIncident { incident: IncidentId(1), ask } => Some(ask),
            _ => None,
        })
        .collect()
}

#[test]
fn halting_is_two_different_keys_con_5() {
    let mut model = sample::model((120, 34));
    assert!(press(&mut model, "!").is_empty(), "the first key only shows");
    assert!(press(&mut model, "!!!!").is_empty(), "repeating it does nothing");
    let fired = press(&mut model, "enter");
    let [Command::Engage(engage)] = asked(&fired)[..] else { panic!("{fired:?}") };
    assert_eq!(engage.incident, Some(IncidentId(1)));
    assert!(
        press(&mut model, "enter")
            .iter()
            .all(|effect| !matches!(effect, Effect::Submit { command, .. } if matches!(**command, Command::Engage(_))))
    );
}

#[test]
fn an_enter_that_comes_before_the_overlay_could_be_read_does_not_fire() {
    let mut model = sample::model((120, 34));
    press(&mut model, "!");
    let soon = model.now.plus(149);
    let enter = Message::Key(KeyEvent::from(KeyCode::Enter));
    assert!(update(&mut model, soon, enter.clone()).is_empty());
    assert!(matches!(&model.overlay, Some(Overlay::Contain(form)) if form.again));
    let later = soon.plus(Time::SECOND);
    assert_eq!(update(&mut model, later, enter).len(), 1);
}

#[test]
fn a_paste_cannot_fire() {
    let mut model = sample::model((120, 34));
    let now = model.now;
    assert!(update(&mut model, now, Message::Paste("!\n\r\n".into())).is_empty());
    press(&mut model, "!");
    let now = model.now.plus(Time::SECOND);
    assert!(update(&mut model, now, Message::Paste("\n".into())).is_empty());
    assert!(matches!(model.overlay, Some(Overlay::Contain(_))));
}

#[test]
fn the_wide_scope_is_chosen_where_others_cannot_be_shown_unaffected_con_4() {
    let mut live = sample::live();
    live.agents.values_mut().for_each(|agent| agent.median_calls = None);
    let mut model = sample::showing(&sample::paying_twice(), live, (120, 34));
    press(&mut model, "!");
    let Some(Overlay::Contain(form)) = &model.overlay else { panic!("no overlay") };
    assert_eq!(form.choice().map(|choice| choice.scope.clone()), Some(Scope::all()));
    assert_eq!(form.choice().map(|choice| choice.beyond.clone()), Some(vec!["old-scraper".to_owned()]), "CON.16");
}

#[test]
fn the_dialog_keeps_its_target_while_the_world_moves() {
    let mut model = sample::model((120, 34));
    press(&mut model, "!");
    model.incident = Some(IncidentId(9));
    let fired = press(&mut model, "enter");
    let [Command::Engage(engage)] = asked(&fired)[..] else { panic!("{fired:?}") };
    assert_eq!(engage.incident, Some(IncidentId(1)));
}

#[test]
fn releasing_asks_for_the_switchs_name() {
    let mut model = sample::model((120, 34));
    press(&mut model, "3");
    press(&mut model, "r");
    assert!(press(&mut model, "enter").is_empty(), "no name, no release");
    press(&mut model, "SW-1");
    press(&mut model, "tab");
    press(&mut model, "fixed in 2.1");
    let released = press(&mut model, "enter");
    let [Command::Release { switch: SwitchId(1), why, agent: None, to: None, over: None }] = asked(&released)[..]
    else {
        panic!("{released:?}")
    };
    assert_eq!(why, "fixed in 2.1");
}

/// Protocol 4: who has no key here is told that agents under the same uid are not contained, where they lift a restraint.
#[test]
fn an_unsigned_release_says_what_it_is() {
    for (signs, told) in [(true, false), (false, true)] {
        let mut model = sample::model((80, 24));
        model.state.as_mut().unwrap().you.signs = signs;
        press(&mut model, "3");
        press(&mut model, "r");
        assert_eq!(
            super::screens::text(&super::screens::painted(&model, (80, 24))).contains("No SSH key of dana"),
            told
        );
    }
}

#[test]
fn steps_are_ticked_unticked_marked_impossible_and_verified_by_key() {
    let mut model = sample::model((80, 24));
    press(&mut model, "4");
    press(&mut model, "j");
    assert!(matches!(on_incident(&press(&mut model, "x"))[..], [IncidentCommand::TickStep { .. }]));
    press(&mut model, "g");
    assert!(matches!(on_incident(&press(&mut model, "u"))[..], [IncidentCommand::UntickStep { .. }]));
    press(&mut model, "i");
    assert!(matches!(on_incident(&press(&mut model, "enter"))[..], [IncidentCommand::MarkImpossible { .. }]));
    press(&mut model, "v");
    assert!(press(&mut model, "enter").is_empty(), "a read-back is needed");
    press(&mut model, "ledger shows 41 refunds");
    assert!(matches!(on_incident(&press(&mut model, "enter"))[..], [IncidentCommand::VerifyRollback { .. }]));
}

#[test]
fn an_incident_is_steered_by_key() {
    for (key, fill) in [("n", "a note"), ("H", ""), ("K", "seen by hand"), ("E", "refunds done"), ("R", "")] {
        let mut model = sample::model((80, 24));
        press(&mut model, key);
        press(&mut model, fill);
        assert_eq!(on_incident(&press(&mut model, "enter")).len(), 1, "{key}");
    }
    let mut model = sample::model((80, 24));
    press(&mut model, "S");
    press(&mut model, "3");
    press(&mut model, "tab");
    press(&mut model, "fewer than feared");
    let set = press(&mut model, "enter");
    let [IncidentCommand::SetSeverity { severity, .. }] = on_incident(&set)[..] else { panic!("{set:?}") };
    assert_eq!(severity, "SEV-3");
}

/// What an edit makes of the draft that the model shows.
fn edited(model: &Model, effects: &[Effect]) -> Fields {
    let [IncidentCommand::WriteDraft { edit, .. }] = on_incident(effects)[..] else { panic!("{effects:?}") };
    writing::with(model.draft().unwrap(), edit).unwrap().fields()
}

#[test]
fn a_draft_is_written_and_saved_and_a_refused_save_keeps_the_text() {
    let mut model = sample::model((120, 34));
    press(&mut model, "5");
    press(&mut model, "enter");
    press(&mut model, "We paid twice. ");
    let saved = press(&mut model, "esc");
    assert!(edited(&model, &saved).body.contains("We paid twice."));
    let now = model.now;
    let what = "DRAFT-1 saved".to_owned();
    let result = Err(LinkError::Refused("body has too many bytes".into()));
    update(&mut model, now, Message::Answered { what, result });
    let editor = model.editor.as_ref().expect("the text is kept");
    assert!(editor.fields().body.contains("We paid twice."));
}

#[test]
fn text_from_an_editor_outlives_a_refused_save() {
    let mut model = sample::model((120, 34));
    press(&mut model, "5");
    let opened = press(&mut model, "e");
    let [Effect::Edit { draft, text, .. }] = &opened[..] else { panic!("{opened:?}") };
    let (draft, text) = (*draft, format!("{text}\nWritten elsewhere."));
    let now = model.now;
    let saved = update(&mut model, now, Message::Edited(Ok(text)));
    assert!(edited(&model, &saved).body.contains("Written elsewhere."));
    let result = Err(LinkError::Refused("body has too many bytes".into()));
    update(&mut model, now, Message::Answered { what: format!("{draft} saved"), result });
    let editor = model.editor.as_ref().expect("the text is kept");
    assert!(editor.fields().body.contains("Written elsewhere."));
}

#[test]
fn a_draft_is_begun_for_an_audience_and_marked_sent_by_key() {
    let mut model = sample::model((80, 24));
    press(&mut model, "5");
    press(&mut model, "o");
    press(&mut model, "internal");
    assert!(
        matches!(on_incident(&press(&mut model, "enter"))[..], [IncidentCommand::StartDraft { audience }] if audience == "internal")
    );
    press(&mut model, "m");
    assert!(matches!(on_incident(&press(&mut model, "enter"))[..], [IncidentCommand::SendDraft { .. }]));
}

#[test]
fn leaving_saves_the_draft_first() {
    let mut model = sample::model((120, 34));
    press(&mut model, "5");
    press(&mut model, "enter");
    press(&mut model, "half a sentence");
    let now = model.now;
    let effects = update(&mut model, now, Message::Terminate);
    assert_eq!(asked(&effects).len(), 1);
    assert_eq!(effects.last(), Some(&Effect::Quit));
}

#[test]
fn ctrl_x_opens_containment_from_within_a_text_and_the_text_comes_back() {
    let mut model = sample::model((120, 34));
    press(&mut model, "n");
    press(&mut model, "seen at the proc");
    press(&mut model, "ctrl-x");
    assert!(matches!(model.overlay, Some(Overlay::Contain(_))));
    assert_eq!(asked(&press(&mut model, "enter")).len(), 1);
    press(&mut model, "essor");
    let noted = press(&mut model, "enter");
    let [IncidentCommand::Note { text, .. }] = on_incident(&noted)[..] else { panic!("{noted:?}") };
    assert_eq!(text, "seen at the processor");
}

#[test]
fn firings_are_acknowledged_and_declared_from_by_key() {
    let mut model = sample::model((80, 24));
    press(&mut model, "2");
    assert!(matches!(asked(&press(&mut model, "a"))[..], [Command::AckFiring { expected: false, .. }]));
    press(&mut model, "d");
    assert!(matches!(asked(&press(&mut model, "enter"))[..], [Command::Declare(declare)] if declare.firing.is_some()));
}

#[test]
fn the_palette_finds_a_command_and_says_why_not() {
    let mut model = sample::model((80, 24));
    press(&mut model, ":");
    press(&mut model, "declare-cont");
    press(&mut model, "enter");
    assert!(matches!(&model.overlay, Some(Overlay::Form(form)) if form.title.starts_with("Contained")));
    let mut empty = sample::blank((80, 24));
    press(&mut empty, ":");
    press(&mut empty, "add-note");
    press(&mut empty, "enter");
    assert!(
        empty.toast.as_ref().is_some_and(|toast| toast.bad && toast.text.contains("D declares")),
        "{:?}",
        empty.toast
    );
}

#[test]
fn resizing_keeps_selection_and_focus() {
    let mut model = sample::model((120, 34));
    press(&mut model, "6");
    press(&mut model, "jj");
    let chosen = model.rows.of(Pane::Evidence).chosen().cloned();
    let now = model.now;
    update(&mut model, now, Message::Resized(44, 30));
    assert_eq!((model.rows.of(Pane::Evidence).chosen().cloned(), model.focus), (chosen, Pane::Evidence));
}
