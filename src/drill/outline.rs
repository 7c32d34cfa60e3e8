//! A recording's outline as a facilitator reads it: what comes when, bursts in a line, and what it harms (DRL.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Harm,
    recording::{Item, Moment, Recording},
};
use crate::terms::words;

/// The most lines that an outline has.
const LINES: usize = 2_000;

words! {
    /// What a line of an outline is.
    Passage, "a passage" {
        /// Agents act.
        Action = "action",
        /// Somebody could have noticed.
        Signal = "signal",
        /// Somebody is paged.
        Page = "page",
        /// Somebody outside says something.
        Report = "report",
        /// What it leads to.
        Consequence = "consequence",
        /// A text for the facilitator.
        Hint = "hint",
    }
}

/// One line of an outline. Its words may be agent-written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutlineLine {
    /// Second of the recording, from its zero.
    pub at_s: f64,
    /// The second of its last action, where it is a burst.
    pub until_s: f64,
    /// What it is.
    pub kind: Passage,
    /// In words.
    pub text: String,
    /// Actions in it.
    pub actions: u64,
    /// What it harms where nobody stops it.
    pub harm: Harm,
    /// A page that nobody hears.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deaf: bool,
}

/// What a facilitator sees of a recording, and participants never do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outline {
    /// In a line.
    pub title: String,
    /// Which kind of documented incident it follows.
    pub modelled_on: Option<String>,
    /// What of it was set by whoever made the recording.
    pub set: Option<String>,
    /// Seconds from its zero to its last moment.
    pub length_s: f64,
    /// In order of time.
    pub lines: Vec<OutlineLine>,
}

impl Outline {
    /// Of a recording: actions of one agent by one tool that follow each other are one line.
    pub fn of(recording: &Recording) -> Self {
        let length_s = recording.length_s();
        let mut lines: Vec<OutlineLine> =
            recording.moments.iter().map(|moment| line(moment, recording.second(moment.at))).collect();
        lines = joined(lines, |one, other| one.text == other.text);
        if lines.len() > LINES {
            // Too many turns to read: what comes within one slice of the whole is one line.
            let slice = |at_s: f64| (at_s / length_s.max(1.0) * LINES as f64 / 2.0) as u64;
            lines = joined(lines, |one, other| slice(one.at_s) == slice(other.at_s));
        }
        let hints = recording.hints.iter().map(|hint| {
            let at_s = recording.second(hint.at);
            let text = hint.text.clone();
            OutlineLine { at_s, until_s: at_s, kind: Passage::Hint, text, actions: 0, harm: Harm::NONE, deaf: false }
        });
        lines.extend(hints);
        lines.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        let (title, modelled_on, set) = (recording.title.clone(), recording.modelled_on.clone(), recording.set.clone());
        Self { title, modelled_on, set, length_s, lines }
    }

    /// What history had harmed by then: a burst that is under way counts by the share of it that passed.
    pub fn harm_by(&self, at_s: f64) -> Harm {
        let begun = self.lines.iter().take_while(|line| line.at_s <= at_s);
        begun.map(|line| if line.until_s <= at_s { line.harm } else { line.share(at_s) }).sum()
    }

    /// The line that is played at a second, or was last.
    pub fn line_at(&self, at_s: f64) -> Option<usize> {
        self.lines.partition_point(|line| line.at_s <= at_s).checked_sub(1)
    }
}

impl OutlineLine {
    fn share(&self, at_s: f64) -> Harm {
        let share = ((at_s - self.at_s) / (self.until_s - self.at_s)).clamp(0.0, 1.0);
        let of = |count: u64| (count as f64 * share) as u64;
        let Harm { records, money_usd, people, messages } = self.harm;
        let money_usd = crate::terms::NanoUsd::from_usd(money_usd.usd() * share).unwrap_or_default();
        Harm { records: of(records), money_usd, people: of(people), messages: of(messages) }
    }
}

fn line(moment: &Moment, at_s: f64) -> OutlineLine {
    let of = |kind, text: String, actions, deaf| OutlineLine {
        at_s,
        until_s: at_s,
        kind,
        text,
        actions,
        harm: moment.harm,
        deaf,
    };
    match &moment.item {
        Item::Action(action) => {
            let tool = action.tool.as_ref().map(ToString::to_string).or_else(|| action.endpoint.clone());
            of(Passage::Action, format!("{} {}", action.agent, tool.unwrap_or_default()), 1, false)
        }
        Item::Mark(mark) => {
            let kind = mark.mark.as_str().parse().unwrap_or(Passage::Signal);
            of(kind, mark.text.clone(), 0, mark.deaf)
        }
    }
}

/// Neighbouring lines of actions as one, where they are `alike`.
fn joined(lines: Vec<OutlineLine>, alike: impl Fn(&OutlineLine, &OutlineLine) -> bool) -> Vec<OutlineLine> {
    let mut all: Vec<(OutlineLine, BTreeSet<String>)> = Vec::new();
    for line in lines {
        match all.last_mut() {
            Some((last, texts))
                if last.kind == Passage::Action && line.kind == Passage::Action && alike(last, &line) =>
            {
                (last.until_s, last.actions, last.harm) =
                    (line.until_s, last.actions + line.actions, last.harm + line.harm);
                if texts.len() < 3 {
                    texts.insert(line.text);
                }
            }
            _ => {
                let text = line.text.clone();
                all.push((line, BTreeSet::from([text])));
            }
        }
    }
    let named = |(line, texts): (OutlineLine, BTreeSet<String>)| OutlineLine {
        text: texts.into_iter().collect::<Vec<_>>().join(", "),
        ..line
    };
    all.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::shipped;

    const TEXT: &str = r#"{"andon_recording":1,"title":"T","starts":"2026-03-02T14:00:00Z","hints":[{"at":"2026-03-02T14:02:00Z","text":"ask who is told"}]}
{"repeat":{"times":11,"every_s":10},"action":{"agent":"a","tool":"x","at":"2026-03-02T14:01:00Z","harm":{"people":2}}}
{"mark":"page","at":"2026-03-02T14:03:00Z","text":"paged","deaf":true}
{"agent":"a","tool":"x","at":"2026-03-02T14:04:00Z","harm":{"people":5}}"#;

    /// DRL.1: a burst is a line; hints stand where they help; history's harm is known for every second of it.
    #[test]
    fn an_outline_is_read_in_lines() {
        let outline = Outline::of(&Recording::parse(TEXT).unwrap());
        let told: Vec<_> =
            outline.lines.iter().map(|line| (line.at_s, line.until_s, line.kind, line.actions, line.deaf)).collect();
        assert_eq!(
            told,
            [
                (60.0, 160.0, Passage::Action, 11, false),
                (120.0, 120.0, Passage::Hint, 0, false),
                (180.0, 180.0, Passage::Page, 0, true),
                (240.0, 240.0, Passage::Action, 1, false),
            ]
        );
        assert_eq!((outline.length_s, outline.lines[0].text.as_str()), (240.0, "a x"));
        let people: Vec<u64> = [0.0, 60.0, 110.0, 160.0, 239.0, 240.0].map(|at_s| outline.harm_by(at_s).people).into();
        assert_eq!(people, [0, 0, 11, 22, 22, 27]);
        assert_eq!((outline.line_at(59.0), outline.line_at(60.0), outline.line_at(1e9)), (None, Some(0), Some(3)));
    }

    /// DRL.1: whatever is played, its outline is short enough to be sent and read.
    #[test]
    fn a_long_outline_is_read_in_slices() {
        let mut text = String::from("{\"andon_recording\":1,\"title\":\"T\",\"starts\":\"2026-03-02T14:00:00Z\"}\n");
        for number in 0..9_000 {
            let (minute, second, milli) = (number / 600, number / 10 % 60, number % 10);
            let tool = if number % 2 == 0 { "x" } else { "y" };
            text += &format!(
                "{{\"agent\":\"a\",\"tool\":\"{tool}\",\"at\":\"2026-03-02T14:{minute:02}:{second:02}.{milli}00Z\",\"harm\":{{\"records\":1}}}}\n"
            );
        }
        let outline = Outline::of(&Recording::parse(&text).unwrap());
        assert!(outline.lines.len() <= LINES, "{}", outline.lines.len());
        assert_eq!(outline.lines.iter().map(|line| line.actions).sum::<u64>(), 9_000);
        assert_eq!(outline.harm_by(1e9).records, 9_000);
        assert_eq!(outline.lines[5].text, "a x, a y");
    }

    /// DRL.2: of every shipped recording a facilitator sees the whole: its harm is its lines' harm.
    #[test]
    fn every_shipped_outline_holds_its_harm() {
        for (name, _) in crate::drill::SHIPPED {
            let recording = shipped(name).unwrap();
            let outline = Outline::of(&recording);
            assert_eq!(outline.harm_by(f64::INFINITY), recording.harm(), "{name}");
            assert!(outline.lines.len() > 2 && outline.length_s > 0.0, "{name}");
        }
    }
}
