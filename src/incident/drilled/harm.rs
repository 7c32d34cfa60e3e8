//! What is harmed, in figures that add up (DRL.3).

use std::{fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Serialize};

use crate::terms::NanoUsd;

/// What an action harms once it is executed, or what a consequence does when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Harm {
    /// Records lost, changed or laid open.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records: u64,
    /// Money lost or owed, in USD.
    #[serde(default, skip_serializing_if = "NanoUsd::is_zero")]
    pub money_usd: NanoUsd,
    /// People hurt by it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub people: u64,
    /// Messages that cannot be called back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub messages: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Harm {
    /// The most records, people or messages that one line may harm.
    pub const MOST: u64 = 1_000_000_000_000;
    /// None at all.
    pub const NONE: Self = Self { records: 0, money_usd: NanoUsd::ZERO, people: 0, messages: 0 };

    /// Whether nothing is harmed.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The first figure that is over what one line may hold.
    pub(crate) fn excess(&self) -> Option<String> {
        [("records", self.records), ("people", self.people), ("messages", self.messages)]
            .into_iter()
            .find(|(_, count)| *count > Self::MOST)
            .map(|(name, count)| format!("{name}: {count} is more than one line may harm, {}", Self::MOST))
    }
}

/// `12 people, $340.00`; `none`.
impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        };
        let figures = [
            figure(self.people, "person", "people"),
            (!self.money_usd.is_zero()).then(|| self.money_usd.to_string()),
            figure(self.records, "record", "records"),
            figure(self.messages, "message", "messages"),
        ];
        let figures: Vec<String> = figures.into_iter().flatten().collect();
        f.pad(&if figures.is_empty() { "none".to_owned() } else { figures.join(", ") })
    }
}

impl Add for Harm {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            records: self.records.saturating_add(other.records),
            money_usd: self.money_usd + other.money_usd,
            people: self.people.saturating_add(other.people),
            messages: self.messages.saturating_add(other.messages),
        }
    }
}

impl Sum for Harm {
    fn sum<I: Iterator<Item = Self>>(harms: I) -> Self {
        harms.fold(Self::NONE, Add::add)
    }
}
