//! How drafts are shown, and what is known of the one on the screen: found once when it changes, never while drawing.

use super::{model::Model, text};
use crate::{
    incident::communication::{self, Contradiction, Finding},
    terms::{DraftId, IncidentId},
};

/// What the draft pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The draft's text.
    #[default]
    Text,
    /// Who was told, who is owed word.
    Ledger,
    /// What was sent, exactly.
    Copies,
}

/// A draft at a version.
type Version = (DraftId, u64);

/// The drafts as they are shown.
#[derive(Debug, Clone, Default)]
pub struct DraftView {
    /// What is shown.
    pub view: View,
    /// Rows above the screen.
    pub top: usize,
    /// What the linter says of the shown draft.
    pub findings: Vec<Finding>,
    /// In what it contradicts the agreed statement.
    pub differs: Vec<Contradiction>,
    /// What these were found of: a draft at a version, and who agreed on what.
    of: Option<(IncidentId, Version, Option<Version>)>,
}

impl DraftView {
    /// To the next view.
    pub fn turn(&mut self) {
        self.top = 0;
        self.view = match self.view {
            View::Text => View::Ledger,
            View::Ledger => View::Copies,
            View::Copies => View::Text,
        };
    }
}

/// Reads the shown draft anew where it, or what is agreed, changed.
pub fn refresh(model: &mut Model) {
    let Some((incident, draft)) = model.incident().zip(model.draft()) else {
        (model.drafts.of, model.drafts.findings, model.drafts.differs) = (None, Vec::new(), Vec::new());
        return;
    };
    let agreed = incident.communication.agreed.get(&draft.audience);
    let of = Some((incident.id, (draft.id, draft.version), agreed.map(|agreed| (agreed.draft, agreed.version))));
    if of == model.drafts.of {
        return;
    }
    let Some(runbook) = &model.runbook else { return };
    let template = runbook.template(&draft.audience);
    let findings = template.map(|template| communication::lint(runbook, template, &draft.fields)).unwrap_or_default();
    let differs = agreed.map(|agreed| communication::contradictions(&runbook.claims, &agreed.fields, &draft.fields));
    let differs = differs.unwrap_or_default();
    (model.drafts.of, model.drafts.findings, model.drafts.differs) = (of, findings, differs);
}

/// Moves the text by `by` rows; not beyond its end.
pub fn scroll(model: &mut Model, by: i64) {
    let wanted = usize::try_from((model.drafts.top as i64).saturating_add(by)).unwrap_or(0);
    let columns = usize::from(model.size.0.saturating_sub(4)).max(10);
    let rows = match model.drafts.view {
        View::Text => {
            model.draft().map_or(0, |draft| text::wrap_from(&draft.fields.body, columns, wanted + 1).len() + 12)
        }
        View::Ledger => model
            .incident()
            .map_or(0, |incident| incident.drafts.iter().map(|draft| draft.sent.len() + 1).sum::<usize>() + 16),
        View::Copies => {
            let sent = model.draft().into_iter().flat_map(|draft| &draft.sent);
            sent.map(|sent| text::wrap_from(&sent.text, columns, wanted + 1).len() + 12).sum()
        }
    };
    model.drafts.top = wanted.min(rows.saturating_sub(1));
}
