//! A large recording: every line is checked once, and what harms nothing is read again only when it is played.
//!
//! The index is small and is kept beside the text by whoever keeps that: with it a recording of a million actions is open in the
//! time it takes to read the file.

use std::sync::Arc;

use super::{
    parse::{Reading, RecordingError, header_of, is_header, numbered},
    recording::{Moment, Recording},
};
use crate::terms::Time;

/// What an index begins with; another version is made anew.
const MAGIC: &[u8; 8] = b"andonix1";
/// Bytes of an entry.
const ENTRY: usize = 24;
/// Marks a number that is a line of the text.
const LINE: u32 = 1 << 31;

/// A line that is an action after the start and harms nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at_ms: i64,
    start: u64,
    bytes: u32,
    line: u32,
}

/// A line that is held whole: the header, a mark, what harms, what stands for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whole {
    line: usize,
    start: usize,
    bytes: usize,
    header: bool,
}

/// Lines of a recording that are read when they are played, and the order of all that happens in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    text: Arc<str>,
    entries: Vec<Entry>,
    /// Which moment or entry comes as the how-manieth.
    order: Vec<u32>,
}

impl Kept {
    /// How many things happen after the start.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// When the `number`th happens; `moments` are those that are held whole.
    pub(super) fn at(&self, number: usize, moments: &[Moment]) -> Option<Time> {
        let place = *self.order.get(number)?;
        match place & LINE {
            0 => moments.get(place as usize).map(|moment| moment.at),
            _ => self.entries.get((place ^ LINE) as usize).map(|entry| Time::from_millis(entry.at_ms)),
        }
    }

    /// What the `number`th is.
    pub(super) fn moment(&self, number: usize, moments: &[Moment]) -> Option<Moment> {
        let place = *self.order.get(number)?;
        if place & LINE == 0 {
            return moments.get(place as usize).cloned();
        }
        let entry = self.entries.get((place ^ LINE) as usize)?;
        let start = usize::try_from(entry.start).ok()?;
        let line = self.text.get(start..start + entry.bytes as usize)?;
        let mut reading = Reading::default();
        reading.line(line).ok()?;
        reading.moments.pop().map(|(_, moment)| moment)
    }
}

impl Recording {
    /// Reads and checks a recording like [`Recording::parse`]; of what harms nothing only its place is held. Also the index,
    /// with which it is opened again.
    ///
    /// # Errors
    /// Names the line that does not read.
    pub fn indexed(text: Arc<str>) -> Result<(Self, Vec<u8>), RecordingError> {
        let mut eager = Vec::new();
        let mut entries = Vec::new();
        let mut probe = Reading::default();
        for (number, (line, start, trimmed)) in numbered(&text).enumerate() {
            let whole = |header| Whole { line, start, bytes: trimmed.len(), header };
            if number == 0 && is_header(trimmed) {
                let header = header_of(trimmed).map_err(|why| RecordingError::Line { line, why })?;
                probe.zero = Some(header.starts);
                eager.push(whole(true));
                continue;
            }
            probe.line(trimmed).map_err(|why| RecordingError::Line { line, why })?;
            let plain = probe.history.is_empty() && probe.moments.len() == 1;
            let kept = probe.moments.first().filter(|(_, moment)| plain && moment.is_harmless_action());
            match kept.map(|(_, moment)| moment.at) {
                Some(at) => entries.push(Entry {
                    at_ms: at.millis(),
                    start: start as u64,
                    bytes: u32::try_from(trimmed.len()).unwrap_or(u32::MAX),
                    line: u32::try_from(line).unwrap_or(LINE - 1),
                }),
                None => eager.push(whole(false)),
            }
            probe.let_go();
        }
        entries.sort_by_key(|entry| (entry.at_ms, entry.line));
        let index = written(text.len(), &eager, &entries);
        Ok((Self::opened(text, &eager, entries, Some(&probe))?, index))
    }

    /// Opens a recording that was indexed before; `None` where the index is not of this text, or of another version.
    pub fn with_index(text: Arc<str>, index: &[u8]) -> Option<Self> {
        let (eager, entries) = read(text.len(), index)?;
        let within = |start: usize, bytes: usize| text.get(start..start.checked_add(bytes)?).map(drop);
        eager.iter().try_for_each(|whole| within(whole.start, whole.bytes))?;
        entries.iter().try_for_each(|entry| within(usize::try_from(entry.start).ok()?, entry.bytes as usize))?;
        Self::opened(text, &eager, entries, None).ok()
    }

    /// Lines that are held whole are read as ever; the others join them in order of time, then of the file.
    fn opened(
        text: Arc<str>,
        eager: &[Whole],
        entries: Vec<Entry>,
        probe: Option<&Reading>,
    ) -> Result<Self, RecordingError> {
        let mut reading = Reading::knowing(probe.and_then(|probe| probe.acted.clone()));
        let mut header = None;
        for &Whole { line, start, bytes, header: heads } in eager {
            let wrong = |why| RecordingError::Line { line, why };
            let part = text.get(start..start + bytes).unwrap_or_default();
            if heads {
                let read = header_of(part).map_err(wrong)?;
                reading.zero = Some(read.starts);
                if probe.is_none() {
                    // Who acts was looked at when the index was made.
                    reading.acted = Some(read.conduct.keys().cloned().collect());
                }
                header = Some((line, read));
            } else {
                reading.at_line(line).line(part).map_err(wrong)?;
            }
        }
        let first = entries.first().map(|entry| Time::from_millis(entry.at_ms));
        let (mut recording, lines) = reading.finish(header, first)?;
        let mut order = Vec::with_capacity(recording.moments.len() + entries.len());
        let (mut whole, mut kept) = (0, 0);
        while whole < recording.moments.len() || kept < entries.len() {
            let next = recording.moments.get(whole).map(|moment| (moment.at.millis(), lines[whole]));
            let line = entries.get(kept).map(|entry| (entry.at_ms, entry.line as usize));
            // An absent one comes last.
            if line.is_none() || next.is_some() && next <= line {
                order.push(u32::try_from(whole).unwrap_or(LINE - 1));
                whole += 1;
            } else {
                order.push(u32::try_from(kept).unwrap_or(LINE - 1) | LINE);
                kept += 1;
            }
        }
        recording.kept = Some(Arc::new(Kept { text, entries, order }));
        Ok(recording)
    }
}

fn written(text: usize, eager: &[Whole], entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + (eager.len() + entries.len()) * ENTRY);
    out.extend_from_slice(MAGIC);
    for count in [text, eager.len(), entries.len()] {
        out.extend_from_slice(&(count as u64).to_le_bytes());
    }
    let mut put = |at_ms: i64, start: u64, bytes: u32, line: u32| {
        out.extend_from_slice(&at_ms.to_le_bytes());
        out.extend_from_slice(&start.to_le_bytes());
        out.extend_from_slice(&bytes.to_le_bytes());
        out.extend_from_slice(&line.to_le_bytes());
    };
    for Whole { line, start, bytes, header } in eager {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        put(i64::from(*header), *start as u64, short(*bytes), short(*line));
    }
    entries.iter().for_each(|entry| put(entry.at_ms, entry.start, entry.bytes, entry.line));
    out
}

fn read(text: usize, index: &[u8]) -> Option<(Vec<Whole>, Vec<Entry>)> {
    let rest = index.strip_prefix(MAGIC)?;
    let (head, rest) = rest.split_at_checked(24)?;
    let mut counts = head.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    let (of, eager, kept) = (counts.next()?, counts.next()?, counts.next()?);
    let whole = usize::try_from(eager.checked_add(kept)?).ok()?.checked_mul(ENTRY)?;
    if of != text as u64 || rest.len() != whole {
        return None;
    }
    let mut entries = Vec::with_capacity(whole / ENTRY);
    for chunk in rest.as_chunks::<ENTRY>().0 {
        let long = |at: usize| chunk.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        let short = |at: usize| chunk.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        entries.push(Entry { at_ms: long(0)?.cast_signed(), start: long(8)?, bytes: short(16)?, line: short(20)? });
    }
    let kept = entries.split_off(usize::try_from(eager).ok()?);
    let eager = entries.iter().map(|entry| {
        let (line, bytes, header) = (entry.line as usize, entry.bytes as usize, entry.at_ms == 1);
        Some(Whole { line, start: usize::try_from(entry.start).ok()?, bytes, header })
    });
    Some((eager.collect::<Option<Vec<Whole>>>()?, kept))
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
