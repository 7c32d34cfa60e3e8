//! What a model call costs where no sender says so (protocol 1): an estimate, always marked as one.

use std::collections::BTreeMap;

use super::Tokens;
use crate::{runbook::Price, terms::NanoUsd};

/// Prices by model name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices(BTreeMap<String, Price>);

impl Prices {
    /// From the runbook's table, USD per million tokens.
    pub fn new(prices: &BTreeMap<String, Price>) -> Self {
        Self(prices.iter().map(|(model, price)| (model.to_ascii_lowercase(), *price)).collect())
    }

    /// The cost of `tokens`: by the model's own name, else by the longest listed name that it begins with
    /// (`big-2` prices `big-2-20261101`). `None` for a model that nobody priced.
    pub fn cost(&self, model: &str, tokens: Tokens) -> Option<NanoUsd> {
        let model = model.to_ascii_lowercase();
        let model = model.rsplit('/').next().unwrap_or(&model);
        let price = self.0.get(model).or_else(|| {
            let longest = self.0.range(..model.to_owned()).rev().filter(|(name, _)| starts(model, name));
            longest.map(|(_, price)| price).next()
        })?;
        let millions = |count: u64| count as f64 / 1e6;
        NanoUsd::from_usd(millions(tokens.input) * price.input + millions(tokens.output) * price.output)
    }
}

/// Whether `model` is a version of `name`: what follows begins with a separator.
fn starts(model: &str, name: &str) -> bool {
    model.strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '@', ':', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_found_by_name_or_version() {
        let price = |input, output| Price { input, output };
        let prices =
            Prices::new(&BTreeMap::from([("Big".into(), price(1.0, 2.0)), ("big-mini".into(), price(0.1, 0.2))]));
        let tokens = Tokens { input: 1_000_000, output: 500_000 };
        for (model, usd) in [
            ("big", Some(2.0)),
            ("big-2026-11-01", Some(2.0)),
            ("big-mini-2026", Some(0.2)),
            ("vendor/BIG-MINI", Some(0.2)),
            ("bigger", None),
            ("", None),
        ] {
            assert_eq!(prices.cost(model, tokens).map(NanoUsd::usd), usd, "{model}");
        }
        assert_eq!(prices.cost("big", Tokens { input: u64::MAX, output: 0 }), None);
    }
}
