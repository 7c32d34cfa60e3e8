//! When to draw: when something changed, at most every 33 ms, the first change after a pause at once.

use std::time::{Duration, Instant};

/// The shortest time between two frames.
pub const FRAME: Duration = Duration::from_millis(33);

/// Keeps the pace.
#[derive(Debug, Default)]
pub struct Pace {
    dirty: bool,
    drawn_at: Option<Instant>,
}

impl Pace {
    /// Something changed.
    pub fn touch(&mut self) {
        self.dirty = true;
    }

    /// When the next frame is due; `None` while nothing changed.
    pub fn due_at(&self, now: Instant) -> Option<Instant> {
        self.dirty.then(|| self.drawn_at.map_or(now, |drawn| (drawn + FRAME).max(now)))
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Instant) {
        self.dirty = false;
        self.drawn_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_drawn_at_once_and_bursts_are_joined() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.due_at(start), None, "an idle screen is left alone");
        pace.touch();
        assert_eq!(pace.due_at(start), Some(start));
        pace.drawn(start);
        pace.touch();
        let soon = start + Duration::from_millis(5);
        assert_eq!(pace.due_at(soon), Some(start + FRAME));
        let later = start + Duration::from_secs(1);
        assert_eq!(pace.due_at(later), Some(later));
    }
}
