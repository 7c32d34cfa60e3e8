//! What a post-mortem asks of people, and what it does not take for an answer, as data (PM.1, PM.3–PM.5).

use serde::{Deserialize, Serialize};

use super::{RunbookError, read::wrong};
use crate::terms::words;

words! {
    /// The five parts of a post-mortem (PM.1).
    Part, "a part of the post-mortem" {
        /// Business impact.
        Impact = "impact",
        /// The agent's path.
        Path = "path",
        /// Failed controls.
        Controls = "controls",
        /// Guardrail changes before restart.
        Guardrails = "guardrails",
        /// Scorecard update.
        Scorecard = "scorecard",
    }
}

impl Part {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Impact => "Business impact",
            Self::Path => "The agent's path",
            Self::Controls => "Failed controls",
            Self::Guardrails => "Guardrail changes before restart",
            Self::Scorecard => "Scorecard update",
        }
    }
}

words! {
    /// When a field must be answered before the post-mortem is filed.
    Required, "a requirement" {
        /// In every post-mortem.
        Always = "always",
        /// Where people knew before any tripwire fired (DET.6).
        NoTripwire = "no-tripwire",
        /// Where the detection chain has a gap (PM.2).
        Gaps = "gaps",
        /// Never.
        Never = "never",
    }
}

/// One answer that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// `root-trigger`.
    pub id: String,
    /// Which part it stands in.
    pub part: Part,
    /// In words.
    pub title: String,
    /// What it asks.
    pub asks: String,
    /// When it must be answered.
    pub required: Required,
}

/// A remedy that is a better prompt and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptOnly {
    /// Words of a prompt.
    pub prompt: Vec<String>,
    /// Words of a control.
    pub controls: Vec<String>,
    /// What to write instead.
    pub instead: String,
}

/// A cause that blames the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blame {
    /// Phrases, matched whole-word and case-folded.
    pub phrases: Vec<String>,
    /// What to write instead.
    pub instead: String,
}

/// `postmortem.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostmortemPlan {
    /// The fields, in order.
    #[serde(rename = "field")]
    pub fields: Vec<Answer>,
    /// PM.5: a better prompt alone is no remedy.
    pub prompt_only: PromptOnly,
    /// PM.5: the model is no cause.
    pub blame: Blame,
}

/// What PM.5 asks by name: a team may reword these, not leave them out.
const KEPT: [&str; 9] = [
    "root-trigger",
    "condition",
    "failure-class",
    "safety-layer",
    "prevention",
    "owner",
    "due",
    "verification",
    "observability",
];

impl PostmortemPlan {
    /// A field by name.
    pub fn field(&self, id: &str) -> Option<&Answer> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Whole, or what is not.
    pub(super) fn whole(self, file: &str) -> Result<Self, RunbookError> {
        let no = |what: String| Err(wrong(file, None, what));
        for (place, field) in self.fields.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if field.id.is_empty() || field.id.len() > 60 || !field.id.chars().all(plain) {
                return no(format!("field {:?}: an id has small letters, digits and dashes, at most 60", field.id));
            }
            if self.fields[..place].iter().any(|earlier| earlier.id == field.id) {
                return no(format!("field {:?} stands twice", field.id));
            }
            if field.title.trim().is_empty() || field.asks.trim().is_empty() {
                return no(format!("field {:?} needs a title and what it asks", field.id));
            }
        }
        for kept in KEPT {
            match self.field(kept) {
                Some(field) if field.required == Required::Always => {}
                _ => {
                    return no(format!(
                        "field {kept:?} is asked in every post-mortem: it stays, and is required = \"always\""
                    ));
                }
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runbook::{Runbook, SHIPPED};

    fn read(change: impl Fn(&str) -> String) -> Result<PostmortemPlan, String> {
        let text = SHIPPED.iter().find(|(name, _)| *name == "postmortem.toml").unwrap().1;
        let texts = BTreeMap::from([("postmortem.toml".to_owned(), change(text))]);
        Runbook::from_texts(&texts).map(|runbook| runbook.postmortem).map_err(|why| why.to_string())
    }

    /// PM.1, PM.5, GOV.1: what ships is whole; a team adds fields, and cannot drop what must be answered.
    #[test]
    fn the_fields_are_whole_or_refused_by_name() {
        let shipped = read(str::to_owned).unwrap();
        for part in Part::ALL {
            assert!(shipped.fields.iter().any(|field| field.part == *part && field.required == Required::Always));
        }
        let added = "[[field]]\nid = \"insurer\"\npart = \"impact\"\ntitle = \"Insurer\"\nasks = \"told?\"\nrequired = \"never\"\n";
        assert!(read(|text| format!("{added}{text}")).unwrap().field("insurer").is_some());
        type Change = fn(&str) -> String;
        let changes: [(Change, &str); 5] = [
            (|text| text.replace("id = \"verification\"", "id = \"checked\""), "\"verification\" is asked in every"),
            (|text| text.replace("id = \"vendor\"", "id = \"impact\""), "stands twice"),
            (|text| text.replace("id = \"vendor\"", "id = \"Our Vendor\""), "small letters"),
            (|text| text.replace("required = \"gaps\"", "required = \"gap\""), "did you mean gaps?"),
            (|text| text.replace("part = \"path\"", "part = \"paths\""), "did you mean path?"),
        ];
        for (change, says) in changes {
            let why = read(change).unwrap_err();
            assert!(why.contains("postmortem.toml") && why.contains(says), "{why}");
        }
    }
}
