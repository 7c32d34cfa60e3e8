//! The page behind the link in a page: what it is about, and one button (TEAM.12).

use super::html::escape;

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Whether somebody has it.
    Asks {
        /// What it is about.
        summary: String,
        /// More of it.
        detail: String,
    },
    /// It is acknowledged now.
    Done {
        /// What it is about.
        summary: String,
    },
    /// It was before.
    Known {
        /// What it is about.
        summary: String,
        /// By whom, and when.
        by: String,
    },
    /// There is nothing to acknowledge any more.
    Over {
        /// What it was about.
        summary: String,
    },
    /// The link held once.
    Expired {
        /// What to type in its place.
        instead: String,
    },
    /// The link never held.
    Forged,
    /// It cannot be said now.
    Unreachable {
        /// Why.
        why: String,
    },
}

const STYLE: &str = "body{font:18px/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em;color:#111;\
                     background:#fff}button{font:inherit;padding:.6em 1.4em;border:0;border-radius:.3em;background:#b00020;\
                     color:#fff}p{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}";

/// The whole page. It needs nothing beside it, and runs nothing.
pub fn page(answer: &Answer) -> String {
    let (title, body) = match answer {
        Answer::Asks { summary, detail } => (
            "You were paged",
            format!(
                "<p><strong>{}</strong></p><p>{}</p><form method=\"post\"><button>Acknowledge</button></form>\
                 <p>Acknowledging says that you have it: nobody else is paged for it. It stops no agent.</p>",
                escape(summary),
                escape(detail)
            ),
        ),
        Answer::Done { summary } => {
            ("Acknowledged", format!("<p>You have it: <strong>{}</strong></p>", escape(summary)))
        }
        Answer::Known { summary, by } => (
            "Acknowledged before",
            format!("<p><strong>{}</strong></p><p>It was acknowledged by {}.</p>", escape(summary), escape(by)),
        ),
        Answer::Over { summary } => {
            ("It is over", format!("<p><strong>{}</strong></p><p>Nobody is paged for it any more.</p>", escape(summary)))
        }
        Answer::Expired { instead } => (
            "This link has expired",
            format!("<p>Acknowledge it in the cockpit, or with <code>{}</code>.</p>", escape(instead)),
        ),
        Answer::Forged => (
            "This link is none of ours",
            "<p>It is damaged, or nobody here sent it. Nothing was acknowledged. Copy the whole link from the page that \
             you were sent.</p>"
                .to_owned(),
        ),
        Answer::Unreachable { why } => {
            ("Not now", format!("<p>Nothing was acknowledged: {}</p><p>Try it again.</p>", escape(why)))
        }
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" \
         content=\"width=device-width\"/><title>{title} · andon</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>{body}</body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_wrote_is_text() {
        let asks = Answer::Asks { summary: "<script>alert(1)</script>\u{202e}".into(), detail: "\"&'".into() };
        let page = page(&asks);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
        assert_eq!(page.matches("<form").count(), 1);
        let others = [Answer::Forged, Answer::Over { summary: "x".into() }, Answer::Expired { instead: "y".into() }];
        assert!(others.iter().all(|answer| !super::page(answer).contains("<form")));
    }
}
