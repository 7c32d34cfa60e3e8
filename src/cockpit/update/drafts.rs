//! Drafts: begun, written here or in `$EDITOR`, saved.

use super::act::ask;
use crate::{
    cockpit::{
        draft_view::View,
        editor::DraftEditor,
        effect::Effect,
        external_editor,
        model::{Model, Pane},
    },
    incident::{
        Command, Fields, IncidentCommand,
        communication::{self, Agreement, Linter, Subject},
    },
    runbook::Template,
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
        let editor = DraftEditor::open(incident, draft, template(model, &draft.audience));
        model.editor = Some(editor);
        model.drafts.view = View::Text;
        judge(model);
    }
}

fn template<'m>(model: &'m Model, audience: &str) -> Option<&'m Template> {
    model.runbook.as_ref()?.template(audience)
}

/// Has the linter read what is being written.
pub fn judge(model: &mut Model) {
    let Some(mut editor) = model.editor.take() else { return };
    let world = model.world();
    let incident = world.and_then(|world| world.incidents.get(&editor.incident));
    let draft = incident.and_then(|incident| incident.drafts.iter().find(|draft| draft.id == editor.draft));
    if let (Some(world), Some(incident), Some(draft), Some(runbook)) = (world, incident, draft, &model.runbook)
        && let Some(template) = runbook.template(&draft.audience)
    {
        let filled = communication::fill(&Subject { incident, world, runbook, now: model.now }, template);
        editor.judge(&Linter::new(runbook), template, &filled, model.now);
    }
    model.editor = Some(editor);
}

/// Takes the offered wording in.
pub fn take_offer(model: &mut Model) {
    let Some(editor) = &mut model.editor else { return };
    match editor.take_offer() {
        Ok(done) => model.say(done),
        Err(why) => model.complain(why),
    }
    judge(model);
}

/// Agrees on the draft that is shown.
pub fn agree(model: &mut Model) -> Vec<Effect> {
    let (Some(incident), Some(draft)) = (model.incident, model.draft()) else { return Vec::new() };
    let (draft, version, audience) = (draft.id, draft.version, draft.audience.clone());
    let ask_ = IncidentCommand::AgreeDraft(Agreement { draft, version });
    ask(model, format!("{draft} agreed for {audience}"), Command::OnIncident { incident, ask: ask_ })
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
            let known = model.world().and_then(|world| world.incidents.get(&incident));
            let known = known.and_then(|incident| incident.drafts.iter().find(|one| one.id == draft));
            let template = known.and_then(|known| template(model, &known.audience));
            let editor = DraftEditor::written(incident, draft, version, &fields, template);
            model.saving = Some(editor);
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
        judge(model);
    }
}
