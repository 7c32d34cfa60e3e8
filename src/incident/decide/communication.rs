//! Drafts: begun from the incident, edited, agreed, sent with their exact text (COM.1, COM.2, COM.5, COM.6).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Draft, Fact, Fields, Incident, IncidentCommand, Refusal, Topic,
        communication::{
            self, Agreement, DeliveryStep, Message, Promise, Sending, Subject,
            writing::{self, Edit, Splice, Written},
        },
    },
    runbook::{Channel, ChannelKind, Template, nearest},
    terms::DraftId,
};

/// Most recipients of one sending by mail.
const RECIPIENTS: usize = 500;
/// Longest list of them, in bytes.
const TO: usize = 64 * 1024;
/// Most of what an outside server said that is kept, in characters.
const STATUS: usize = 1_000;

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::StartDraft { audience } => {
            let template = template(case, audience)?;
            let fields = communication::fill(&subject(case, incident), template);
            let draft = incident.drafts.last().map_or(DraftId(1), |last| last.id.next());
            one(Fact::DraftStarted { draft, audience: template.audience.clone(), fields })
        }
        IncidentCommand::EditDraft { draft, fields, version } => replace(case, incident, (*draft, *version), fields),
        IncidentCommand::WriteDraft { draft, edit } => write(case, incident, *draft, edit),
        IncidentCommand::AgreeDraft(asked) => agree(case, incident, *asked),
        IncidentCommand::SendDraft { draft, channel, to, over } => {
            send(case, incident, *draft, channel, to, over.as_deref())
        }
        IncidentCommand::RecordDelivery(step) => record(case, incident, step),
        _ => Ok(Vec::new()),
    }
}

fn subject<'a>(case: &Case<'a>, incident: &'a Incident) -> Subject<'a> {
    Subject { incident, world: case.world, runbook: case.runbook, now: case.context.now }
}

/// How many edits of a draft are kept one by one; then one takes the place of all.
const EDITS: usize = 256;

/// Scripts, which merge nothing, number what they write after the version they saw: nobody else writes over the same one.
const SCRIPTS: u64 = 1 << 52;

/// A draft is to read as in `fields`, which were written over the version that was seen.
fn replace(case: &Case<'_>, incident: &Incident, seen_: (DraftId, u64), fields: &Fields) -> Decided {
    let draft = find(incident, seen_.0)?;
    let edit = writing::edit_to(draft, SCRIPTS | draft.version, fields).map_err(|why| invalid(why.to_string()))?;
    let Some(edit) = edit else { return Ok(Vec::new()) };
    seen(draft, seen_.1, "take that in and save again")?;
    write(case, incident, draft.id, &edit)
}

/// COM.5: what somebody wrote goes in beside what others wrote; only what it made of the text is judged.
fn write(case: &Case<'_>, incident: &Incident, draft: DraftId, edit: &Edit) -> Decided {
    let draft = find(incident, draft)?;
    let manuscript = writing::with(draft, edit).map_err(|why| invalid(why.to_string()))?;
    let fields = manuscript.fields();
    let splices = Splice::all(&draft.fields, &fields);
    if splices.is_empty() {
        return Ok(Vec::new());
    }
    for name in Fields::ALL {
        checks::field(name, fields.get(name).unwrap_or_default())?;
    }
    let whole = draft.edits.len() >= EDITS;
    let edit = if whole { manuscript.whole() } else { edit.clone() };
    let written = Box::new(Written { draft: draft.id, edit, whole, splices });
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::DraftWritten(written))])
}

/// COM.6: a person agrees on what was read; a newer agreement takes its place.
fn agree(case: &Case<'_>, incident: &Incident, asked: Agreement) -> Decided {
    case.person("agree on a statement")?;
    let draft = find(incident, asked.draft)?;
    seen(draft, asked.version, "read it again, then agree")?;
    let now = incident.communication.agreed.get(&draft.audience);
    if now.is_some_and(|now| (now.draft, now.version) == (draft.id, draft.version)) {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::DraftAgreed(asked))])
}

fn seen(draft: &Draft, version: u64, then: &str) -> Result<(), Refusal> {
    if draft.version == version {
        return Ok(());
    }
    Err(conflict(format!(
        "{} was edited meanwhile (it is at version {}, you saw {version}): {then}",
        draft.id, draft.version
    )))
}

/// COM.5: a person sends; the exact text is settled here, before anything leaves.
fn send(case: &Case<'_>, incident: &Incident, draft: DraftId, channel: &str, to: &str, over: Option<&str>) -> Decided {
    case.person("send a draft")?;
    let draft = find(incident, draft)?;
    let channel = channel_for(case, channel, &draft.audience)?;
    let recipients = recipients(channel, to)?;
    let over = over.map(|why| checks::reason("send what contradicts the agreed statement", why)).transpose()?;
    let differs = incident.communication.agreed.get(&draft.audience);
    let differs = differs
        .map(|agreed| communication::contradictions(&case.runbook.claims, &agreed.fields, &draft.fields))
        .unwrap_or_default();
    if let (Some(first), None) = (differs.first(), &over) {
        return Err(conflict(format!(
            "{} contradicts the statement agreed for {}: {first}. Mend it, agree on this one, or give a reason with over",
            draft.id, draft.audience
        )));
    }
    let promise = Promise::read(&draft.fields.next_update, case.context.now).map_err(invalid)?;
    let mut fields = draft.fields.clone();
    if communication::is_relative(&fields.next_update) || promise == Promise::Last {
        // Who reads it later could not tell from when it counts.
        fields.next_update = promise.said(case.context.now);
    }
    let Message { subject, text } =
        communication::render(&self::subject(case, incident), template(case, &draft.audience)?, &fields)
            .map_err(|why| invalid(format!("the template for {} does not render: {why}", draft.audience)))?;
    if let Some(gap) = communication::has_gap(&text) {
        return Err(invalid(format!("the message still has a gap: {gap}; fill it, then send")));
    }
    for (what, words) in [("the message", text.as_str()), ("its subject", &subject)] {
        if let Some((place, sign)) = communication::forbidden(words) {
            return Err(invalid(format!(
                "{what} holds {sign} at character {place}: it could show the reader something else than was written. \
                 Take it out; `andon draft lint` shows where"
            )));
        }
    }
    let (topic, promise) = (Topic::Incident(incident.id), Some(promise));
    if channel.kind == ChannelKind::Copy {
        let (channel, to) = (channel.name.clone(), recipients.join(", "));
        return Ok(vec![case.fact(topic, Fact::DraftSent { draft: draft.id, text, channel, to, promise, over })]);
    }
    let sendings = recipients.into_iter().zip(draft.sent.len() as u32 + 1..).map(|(to, number)| Sending {
        draft: draft.id,
        number,
        text: text.clone(),
        subject: subject.clone(),
        channel: channel.name.clone(),
        kind: channel.kind,
        to,
        promise,
        over: over.clone(),
    });
    Ok(sendings.map(|sending| case.fact(topic, Fact::DraftSending(Box::new(sending)))).collect())
}

fn channel_for<'a>(case: &Case<'a>, name: &str, audience: &str) -> Result<&'a Channel, Refusal> {
    let fit = case.runbook.channels.iter().filter(|channel| channel.takes(audience));
    let known: Vec<&str> = fit.map(|channel| channel.name.as_str()).collect();
    let given: String = name.trim().chars().take(40).collect();
    match case.runbook.channel(name) {
        Some(channel) if channel.takes(audience) => Ok(channel),
        Some(_) => Err(invalid(format!("{given} takes no message for {audience}: one of {}", known.join(", ")))),
        None => {
            let hint = nearest(&given, known.iter().copied()).map(|word| format!("; did you mean {word}?"));
            let known = known.join(", ");
            Err(invalid(format!(
                "{given:?} is no channel of channels.toml: one of {known}{}",
                hint.unwrap_or_default()
            )))
        }
    }
}

/// To whom, each apart where the channel sends to each apart.
fn recipients(channel: &Channel, to: &str) -> Result<Vec<String>, Refusal> {
    let given = if to.trim().is_empty() { channel.to.as_deref().unwrap_or_default() } else { to };
    if given.trim().is_empty() {
        return Err(invalid("say to whom it was sent, or is to go"));
    }
    if given.len() > TO || given.chars().any(char::is_control) || communication::forbidden(given).is_some() {
        return Err(invalid(format!("to whom is one line of at most {TO} bytes, without hidden characters")));
    }
    if channel.kind != ChannelKind::Smtp {
        return checks::name("to whom", given).map(|to| vec![to]);
    }
    let mut all: Vec<String> = Vec::new();
    for address in given.split([',', ';']).map(str::trim).filter(|address| !address.is_empty()) {
        let sound = address.split_once('@').is_some_and(|(who, place)| {
            let plain = |part: &str| {
                !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>()@,;:\\\"[]".contains(c))
            };
            plain(who) && plain(place) && address.len() <= 254
        });
        if !sound {
            let shown: String = address.chars().take(80).collect();
            return Err(invalid(format!(
                "{shown:?} is no mail address like dana@example.com; put commas between several"
            )));
        }
        if !all.iter().any(|one| one.eq_ignore_ascii_case(address)) {
            all.push(address.to_owned());
        }
    }
    match all.len() {
        0 => Err(invalid("no mail address is given")),
        1..=RECIPIENTS => Ok(all),
        many => Err(invalid(format!("{many} addresses are given; at most {RECIPIENTS} at a time"))),
    }
}

/// What came of a message, as the backend's outward side tells it; settled ones stay as they are.
fn record(case: &Case<'_>, incident: &Incident, step: &DeliveryStep) -> Decided {
    let draft = find(incident, step.draft)?;
    let sent = draft.sent.iter().find(|sent| sent.number == step.number);
    let Some(delivery) = sent.and_then(|sent| sent.delivery.as_ref()) else {
        return Err(unknown(format!("{} has no message {} on its way", draft.id, step.number)));
    };
    if !delivery.state.is_open() {
        return Ok(Vec::new());
    }
    let step = DeliveryStep { status: step.status.chars().take(STATUS).collect(), ..step.clone() };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::DraftDelivery(step))])
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
