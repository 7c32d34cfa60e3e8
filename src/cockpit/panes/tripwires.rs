//! Pane 2: firings, newest first, and the figures behind them.

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::communication::DeliveryState,
    incident::containment::AutoStage,
    terms::NanoUsd,
    tripwire::{Firing, FiringState, Tripwire},
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(state) = &model.state else { return };
    let list = model.rows.of(Pane::Tripwires);
    let (rows, columns) = (canvas.rows(), canvas.columns());
    if list.rows.is_empty() {
        if list.filter.is_empty() {
            say(
                model,
                canvas,
                "No tripwire has fired",
                "A firing appears here when an agent's cost, calls, tools or unreviewed output go over a limit. d then declares an incident from it.",
            );
        } else {
            canvas.put(0, dim(model, format!("no firing holds {:?}; esc shows all", list.filter)));
        }
    }
    let fits = (rows.saturating_sub(2)).max(1) / 2;
    let top = list.window(fits.max(1));
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let RowId::Firing(id) = id else { continue };
        let Some(firing) = state.world.firings.get(id) else { continue };
        let [first, second] = lines(model, firing, columns);
        let y = (at - top) * 2;
        if at == list.index() && model.focus == Pane::Tripwires {
            canvas.put_selected(y, first, &model.look.theme);
        } else {
            canvas.put(y, first);
        }
        canvas.put(y + 1, second);
    }
    if rows > 3 {
        let (above, below) = (top, list.rows.len().saturating_sub(top + fits));
        if above > 0 || below > 0 {
            canvas.put(rows - 2, dim(model, format!("↑ {above} newer · ↓ {below} older")));
        }
        canvas.put(rows - 1, figures(model, columns));
    }
}

fn lines<'a>(model: &Model, firing: &Firing, columns: usize) -> [Line<'a>; 2] {
    let theme = &model.look.theme;
    let open = firing.state == FiringState::Open;
    let (sign, role) = match (firing.key.tripwire, open) {
        (Tripwire::Breach, true) => ("▲", Role::Halted),
        (_, true) => ("◆", Role::Bad),
        (_, false) => ("◇", Role::Dim),
    };
    let times = if firing.count > 1 { format!(" ×{}", firing.count) } else { String::new() };
    let joined = firing.incident.map(|id| id.to_string()).unwrap_or_default();
    let first = text::ends(
        Line::from(vec![
            Span::styled(text::clock(firing.at, zone(model)), theme.style(Role::Dim)),
            Span::styled(format!(" {sign} {}", firing.key.tripwire), theme.style(role)),
            Span::styled(format!(" {}", text::cut(firing.key.agent.as_str(), 40)), theme.style(Role::Strong)),
            Span::raw(times),
        ]),
        Line::styled(format!("{joined} {}", firing.id), theme.style(Role::Dim)),
        columns,
    );
    let (paged, role) = paged(model, firing, open && columns >= 60, open);
    let paged = Line::styled(paged, theme.style(role));
    [first, text::ends(Line::from(format!("  {}", text::cut(&what(firing), columns))), paged, columns)]
}

/// The figure over its limit, or the detail, and what else the engine said.
fn what(firing: &Firing) -> String {
    let money = firing.key.tripwire == Tripwire::CostRate;
    let figure = |value: f64| match NanoUsd::from_usd(value).filter(|_| money) {
        Some(usd) => usd.to_string(),
        None => format!("{value:.0}"),
    };
    let mut parts = Vec::new();
    if !firing.key.detail.is_empty() {
        parts.push(format!("→ {}", firing.key.detail));
    }
    match (firing.window, firing.limit, firing.baseline) {
        (Some(window), _, Some(baseline)) if baseline > 0.0 => {
            parts.push(format!("{} in 1 h, {:.1}× median", figure(window), window / baseline));
        }
        (Some(window), Some(limit), _) => parts.push(format!("{} over {}", figure(window), figure(limit))),
        _ => {}
    }
    // What followed by itself comes before what else there is to say (CON.14).
    parts.extend(firing.auto.as_ref().map(|auto| match (auto.stage, auto.switch) {
        (AutoStage::Enforce, Some(switch)) => format!("{switch} by itself"),
        (stage, _) => format!("{stage}: {} of {}", auto.mode, auto.scope),
    }));
    parts.extend(firing.note.clone());
    parts.join(" · ")
}

/// Who was told (where there is room) and who answered; an unanswered page of an open firing stands out.
fn paged(model: &Model, firing: &Firing, named: bool, open: bool) -> (String, Role) {
    if firing.expected {
        return ("expected".into(), Role::Dim);
    }
    let Some(page) = firing.paged.first() else { return (String::new(), Role::Dim) };
    let to = text::cut(&page.to, 20);
    match (page.acked_at, &page.by) {
        (Some(at), by) => {
            let by = by.as_ref().map(|by| format!(" {}", text::cut(&by.to_string(), 16))).unwrap_or_default();
            (format!("✓ ack{by} {}", text::span(at.since(firing.recorded_at))), Role::Good)
        }
        (None, _)
            if open
                && firing.pages.iter().any(|page| page.sent.state == DeliveryState::Failed)
                && page.at.is_none() =>
        {
            ("the page did not go".into(), Role::Bad)
        }
        (None, _) if open && page.at.is_some() => {
            let to = if named { format!("paged {to} · ") } else { "paged · ".into() };
            (format!("{to}no ack {}", text::span(model.now.since(firing.recorded_at))), Role::Warn)
        }
        (None, _) if open => {
            let to = if named { format!("for {to} · ") } else { String::new() };
            (format!("{to}no ack {}", text::span(model.now.since(firing.recorded_at))), Role::Warn)
        }
        (None, _) => ("closed, no ack".into(), Role::Dim),
    }
}

/// Spend a minute over the last hour as a sparkline, the hour's sum, and what intake could not keep.
fn figures<'a>(model: &Model, columns: usize) -> Line<'a> {
    let Some(state) = &model.state else { return Line::default() };
    let spend = &state.live.spend_per_minute;
    let hour: f64 = spend.iter().sum();
    let counts = &state.live.telemetry;
    let room = columns.saturating_sub(28).clamp(8, 60);
    let bars = sparkline(&spend[spend.len().saturating_sub(room)..]);
    let sum = NanoUsd::from_usd(hour).unwrap_or_default();
    let mut spans = vec![
        Span::styled(bars, model.look.theme.style(Role::Key)),
        Span::raw(format!(" {sum}/h · {}", text::count(state.live.agents.len(), "agent"))),
    ];
    let lost = counts.busy + counts.shed;
    if lost > 0 {
        spans.push(Span::styled(format!(" · {lost} not kept"), model.look.theme.style(Role::Bad)));
    }
    Line::from(spans)
}

/// Eight heights; a flat nothing stays flat.
pub fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().fold(0.0, f64::max);
    let bar =
        |value: &f64| if most > 0.0 { BARS[((value / most) * 7.0).round().clamp(0.0, 7.0) as usize] } else { BARS[0] };
    values.iter().map(bar).collect()
}
