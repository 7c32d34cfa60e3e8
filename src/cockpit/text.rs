//! Words on the screen: times, durations, cut and padded text.

use chrono::{FixedOffset, Local, Offset, TimeZone, Utc};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::terms::{Printable, Time};

/// The zone that times are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The user's, as the system has it.
    Local,
    /// UTC.
    Utc,
    /// An offset, in seconds east.
    East(i32),
}

fn shown(at: Time, zone: Zone, format: &str) -> String {
    let at = at.to_chrono();
    let offset = match zone {
        Zone::Local => Local.offset_from_utc_datetime(&at.naive_utc()).fix(),
        Zone::Utc => Utc.fix(),
        Zone::East(seconds) => FixedOffset::east_opt(seconds).unwrap_or(Utc.fix()),
    };
    at.with_timezone(&offset).format(format).to_string()
}

/// `14:05:58`.
pub fn clock(at: Time, zone: Zone) -> String {
    shown(at, zone, "%H:%M:%S")
}

/// `14:05`.
pub fn minute(at: Time, zone: Zone) -> String {
    shown(at, zone, "%H:%M")
}

/// `20 Nov 14:05`.
pub fn day(at: Time, zone: Zone) -> String {
    shown(at, zone, "%d %b %H:%M")
}

/// A length of time as a clock reads it: `0:42`, `9:12`, `23:54:09`, `6 d 4 h`.
pub fn span(millis: i64) -> String {
    let seconds = millis.abs() / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        1..48 => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// Untrusted text in one line, at most `columns` wide.
pub fn cut(text: &str, columns: usize) -> String {
    Printable::line(text).cut(columns)
}

/// Untrusted text in lines of at most `columns`, broken between words, at most `most` of them.
pub fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let block = Printable::block(text);
    for paragraph in block.as_str().lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let word = if word.width() > columns { Printable::line(word).cut(columns) } else { word.to_owned() };
            if !line.is_empty() && line.width() + 1 + word.width() > columns {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
            if lines.len() >= most {
                return lines;
            }
        }
        lines.push(line);
        if lines.len() >= most {
            break;
        }
    }
    lines.truncate(most);
    lines
}

/// The same, of a text that may be long: no more of it is read than `most` lines need.
pub fn wrap_from(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let room = most.saturating_sub(lines.len());
        if room == 0 {
            break;
        }
        let enough: String = paragraph.chars().take((room + 1) * (columns + 1)).collect();
        let wrapped = wrap(&enough, columns, room);
        if wrapped.is_empty() { lines.push(String::new()) } else { lines.extend(wrapped) }
    }
    lines
}

/// Columns of a line.
pub fn width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| span.content.width()).sum()
}

/// `left`, then as many spaces as bring `right` to the end of `columns`; `left` is cut when both do not fit.
pub fn ends<'a>(left: Line<'a>, right: Line<'a>, columns: usize) -> Line<'a> {
    let gap = usize::from(!right.spans.is_empty());
    let room = columns.saturating_sub(width(&right) + gap);
    let mut spans = fit(left, room).spans;
    let used: usize = spans.iter().map(|span| span.content.width()).sum();
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(used + width(&right)))));
    spans.extend(right.spans);
    Line::from(spans)
}

/// The line cut to `columns`, with `…` where something was cut.
pub fn fit(line: Line<'_>, columns: usize) -> Line<'_> {
    if width(&line) <= columns {
        return line;
    }
    let (mut spans, mut used) = (Vec::new(), 0);
    for span in line.spans {
        let columns_of = span.content.width();
        if used + columns_of < columns {
            used += columns_of;
            spans.push(span);
        } else {
            let cut = Printable::line(&format!("{}  ", span.content)).cut(columns - used);
            spans.push(Span::styled(cut, span.style));
            break;
        }
    }
    Line::from(spans)
}

/// `1 agent`, `3 agents`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_clocks() {
        for (millis, text) in [(0, "0:00"), (42_000, "0:42"), (552_000, "9:12"), (86_049_000, "23:54:09")] {
            assert_eq!(span(millis), text);
        }
        assert_eq!(span(-42_000), "0:42");
        assert_eq!(span(7 * 86_400_000 - 1), "6 d 23 h");
    }

    #[test]
    fn a_line_never_outgrows_its_columns() {
        for columns in 0..30 {
            let line = ends(Line::from("refund-bot paying twice"), Line::from("14:06"), columns.max(6));
            assert!(width(&line) <= columns.max(6), "{columns}");
            for line in wrap("list every payout since the first bad action, 日本語 too", columns.max(1), 9) {
                assert!(line.width() <= columns.max(1), "{columns} {line:?}");
            }
        }
    }

    #[test]
    fn times_follow_the_zone() {
        let at: Time = "2026-11-20T14:05:58Z".parse().unwrap();
        assert_eq!(clock(at, Zone::East(3600)), "15:05:58");
        assert_eq!((minute(at, Zone::Utc), day(at, Zone::Utc)), ("14:05".into(), "20 Nov 14:05".into()));
    }
}
