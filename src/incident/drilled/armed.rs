//! What was proved of the real switches when a drill began (DRL.4, CON.13): a drill cites it, and proves none itself.

use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// The real world's armed light at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ArmedProof {
    /// When it was looked at.
    pub at: Time,
    /// Agents that a switch is proved to reach.
    pub reached: u32,
    /// The one whose proof is oldest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
    /// When that one was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<Time>,
    /// Agents that no switch reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beyond_reach: Vec<String>,
    /// Actuators whose probe said that they would work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probed: Vec<String>,
    /// Those that would not, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<String>,
    /// How many could fire.
    pub can_fire: u32,
}

impl ArmedProof {
    /// In a sentence; `None` in logs from before it was kept.
    pub fn words(&self) -> Option<String> {
        if self.at == Time::default() {
            return None;
        }
        let oldest = self.oldest.as_ref().zip(self.oldest_at);
        let mut said = match oldest {
            Some((agent, at)) => {
                format!("switches reach {} agents, the oldest proof is {agent}'s of {at}", self.reached)
            }
            None => "no switch was proved to reach anybody".to_owned(),
        };
        if !self.beyond_reach.is_empty() {
            said.push_str(&format!("; beyond reach: {}", self.beyond_reach.join(", ")));
        }
        if !self.probed.is_empty() {
            said.push_str(&format!("; probed: {}", self.probed.join(", ")));
        }
        if !self.failing.is_empty() {
            said.push_str(&format!("; {}", self.failing.join("; ")));
        }
        Some(format!("{said}; {} could fire", self.can_fire))
    }
}
