//! Drafts: begun, written here or in `$EDITOR`, saved.

use super::act::ask;
use crate::{
    cockpit::{
        editor::DraftEditor,
        effect::Effect,
        external_editor,
        model::{Model, Pane},
    },
    incident::{Command, Fields, IncidentCommand},
    terms::{DraftId, IncidentId},
};

/// Begins a draft for an audience.
pub fn begin(model: &mut Model, incident: IncidentId, audience: String) -> Vec<Effect> {
    model.focus = Pane::Draft;
    let what = format!("draft for {audience} begun");
    ask(model, what, Command::OnIncident { incident, ask: IncidentCommand::StartDraft { audience } })
}

/// Takes the shown draft in hand.
pub fn edit_here(model: &mut Model) {
    if let (Some(incident), Some(draft)) = (model.incident, model.draft()) {
        model.editor = Some(DraftEditor::open(incident, draft));
    }
}

/// Hands the shown draft to `$EDITOR`.
pub fn edit_outside(model: &mut Model) -> Vec<Effect> {
    let (Some(incident), Some(draft)) = (model.incident, model.draft()) else { return Vec::new() };
    let text = external_editor::to_file(incident, draft.id, &draft.audience, &draft.fields);
    vec![Effect::Edit { incident, draft: draft.id, version: draft.version, text }]
}

/// `$EDITOR` closed.
pub fn came_back(
    model: &mut Model,
    incident: IncidentId,
    draft: DraftId,
    version: u64,
    text: Result<String, String>,
) -> Vec<Effect> {
    match text.and_then(|text| external_editor::from_file(&text)) {
        Ok(fields) => {
            model.saving = Some(DraftEditor::written(incident, draft, version, &fields));
            save(model, incident, draft, version, fields)
        }
        Err(why) => {
            model.complain(why);
            Vec::new()
        }
    }
}

/// Leaves the editor, saving what was written; the text is kept until the backend has it.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(editor) = model.editor.take() else { return Vec::new() };
    if !editor.is_changed() {
        return Vec::new();
    }
    let effects = save(model, editor.incident, editor.draft, editor.version, editor.fields());
    model.saving = Some(editor);
    effects
}

fn save(model: &mut Model, incident: IncidentId, draft: DraftId, version: u64, fields: Fields) -> Vec<Effect> {
    let ask_ = IncidentCommand::EditDraft { draft, fields, version };
    ask(model, saved(draft), Command::OnIncident { incident, ask: ask_ })
}

fn saved(draft: DraftId) -> String {
    format!("{draft} saved")
}

/// A save was answered: a refused one brings the text back, to be saved over what came between.
pub fn answered(model: &mut Model, what: &str, taken: bool) {
    let Some(mut editor) = model.saving.take_if(|editor| saved(editor.draft) == what) else { return };
    if taken {
        return;
    }
    let now = model.world().and_then(|world| world.incidents.get(&editor.incident));
    let now = now.and_then(|incident| incident.drafts.iter().find(|draft| draft.id == editor.draft));
    editor.version = now.map_or(editor.version, |draft| draft.version);
    if model.editor.is_none() {
        model.focus = Pane::Draft;
        model.editor = Some(editor);
    }
}
