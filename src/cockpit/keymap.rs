//! Keys: how they are written, and which command each means where.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::commands::{Do, Scope, TABLE};

/// One key with its modifiers, written `ctrl-x`, `shift-tab`, `G`, `!`, `pgdn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// Keys with names.
const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
];

impl From<KeyEvent> for Key {
    /// Shift is part of a character already; a terminal may say it twice.
    fn from(event: KeyEvent) -> Self {
        let shifted_tab = event.code == KeyCode::Tab && event.modifiers.contains(KeyModifiers::SHIFT);
        Self {
            code: if shifted_tab { KeyCode::BackTab } else { event.code },
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ctrl, rest) = text.strip_prefix("ctrl-").map_or((false, text), |rest| (true, rest));
        let (alt, rest) = rest.strip_prefix("alt-").map_or((false, rest), |rest| (true, rest));
        let mut chars = rest.chars();
        let code = match (NAMED.iter().find(|(name, _)| *name == rest), chars.next(), chars.next()) {
            (Some((_, code)), _, _) => *code,
            (None, Some(one), None) if !one.is_control() => KeyCode::Char(one),
            _ => return Err(format!("{text:?} is no key: write one like x, G, ctrl-x, shift-tab, enter, pgdn")),
        };
        Ok(Self { code, ctrl, alt })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMED.iter().find(|(_, code)| *code == self.code).map(|(name, _)| (*name).to_owned());
        let name = name.unwrap_or_else(|| match self.code {
            KeyCode::Char(one) => one.to_string(),
            other => format!("{other:?}").to_lowercase(),
        });
        let (ctrl, alt) = (if self.ctrl { "ctrl-" } else { "" }, if self.alt { "alt-" } else { "" });
        f.pad(&format!("{ctrl}{alt}{name}"))
    }
}

/// Which key means what, where.
#[derive(Debug, Clone)]
pub struct Keymap {
    by_key: BTreeMap<(Scope, String), Do>,
    by_command: BTreeMap<Do, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::with(&BTreeMap::new()).0
    }
}

impl Keymap {
    /// The table's keys, with a person's own by command name. A word that names no command or key, or a key that is
    /// taken already, is told and the table's own key stays.
    pub fn with(own: &BTreeMap<String, Vec<String>>) -> (Self, Vec<String>) {
        let (mut keys, mut complaints) = (BTreeMap::new(), Vec::new());
        for command in TABLE {
            keys.insert(command.does, command.keys.iter().filter_map(|key| key.parse().ok()).collect::<Vec<Key>>());
        }
        for (name, wanted) in own {
            let Ok(does) = name.parse::<Do>() else {
                complaints.push(format!("config: keys.{name} names no command; `:` lists them"));
                continue;
            };
            match wanted.iter().map(|key| key.parse()).collect::<Result<Vec<Key>, String>>() {
                Ok(own) => drop(keys.insert(does, own)),
                Err(wrong) => complaints.push(format!("config: keys.{name}: {wrong}")),
            }
        }
        let mut map = Self { by_key: BTreeMap::new(), by_command: keys };
        map.index(&mut complaints);
        (map, complaints)
    }

    fn index(&mut self, complaints: &mut Vec<String>) {
        for command in TABLE {
            let own = self.by_command.get(&command.does).cloned().unwrap_or_default();
            let clash = own.iter().find_map(|key| self.taken(command.scope, *key).map(|by| (*key, by)));
            let keys = match clash {
                Some((key, by)) => {
                    complaints.push(format!("config: {key} is {by} already; {} keeps its default", command.does));
                    command.keys.iter().filter_map(|key| key.parse().ok()).collect()
                }
                None => own,
            };
            for key in &keys {
                self.by_key.entry((command.scope, key.to_string())).or_insert(command.does);
            }
            self.by_command.insert(command.does, keys);
        }
    }

    fn taken(&self, scope: Scope, key: Key) -> Option<Do> {
        self.by_key.get(&(scope, key.to_string())).copied()
    }

    /// What `key` means in `scope`; a pane's keys come before the ones that work everywhere.
    pub fn find(&self, scope: Scope, key: Key) -> Option<Do> {
        let everywhere = if scope.is_pane() { self.taken(Scope::Everywhere, key) } else { None };
        self.taken(scope, key).or(everywhere)
    }

    /// The keys of a command, as written.
    pub fn keys(&self, does: Do) -> Vec<String> {
        self.by_command.get(&does).map(|keys| keys.iter().map(Key::to_string).collect()).unwrap_or_default()
    }

    /// Its first key, for hints.
    pub fn key(&self, does: Do) -> String {
        self.keys(does).into_iter().next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_read() {
        for text in ["x", "G", "!", "ctrl-x", "shift-tab", "pgdn", "space", "esc", "é"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        for text in ["", "ctrl-", "hyper-x", "xx"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }

    #[test]
    fn own_keys_replace_and_a_clash_names_both() {
        let own = BTreeMap::from([("help".to_owned(), vec!["Z".to_owned()])]);
        let (map, complaints) = Keymap::with(&own);
        assert_eq!((map.keys(Do::Help), complaints.len()), (vec!["Z".to_owned()], 0));
        let clash = BTreeMap::from([("help".to_owned(), vec!["!".to_owned()]), ("nonsense".to_owned(), vec![])]);
        let (map, complaints) = Keymap::with(&clash);
        assert_eq!(map.keys(Do::Help), ["?"]);
        assert_eq!(map.find(Scope::Everywhere, "!".parse().unwrap()), Some(Do::Halt));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints.iter().any(|text| text.contains("halt") && text.contains("help")), "{complaints:?}");
    }
}
