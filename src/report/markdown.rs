//! Markdown that untrusted text cannot break out of (law 7).

use super::document::{Block, DRILL, Document, NOT_ANSWERED, NOT_RECORDED, Section};
pub(super) use super::document::{maybe_time, span, time};
use crate::terms::Printable;

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
fn fenced(exact: &str) -> String {
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

/// A document as Markdown.
pub(super) fn render(document: &Document) -> String {
    let mut out = format!("# {}\n\n", text(&document.title));
    let drill = format!("> **{DRILL}**\n");
    if document.drill {
        out += &format!("{drill}\n");
    }
    out += &format!("{}\n", text(&document.as_of));
    for warning in &document.warnings {
        out += &format!("\n**{}**\n", text(warning));
    }
    let figures: Vec<Vec<String>> =
        document.headlines.iter().map(|one| vec![text(&one.value), one.label.to_owned()]).collect();
    out += &format!("\n## {}\n\n{}\n", document.summary.title, table(&["", ""], &figures));
    out += body(&document.summary).trim_end();
    out.push('\n');
    for section in document.parts.iter().chain(&document.record) {
        out += &format!("\n## {}\n\n{}\n", text(&section.title), body(section).trim_end());
    }
    if document.drill {
        out += &format!("\n{drill}");
    }
    out
}

fn body(section: &Section) -> String {
    let blocks: Vec<String> = section.blocks.iter().map(block).filter(|one| !one.is_empty()).collect();
    if blocks.is_empty() { format!("{NOT_RECORDED}\n") } else { blocks.join("\n") }
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(title) => format!("### {}\n", text(title)),
        Block::Say(said) => format!("{}\n", text(said)),
        Block::Strong(said) => format!("**{}**\n", text(said)),
        Block::Answer { title, text: said, by } => {
            let lines: Vec<String> = said.as_deref().unwrap_or(NOT_ANSWERED).lines().map(text).collect();
            let by = by.as_deref().map(|by| format!(" ({})", text(by))).unwrap_or_default();
            format!("**{}:** {}{by}\n", text(title), lines.join("  \n"))
        }
        Block::List(points) => points.iter().map(|point| format!("- {}\n", text(point))).collect(),
        Block::Steps(steps) => {
            let step =
                |(done, said): &(bool, String)| format!("- [{}] {}\n", if *done { 'x' } else { ' ' }, text(said));
            steps.iter().map(step).collect()
        }
        Block::Table { heading, rows } => {
            let cells = |row: &Vec<String>| row.iter().map(|cell| text(cell)).collect();
            table(heading, &rows.iter().map(cells).collect::<Vec<_>>())
        }
        Block::Exact(exact) => fenced(exact),
        // A table beside each chart holds its figures.
        Block::Chart(_) => String::new(),
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
