//! Where everything goes at a given size.

use ratatui::layout::Rect;

use super::model::{Model, Pane};

/// The smallest screen that is drawn; below it one line says so.
pub const SMALLEST: (u16, u16) = (36, 12);

/// Rows of the header.
const HEADER_ROWS: u16 = 2;

/// How much fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Less than [`SMALLEST`].
    TooSmall,
    /// A responder's split: one pane, no frame.
    Narrow,
    /// 80×24: a strip of the timeline, one pane with tabs.
    Middle,
    /// From 120×34: everything at once.
    Wide,
}

impl Size {
    /// The class of a screen.
    pub fn of(columns: u16, rows: u16) -> Self {
        match (columns, rows) {
            (columns, rows) if columns < SMALLEST.0 || rows < SMALLEST.1 => Self::TooSmall,
            (120.., 34..) => Self::Wide,
            (70.., 18..) => Self::Middle,
            _ => Self::Narrow,
        }
    }
}

/// The screen cut into places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Which class.
    pub size: Size,
    /// The header.
    pub header: Rect,
    /// The timeline in two rows, where it is no pane.
    pub strip: Option<Rect>,
    /// Names of the panes that are not shown.
    pub tabs: Option<Rect>,
    /// Panes that are shown, with their frames where [`Places::framed`].
    pub panes: Vec<(Pane, Rect)>,
    /// Panes have frames.
    pub framed: bool,
    /// The next clocks, where the header has no room for them.
    pub foot: Option<Rect>,
    /// Hints or the toast.
    pub hints: Rect,
}

fn row(area: Rect, y: u16, height: u16) -> Rect {
    Rect::new(area.x, area.y + y.min(area.height), area.width, height.min(area.height.saturating_sub(y)))
}

/// Cuts `area` for the model's panes.
pub fn places(model: &Model, area: Rect) -> Places {
    let size = Size::of(area.width, area.height);
    let alone = model.only.or(model.zoom.then_some(model.focus));
    let header = row(area, 0, HEADER_ROWS);
    let hints = row(area, area.height.saturating_sub(1), 1);
    let body = row(area, HEADER_ROWS, area.height.saturating_sub(HEADER_ROWS + 1));
    let mut places =
        Places { size, header, strip: None, tabs: None, panes: Vec::new(), framed: false, foot: None, hints };
    match (size, alone) {
        (Size::TooSmall, _) => {}
        (Size::Wide, None) => {
            places.panes = everything(body);
            for (pane, _) in &mut places.panes {
                *pane = model.showing(*pane);
            }
            places.framed = true;
        }
        (Size::Wide, Some(pane)) => {
            places.panes = vec![(pane, body)];
            places.framed = true;
        }
        (Size::Middle, alone) => {
            let strip = if model.only.is_some() { 0 } else { 2 };
            places.strip = (strip > 0).then(|| row(body, 0, 2));
            places.tabs = Some(row(body, strip, 1));
            let pane = alone.unwrap_or(model.focus);
            places.panes = vec![(pane, row(body, strip + 1, body.height.saturating_sub(strip + 1)))];
        }
        (Size::Narrow, alone) => {
            places.tabs = Some(row(body, 0, 1));
            let pane = alone.unwrap_or(model.focus);
            let foot = if body.height > 12 { 2 } else { 0 };
            places.foot = (foot > 0).then(|| row(body, body.height - foot, foot));
            places.panes = vec![(pane, row(body, 1, body.height.saturating_sub(1 + foot)))];
        }
    }
    places
}

/// Two columns, three rows; the wider column holds what is read, the other what is watched.
fn everything(body: Rect) -> Vec<(Pane, Rect)> {
    let left = body.width * 60 / 100;
    let top = (body.height * 30 / 100).max(9);
    let bottom = (body.height * 30 / 100).max(8);
    let middle = body.height.saturating_sub(top + bottom);
    let at = |x, y, width, height| Rect::new(body.x + x, body.y + y, width, height);
    let right = body.width - left;
    let watched = body.height / 3;
    vec![
        (Pane::Timeline, at(0, 0, left, top)),
        (Pane::Tripwires, at(left, 0, right, watched)),
        (Pane::Checklist, at(0, top, left, middle)),
        (Pane::Containment, at(left, watched, right, body.height.saturating_sub(2 * watched))),
        (Pane::Draft, at(0, top + middle, left, bottom)),
        (Pane::Evidence, at(left, body.height - watched, right, watched)),
    ]
}

/// Rows that a pane has for its list now: what a page is, and what keeps the selection on the screen.
pub fn list_height(model: &Model, pane: Pane) -> usize {
    let places = places(model, Rect::new(0, 0, model.size.0, model.size.1));
    let found = places.panes.iter().find(|(shown, _)| *shown == pane);
    let rows = found.map_or(1, |(_, area)| area.height.saturating_sub(if places.framed { 2 } else { 0 }));
    usize::from(rows.saturating_sub(super::panes::fixed_rows(pane))).max(1) / super::panes::row_height(pane)
}
