//! How it was detected: the chain with its gaps, the firings, the clocks (PM.2, COM.4).

use crate::{
    incident::{ClockState, clocks},
    report::{
        Sources,
        document::{Block, Chart, NOT_RECORDED, maybe_time, seconds, span, time},
    },
};

/// What a gap points to (PM.2).
fn points_to(gap: &str) -> &'static str {
    match gap {
        "action-signal" => "telemetry arrives late: batching, a collector, an agent that reports after its run",
        "signal-trigger" => "the tripwires: a limit too high, a baseline not ready, a rule that is missing",
        "trigger-page" => "delivery: a channel that is slow, or nobody named",
        _ => "the rotation: who is woken, and what the page says",
    }
}

/// The detection chain; a point nobody recorded says so and makes no gap.
pub fn detection(sources: Sources<'_>) -> Vec<Block> {
    let mttd = &sources.incident.mttd;
    let points = mttd.points();
    let rows = points
        .iter()
        .enumerate()
        .map(|(at, (name, when))| {
            let before = at.checked_sub(1).map(|before| points[before]);
            let gap = before.and_then(|(from, at)| Some((format!("{from}-{name}"), (*when)?.since(at?))));
            let (took, points_to) = match &gap {
                Some((gap, millis)) => (span(*millis), points_to(gap).to_owned()),
                None => (String::new(), String::new()),
            };
            vec![(*name).to_owned(), maybe_time(*when), took, points_to]
        })
        .collect();
    let picked = sources.incident.postmortem.said("gap").map(str::to_owned);
    let mut blocks = Vec::new();
    if points.iter().filter(|(_, at)| at.is_some()).count() > 1 {
        let first = picked.clone().or_else(|| mttd.largest_gap.clone());
        blocks.push(Block::Chart(Chart::Chain { stations: points.to_vec(), first }));
    }
    blocks.push(Block::table(["Point", "When", "After the point before", "A long gap points to"], rows));
    let took = mttd.mttd_s.map_or_else(|| NOT_RECORDED.to_owned(), seconds);
    blocks.push(Block::Say(format!("MTTD, action to acknowledgement: {took}.")));
    let gaps = mttd.gaps();
    let largest = mttd.largest_gap.as_ref().and_then(|name| gaps.iter().find(|(gap, _)| gap == name));
    let arrow = |name: &str| name.replacen('-', " → ", 1);
    blocks.push(match largest {
        Some((name, millis)) => Block::Strong(format!("Largest gap: {}, {}.", arrow(name), span(*millis))),
        None => Block::Say(format!("Largest gap: {NOT_RECORDED}; no two neighbouring points are known.")),
    });
    if let Some(picked) = picked {
        blocks.push(Block::Strong(format!("Closed first, as a person picked: {}.", arrow(&picked))));
    }
    blocks
}

/// Its firings.
pub fn firings(sources: Sources<'_>) -> Vec<Block> {
    let firings = sources.incident.firings.iter().filter_map(|id| sources.world.firings.get(id));
    let rows = firings
        .map(|firing| {
            let figure = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
            vec![
                firing.id.to_string(),
                time(firing.at),
                firing.key.tripwire.to_string(),
                firing.key.agent.to_string(),
                firing.key.detail.clone(),
                firing.count.to_string(),
                figure(firing.window),
                figure(firing.limit),
                if firing.expected { "expected".to_owned() } else { firing.state.to_string() },
            ]
        })
        .collect();
    vec![Block::table(["Firing", "At", "Tripwire", "Agent", "Detail", "Times", "Figure", "Limit", "State"], rows)]
}

/// Every clock, met or missed and by how much.
pub fn budgets(sources: Sources<'_>) -> Vec<Block> {
    let rows = clocks(sources.incident, sources.world, sources.now)
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
            vec![clock.name, due, clock.state.to_string(), by]
        })
        .collect();
    vec![Block::table(["Clock", "Due", "State", "By"], rows)]
}
