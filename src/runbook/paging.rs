//! Who is paged, and who next while nobody acknowledges (TEAM.3, TEAM.12).

use serde::{Deserialize, Serialize};

use super::{Channel, ChannelKind, RunbookError, nearest, read::wrong};

/// Longest time that an escalation may wait, in seconds.
const LONGEST_S: u64 = 86_400;

/// A queue that tripwires and rules page.
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
    /// So many seconds after the firing, while nobody acknowledged it.
    #[serde(default)]
    pub after_s: u64,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagingText {
    #[serde(default)]
    queue: Vec<Queue>,
}

impl PagingText {
    /// The queues, each whole, by channels there are.
    pub(super) fn whole(self, file: &str, channels: &[Channel]) -> Result<Vec<Queue>, RunbookError> {
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
        Ok(self.queue)
    }
}
