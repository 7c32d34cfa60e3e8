//! A drill beside the course that its recording took when nobody stopped anything (DRL.3).

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Drill, drilled::HarmCount},
    terms::{Time, words},
};

words! {
    /// A moment by which a drill is held beside the historical course.
    Turn, "a turn" {
        /// Somebody knew.
        Known = "known",
        /// Nothing more was harmed.
        HarmEnds = "harm-ends",
    }
}

/// One such moment, in seconds of the recording after its zero; what never came is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Milestone {
    /// Which.
    pub turn: Turn,
    /// As it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course_s: Option<f64>,
    /// In the drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_s: Option<f64>,
    /// How much earlier it came in the drill; negative: later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gained_s: Option<f64>,
}

impl Milestone {
    fn new(turn: Turn, course_ms: Option<i64>, drill_ms: Option<i64>) -> Self {
        let s = |ms: Option<i64>| ms.map(|ms| ms as f64 / 1_000.0);
        let gained = course_ms.zip(drill_ms).map(|(course, drill)| course - drill);
        Self { turn, course_s: s(course_ms), drill_s: s(drill_ms), gained_s: s(gained) }
    }
}

/// Both moments. What the drill harmed last is known once its recording was played `whole`; a drill in which nothing was
/// harmed ended the harm where it would have begun.
pub(super) fn milestones(take: &Drill, harm: &HarmCount, known: Option<Time>, whole: bool) -> Vec<Milestone> {
    let course = &take.course;
    let known = known.and_then(|at| take.playhead.place_ms(at));
    let ends = harm.last_ms.or(course.harm_from_ms).filter(|_| whole);
    vec![
        Milestone::new(Turn::Known, course.known_ms, known),
        Milestone::new(Turn::HarmEnds, course.harm_to_ms, ends.filter(|_| course.harm_to_ms.is_some())),
    ]
}

/// Minutes of harm that did not come about.
pub(super) fn gained_min(milestones: &[Milestone]) -> Option<f64> {
    let ends = milestones.iter().find(|one| one.turn == Turn::HarmEnds)?;
    ends.gained_s.map(|gained| gained / 60.0)
}
