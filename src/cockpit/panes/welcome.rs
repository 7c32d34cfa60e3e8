//! The first run: nothing is connected, nothing happened. Says how to begin.

use ratatui::text::{Line, Span};

use super::pane::Canvas;
use crate::cockpit::{commands::Do, model::Model, text, theme::Role};

/// Whether there is nothing at all to show.
pub fn is_first_run(model: &Model) -> bool {
    let empty = |state: &crate::api::State| {
        let world = &state.world;
        world.incidents.is_empty()
            && world.agents.is_empty()
            && world.firings.is_empty()
            && state.live.agents.is_empty()
    };
    model.world.is_none() && model.state.as_ref().is_some_and(|state| empty(state))
}

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let theme = &model.look.theme;
    let address = model.state.as_ref().and_then(|state| state.backend.telemetry.clone());
    let mut lines = vec![Line::styled("No agent has reported yet.", theme.style(Role::Strong)), Line::default()];
    let words = |lines: &mut Vec<Line<'static>>, text_: &str, columns: usize| {
        lines.extend(text::wrap(text_, columns, 4).into_iter().map(Line::from));
    };
    let columns = canvas.columns();
    match address {
        Some(address) => {
            words(&mut lines, "Connect an agent that speaks OpenTelemetry:", columns);
            lines.push(Line::styled(format!("  OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}"), theme.style(Role::Key)));
            lines.push(Line::styled("  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", theme.style(Role::Key)));
            words(&mut lines, "or send an action by hand:", columns);
            let action = "  curl --json '{\"agent\":\"my-agent\",\"tool\":\"mail.send\"}' \\";
            lines.push(Line::styled(action, theme.style(Role::Key)));
            lines.push(Line::styled(format!("    http://{address}/v1/actions"), theme.style(Role::Key)));
        }
        None => words(&mut lines, "This backend takes no telemetry here; ask its owner for the address.", columns),
    }
    lines.push(Line::default());
    let key = |does: Do| Span::styled(model.keymap.key(does), theme.style(Role::Key));
    lines.push(Line::from(vec![
        key(Do::PlayDrill),
        Span::raw(" plays a recorded incident: every pane moves within a minute"),
    ]));
    lines.push(Line::from(vec![
        key(Do::Declare),
        Span::raw(" declares an incident   "),
        key(Do::Help),
        Span::raw(" shows every key"),
    ]));
    for (y, line) in lines.into_iter().enumerate() {
        canvas.put(y, line);
    }
}
