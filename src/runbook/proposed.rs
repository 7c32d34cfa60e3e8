//! Tripwires as somebody proposes them: texts in the place of those in force (PM.3, DET.8).

use std::collections::BTreeMap;

use super::{Runbook, RunbookError, TripwirePlan, read::wrong};

impl TripwirePlan {
    /// Files that hold tripwires.
    pub const FILES: [&str; 2] = ["tripwires.toml", "rules.toml"];

    /// What `texts` say, by file name, and what is in force where none is given.
    ///
    /// # Errors
    /// Names the text that does not read, or that holds no tripwires.
    pub fn proposed(&self, texts: &BTreeMap<String, String>) -> Result<Self, RunbookError> {
        let give = || format!("give {}", Self::FILES.join(" or "));
        if let Some(other) = texts.keys().find(|name| !Self::FILES.contains(&name.as_str())) {
            let given: String = other.chars().take(60).collect();
            return Err(wrong(&given, None, format!("holds no tripwires: {}", give())));
        }
        if texts.is_empty() {
            return Err(wrong(Self::FILES[0], None, format!("nothing is proposed: {}", give())));
        }
        let read = Runbook::from_texts(texts)?.tripwires;
        Ok(match Self::FILES.map(|file| texts.contains_key(file)) {
            [true, true] => read,
            [true, false] => Self { rules: self.rules.clone(), ..read },
            _ => Self { rules: read.rules, ..self.clone() },
        })
    }
}
