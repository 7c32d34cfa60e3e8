//! The facilitator's console: what the recording holds, where it is played, which line is selected (DRL.1).

use super::model::Model;
use crate::{
    api::DrillPlace,
    drill::{Outline, Passage},
    incident::{Drill, drilled::SelfNote},
    terms::DrillId,
};

/// The console while it is open.
#[derive(Debug, Clone, Default)]
pub struct Console {
    /// What comes, once it was read.
    pub outline: Option<Outline>,
    /// Why it was not.
    pub wrong: Option<String>,
    /// The selected line; none follows the playhead.
    pub chosen: Option<Row>,
}

/// A line of the console, known by what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// One of the recording's.
    Line(usize),
    /// A note to self.
    Note(usize),
}

impl Console {
    /// The rows in order of the recording's time, each with its second; notes of no second come first.
    pub fn rows(&self, notes: &[SelfNote]) -> Vec<(f64, Row)> {
        let lines = self.outline.iter().flat_map(|outline| outline.lines.iter().enumerate());
        let lines = lines.map(|(at, line)| (line.at_s, Row::Line(at)));
        let notes = notes.iter().enumerate().map(|(at, note)| (note.at_s.unwrap_or(-1.0), Row::Note(at)));
        let mut rows: Vec<(f64, Row)> = lines.chain(notes).collect();
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        rows
    }
}

impl Model {
    /// The drill whose world is shown.
    pub fn take(&self) -> Option<&Drill> {
        self.state.as_ref()?.drills.iter().find(|take| Some(take.id) == self.world)
    }

    /// The same, where this person leads it.
    pub fn led(&self) -> Option<&Drill> {
        self.take().filter(|take| self.state.as_ref().is_some_and(|state| take.is_led_by(&state.you.name)))
    }

    /// How far the drill has come.
    pub fn place(&self) -> Option<DrillPlace> {
        self.state.as_ref()?.live.place
    }

    /// The second of the recording that is played now.
    pub fn second(&self) -> Option<f64> {
        let at_s = self.place()?.now_s(self.now.plus(self.skew_ms));
        let outline = self.console.as_ref().and_then(|console| console.outline.as_ref());
        Some(outline.map_or(at_s, |outline| at_s.min(outline.length_s)))
    }

    /// The row that is selected, or that the playhead is at; and its place among all.
    pub fn console_row(&self) -> Option<(usize, f64, Row)> {
        let console = self.console.as_ref()?;
        let rows = console.rows(self.take().map(|take| take.notes.as_slice()).unwrap_or_default());
        let now = self.second().unwrap_or_default();
        let at = match console.chosen {
            Some(row) => rows.iter().position(|(_, one)| *one == row)?,
            None => rows.partition_point(|(at_s, _)| *at_s <= now).saturating_sub(1),
        };
        rows.get(at).map(|(at_s, row)| (at, *at_s, *row))
    }

    /// Moves the console's selection.
    pub fn console_go(&mut self, by: i64) {
        let Some((at, ..)) = self.console_row() else { return };
        let notes = self.take().map(|take| take.notes.clone()).unwrap_or_default();
        let Some(console) = &mut self.console else { return };
        let rows = console.rows(&notes);
        let last = rows.len().saturating_sub(1) as i64;
        let to = (at as i64).saturating_add(by).clamp(0, last);
        console.chosen = rows.get(to as usize).map(|(_, row)| *row);
    }

    /// Which drill the console is about.
    pub fn directed(&self) -> Option<DrillId> {
        self.console.as_ref().and(self.world)
    }
}

/// A second of a recording: `0:42`, `12:30`, `1:02:30`; before its zero with a minus.
pub fn stamp(at_s: f64) -> String {
    let (sign, seconds) = (if at_s < 0.0 { "-" } else { "" }, at_s.abs().floor() as u64);
    match seconds / 3_600 {
        0 => format!("{sign}{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{sign}{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A second as somebody writes it: `750`, `12:30`, `1:02:30`.
///
/// # Errors
/// What is no such time.
pub fn read_stamp(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no moment of the recording: write 12:30, 1:02:30 or 750");
    let parts: Vec<f64> =
        text.split(':').map(|part| part.trim().parse::<f64>().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let rest = parts.iter().skip(1).all(|part| (0.0..60.0).contains(part));
    let first = parts.first().is_some_and(|first| (0.0..=1.0e9).contains(first));
    if !first || !rest || parts.len() > 3 {
        return Err(wrong());
    }
    Ok(parts.into_iter().fold(0.0, |sum, part| sum * 60.0 + part))
}

/// What a line of the outline is, in a word.
pub fn kind_word(kind: Passage, deaf: bool) -> &'static str {
    match kind {
        Passage::Action => "acts",
        Passage::Signal => "signal",
        Passage::Page if deaf => "deaf page",
        Passage::Page => "page",
        Passage::Report => "report",
        Passage::Consequence => "outcome",
        Passage::Hint => "hint",
    }
}

/// The next slower or faster of the speeds that keys step through.
pub fn next_speed(now: f64, up: bool) -> f64 {
    const SPEEDS: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 100.0, 200.0, 500.0, 1_000.0];
    let found = match up {
        true => SPEEDS.iter().find(|speed| **speed > now),
        false => SPEEDS.iter().rev().find(|speed| **speed < now),
    };
    found.copied().unwrap_or(if up { 1_000.0 } else { 0.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_it_is_written() {
        for (text, seconds) in [("0:42", 42.0), ("12:30", 750.0), ("1:02:30", 3_750.0), ("50:00:01", 180_001.0)] {
            assert_eq!((read_stamp(text).unwrap(), stamp(seconds).as_str()), (seconds, text));
        }
        assert_eq!(read_stamp("750").unwrap(), 750.0);
        assert_eq!(stamp(-30.2), "-0:30");
        for wrong in ["", "x", "1:60", "1:2:3:4", "-5", "1:-2", "inf", "NaN", "1e99"] {
            assert!(read_stamp(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn speeds_step_through_what_can_be_followed() {
        assert_eq!([next_speed(1.0, true), next_speed(60.0, false), next_speed(30.0, true)], [2.0, 20.0, 60.0]);
        assert_eq!([next_speed(1_000.0, true), next_speed(0.1, false)], [1_000.0, 0.1]);
    }
}
