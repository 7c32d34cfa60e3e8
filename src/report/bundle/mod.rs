//! The bundle: an incident's evidence in one file, written and checked in a stream (EVI.4).
//!
//! A tar in a zstd frame, read by `tar --zstd` like any other, and behind it a skippable frame with the SHA-256 of every
//! byte before it. `manifest.json` comes last and names every file with size and digest, so that nothing need be known
//! before it is written. Checking needs no backend and trusts nothing of the file: memory is bounded whatever it says.

mod check;
mod events;
mod format;
mod outer;
mod telemetry;
#[cfg(test)]
mod tests;
mod write;

pub use check::{Absence, Break, Report, verify};
pub use format::{Absent, FORMAT, FileLine, Head, Manifest, StreamHead, VERSION};
pub use write::{Writer, Written};
