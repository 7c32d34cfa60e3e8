//! A tripwire's limits for one agent (DET.7).

use serde::{Deserialize, Serialize};

use super::TripwirePlan;
use crate::terms::{AgentId, NanoUsd};

/// What differs for an agent; everything else is as for all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuned {
    /// Spend factor over the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_factor: Option<f64>,
    /// Spend in the window below which cost-rate never fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_floor_usd: Option<NanoUsd>,
    /// Cold-start spend limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_cost_usd: Option<NanoUsd>,
    /// Call factor over the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_factor: Option<f64>,
    /// Calls in the window below which action-rate `rate` never fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_floor: Option<u64>,
    /// Cold-start call limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold_calls: Option<u64>,
    /// Hours after first sight in which new endpoints are normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_endpoint_after_h: Option<u32>,
    /// Seconds a human review must take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_s: Option<f64>,
}

impl TripwirePlan {
    /// The limits of one agent, where they differ from everybody's.
    pub fn of(&self, agent: &AgentId) -> Option<Self> {
        let own = self.agent.get(agent)?;
        Some(Self {
            cost_factor: own.cost_factor.unwrap_or(self.cost_factor),
            cost_floor_usd: own.cost_floor_usd.unwrap_or(self.cost_floor_usd),
            cold_cost_usd: own.cold_cost_usd.or(self.cold_cost_usd),
            call_factor: own.call_factor.unwrap_or(self.call_factor),
            call_floor: own.call_floor.unwrap_or(self.call_floor),
            cold_calls: own.cold_calls.or(self.cold_calls),
            new_endpoint_after_h: own.new_endpoint_after_h.unwrap_or(self.new_endpoint_after_h),
            review_s: own.review_s.unwrap_or(self.review_s),
            ..self.clone()
        })
    }
}
