//! Checks of person-written text: bounded, not empty, with words that say the limit.

use super::dispatch::{Case, invalid};
use crate::{incident::Refusal, runbook::Scheme, terms::Time};

/// Longest title, in characters.
pub(super) const TITLE: usize = 200;
/// Longest reason, in characters.
pub(super) const REASON: usize = 2_000;
/// Longest note or draft field, in bytes.
pub(super) const TEXT: usize = 64 * 1024;
/// Longest message of a draft, in bytes.
pub(super) const BODY: usize = 1024 * 1024;

/// A title: one line, not empty.
pub(super) fn title(text: &str) -> Result<String, Refusal> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(invalid("a title is needed: what is wrong, in a line")),
        1..=TITLE => Ok(text),
        long => {
            Err(invalid(format!("the title has {long} characters; at most {TITLE} are taken, put the rest in a note")))
        }
    }
}

/// A name of something: one line, bounded.
pub(super) fn name(what: &str, text: &str) -> Result<String, Refusal> {
    title(text).map_err(|_| invalid(format!("{what} is a name in a line, of 1 to {TITLE} characters")))
}

/// A reason: not empty.
pub(super) fn reason(what: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(invalid(format!("a reason is needed to {what}"))),
        1..=REASON => Ok(text.to_owned()),
        long => Err(invalid(format!("the reason has {long} characters; at most {REASON} are taken"))),
    }
}

/// Free text, not empty.
pub(super) fn text(what: &str, text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(invalid(format!("{what} is empty")));
    }
    bounded(what, text)
}

/// Free text that may be empty.
pub(super) fn bounded(what: &str, text: &str) -> Result<String, Refusal> {
    if text.len() > TEXT {
        return Err(invalid(format!("{what} has {} bytes; at most {TEXT} are taken", text.len())));
    }
    Ok(text.to_owned())
}

/// A field of a draft; its message may be longer than the others.
pub(super) fn field(name: &str, text: &str) -> Result<(), Refusal> {
    let most = if name == "body" { BODY } else { TEXT };
    if text.len() > most {
        return Err(invalid(format!("{name} has {} bytes; at most {most} are taken", text.len())));
    }
    Ok(())
}

impl<'a> Case<'a> {
    /// A moment that is not in the future.
    pub fn past(&self, what: &str, at: Time) -> Result<Time, Refusal> {
        // A second of grace: the asker's clock may run ahead of the backend's.
        if at.since(self.context.now) > Time::SECOND {
            return Err(invalid(format!("{what} {at} lies in the future; it is {} now", self.context.now)));
        }
        Ok(at.min(self.context.now))
    }

    /// A scheme by id; the runbook's default where none is named.
    pub fn scheme(&self, id: Option<&str>) -> Result<&'a Scheme, Refusal> {
        let id = id.unwrap_or(&self.runbook.default_scheme);
        self.runbook.schemes.get(id).ok_or_else(|| {
            let known: Vec<&str> = self.runbook.schemes.keys().map(String::as_str).collect();
            invalid(format!("{id:?} is no severity scheme: one of {}", known.join(", ")))
        })
    }
}

/// A level of `scheme`, as the scheme spells it.
pub(super) fn level(scheme: &Scheme, id: &str) -> Result<String, Refusal> {
    scheme.level(id).map(|level| level.id.clone()).ok_or_else(|| {
        let known: Vec<&str> = scheme.levels.iter().map(|level| level.id.as_str()).collect();
        invalid(format!("{id:?} is no severity of {}: one of {}", scheme.title, known.join(", ")))
    })
}
