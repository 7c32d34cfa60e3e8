//! A document as one HTML page that needs nothing beside it: no script, no address, light and dark, fit for print.
//!
//! Written so that an XML parser reads it too. Everything that was written by people or agents is escaped (law 7).

use super::{
    document::{Block, DRILL, Document, Headline, NOT_ANSWERED, NOT_RECORDED, Section},
    svg,
};
use crate::terms::Printable;

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn render(document: &Document) -> String {
    let title = escape(&document.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<header>\n<h1>{title}</h1>\n"
    );
    let drill = format!("<p class=\"drill\">{DRILL}</p>\n");
    if document.drill {
        out += &drill;
    }
    out += &format!("<p class=\"aside\">{}</p>\n", escape(&document.as_of));
    for warning in &document.warnings {
        out += &format!("<p class=\"warning\">{}</p>\n", escape(warning));
    }
    out += &headlines(&document.headlines);
    out += "</header>\n";
    out += &section(&document.summary, "summary");
    out += "<div class=\"parts\">\n";
    for (number, part) in document.parts.iter().enumerate() {
        out += &section(part, &format!("part-{}", number + 1));
    }
    out += "</div>\n<h2 class=\"record\">The record</h2>\n";
    for (number, part) in document.record.iter().enumerate() {
        // Long; folded on a screen, open on paper by the style.
        out += &format!(
            "<details id=\"record-{}\"><summary>{}</summary>\n{}</details>\n",
            number + 1,
            escape(&part.title),
            body(part)
        );
    }
    if document.drill {
        out += &drill;
    }
    out + "</main>\n</body>\n</html>\n"
}

fn headlines(all: &[Headline]) -> String {
    let one = |one: &Headline| {
        format!("<div class=\"figure\"><dt>{}</dt><dd>{}</dd></div>\n", escape(one.label), escape(&one.value))
    };
    format!("<dl class=\"figures\">\n{}</dl>\n", all.iter().map(one).collect::<String>())
}

fn section(section: &Section, id: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{}</h2>\n{}</section>\n", escape(&section.title), body(section))
}

fn body(section: &Section) -> String {
    if section.blocks.is_empty() {
        return format!("<p class=\"none\">{NOT_RECORDED}</p>\n");
    }
    section.blocks.iter().map(block).collect()
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(title) => format!("<h3>{}</h3>\n", escape(title)),
        Block::Say(said) => format!("<p>{}</p>\n", escape(said)),
        Block::Strong(said) => format!("<p><strong>{}</strong></p>\n", escape(said)),
        Block::Answer { title, text, by } => answer(title, text.as_deref(), by.as_deref()),
        Block::List(points) => {
            let points: String = points.iter().map(|point| format!("<li>{}</li>\n", escape(point))).collect();
            format!("<ul>\n{points}</ul>\n")
        }
        Block::Steps(steps) => {
            let step = |(done, said): &(bool, String)| {
                let (class, mark) = if *done { ("done", "done") } else { ("open", "not done") };
                format!("<li class=\"{class}\"><span class=\"state\">{mark}</span> {}</li>\n", escape(said))
            };
            format!("<ul class=\"steps\">\n{}</ul>\n", steps.iter().map(step).collect::<String>())
        }
        Block::Table { heading, rows } => table(heading, rows),
        Block::Exact(exact) => format!("<pre>{}</pre>\n", escape_block(exact.trim_end())),
        Block::Chart(chart) => svg::draw(chart),
    }
}

fn answer(title: &str, text: Option<&str>, by: Option<&str>) -> String {
    let said = match text {
        Some(text) => {
            let lines: Vec<String> = text.lines().map(escape).collect();
            format!("<dd>{}</dd>", lines.join("<br/>"))
        }
        None => format!("<dd class=\"none\">{NOT_ANSWERED}</dd>"),
    };
    let by = by.map(|by| format!("<dd class=\"by\">{}</dd>", escape(by))).unwrap_or_default();
    format!("<dl class=\"answer\"><dt>{}</dt>{said}{by}</dl>\n", escape(title))
}

fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return format!("<p class=\"none\">{NOT_RECORDED}</p>\n");
    }
    let pairs = heading.iter().all(|cell| cell.is_empty());
    let mut out = "<div class=\"wide\"><table>\n".to_owned();
    if !pairs {
        let cells: String = heading.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect();
        out += &format!("<thead><tr>{cells}</tr></thead>\n");
    }
    out += "<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            let cell = escape(cell);
            out +=
                &if pairs && at == 0 { format!("<th scope=\"row\">{cell}</th>") } else { format!("<td>{cell}</td>") };
        }
        out += "</tr>\n";
    }
    out + "</tbody>\n</table></div>\n"
}

/// Untrusted text in one line, with every character that HTML gives a meaning escaped.
pub(super) fn escape(untrusted: &str) -> String {
    entities(Printable::line(untrusted).as_str())
}

fn escape_block(untrusted: &str) -> String {
    entities(Printable::block(untrusted).as_str())
}

fn entities(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_agent_wrote_stays_text() {
        for (hostile, harmless) in [
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ("\" onload='x", "&quot; onload=&#39;x"),
            ("&lt;", "&amp;lt;"),
            ("a\nb\u{1b}[2J\u{202e}", "a␊b␛[2J‹U+202E›"),
        ] {
            assert_eq!(escape(hostile), harmless);
        }
        assert!(
            table(&["", ""], &[vec!["<b>".into(), "c".into()]]).contains("<th scope=\"row\">&lt;b&gt;</th><td>c</td>")
        );
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_element(hostile in any::<String>()) {
            for text in [escape(&hostile), escape_block(&hostile)] {
                prop_assert!(!text.contains(['<', '>', '"', '\'']), "{text:?}");
                for after in text.split('&').skip(1) {
                    prop_assert!(["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|one| after.starts_with(one)));
                }
            }
        }
    }
}
