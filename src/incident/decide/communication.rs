//! Drafts: begun from the incident, edited, marked sent with their exact text (COM.1, COM.2, COM.5).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{Draft, Fact, Fields, Incident, IncidentCommand, Refusal, Topic, communication},
    runbook::Template,
    terms::DraftId,
};

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::StartDraft { audience } => {
            let template = template(case, audience)?;
            let fields = communication::fill(incident, case.world, &template.audience, case.context.now);
            let draft = incident.drafts.last().map_or(DraftId(1), |last| last.id.next());
            one(Fact::DraftStarted { draft, audience: template.audience.clone(), fields })
        }
        IncidentCommand::EditDraft { draft, fields, version } => {
            let draft = find(incident, *draft)?;
            for name in Fields::NAMES.into_iter().chain(["body"]) {
                checks::bounded(name, fields.get(name).unwrap_or_default())?;
            }
            if draft.fields == *fields {
                return Ok(Vec::new());
            }
            if draft.version != *version {
                return Err(conflict(format!(
                    "{} was edited meanwhile (it is at version {}, you saw {version}): take that in and save again",
                    draft.id, draft.version
                )));
            }
            one(Fact::DraftEdited { draft: draft.id, fields: fields.clone() })
        }
        IncidentCommand::SendDraft { draft, channel, to } => {
            case.person("mark a draft sent")?;
            let draft = find(incident, *draft)?;
            let channel = checks::title(channel).map_err(|_| invalid("a channel is needed: copy, mail, chat …"))?;
            let to = checks::title(to).map_err(|_| invalid("say to whom it was sent"))?;
            let text = communication::render(template(case, &draft.audience)?, incident, &draft.fields)
                .map_err(|why| invalid(format!("the template for {} does not render: {why}", draft.audience)))?;
            one(Fact::DraftSent { draft: draft.id, text, channel, to })
        }
        _ => Ok(Vec::new()),
    }
}

fn template<'a>(case: &Case<'a>, audience: &str) -> Result<&'a Template, Refusal> {
    case.runbook.template(audience).ok_or_else(|| {
        let known: Vec<&str> = case.runbook.templates.iter().map(|template| template.audience.as_str()).collect();
        let given: String = audience.chars().take(40).collect();
        unknown(format!("{given:?} is no audience: one of {}", known.join(", ")))
    })
}

fn find(incident: &Incident, id: DraftId) -> Result<&Draft, Refusal> {
    incident
        .drafts
        .iter()
        .find(|draft| draft.id == id)
        .ok_or_else(|| unknown(format!("{} has no {id}; begin one for an audience first", incident.id)))
}
