//! Outcome (DET.4): what a customer sees, without a real human review.

use super::rate::Met;
use crate::{runbook::TripwirePlan, telemetry::Artefact};

/// Met when customers see it and its review is absent, says no seconds, or took under the limit.
pub(super) fn judge(plan: &TripwirePlan, artefact: &Artefact) -> Option<Met> {
    if artefact.visible_to.as_deref() != Some("customer") {
        return None;
    }
    let seconds = artefact.review.as_ref().and_then(|review| review.seconds);
    let reviewed = seconds.is_some_and(|seconds| seconds >= plan.review_s);
    (!reviewed).then_some(Met { window: seconds, limit: Some(plan.review_s), baseline: None })
}
