//! Drills: as the log has them, a facilitator's hand on them (DRL.1), and what they came to: harm done and prevented, counted
//! while simulated agents act or are stopped (DRL.3).

mod armed;
mod course;
mod harm;
mod id;
mod played;
mod steer;
mod take;
mod told;

pub use armed::ArmedProof;
pub use course::{Course, Playhead, Target};
pub use harm::Harm;
pub use id::event_id;
pub use played::{HarmCount, Played};
pub use steer::{LONGEST_CUT, SPEEDS, Steer, Steered};
pub use take::{Drill, GoesOn, SelfNote};
pub use told::{Rewound, Told, Word};
