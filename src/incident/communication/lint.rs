//! Wording that says nothing, blames the model, or leaves a field out (COM.3).

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    incident::Fields,
    runbook::{Runbook, Template},
};

/// One finding of the linter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// In which field, or `body`.
    pub field: String,
    /// The phrase that was found; empty for a missing field.
    pub phrase: String,
    /// What is wrong.
    pub why: String,
    /// What to write instead.
    pub instead: String,
}

/// Everything the linter has to say of a draft, in the order of the fields.
pub fn lint(runbook: &Runbook, template: &Template, fields: &Fields) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in Fields::NAMES {
        if fields.get(name).unwrap_or_default().trim().is_empty() {
            findings.push(missing(name));
        }
    }
    if template.external && fields.body.trim().is_empty() {
        findings.push(missing("body"));
    }
    for name in Fields::NAMES.into_iter().chain(["body"]) {
        let words = words(fields.get(name).unwrap_or_default());
        for banned in &runbook.banned {
            for phrase in &banned.phrases {
                if holds(&words, &self::words(phrase)) {
                    findings.push(Finding {
                        field: name.into(),
                        phrase: phrase.clone(),
                        why: banned.why.clone(),
                        instead: banned.instead.clone(),
                    });
                }
            }
        }
    }
    findings
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

fn holds(text: &[String], phrase: &[String]) -> bool {
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

fn missing(name: &str) -> Finding {
    let (why, instead) = match name {
        "workflow" => ("the affected workflow is not named", "say which workflow, as its users call it"),
        "impact" => {
            ("the known impact is not said", "say what users met, in their view; say so where it is not known yet")
        }
        "contained" => ("what is contained is not said", "say what was stopped, and since when"),
        "investigating" => ("what is still investigated is not said", "name what is not known yet"),
        "owner" => ("nobody owns the next decision", "name the role or person who decides next"),
        "next_update" => ("no time for the next update", "promise a time, with its zone"),
        _ => ("the message is empty", "say what happened in the reader's view, and what the reader should do"),
    };
    Finding { field: name.into(), phrase: String::new(), why: why.into(), instead: instead.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole() -> Fields {
        Fields {
            workflow: "refunds".into(),
            impact: "38 customers were paid twice".into(),
            contained: "refund-bot is halted since 14:05 UTC".into(),
            investigating: "how many payouts are queued at the provider".into(),
            owner: "the incident commander".into(),
            next_update: "15:00 UTC".into(),
            body: "Keep the second payment for now; we write again by 15:00 UTC.".into(),
        }
    }

    fn linted(audience: &str, field: &str, text: &str) -> Vec<Finding> {
        let runbook = Runbook::shipped();
        let mut fields = whole();
        assert!(fields.set(field, text.into()));
        lint(&runbook, runbook.template(audience).unwrap(), &fields)
    }

    /// COM.3: each banned wording is found where it stands, with what to write instead; its parts alone are not.
    #[test]
    fn banned_wording_is_found_in_any_case_and_never_inside_a_word() {
        for (text, phrase) in [
            ("The bot was ACTING   strangely.", Some("acting strangely")),
            ("It hallucinated a policy", Some("hallucinated")),
            ("a technical issue, sadly", Some("technical issue")),
            ("There is no\nimpact", Some("no impact")),
            ("Probably over.", Some("probably")),
            ("technical details of the issue follow", None),
            ("improbably many", None),
            ("there is an impact: nobody was paid", None),
            ("one payout of 40 EUR went to a wrong account", None),
        ] {
            let found = linted("customer", "body", text);
            assert_eq!(found.first().map(|one| one.phrase.as_str()), phrase, "{text}");
            assert!(found.iter().all(|one| one.field == "body" && !one.why.is_empty() && !one.instead.is_empty()));
        }
    }

    /// COM.1, COM.3: a field left empty is named; the body counts only for readers outside.
    #[test]
    fn every_empty_field_is_named() {
        for name in Fields::NAMES {
            let found = linted("internal", name, "  ");
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert_eq!((found[0].field.as_str(), found[0].phrase.as_str()), (name, ""));
        }
        assert_eq!(linted("internal", "body", "").len(), 0);
        assert_eq!(linted("customer", "body", "").len(), 1);
        assert_eq!(linted("customer", "workflow", "refunds"), []);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_linter_panic(text in any::<String>()) {
            for name in Fields::NAMES {
                linted("customer", name, &text);
            }
        }
    }
}
