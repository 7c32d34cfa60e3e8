//! Who is paged, and who next while nobody acknowledges (TEAM.3, TEAM.12).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Channel, ChannelKind, RunbookError, Scheme, nearest, read::wrong};

/// Longest time that an escalation may wait, in seconds.
const LONGEST_S: u64 = 86_400;

/// The queue of what names no other.
const ANY: &str = "*";
/// Levels that page where a team says nothing: the worst of the shipped schemes.
const WORST: [&str; 3] = ["SEV-1", "S1", "Critical"];
/// Levels of the shipped schemes: a team with levels of its own need not take them out.
const SHIPPED: [&str; 11] = ["SEV-1", "SEV-2", "SEV-3", "SEV-4", "S1", "S2", "S3", "Critical", "High", "Medium", "Low"];

/// Who is paged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagingPlan {
    /// By name.
    pub queues: Vec<Queue>,
    /// The queue that an incident pages by itself, by level.
    pub incidents: BTreeMap<String, String>,
}

impl PagingPlan {
    /// The queue that takes what names `name`.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        let named = |name: &str| self.queues.iter().find(|queue| queue.name == name);
        named(name).or_else(|| named(ANY))
    }

    /// The queue that an incident of `level` names, where one takes it.
    pub fn of_level(&self, level: &str) -> Option<&str> {
        let (_, name) = self.incidents.iter().find(|(known, _)| known.eq_ignore_ascii_case(level))?;
        self.queue(name).is_some().then_some(name)
    }
}

/// A queue that tripwires, rules and incidents page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// As `pages` names it; `*` takes what names no other.
    pub name: String,
    /// In order of their time.
    pub steps: Vec<PageStep>,
}

/// One way somebody of a queue is paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageStep {
    /// By which channel.
    pub channel: String,
    /// Whom; the channel's own where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The person it reaches, by login name: whoever declares an incident is not paged for it before the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// So many seconds after the firing, or the declaration, while nobody acknowledged.
    #[serde(default)]
    pub after_s: u64,
}

/// How long the others have where a queue ends sooner, in seconds.
const OTHERS_S: u64 = 300;

impl Queue {
    /// When the step is due for what `by` declared or raised: somebody is not asked to acknowledge their own word before
    /// everybody else was, and had time for it.
    pub fn after_s(&self, step: &PageStep, by: Option<&str>) -> u64 {
        if step.person.is_none() || step.person.as_deref() != by {
            return step.after_s;
        }
        let last = self.steps.last().map_or(0, |step| step.after_s);
        last.saturating_add(OTHERS_S)
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagingText {
    #[serde(default)]
    queue: Vec<Queue>,
    /// Absent, the worst levels page; empty, none does.
    incidents: Option<BTreeMap<String, String>>,
}

impl PagingText {
    /// The queues, each whole, by channels there are; and levels that page, each of a scheme there is.
    pub(super) fn whole(
        self,
        file: &str,
        channels: &[Channel],
        schemes: &BTreeMap<String, Scheme>,
    ) -> Result<PagingPlan, RunbookError> {
        for (at, queue) in self.queue.iter().enumerate() {
            let no = |what: String| Err(wrong(file, None, format!("queue {:?} {what}", queue.name)));
            if queue.name.trim().is_empty() || self.queue[..at].iter().any(|before| before.name == queue.name) {
                return no("needs a name of its own".into());
            }
            if queue.steps.is_empty() {
                return no("pages nobody: it needs a step".into());
            }
            if queue.steps.windows(2).any(|pair| pair[1].after_s < pair[0].after_s) {
                return no("has steps out of order: after_s goes up".into());
            }
            for step in &queue.steps {
                if step.after_s > LONGEST_S {
                    return no(format!("waits {} s; at most {LONGEST_S} are sense", step.after_s));
                }
                let known = channels.iter().find(|channel| channel.name == step.channel);
                match known.map(|channel| channel.kind) {
                    Some(ChannelKind::Copy) => {
                        return no(format!("pages by {:?}, which a person works by hand", step.channel));
                    }
                    Some(_) => {}
                    None => {
                        let hint = nearest(&step.channel, channels.iter().map(|channel| channel.name.as_str()));
                        let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                        return no(format!("pages by {:?}, which channels.toml does not have{hint}", step.channel));
                    }
                }
            }
        }
        let worst = || WORST.iter().map(|level| ((*level).to_owned(), ANY.to_owned())).collect();
        let incidents: BTreeMap<String, String> = self.incidents.unwrap_or_else(worst);
        let levels = || schemes.values().flat_map(|scheme| scheme.levels.iter().map(|level| level.id.as_str()));
        for (level, queue) in &incidents {
            let no = |what: String| Err(wrong(file, None, format!("incidents: {what}")));
            let known = |known: &str| known.eq_ignore_ascii_case(level);
            if !levels().chain(SHIPPED).any(known) {
                let hint = nearest(level, levels()).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return no(format!("{level:?} is no level of severity.toml{hint}"));
            }
            let named = |name: &str| self.queue.iter().any(|one| one.name == name);
            if !self.queue.is_empty() && !named(queue) && !named(ANY) {
                let hint = nearest(queue, self.queue.iter().map(|one| one.name.as_str()));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                // What a team did not write is not wrong for want of a queue.
                if queue != ANY {
                    return no(format!("{level} pages {queue:?}, which is no queue here{hint}"));
                }
            }
        }
        Ok(PagingPlan { queues: self.queue, incidents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Runbook;

    fn read(text: &str) -> Result<PagingPlan, String> {
        let channel = "[[channel]]\nname = 'duty'\nkind = 'command'\ncommand = ['true']\n";
        let texts = [("channels.toml", channel), ("paging.toml", text)];
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Runbook::from_texts(&texts).map(|runbook| runbook.paging).map_err(|why| why.to_string())
    }

    const ANYBODY: &str = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }]\n";

    /// TEAM.3: without a queue nothing pages; with one for everything the worst levels do, unless a team says otherwise.
    #[test]
    fn levels_page_the_queue_that_takes_them() {
        assert_eq!(Runbook::shipped().paging.of_level("SEV-1"), None, "no queue ships");
        let plan = read(ANYBODY).unwrap();
        assert_eq!((plan.of_level("sev-1"), plan.of_level("Critical")), (Some("*"), Some("*")));
        assert_eq!((plan.of_level("SEV-2"), plan.of_level("Low")), (None, None));
        let none = read(&format!("incidents = {{}}\n{ANYBODY}")).unwrap();
        assert_eq!(none.of_level("SEV-1"), None);
        let named = "[[queue]]\nname = 'rotation'\nsteps = [{ channel = 'duty' }]\n[incidents]\n'SEV-2' = 'rotation'\n";
        assert_eq!(read(named).unwrap().of_level("SEV-2"), Some("rotation"));
        for (text, says) in [
            (named.replace("SEV-2", "SEV-12"), "did you mean SEV-1?"),
            (named.replace("'SEV-2' = 'rotation'", "'SEV-2' = 'rotatoin'"), "did you mean rotation?"),
        ] {
            let why = read(&text).unwrap_err();
            assert!(why.contains("paging.toml") && why.contains(says), "{text}: {why}");
        }
    }

    /// TEAM.12: whoever declared it comes after everybody else.
    #[test]
    fn ones_own_page_comes_last() {
        let step = |person: Option<&str>, after_s| PageStep {
            channel: "duty".into(),
            to: None,
            person: person.map(str::to_owned),
            after_s,
        };
        let queue =
            Queue { name: "*".into(), steps: vec![step(Some("dana"), 0), step(None, 10), step(Some("lee"), 60)] };
        let due = |at: usize, by| queue.after_s(&queue.steps[at], by);
        assert_eq!([due(0, Some("dana")), due(1, Some("dana")), due(2, Some("dana"))], [360, 10, 60]);
        assert_eq!([due(0, None), due(2, Some("mo"))], [0, 60]);
    }
}
