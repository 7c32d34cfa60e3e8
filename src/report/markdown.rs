//! Markdown that untrusted text cannot break out of (law 7).

use crate::terms::{Printable, Time};

/// What stands where nothing was recorded.
pub(super) const NOT_RECORDED: &str = "not recorded";

/// Untrusted text in one line, every character that Markdown or HTML gives a meaning escaped.
pub(super) fn text(untrusted: &str) -> String {
    let clean = Printable::line(untrusted);
    let mut out = String::with_capacity(clean.as_str().len());
    let mut rest = clean.as_str().trim().chars().peekable();
    let mut before = String::new();
    while let Some(c) = rest.next() {
        // Renderers make links of bare addresses: `://`, `www.` and `@` are taken apart too.
        let links = match c {
            ':' => rest.peek() == Some(&'/'),
            '.' => before.ends_with("www"),
            '@' => true,
            _ => false,
        };
        if links || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '!' | '$') {
            out.push('\\');
        }
        out.push(c);
        before.extend(c.to_lowercase());
    }
    out
}

/// Text as it was sent, in a fence longer than any it holds.
pub(super) fn fenced(exact: &str) -> String {
    let clean = Printable::block(exact);
    let longest = clean.as_str().split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", clean.as_str().trim_end())
}

/// A table; the cells are escaped already.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return format!("{NOT_RECORDED}\n");
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = heading.iter().map(|_| "---".to_owned()).collect();
    let mut out = line(&heading) + &line(&rule);
    out.extend(rows.iter().map(|row| line(row)));
    out
}

/// `2026-11-20 14:05:41.120` (all times of a post-mortem are UTC, said once at its head).
pub(super) fn time(at: Time) -> String {
    at.to_chrono().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A time, or that there is none.
pub(super) fn maybe_time(at: Option<Time>) -> String {
    at.map_or_else(|| NOT_RECORDED.to_owned(), time)
}

/// `4.2 s`, `9 min 12 s`, `3 h 5 min`, `2 d 4 h`.
pub(super) fn span(millis: i64) -> String {
    let seconds = millis.unsigned_abs() as f64 / 1000.0;
    let whole = seconds as u64;
    let sign = if millis < 0 { "−" } else { "" };
    match whole {
        0..60 => format!("{sign}{} s", (seconds * 10.0).round() / 10.0),
        60..3_600 => format!("{sign}{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{sign}{} h {} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{sign}{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_agent_wrote_stays_text() {
        for (hostile, harmless) in [
            ("# gone", "\\# gone"),
            ("<script>x</script>", "\\<script\\>x\\</script\\>"),
            ("a | b\nc", "a \\| b␊c"),
            ("![x](http://e.example)", "\\!\\[x\\](http\\://e.example)"),
            ("see www.e.example or a@e.example", "see www\\.e.example or a\\@e.example"),
            ("\u{1b}[2J\u{202e}", "␛\\[2J‹U+202E›"),
            ("`*_~&$\\", "\\`\\*\\_\\~\\&\\$\\\\"),
            ("14:05", "14:05"),
        ] {
            assert_eq!(text(hostile), harmless);
        }
    }

    #[test]
    fn spans_read_in_two_units() {
        for (millis, words) in
            [(0, "0 s"), (4_240, "4.2 s"), (552_000, "9 min 12 s"), (11_100_000, "3 h 5 min"), (-90_000, "−1 min 30 s")]
        {
            assert_eq!(span(millis), words);
        }
        assert_eq!(span(52 * Time::HOUR), "2 d 4 h");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell_or_its_fence(hostile in any::<String>()) {
            let cell = text(&hostile);
            prop_assert!(!cell.contains('\n'));
            // Without its escaped pairs, nothing is left that opens markup.
            let mut bare = String::new();
            let mut chars = cell.chars();
            while let Some(c) = chars.next() {
                if c == '\\' { chars.next(); } else { bare.push(c); }
            }
            prop_assert!(!bare.contains(['|', '<', '`', '[', '*', '_', '&', '@']), "{cell:?}");
            let block = fenced(&hostile);
            let fence = block.split("text\n").next().unwrap_or_default().to_owned();
            prop_assert_eq!(block.matches(&fence).count(), 2, "{:?}", block);
        }
    }
}
