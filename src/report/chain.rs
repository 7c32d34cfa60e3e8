//! How it was detected: the chain with its gaps, the firings, the clocks (PM.2, COM.4).

use super::markdown::{NOT_RECORDED, maybe_time, span, table, text, time};
use crate::{
    incident::{ClockState, Incident, World, clocks},
    terms::Time,
};

/// The detection chain; a point nobody recorded says so and makes no gap.
pub(super) fn detection(incident: &Incident) -> String {
    let points = incident.mttd.points();
    let rows: Vec<Vec<String>> = points
        .iter()
        .enumerate()
        .map(|(at, (name, time))| {
            let before = at.checked_sub(1).and_then(|before| points[before].1);
            let gap = before.zip(*time).map_or_else(String::new, |(from, to)| span(to.since(from)));
            vec![(*name).to_owned(), maybe_time(*time), gap]
        })
        .collect();
    let mut out = table(&["Point", "When", "After the point before"], &rows);
    let mttd = incident.mttd.mttd_s.map(|seconds| span((seconds * 1000.0).round() as i64));
    out += &format!("\nMTTD, action to acknowledgement: {}.\n", mttd.as_deref().unwrap_or(NOT_RECORDED));
    let gaps = incident.mttd.gaps();
    let largest = incident.mttd.largest_gap.as_ref().and_then(|name| gaps.iter().find(|(gap, _)| gap == name));
    out += &match largest {
        Some((name, millis)) => {
            format!("\nLargest gap, the one to close first: **{}**, {}.\n", name.replacen('-', " → ", 1), span(*millis))
        }
        None => format!("\nLargest gap: {NOT_RECORDED}; no two neighbouring points are known.\n"),
    };
    out
}

/// Its firings.
pub(super) fn firings(incident: &Incident, world: &World) -> String {
    let rows: Vec<Vec<String>> = incident
        .firings
        .iter()
        .filter_map(|id| world.firings.get(id))
        .map(|firing| {
            let figure = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
            vec![
                firing.id.to_string(),
                maybe_time(Some(firing.at)),
                firing.key.tripwire.to_string(),
                text(&firing.key.agent.to_string()),
                text(&firing.key.detail),
                firing.count.to_string(),
                figure(firing.window),
                figure(firing.limit),
                if firing.expected { "expected".to_owned() } else { firing.state.to_string() },
            ]
        })
        .collect();
    table(&["Firing", "At", "Tripwire", "Agent", "Detail", "Times", "Figure", "Limit", "State"], &rows)
}

/// Every clock, met or missed and by how much.
pub(super) fn budgets(incident: &Incident, world: &World, now: Time) -> String {
    let rows: Vec<Vec<String>> = clocks(incident, world, now)
        .into_iter()
        .map(|clock| {
            let left = clock.left_s.map(|seconds| (seconds * 1000.0).round() as i64);
            let by = match left {
                Some(left) if left < 0 => format!("{} over", span(-left)),
                Some(left) if clock.state == ClockState::Running => format!("{} left", span(left)),
                Some(left) => format!("{} to spare", span(left)),
                None => String::new(),
            };
            let due = clock.due_at.map_or_else(String::new, time);
            vec![text(&clock.name), due, clock.state.to_string(), by]
        })
        .collect();
    table(&["Clock", "Due", "State", "By"], &rows)
}
