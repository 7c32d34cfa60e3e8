//! Drafts: begun, written here or in `$EDITOR`, saved.

use super::act::ask;
use crate::{
    api::{Accepted, Writing},
    cockpit::{
        draft_view::View,
        editor::DraftEditor,
        effect::Effect,
        external_editor,
        link::{Link, LinkError},
        model::{Model, Pane},
    },
    incident::{
        Command, IncidentCommand,
        communication::{self, Agreement, Linter, Subject, writing::Unreadable},
    },
    runbook::Template,
    terms::{DraftId, IncidentId, Time},
};

/// How a save is named that nobody asked for by a key.
const WRITTEN: &str = " written";
/// How often what is written goes to the backend, while it is reached and while it is not.
const LIVE: i64 = 700;
const OFFLINE: i64 = 5 * Time::SECOND;
/// How often the others are told again where this person writes.
const TOLD: i64 = 4 * Time::SECOND;

/// Begins a draft for an audience.
pub fn begin(model: &mut Model, incident: IncidentId, audience: String) -> Vec<Effect> {
    model.focus = Pane::Draft;
    let what = format!("draft for {audience} begun");
    ask(model, what, Command::OnIncident { incident, ask: IncidentCommand::StartDraft { audience } })
}

/// Takes the shown draft in hand; one that was left with something unheard as it was left.
pub fn edit_here(model: &mut Model) {
    model.drafts.view = View::Text;
    match take_up(model) {
        Some(Ok(editor)) => model.editor = Some(editor),
        Some(Err(why)) => model.complain(why.to_string()),
        None => {}
    }
    judge(model);
}

fn take_up(model: &mut Model) -> Option<Result<DraftEditor, Unreadable>> {
    let (incident, id) = (model.incident?, model.draft()?.id);
    if let Some(at) = model.left.iter().position(|left| (left.incident, left.draft) == (incident, id)) {
        return Some(Ok(model.left.remove(at)));
    }
    model.writer = model.writer.wrapping_add(1);
    let draft = model.draft()?;
    Some(DraftEditor::open(incident, draft, model.writer, template(model, &draft.audience)))
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

/// Takes back what was written here last, or writes it again.
pub fn take_back(model: &mut Model, again: bool) {
    let done = model.editor.as_mut().map(|editor| editor.take_back(again));
    if let Some(Err(why)) = done {
        model.complain(why);
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
    let editor = match take_up(model) {
        Some(Ok(editor)) => editor,
        Some(Err(why)) => {
            model.complain(why.to_string());
            return Vec::new();
        }
        None => return Vec::new(),
    };
    let (incident, draft) = (editor.incident, editor.draft);
    let audience = model.draft().map(|draft| draft.audience.clone()).unwrap_or_default();
    let text = external_editor::to_file(incident, draft, &audience, &editor.fields());
    model.outside = Some((editor, text.clone()));
    vec![Effect::Edit { incident, draft, text }]
}

/// `$EDITOR` closed: what was changed there is written, beside what others wrote meanwhile.
pub fn came_back(model: &mut Model, text: Result<String, String>) -> Vec<Effect> {
    let Some((mut editor, before)) = model.outside.take() else { return Vec::new() };
    let read = |text: &str| external_editor::from_file(text);
    match text.and_then(|text| Ok((read(&before)?, read(&text)?))) {
        Ok((before, fields)) => {
            editor.write_over(&before, &fields);
            save(model, editor)
        }
        Err(why) => {
            model.complain(why);
            if editor.is_ahead() {
                model.left.push(editor);
            }
            Vec::new()
        }
    }
}

/// Leaves the editor, saving what was written; it is kept until the backend is known to have it.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(editor) = model.editor.take() else { return Vec::new() };
    save(model, editor)
}

fn save(model: &mut Model, mut editor: DraftEditor) -> Vec<Effect> {
    let Some(edit) = editor.unsent(model.now) else { return Vec::new() };
    let (incident, draft) = (editor.incident, editor.draft);
    model.left.push(editor);
    ask(model, saved(draft), Command::OnIncident { incident, ask: IncidentCommand::WriteDraft { draft, edit } })
}

fn saved(draft: DraftId) -> String {
    format!("{draft} saved")
}

/// What is asked without a word of the person's: nobody is told that it worked.
fn written(draft: DraftId) -> String {
    format!("{draft}{WRITTEN}")
}

/// Has the backend take what was written lately, so that others see it as it comes (COM.5).
pub fn send(model: &mut Model) -> Vec<Effect> {
    let (now, world) = (model.now, model.world);
    // Where it would only wait, it goes less often.
    let every = if matches!(model.link, Link::Live) { LIVE } else { OFFLINE };
    let Some(editor) = &mut model.editor else { return Vec::new() };
    let Some(edit) = editor.due(now, every) else { return Vec::new() };
    let (incident, draft) = (editor.incident, editor.draft);
    let command = Command::OnIncident { incident, ask: IncidentCommand::WriteDraft { draft, edit } };
    vec![Effect::Submit { world, what: written(draft), command: Box::new(command) }]
}

/// Tells the others where this person writes, when that has changed or was told some time ago (COM.5).
pub fn tell(model: &mut Model) -> Option<Effect> {
    let writing = model.editor.as_ref().map(|editor| Writing {
        incident: editor.incident,
        draft: editor.draft,
        field: editor.name().to_owned(),
        place: editor.place(),
    });
    let told = model.told.as_ref();
    let stale = told.is_some_and(|(_, at)| model.now.since(*at) > TOLD);
    if model.link != Link::Live || (told.map(|(writing, _)| writing) == writing.as_ref() && !stale) {
        return None;
    }
    model.told = writing.clone().map(|writing| (writing, model.now));
    Some(Effect::Writing { world: model.world, writing })
}

/// Others wrote, or the backend has what was written here.
pub fn hear(model: &mut Model) {
    let Some(state) = &model.state else { return };
    let find = |editor: &DraftEditor| {
        let incident = state.world.incidents.get(&editor.incident)?;
        incident.drafts.iter().find(|draft| draft.id == editor.draft)
    };
    let mut wrong = None;
    let outside = model.outside.iter_mut().map(|(editor, _)| editor);
    for editor in model.editor.iter_mut().chain(&mut model.left).chain(outside) {
        if let Some(Err(why)) = find(editor).map(|draft| editor.hear(draft)) {
            wrong = Some(why);
        }
    }
    model.left.retain(DraftEditor::is_ahead);
    if let Some(why) = wrong {
        model.complain(format!("what others wrote in the draft is not shown: {why}"));
    }
}

/// What was written was answered: what is refused at leaving brings the text back. Whether there is nothing to tell the person.
pub fn answered(model: &mut Model, what: &str, result: &Result<Accepted, LinkError>) -> bool {
    let refused = matches!(result, Err(LinkError::Refused(_) | LinkError::Unreachable(_)));
    let of = |editor: &&mut DraftEditor| [written(editor.draft), saved(editor.draft)].contains(&what.to_owned());
    let mut known = false;
    for editor in model.editor.iter_mut().chain(&mut model.left).filter(of) {
        known = editor.is_refused();
        editor.answered(!refused);
    }
    if refused && model.editor.is_none() {
        let left = model.left.iter().position(|left| saved(left.draft) == what);
        if let Some(at) = left {
            model.focus = Pane::Draft;
            model.editor = Some(model.left.remove(at));
            judge(model);
        }
    }
    // What nobody asked for by a key is told only where it is refused, and then once.
    let unasked = what.strip_suffix(WRITTEN).is_some_and(|id| id.parse::<DraftId>().is_ok());
    unasked && (!refused || known)
}
