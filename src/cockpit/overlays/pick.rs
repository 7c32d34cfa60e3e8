//! One of many, found by typing: the palette, incidents, worlds, audiences, drills.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    Frame,
    text::{Line, Span},
};

use super::window;
use crate::{
    cockpit::{commands::Do, input::Input, model::Model, text, theme::Role},
    terms::{AgentId, DrillId, IncidentId},
};

/// What taking an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Does a command.
    Do(Do),
    /// Shows an incident.
    Incident(IncidentId),
    /// Enters a world.
    World(Option<DrillId>),
    /// Begins a draft for an audience.
    Audience(IncidentId, String),
    /// Plays a drill.
    Drill(String),
    /// Opens an agent's page.
    Agent(AgentId),
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is matched and shown.
    pub label: String,
    /// More about it.
    pub doc: String,
    /// At the end of its line: keys, a status.
    pub mark: String,
    /// Why it cannot be taken now.
    pub why_not: Option<String>,
    /// What taking it does.
    pub choice: Choice,
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// What is chosen.
    pub title: String,
    /// What to do when there is nothing.
    pub empty: String,
    /// What was typed.
    pub query: Input,
    /// All items.
    pub items: Vec<Item>,
    /// Which of them match, best first.
    pub shown: Vec<usize>,
    /// Which of the shown is selected.
    pub at: usize,
}

impl Pick {
    /// A list, everything shown.
    pub fn new(title: impl Into<String>, empty: impl Into<String>, items: Vec<Item>) -> Self {
        let shown = (0..items.len()).collect();
        Self { title: title.into(), empty: empty.into(), query: Input::default(), items, shown, at: 0 }
    }

    /// Matches what was typed anew.
    pub fn search(&mut self) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.query.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut scored: Vec<(u32, usize)> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let text = format!("{} {} {}", item.label, item.doc, item.mark);
                let score = pattern.score(Utf32Str::new(&text, &mut Vec::new()), &mut matcher)?;
                Some((score, at))
            })
            .collect();
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.shown = scored.into_iter().map(|(_, at)| at).collect();
        self.at = 0;
    }

    /// Takes a key that is no command: text to search for.
    pub fn key(&mut self, key: crossterm::event::KeyEvent) {
        if self.query.key(key) {
            self.search();
        }
    }

    /// The selected item.
    pub fn item(&self) -> Option<&Item> {
        self.items.get(*self.shown.get(self.at)?)
    }

    /// Another item, round and round.
    pub fn turn(&mut self, by: isize) {
        let all = self.shown.len().max(1) as isize;
        self.at = (self.at as isize + by).rem_euclid(all) as usize;
    }
}

/// Draws it.
pub fn draw(model: &Model, pick: &Pick, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let rows = u16::try_from(pick.shown.len().max(1)).unwrap_or(u16::MAX).saturating_add(4);
    let Some(area) = window::open(model, frame, &pick.title, (84, rows.min(24))) else { return };
    let (left, right) = pick.query.halves();
    let typed = Line::from(vec![
        Span::styled("› ", theme.style(Role::Key)),
        Span::raw(text::cut(left, usize::from(area.width).saturating_sub(4))),
        Span::styled(right.chars().next().unwrap_or(' ').to_string(), theme.style(Role::Selected)),
        Span::raw(text::cut(right.get(1..).unwrap_or_default(), 40)),
    ]);
    window::put(frame, area, 0, typed);
    let height = usize::from(area.height.saturating_sub(2));
    if pick.shown.is_empty() {
        window::put(frame, area, 1, Line::styled(pick.empty.clone(), theme.style(Role::Dim)));
    }
    let top = pick.at.saturating_sub(height.saturating_sub(1));
    for (y, at) in pick.shown.iter().skip(top).take(height).enumerate() {
        let Some(item) = pick.items.get(*at) else { continue };
        let off = item.why_not.is_some();
        let role = if off { Role::Dim } else { Role::Strong };
        let doc = item.why_not.as_ref().map_or(item.doc.clone(), |why| format!("not now: {why}"));
        let columns = usize::from(area.width);
        let left = vec![
            Span::styled(format!("{:<20} ", text::cut(&item.label, 40)), theme.style(role)),
            Span::styled(text::cut(&doc, columns), if off { theme.style(Role::Dim) } else { Default::default() }),
        ];
        let right = Line::styled(text::cut(&item.mark, 24), theme.style(Role::Key));
        let line = text::ends(Line::from(left), right, columns);
        let line = if top + y == pick.at { line.patch_style(theme.style(Role::Selected)) } else { line };
        window::put(frame, area, y as u16 + 1, line);
    }
    let hint = window::hint(model, &[Do::Choose, Do::PickDown, Do::PickUp, Do::CancelPick]);
    window::put(frame, area, area.height.saturating_sub(1), hint);
}
