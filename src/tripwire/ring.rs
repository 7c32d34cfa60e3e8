//! Spend and calls by clock minute or clock hour: the newest `N` buckets, nothing older.

use serde::{Deserialize, Serialize};

/// `N` consecutive buckets that end at `head`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Sparse", try_from = "Sparse")]
pub(super) struct Ring<const N: usize> {
    head: i64,
    nanos: [i64; N],
    calls: [u32; N],
}

/// How a ring is kept: only the buckets that hold something.
#[derive(Serialize, Deserialize)]
struct Sparse {
    head: Option<i64>,
    held: Vec<(i64, i64, u32)>,
}

impl<const N: usize> Ring<N> {
    /// Far enough before 1970 that every bucket is newer.
    const NEVER: i64 = i64::MIN / 2;

    pub fn new() -> Self {
        Self { head: Self::NEVER, nanos: [0; N], calls: [0; N] }
    }

    fn slot(index: i64) -> usize {
        index.rem_euclid(N as i64) as usize
    }

    fn holds(&self, index: i64) -> bool {
        index <= self.head && index > self.head - N as i64
    }

    /// Moves on to bucket `index`, emptying those between; true when it moved.
    pub fn advance(&mut self, index: i64) -> bool {
        if index <= self.head {
            return false;
        }
        let fresh = (index - self.head).min(N as i64);
        for empty in (index - fresh + 1)..=index {
            self.nanos[Self::slot(empty)] = 0;
            self.calls[Self::slot(empty)] = 0;
        }
        self.head = index;
        true
    }

    /// Counts one call in a bucket that is still held; an older one is dropped.
    pub fn add(&mut self, index: i64, nanos: i64) {
        if self.holds(index) {
            let slot = Self::slot(index);
            self.nanos[slot] = self.nanos[slot].saturating_add(nanos);
            self.calls[slot] = self.calls[slot].saturating_add(1);
        }
    }

    /// Spend and calls of one bucket; nothing where it is not held.
    pub fn get(&self, index: i64) -> (i64, u32) {
        if self.holds(index) { (self.nanos[Self::slot(index)], self.calls[Self::slot(index)]) } else { (0, 0) }
    }

    /// Spend and calls of `first..=last`.
    pub fn sum(&self, first: i64, last: i64) -> (i64, u64) {
        (first..=last)
            .map(|index| self.get(index))
            .fold((0, 0), |(nanos, calls), (more, also)| (nanos.saturating_add(more), calls + u64::from(also)))
    }
}

impl<const N: usize> From<Ring<N>> for Sparse {
    fn from(ring: Ring<N>) -> Self {
        if ring.head == Ring::<N>::NEVER {
            return Self { head: None, held: Vec::new() };
        }
        let first = ring.head - N as i64 + 1;
        let held = (first..=ring.head)
            .map(|index| (index, ring.get(index)))
            .filter(|(_, held)| *held != (0, 0))
            .map(|(index, (nanos, calls))| (index, nanos, calls))
            .collect();
        Self { head: Some(ring.head), held }
    }
}

impl<const N: usize> TryFrom<Sparse> for Ring<N> {
    type Error = &'static str;

    fn try_from(sparse: Sparse) -> Result<Self, Self::Error> {
        let mut ring = Self::new();
        let Some(head) = sparse.head else { return Ok(ring) };
        // No clock minute of the years 1970-9999 is outside this.
        if !(0..=1 << 40).contains(&head) {
            return Err("a ring of buckets ends outside the years that can be written");
        }
        ring.advance(head);
        for (index, nanos, calls) in sparse.held {
            if !ring.holds(index) {
                return Err("a bucket lies outside its ring");
            }
            let slot = Self::slot(index);
            (ring.nanos[slot], ring.calls[slot]) = (nanos, calls);
        }
        Ok(ring)
    }
}
