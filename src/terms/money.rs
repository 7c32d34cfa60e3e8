//! Money: whole nano-dollars, so that a million small costs add up exactly (protocol 2).

use std::{fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount in 10⁻⁹ USD. On the wire a plain number of dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From dollars; `None` unless finite, not negative and under 9.2 billion.
    pub fn from_usd(usd: f64) -> Option<Self> {
        let nanos = (usd * 1e9).round();
        (usd.is_finite() && (0.0..9.2e18).contains(&nanos)).then_some(Self(nanos as i64))
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// In dollars, for display and the wire.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for NanoUsd {
    /// `$41.20`; below a cent, as many decimals as it takes to show two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usd = self.usd();
        if self.0 != 0 && usd.abs() < 0.01 { f.pad(&format!("${usd:.6}")) } else { f.pad(&format!("${usd:.2}")) }
    }
}

impl schemars::JsonSchema for NanoUsd {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Usd".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0 })
    }
}

impl Serialize for NanoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for NanoUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = f64::deserialize(deserializer)?;
        Self::from_usd(usd)
            .ok_or_else(|| de::Error::custom("an amount in USD is finite, not negative and under 9.2 billion"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_adds_exactly_and_refuses_nonsense() {
        let cent = NanoUsd::from_usd(0.01).unwrap();
        assert_eq!((0..100).map(|_| cent).sum::<NanoUsd>(), NanoUsd::from_usd(1.0).unwrap());
        for bad in [f64::NAN, f64::INFINITY, -0.5, 1e12] {
            assert_eq!(NanoUsd::from_usd(bad), None, "{bad}");
        }
        assert_eq!(NanoUsd::from_usd(41.2).unwrap().to_string(), "$41.20");
    }
}
