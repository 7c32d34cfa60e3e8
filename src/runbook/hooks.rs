//! Where the log's events go as they happen, by type, as data (TEAM.12).

use serde::{Deserialize, Serialize};

use super::{RunbookError, nearest, read::wrong};
use crate::incident::Fact;

/// One webhook, and the events it wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Its name, unique: how far it is, is kept by it.
    pub name: String,
    /// Where to.
    pub url: String,
    /// The file with its `whsec_` secret.
    pub secret_file: String,
    /// Types as the log spells them; one that ends in `*` is every type that begins so.
    pub events: Vec<String>,
    /// How long one try may take, seconds.
    #[serde(default = "timeout")]
    pub timeout_s: u64,
    /// Its host may be link-local, where clouds keep credentials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_link_local: bool,
}

fn timeout() -> u64 {
    20
}

/// Whether `pattern` names `kind`.
fn names(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |start| kind.starts_with(start))
}

impl Hook {
    /// Whether it wants events of this type.
    pub fn wants(&self, kind: &str) -> bool {
        self.events.iter().any(|pattern| names(pattern, kind))
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HooksText {
    #[serde(default)]
    hook: Vec<Hook>,
}

impl HooksText {
    /// The hooks, each whole, for types there are.
    pub(super) fn whole(self, file: &str) -> Result<Vec<Hook>, RunbookError> {
        let kinds = Fact::kinds();
        for (at, hook) in self.hook.iter().enumerate() {
            let no = |what: String| Err(wrong(file, None, format!("hook {:?} {what}", hook.name)));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if hook.name.is_empty() || !hook.name.chars().all(plain) {
                return no("needs a name of small letters, digits and dashes".into());
            }
            if self.hook[..at].iter().any(|before| before.name == hook.name) {
                return no("stands twice".into());
            }
            if !(hook.url.starts_with("https://") || hook.url.starts_with("http://")) {
                return no(format!("calls {:?}, which is no http(s) URL", hook.url));
            }
            if !(1..=600).contains(&hook.timeout_s) {
                return no("has a timeout_s outside of 1 to 600".into());
            }
            if hook.events.is_empty() {
                return no("wants no events: name their types, or \"*\"".into());
            }
            let nothing = |pattern: &&String| !kinds.iter().any(|kind| names(pattern, kind));
            if let Some(pattern) = hook.events.iter().find(nothing) {
                let hint = nearest(pattern.trim_end_matches('*'), kinds.iter().map(String::as_str));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return no(format!("wants {pattern:?}, which is no type of event{hint}"));
            }
        }
        Ok(self.hook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Runbook;

    fn read(text: &str) -> Result<Vec<Hook>, String> {
        let texts = [("hooks.toml".to_owned(), text.to_owned())].into();
        Runbook::from_texts(&texts).map(|runbook| runbook.hooks).map_err(|why| why.to_string())
    }

    /// TEAM.12: types are spelt as the log spells them, a star stands for the rest.
    #[test]
    fn a_hook_wants_what_it_names() {
        assert!(Runbook::shipped().hooks.is_empty());
        let kinds = Fact::kinds();
        assert!(kinds.len() > 80 && kinds.contains(&"incident-declared".to_owned()), "{kinds:?}");
        let hook = |events: &str| {
            read(&format!("[[hook]]\nname = 'a'\nurl = 'https://x'\nsecret_file = 's'\nevents = [{events}]\n"))
        };
        let some = hook("'severity-set', 'incident-*'").unwrap().remove(0);
        assert!(some.wants("severity-set") && some.wants("incident-declared") && !some.wants("note-added"));
        assert!(hook("'*'").unwrap()[0].wants("note-added"));
        for (events, says) in [
            ("'severity-sett'", "did you mean severity-set?"),
            ("'severty-*'", "no type of event"),
            ("", "wants no events"),
            ("'*']\nurl = [''", "url"),
        ] {
            let why = hook(events).unwrap_err();
            assert!(why.contains("hooks.toml") && why.contains(says), "{events}: {why}");
        }
        let text = crate::runbook::SHIPPED.iter().find(|(name, _)| *name == "hooks.toml").unwrap().1;
        let example: String = text
            .lines()
            .skip_while(|line| !line.starts_with("# [[hook]]"))
            .map(|line| format!("{}\n", line.trim_start_matches("# ").trim_start_matches('#')))
            .collect();
        assert_eq!(read(&example).unwrap().len(), 1, "the example reads");
    }
}
