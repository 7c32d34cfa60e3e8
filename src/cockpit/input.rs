//! One line of text being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use crate::terms::Printable;

/// The longest line that can be typed, in bytes.
const LONGEST: usize = 2_000;

/// A line and the place of the cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    cursor: usize,
    /// Written by nobody yet: typing replaces it, moving in it keeps it.
    suggested: bool,
}

impl Input {
    /// A line that suggests `text`.
    pub fn suggesting(text: impl Into<String>) -> Self {
        Self { suggested: true, ..Self::with(text) }
    }

    /// A line that begins with `text`, cursor at its end.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text, suggested: false }
    }

    /// What is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is left and right of the cursor.
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Puts text in at the cursor; line breaks become spaces, whatever cannot be printed becomes visible.
    pub fn insert(&mut self, text: &str) {
        let clean = Printable::line(&text.replace(['\n', '\r', '\t'], " "));
        if std::mem::take(&mut self.suggested) {
            self.text.clear();
            self.cursor = 0;
        }
        if self.text.len() + clean.as_str().len() <= LONGEST {
            self.text.insert_str(self.cursor, clean.as_str());
            self.cursor += clean.as_str().len();
        }
    }

    /// Takes a key; false when it is none for a line of text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if ctrl => drop(self.text.drain(..std::mem::take(&mut self.cursor))),
            KeyCode::Char('w') if ctrl => self.delete_word(),
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char(_) if ctrl || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(typed) => self.insert(typed.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => {
                let before = self.before();
                self.text.drain(before..self.cursor);
                self.cursor = before;
            }
            KeyCode::Delete => drop(self.text.drain(self.cursor..self.after())),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        self.suggested = false;
        true
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.text[self.cursor..].graphemes(true).next();
        self.cursor + next.map_or(0, str::len)
    }

    fn delete_word(&mut self) {
        let kept = self.text[..self.cursor].trim_end();
        let start = kept.rfind(' ').map_or(0, |at| at + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(input: &mut Input, keys: &[KeyCode]) {
        for code in keys {
            input.key(KeyEvent::new(*code, KeyModifiers::NONE));
        }
    }

    #[test]
    fn the_cursor_moves_by_what_people_see_as_one_character() {
        let mut input = Input::with("e\u{301}日");
        typed(&mut input, &[KeyCode::Left, KeyCode::Backspace, KeyCode::Char('x'), KeyCode::Home, KeyCode::Left]);
        assert_eq!((input.text(), input.halves().0), ("x日", ""));
        typed(&mut input, &[KeyCode::Delete, KeyCode::End, KeyCode::Delete, KeyCode::Backspace, KeyCode::Backspace]);
        assert_eq!(input.text(), "");
    }

    #[test]
    fn typing_replaces_a_suggestion_and_moving_in_it_keeps_it() {
        let mut input = Input::suggesting("copy");
        typed(&mut input, &[KeyCode::Char('m'), KeyCode::Char('x')]);
        assert_eq!(input.text(), "mx");
        let mut kept = Input::suggesting("copy");
        typed(&mut kept, &[KeyCode::End, KeyCode::Char('!')]);
        assert_eq!(kept.text(), "copy!");
        assert_eq!(Input::suggesting("copy").text(), "copy", "left alone it stands");
    }

    #[test]
    fn a_paste_is_one_printable_line() {
        let mut input = Input::default();
        input.insert("two\nlines\u{1b}[2J");
        assert_eq!(input.text(), "two lines␛[2J");
        input.insert(&"x".repeat(5_000));
        assert_eq!(input.text(), "two lines␛[2J", "a paste too long for a line is left out");
    }
}
