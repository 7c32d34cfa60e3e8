//! Communication: drafts filled from the incident, rendered from templates, checked for words that say nothing (COM).

mod contradiction;
mod draft;
mod fact;
mod fill;
mod hidden;
mod known;
mod ledger;
mod lint;
mod missing;
mod promise;
mod regulatory;
mod render;
mod state;
mod words;
pub mod writing;

pub use contradiction::{Contradiction, contradictions};
pub use draft::{Draft, Fields, Sent};
pub use fact::{Agreement, DeliveryStep, Sending};
pub use fill::fill;
pub use hidden::{Hidden, forbidden};
pub use known::Subject;
pub use ledger::{Contradicting, Duty, Row, Statement, Told, ledger};
pub use lint::{Finding, FindingKind, Linter, Place, has_gap, lint, says};
pub use promise::{FORMS, Promise, is_last, is_relative};
pub use regulatory::{RegulatoryClock, RegulatoryZero, reported};
pub use render::{Message, VARIABLES, render};
pub use state::{Agreed, Attempt, Communication, Delivery, DeliveryState};
