//! Pane 7: the layers in order with their questions and findings, what changed shortly before, repeated runs (INV).

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::{
        Incident,
        investigation::{Finding, Rerun, Verdict},
    },
    runbook::LayersPlan,
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let (Some(incident), Some(runbook)) = (model.incident(), model.runbook.as_ref()) else {
        return say(
            model,
            canvas,
            "No incident",
            "What is found out about an incident's cause stands here, layer by layer. D declares one.",
        );
    };
    canvas.put(0, head(model, incident, &runbook.layers, canvas.columns()));
    let list = model.rows.of(Pane::Investigation);
    let fits = canvas.rows().saturating_sub(1).max(1);
    let (top, columns) = (list.window(fits), canvas.columns());
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let Some(line) = row(model, incident, &runbook.layers, id, columns) else { continue };
        if at == list.index() && model.focus == Pane::Investigation {
            canvas.put_selected(at - top + 1, line, &model.look.theme);
        } else {
            canvas.put(at - top + 1, line);
        }
    }
}

/// What matters most: contain first; a root cause; layers that were passed over.
fn head<'a>(model: &Model, incident: &Incident, plan: &LayersPlan, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let over = incident.investigation.passed_over(plan);
    let (words, role) = if incident.contained_at.is_none() || incident.containment_broken {
        ("⚠ contain before you diagnose".to_owned(), Role::Warn)
    } else if let Some(root) = incident.investigation.roots().last() {
        let point = root.said.point.as_deref().unwrap_or_default();
        (format!("✓ root cause: {point}: {}", root.said.text), Role::Good)
    } else if over.is_empty() {
        ("no root cause yet; o records a finding".to_owned(), Role::Dim)
    } else {
        (format!("⚠ skipped: {}", over.join(", ")), Role::Warn)
    };
    Line::styled(text::cut(&words, columns), theme.style(role))
}

fn row<'a>(model: &Model, incident: &Incident, plan: &LayersPlan, id: &RowId, columns: usize) -> Option<Line<'a>> {
    let theme = &model.look.theme;
    let search = &incident.investigation;
    Some(match id {
        RowId::Layer(id) => {
            let layer = plan.layer(id)?;
            let skipped = search.skipped.iter().find(|skipped| skipped.layer == *id);
            let over = search.passed_over(plan).contains(&id.as_str());
            let (mark, role) = match skipped {
                Some(skipped) => (format!("skipped: {}", skipped.why), Role::Dim),
                None if over => ("passed over".to_owned(), Role::Warn),
                None => (String::new(), Role::Dim),
            };
            let title = Line::styled(layer.title.clone(), theme.style(Role::Strong));
            let room = columns.saturating_sub(layer.title.chars().count() + 2);
            text::ends(title, Line::styled(text::cut(&mark, room), theme.style(role)), columns)
        }
        RowId::Question(layer, question) => {
            let asked = plan.layer(layer)?.questions.iter().find(|one| one.id == *question)?;
            let answer = search
                .standing()
                .filter(|finding| finding.said.layer == *layer && finding.said.question.as_ref() == Some(question))
                .last();
            match answer {
                Some(finding) => found(model, finding, columns),
                None => Line::from(vec![
                    Span::styled("  ○ ", theme.style(Role::Dim)),
                    Span::styled(text::cut(&asked.text, columns.saturating_sub(4)), theme.style(Role::Dim)),
                ]),
            }
        }
        RowId::Finding(number) => found(model, search.standing().find(|finding| finding.number == *number)?, columns),
        RowId::Change(number) => {
            let change = search.changes.iter().find(|change| change.number == *number)?;
            let (sign, role) = match change.verdict {
                Verdict::Open => ("?", Role::Warn),
                Verdict::Confirmed => ("✓", Role::Bad),
                Verdict::RuledOut => ("–", Role::Dim),
            };
            Line::from(vec![
                Span::styled(format!("{sign} changed "), theme.style(role)),
                Span::raw(text::cut(&format!("{}: {}", change.said.kind, change.said.what), columns)),
            ])
        }
        RowId::Rerun(at) => rerun(model, search.reruns.get(*at)?, columns),
        _ => return None,
    })
}

fn found<'a>(model: &Model, finding: &Finding, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = if finding.said.root { ("◆", Role::Bad) } else { ("✓", Role::Good) };
    let point = finding.said.point.as_deref().map(|point| format!(" ({point})")).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!("  {sign} "), theme.style(role)),
        Span::raw(text::cut(&format!("{}{point}", finding.said.text), columns.saturating_sub(4))),
    ])
}

/// A clean re-run does not exonerate: the bound is shown with the count (INV.6).
fn rerun<'a>(model: &Model, rerun: &Rerun, columns: usize) -> Line<'a> {
    let words = format!(
        "↻ {} of {} runs failed, up to {:.0} % may · {}",
        rerun.failed,
        rerun.runs,
        rerun.upper_share() * 100.0,
        rerun.conditions
    );
    dim(model, text::cut(&words, columns))
}
