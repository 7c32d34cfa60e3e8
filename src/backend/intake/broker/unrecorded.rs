//! What of an engine's changes the log does not have yet. A node that took a partition over judges again what the one before
//! it may have recorded already; the log's own rules know an opening again, this knows the rest.

use std::collections::HashMap;

use crate::{
    incident::World,
    tripwire::{FiringChange, FiringKey, FiringState},
};

/// Drops changes of firings that the log has closed: a meeting, or an end, of an older firing is none of the one that is
/// open under the same key now.
pub(super) fn unrecorded(world: &World, changes: Vec<FiringChange>) -> Vec<FiringChange> {
    let keys: Vec<FiringKey> = changes.iter().map(|change| key(change).clone()).collect();
    let firings = world.firings.values().filter(|firing| keys.contains(&firing.key));
    let mut open = HashMap::new();
    let mut opened = HashMap::<&FiringKey, Vec<_>>::new();
    for firing in firings {
        opened.entry(&firing.key).or_default().push(firing.at);
        if firing.state == FiringState::Open {
            open.insert(&firing.key, firing.at);
        }
    }
    let mut new = Vec::with_capacity(changes.len());
    for change in changes {
        let key = key(&change);
        let keep = match &change {
            FiringChange::Opened { at, .. } => !opened.get(key).is_some_and(|known| known.contains(at)),
            FiringChange::Counted { last_at, .. } => open.get(key).is_none_or(|opened_at| last_at >= opened_at),
            FiringChange::Closed { at, .. } => open.get(key).is_none_or(|opened_at| at > opened_at),
        };
        if keep {
            new.push(change);
        }
    }
    new
}

fn key(change: &FiringChange) -> &FiringKey {
    match change {
        FiringChange::Opened { key, .. } | FiringChange::Counted { key, .. } | FiringChange::Closed { key, .. } => key,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{
        terms::{FiringId, Time},
        tripwire::Firing,
    };

    fn at(minutes: i64) -> Time {
        Time::from_millis(1_795_183_200_000 + minutes * Time::MINUTE)
    }

    fn world(firings: &[(i64, &str)]) -> World {
        let mut world = World::default();
        for (number, (minutes, state)) in firings.iter().enumerate() {
            let id = FiringId(u32::try_from(number).unwrap() + 1);
            let firing: Firing = serde_json::from_value(json!({
                "id": id, "at": at(*minutes), "recorded_at": at(*minutes), "received_at": at(*minutes),
                "tripwire": "cost-rate", "agent": "x", "detail": "", "state": state, "count": 3, "paged": [],
                "window": null, "limit": null, "baseline": null, "incident": null,
            }))
            .unwrap();
            world.firings.insert(id, Arc::new(firing));
        }
        world
    }

    fn change(kind: &str, minutes: i64) -> FiringChange {
        let key = json!({"tripwire": "cost-rate", "agent": "x", "detail": ""});
        let value = match kind {
            "counted" => json!({"change": kind, "key": key, "count": 2, "peak": null, "last_at": at(minutes)}),
            "closed" => json!({"change": kind, "key": key, "at": at(minutes)}),
            _ => json!({"change": kind, "key": key, "at": at(minutes), "received_at": at(minutes), "window": null,
                "limit": null, "baseline": null, "note": null, "run": null, "workflow": null}),
        };
        serde_json::from_value(value).unwrap()
    }

    /// DET.7: what the node before recorded is not said again, and never of another firing than it was.
    #[test]
    fn what_is_judged_again_is_none_of_the_firing_that_is_open_now() {
        let story = [("opened", 0), ("counted", 5), ("closed", 65), ("opened", 90), ("counted", 95)];
        let left = |firings: &[(i64, &str)]| {
            let changes = story.iter().map(|(kind, minutes)| change(kind, *minutes)).collect();
            let left = unrecorded(&world(firings), changes);
            story.iter().filter(|(kind, minutes)| left.contains(&change(kind, *minutes))).map(|(_, at)| *at).collect()
        };
        type Known<'a> = &'a [(i64, &'a str)];
        let cases: [(Known, Vec<i64>); 4] = [
            (&[], vec![0, 5, 65, 90, 95]),
            (&[(0, "open")], vec![5, 65, 90, 95]),
            (&[(0, "closed"), (90, "open")], vec![95]),
            // Another firing's end at the very moment this one opened.
            (&[(0, "closed"), (65, "open")], vec![90, 95]),
        ];
        for (firings, expected) in cases {
            let left: Vec<i64> = left(firings);
            assert_eq!(left, expected, "{firings:?}");
        }
    }
}
