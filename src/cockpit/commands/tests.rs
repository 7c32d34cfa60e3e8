//! The table's invariants.

use std::collections::BTreeSet;

use super::{Danger, Do, Scope, TABLE, of_scope};
use crate::cockpit::{effect::Effect, keymap::Key, model::Pane, overlays::help, sample, tests::press};

#[test]
fn every_command_stands_once_in_the_table_and_is_documented() {
    let rows: BTreeSet<Do> = TABLE.iter().map(|row| row.does).collect();
    assert_eq!(rows.len(), TABLE.len(), "a command twice");
    assert_eq!(rows.len(), Do::ALL.len(), "a command without a row");
    for row in TABLE {
        assert!(row.doc.ends_with('.') && !row.title.is_empty() && !row.keys.is_empty(), "{}", row.does);
        let name = row.does.as_str();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit()), "{name}");
    }
}

#[test]
fn keys_are_unique_where_they_work_and_leave_tmux_screen_and_flow_control_alone() {
    let forbidden = ["ctrl-a", "ctrl-b", "ctrl-s", "ctrl-q", "ctrl-h", "ctrl-j", "ctrl-k", "ctrl-l"];
    for scope in Scope::ALL {
        let mut taken = BTreeSet::new();
        let everywhere = of_scope(Scope::Everywhere).filter(|_| scope.is_pane() && *scope != Scope::Everywhere);
        for row in of_scope(*scope).chain(everywhere) {
            for key in row.keys {
                let parsed: Key = key.parse().unwrap_or_else(|wrong| panic!("{}: {wrong}", row.does));
                assert_eq!(parsed.to_string(), *key);
                assert!(!forbidden.contains(key) && !key.starts_with("alt-"), "{key}");
                assert!(taken.insert(*key), "{key} twice in {scope}");
            }
        }
    }
}

#[test]
fn every_escape_has_a_second_key() {
    for row in TABLE.iter().filter(|row| row.keys.contains(&"esc")) {
        assert!(row.keys.len() > 1, "{}", row.does);
    }
}

#[test]
fn help_shows_every_command_from_every_pane() {
    let model = sample::model((200, 60));
    for pane in Pane::ALL {
        let lines: Vec<String> = help::lines(&model, *pane).iter().map(ToString::to_string).collect();
        for row in TABLE {
            assert!(lines.iter().any(|line| line.contains(row.doc)), "{} is not in the help of {pane}", row.does);
        }
    }
}

#[test]
fn a_dangerous_command_never_acts_on_its_first_key() {
    for row in TABLE.iter().filter(|row| row.danger == Danger::Confirmed && row.does != Do::Fire) {
        for pane in Pane::ALL {
            let mut model = sample::model((120, 34));
            model.focus = *pane;
            if row.scope == Scope::Everywhere || row.scope == Scope::of(*pane) {
                let effects = press(&mut model, row.keys[0]);
                assert!(!effects.iter().any(|e| matches!(e, Effect::Submit { .. })), "{} acts at once", row.does);
            }
        }
    }
}
