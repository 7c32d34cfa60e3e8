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
