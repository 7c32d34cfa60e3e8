//! What the screen shows, at every size and in every state (CKP.1–CKP.3).

use std::collections::BTreeMap;

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::{
    api::Live,
    cockpit::{
        draw,
        link::Link,
        message::Message,
        model::{Model, Pane},
        sample::{self, Story},
        update::update,
    },
    incident::Command,
    terms::{DrillId, Time},
};

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 34), (80, 24), (44, 30)];

pub fn painted(model: &Model, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
    terminal.draw(|frame| draw(model, frame)).expect("a frame");
    terminal.backend().buffer().clone()
}

pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let (mut line, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Styles as letters, a dot being the terminal's own, and what each letter is.
fn legend(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let style: Style = buffer[(x, y)].style();
            let style =
                format!("{:?} on {:?} {:?}", style.fg, style.bg, style.add_modifier).replace("Some(Reset)", "-");
            let next = char::from(b'a' + (letters.len() % 26) as u8);
            let plain = style == "- on - NONE";
            line.push(if plain { '.' } else { *letters.entry(style).or_insert(next) });
        }
        out.push_str(line.trim_end_matches('.'));
        out.push('\n');
    }
    for (style, letter) in letters {
        out.push_str(&format!("{letter} {style}\n"));
    }
    out
}

fn representative() -> Vec<(&'static str, Model)> {
    let size = (120, 34);
    let empty = sample::showing(&Story::new(), Live::default(), size);
    let mut staffed = Story::new();
    let bot = serde_json::from_str(r#"{"id":"refund-bot","owner":"kim","inventory":["pay"]}"#).expect("a declaration");
    staffed.ask("14:00:00", "dana", Command::DeclareAgents { agents: vec![bot] });
    let mut due = sample::showing(&staffed, Live::default(), size);
    due.now = due.now.plus(82 * Time::DAY);
    due.heard_at = due.now;
    let mut drill = sample::model(size);
    drill.world = Some(DrillId(3));
    let mut stale = sample::model(size);
    stale.heard_at = sample::at("14:05:58");
    stale.link = Link::Offline { since: sample::at("14:05:49"), why: "connection refused".into() };
    let mut refused = sample::blank(size);
    refused.refused = Some("this token was revoked; ask its maker for another".into());
    let hostile = sample::showing(&sample::hostile(), sample::live(), size);
    vec![
        ("loading", sample::blank(size)),
        ("empty", empty),
        ("live", sample::model(size)),
        ("drill", drill),
        ("stale", stale),
        ("refused", refused),
        ("drill-due", due),
        ("hostile", hostile),
    ]
}

#[test]
fn screens_at_four_sizes() {
    for (name, mut model) in representative() {
        for size in SIZES {
            model.size = size;
            model.focus = Pane::Checklist;
            let screen = painted(&model, size);
            insta::assert_snapshot!(
                format!("{name}-{}x{}", size.0, size.1),
                format!("{}\n{}", text(&screen), legend(&screen))
            );
        }
    }
}

#[test]
fn the_live_screen_without_colour_and_without_utf8() {
    for size in SIZES {
        let mut model = sample::model(size);
        model.look.colours = false;
        let mono = painted(&model, size);
        assert!(mono.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
        model.look.ascii = true;
        let ascii = painted(&model, size);
        assert!(ascii.content.iter().all(|cell| cell.symbol().is_ascii()));
        let shown = format!("{}\n{}", legend(&mono), text(&ascii));
        insta::assert_snapshot!(format!("plain-{}x{}", size.0, size.1), shown);
    }
}

#[test]
fn every_pane_in_a_split_and_every_overlay() {
    for (pane, key) in Pane::ALL.iter().zip(["1", "2", "3", "4", "5", "6", "7", "8", "9"]) {
        let mut model = sample::model((44, 30));
        super::acting::press(&mut model, key);
        insta::assert_snapshot!(format!("split-{pane}"), text(&painted(&model, (44, 30))));
    }
    for (name, keys) in [
        ("halt", "!"),
        ("palette", ":"),
        ("help", "?"),
        ("declare", "D"),
        ("severity", "S"),
        ("readiness", "L"),
        ("agents", "U"),
    ] {
        for size in [(80, 24), (44, 30)] {
            let mut model = sample::model(size);
            super::acting::press(&mut model, keys);
            insta::assert_snapshot!(format!("overlay-{name}-{}x{}", size.0, size.1), text(&painted(&model, size)));
        }
    }
}

/// INV, RST, TEAM: panes that take turns with another on a wide screen, and stand alone on a small one.
#[test]
fn investigation_restart_and_people_at_three_sizes() {
    for (pane, key) in [(Pane::Investigation, "7"), (Pane::Restart, "8"), (Pane::People, "9")] {
        for size in [(200, 60), (120, 34), (80, 24)] {
            let mut model = sample::model(size);
            super::acting::press(&mut model, key);
            insta::assert_snapshot!(format!("{pane}-{}x{}", size.0, size.1), text(&painted(&model, size)));
        }
    }
}

#[test]
fn severities_and_halts_are_told_without_colour() {
    let mut model = sample::model((80, 24));
    model.look.colours = false;
    let screen = text(&painted(&model, (80, 24)));
    assert!(screen.contains("▲SEV-1"), "{screen}");
    assert!(screen.contains("HALTED") && screen.contains("✓ 1/1 in 11.4 s"), "{screen}");
}

#[test]
fn a_drill_is_unmistakable_on_every_pane() {
    let mut model = sample::model((120, 34));
    model.world = Some(DrillId(3));
    assert_eq!(text(&painted(&model, (120, 34))).matches(" DRILL ").count(), 6, "one on each pane");
    for pane in Pane::ALL {
        model.focus = *pane;
        for size in [(80, 24), (44, 30)] {
            let screen = text(&painted(&model, size));
            assert!(screen.contains(" DRILL ") && screen.contains("DRILL-3"), "{pane}: {screen}");
        }
    }
}

#[test]
fn a_drawing_is_a_pure_function_of_the_model() {
    let model = sample::model((120, 34));
    assert_eq!(painted(&model, (120, 34)), painted(&model, (120, 34)));
}

#[test]
fn hostile_text_reaches_no_cell_as_a_control_or_direction_character() {
    for focus in Pane::ALL {
        let mut model = sample::showing(&sample::hostile(), sample::live(), (120, 34));
        model.focus = *focus;
        for size in SIZES {
            let screen = painted(&model, size);
            let bad =
                |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}');
            assert!(!screen.content.iter().any(|cell| cell.symbol().chars().any(bad)), "{focus} {size:?}");
        }
    }
}

#[test]
fn the_header_says_how_old_what_is_shown_is() {
    let mut model = sample::model((80, 24));
    model.link = Link::Offline { since: sample::at("14:05:49"), why: "gone".into() };
    let screen = text(&painted(&model, (80, 24)));
    assert!(screen.contains("offline 0:42") && screen.contains("as of 14:06:31"), "{screen}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_size_draws(columns in 1u16..=250, rows in 1u16..=80, which in 0usize..7, pane in 0usize..6, keys in "[!:?DSnoxive/zjG1-6]{0,6}") {
        let (_, mut model) = representative().swap_remove(which);
        let now = model.now;
        update(&mut model, now, Message::Resized(columns, rows));
        model.focus = Pane::ALL[pane];
        painted(&model, (columns, rows));
        for key in keys.chars() {
            super::acting::press(&mut model, &key.to_string());
            painted(&model, (columns, rows));
        }
    }
}

#[test]
fn the_smallest_screens_draw() {
    for (columns, rows) in [(1, 1), (10, 3), (35, 12), (36, 11), (36, 12), (70, 18), (119, 34), (120, 33), (250, 80)] {
        for (_, mut model) in representative() {
            model.size = (columns, rows);
            let screen = text(&painted(&model, (columns, rows)));
            if (20..36).contains(&columns) {
                assert!(screen.contains("36×12"), "{columns}×{rows}: {screen}");
            }
        }
    }
}
