//! A draft that several people write at once (COM.5): each cockpit writes in a manuscript of its own, and those that took the same
//! edits read the same, in whatever order these came. The merging is a library's (Yjs's algorithm); what an edit may hold, and
//! how one is told in plain text, is settled here.

mod check;
mod edit;
mod manuscript;
#[cfg(test)]
mod tests;

pub use edit::{Edit, Splice, Unreadable, Written};
pub use manuscript::{Manuscript, Place, edit_to, with};
