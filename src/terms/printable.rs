//! The one door through which untrusted text reaches a terminal, a page or a log (law 7).

use std::fmt;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Text with every control, format and private-use character made visible: `␛`, `‹U+202E›`.
///
/// Nothing is hidden: what an agent tried to write is evidence. Line breaks survive only in [`Printable::block`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printable(String);

/// Combining marks kept per cluster; more than this is an attack on the line height, not a language.
const MARKS: usize = 4;

impl Printable {
    /// One line: line breaks and tabs become visible signs too.
    pub fn line(text: &str) -> Self {
        Self(clean(text, false))
    }

    /// Several lines: `\n` survives, a tab becomes four spaces, the rest is as in [`Printable::line`].
    pub fn block(text: &str) -> Self {
        Self(clean(text, true))
    }

    /// The clean text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Columns the text takes on a terminal.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// At most `columns` wide, cut between graphemes, with `…` where something was cut.
    pub fn cut(&self, columns: usize) -> String {
        if self.width() <= columns {
            return self.0.clone();
        }
        let mut out = String::new();
        let mut used = 0;
        for grapheme in self.0.graphemes(true) {
            let width = grapheme.width();
            if used + width + 1 > columns {
                break;
            }
            out.push_str(grapheme);
            used += width;
        }
        if columns > 0 {
            out.push('…');
        }
        out
    }
}

fn clean(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        let category = get_general_category(c);
        marks = match category {
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => marks + 1,
            _ => 0,
        };
        match c {
            '\n' if lines => out.push('\n'),
            '\t' if lines => out.push_str("    "),
            '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('␦')),
            '\u{7f}' => out.push('␡'),
            _ if marks > MARKS => {}
            _ => match category {
                GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::Surrogate => out.push_str(&format!("‹U+{:04X}›", c as u32)),
                _ => out.push(c),
            },
        }
    }
    out
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        assert_eq!(Printable::line("\u{1b}[2J\u{202e}evil\r\n").as_str(), "␛[2J‹U+202E›evil␍␊");
        assert_eq!(Printable::block("a\n\tb\u{9b}").as_str(), "a\n    b‹U+009B›");
        assert_eq!(Printable::line(&format!("e{}", "\u{301}".repeat(50))).as_str().chars().count(), 5);
        assert_eq!(Printable::line("日本語テキスト").cut(6), "日本…");
        assert_eq!(Printable::line("abc").cut(0), "");
    }

    proptest! {
        #[test]
        fn no_control_or_format_character_passes(text in any::<String>(), columns in 0usize..40) {
            let line = Printable::line(&text);
            prop_assert!(!line.as_str().chars().any(char::is_control));
            let hidden = ['\u{202e}', '\u{2066}', '\u{feff}', '\u{200b}'];
            prop_assert!(!line.as_str().contains(hidden));
            prop_assert!(Printable::line(&line.cut(columns)).width() <= columns.max(1));
        }
    }
}
