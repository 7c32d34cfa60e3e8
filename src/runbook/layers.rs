//! How a cause is looked for: layers, questions, points of failure, kinds of change (INV).

use serde::{Deserialize, Serialize};

use super::{RunbookError, read::wrong};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayersPlan {
    /// Layers, the ordered ones in their order.
    #[serde(rename = "layer")]
    pub layers: Vec<LayerPlan>,
    /// Points of failure (INV.4).
    pub points: Words,
    /// Kinds of recent change (INV.3).
    pub changes: Words,
    /// What is no root cause (INV.1).
    pub refused: Refused,
}

/// One layer, or another set of questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPlan {
    /// `retrieval`.
    pub id: String,
    /// In words.
    pub title: String,
    /// It is walked in order: passing it over is shown.
    #[serde(default)]
    pub ordered: bool,
    /// What is asked there.
    pub questions: Vec<Question>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// `stale-source`, unique within its layer.
    pub id: String,
    /// In words.
    pub text: String,
}

/// A closed list of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// In order.
    pub list: Vec<String>,
}

impl Words {
    /// The word as the list spells it, case aside.
    pub fn find(&self, word: &str) -> Option<&str> {
        self.list.iter().find(|known| known.eq_ignore_ascii_case(word.trim())).map(String::as_str)
    }
}

/// Phrases that name no control that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Matched by whole words, case aside.
    pub phrases: Vec<String>,
    /// What to write instead.
    pub instead: String,
}

impl LayersPlan {
    /// A layer by id.
    pub fn layer(&self, id: &str) -> Option<&LayerPlan> {
        self.layers.iter().find(|layer| layer.id.eq_ignore_ascii_case(id.trim()))
    }

    /// Whether what it holds can be told apart.
    pub(super) fn check(&self) -> Result<(), RunbookError> {
        let says = |what: String| Err(wrong("layers.toml", None, what));
        if !self.layers.iter().any(|layer| layer.ordered) {
            return says("no layer is `ordered`: an investigation needs at least one".into());
        }
        for (at, layer) in self.layers.iter().enumerate() {
            if self.layers[..at].iter().any(|before| before.id == layer.id) {
                return says(format!("layer {:?} stands there twice", layer.id));
            }
            for (place, question) in layer.questions.iter().enumerate() {
                if layer.questions[..place].iter().any(|before| before.id == question.id) {
                    return says(format!("layer {} has two questions {:?}", layer.id, question.id));
                }
            }
        }
        if self.points.list.is_empty() || self.changes.list.is_empty() {
            return says("points and changes need at least one word each".into());
        }
        Ok(())
    }
}
