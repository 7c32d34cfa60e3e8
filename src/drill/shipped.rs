//! The recordings that come with andon.

use super::{Recording, RecordingError};

/// Name and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("refunds-twice", include_str!("../../assets/drills/refunds-twice.jsonl")),
    ("promised-refund", include_str!("../../assets/drills/promised-refund.jsonl")),
    ("added-address", include_str!("../../assets/drills/added-address.jsonl")),
    ("deaf-to-stop", include_str!("../../assets/drills/deaf-to-stop.jsonl")),
    ("dropped-table", include_str!("../../assets/drills/dropped-table.jsonl")),
    ("nine-second-delete", include_str!("../../assets/drills/nine-second-delete.jsonl")),
    ("one-transfer", include_str!("../../assets/drills/one-transfer.jsonl")),
    ("planted-memory", include_str!("../../assets/drills/planted-memory.jsonl")),
    ("poisoned-package", include_str!("../../assets/drills/poisoned-package.jsonl")),
    ("published-attack", include_str!("../../assets/drills/published-attack.jsonl")),
    ("slow-loop", include_str!("../../assets/drills/slow-loop.jsonl")),
    ("torn-down-platform", include_str!("../../assets/drills/torn-down-platform.jsonl")),
    ("unasked-answer", include_str!("../../assets/drills/unasked-answer.jsonl")),
    ("unasked-kindness", include_str!("../../assets/drills/unasked-kindness.jsonl")),
    ("unheard-page", include_str!("../../assets/drills/unheard-page.jsonl")),
];

/// A shipped recording by name.
///
/// # Errors
/// Names those there are.
pub fn shipped(name: &str) -> Result<Recording, String> {
    let Some((_, text)) = SHIPPED.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = SHIPPED.iter().map(|(known, _)| *known).collect();
        let nearest = crate::runbook::nearest(name, known.iter().copied());
        let meant = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
        let given: String = name.chars().take(40).collect();
        return Err(format!("there is no drill {given:?}: there are {}{meant}", known.join(", ")));
    };
    Recording::parse(text).map_err(|error: RecordingError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::Item;

    #[test]
    fn an_unknown_drill_is_answered_with_those_there_are() {
        let said = shipped("refunds-twise").unwrap_err();
        assert!(said.contains("refunds-twice, promised-refund"), "{said}");
    }

    /// DRL.1: the shipped recordings hold what their tripwires need.
    #[test]
    fn the_shipped_recordings_hold_what_they_promise() {
        let actions = |name: &str| -> Vec<crate::telemetry::Action> {
            let moments = shipped(name).unwrap().moments.into_iter();
            moments
                .filter_map(|moment| match moment.item {
                    Item::Action(action) => Some(*action),
                    Item::Mark(_) => None,
                })
                .collect()
        };
        let refunds = shipped("refunds-twice").unwrap();
        let bot = &refunds.agents[0];
        let played = actions("refunds-twice");
        assert!(
            played
                .iter()
                .any(|action| action.agent == bot.id
                    && action.tool.as_ref().is_some_and(|tool| bot.item(tool).is_none()))
        );
        assert!(played.iter().any(|action| action.artefact.is_some()));
        assert!(played.iter().any(|action| action.amount.is_some()));
        let spent: f64 = played
            .iter()
            .filter(|action| action.agent == bot.id)
            .filter_map(|action| action.cost)
            .map(|cost| cost.usd())
            .sum();
        assert!(spent > 4.0, "over twice the median and the floor: {spent}");
        assert!(actions("promised-refund").iter().filter(|action| action.artefact.is_some()).count() > 10);
    }
}
