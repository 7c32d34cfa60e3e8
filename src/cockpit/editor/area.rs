//! The text area of a field.

use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::LONG;
use crate::terms::Printable;

/// What a field reads in its area.
pub(super) fn text(name: &str, area: &TextArea<'_>) -> String {
    area.lines().join(if name == "body" { "\n" } else { " " })
}

/// Nothing hidden goes into a draft: what cannot be printed is made visible before it can be sent. A field of one line shows
/// one line.
pub(super) fn shown(name: &str, raw: &str) -> String {
    let block = Printable::block(raw);
    let text = block.as_str();
    if name == "body" { text.to_owned() } else { text.replace('\n', " ") }
}

/// An area that shows a text.
pub(super) fn area(shown: &str) -> TextArea<'static> {
    let mut area = TextArea::new(shown.split('\n').map(str::to_owned).collect());
    area.set_cursor_line_style(Style::new());
    // What is taken back is settled by the draft's copy, which knows what others wrote.
    area.set_max_histories(0);
    broken(&mut area);
    area
}

/// Has an area show another text, with the cursor at a place of it; what is on the screen stays there where it can.
pub(super) fn replace(area: &mut TextArea<'_>, text: &str, cursor: usize) {
    area.select_all();
    area.insert_str(text);
    area.cancel_selection();
    broken(area);
    go(area, text, cursor);
}

/// Breaks lines on the screen, unless that would take too long at every key.
pub(super) fn broken(area: &mut TextArea<'_>) {
    let size: usize = area.lines().iter().map(String::len).sum();
    area.set_wrap_mode(if size > LONG { WrapMode::None } else { WrapMode::Word });
}

/// The cursor is shown where keys go, and nowhere else.
pub(super) fn show_cursor(area: &mut TextArea<'_>, here: bool) {
    area.set_cursor_style(if here { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() });
}

/// The cursor's place, in bytes of the text.
pub(super) fn cursor(area: &TextArea<'_>) -> usize {
    let at = area.cursor();
    let above: usize = area.lines().iter().take(at.0).map(|line| line.len() + 1).sum();
    let within = area.lines().get(at.0).map_or(0, |line| line.chars().take(at.1).map(char::len_utf8).sum());
    above + within
}

/// Row and column of a place of a text, in characters.
pub(super) fn row_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count(), column)
}

/// Puts the cursor at a place of the text that an area shows.
pub(super) fn go(area: &mut TextArea<'_>, text: &str, at: usize) {
    let (row, column) = row_and_column(text, at);
    if let (Ok(row), Ok(column)) = (u16::try_from(row), u16::try_from(column)) {
        area.move_cursor(CursorMove::Jump(row, column));
    }
}
