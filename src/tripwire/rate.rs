//! When a window is over its limit: cost-rate (DET.2) and the `rate` of action-rate (DET.3), exact in integers.

use super::baseline::Medians;
use crate::runbook::TripwirePlan;

/// A condition that was met, with its figures for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Met {
    pub window: Option<f64>,
    pub limit: Option<f64>,
    pub baseline: Option<f64>,
}

/// Factors are compared as millionths, so that no rounding decides a firing.
const MILLIONTHS: f64 = 1e6;

fn over(window: i128, factor: f64, twice: i128) -> bool {
    let factor = (factor * MILLIONTHS).round() as i128;
    window.saturating_mul(2 * MILLIONTHS as i128) > factor.saturating_mul(twice)
}

/// Spend: over `cost_factor` medians and at least the floor; without a baseline over the cold-start limit.
pub(super) fn cost(plan: &TripwirePlan, window: i64, medians: Option<&Medians>) -> Option<Met> {
    let usd = |nanos: f64| nanos / 1e9;
    let (met, limit, baseline) = match medians {
        Some(medians) => {
            let floor = plan.cost_floor_usd;
            let met = window >= floor.0 && over(window.into(), plan.cost_factor, medians.cost_twice());
            let median = usd(medians.cost_twice() as f64 / 2.0);
            (met, (plan.cost_factor * median).max(floor.usd()), Some(median))
        }
        None => {
            let cold = plan.cold_cost_usd?;
            (window > cold.0, cold.usd(), None)
        }
    };
    met.then_some(Met { window: Some(usd(window as f64)), limit: Some(limit), baseline })
}

/// Calls: over `call_factor` medians and at least the floor; without a baseline over the cold-start limit.
pub(super) fn calls(plan: &TripwirePlan, window: u64, medians: Option<&Medians>) -> Option<Met> {
    let (met, limit, baseline) = match medians {
        Some(medians) => {
            let met = window >= plan.call_floor && over(window.into(), plan.call_factor, medians.calls_twice());
            let median = medians.calls_twice() as f64 / 2.0;
            (met, (plan.call_factor * median).max(plan.call_floor as f64), Some(median))
        }
        None => {
            let cold = plan.cold_calls?;
            (window > cold, cold as f64, None)
        }
    };
    met.then_some(Met { window: Some(window as f64), limit: Some(limit), baseline })
}
