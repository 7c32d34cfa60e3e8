//! Communication drafts (COM).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{IncidentView, path},
    incident::{
        self, Command, Fact, Fields, IncidentCommand,
        communication::{self, Finding, Subject, writing},
    },
    runbook::{Runbook, Template},
    terms::{DraftId, IncidentId, Printable},
};

/// `andon draft`.
#[derive(Debug, Subcommand)]
pub enum Draft {
    /// Begin one for an audience, filled from the incident.
    New {
        /// INC-7.
        incident: IncidentId,
        /// internal, executive, customer, partner, regulator, board, status-page.
        audience: String,
    },
    /// Show a draft as it would be sent.
    Show(Which),
    /// Set fields of a draft.
    Edit(Edit),
    /// Make a draft the agreed statement for its audience; a newer agreement takes its place.
    Agree(Which),
    /// Send a draft by a channel of channels.toml, or mark it sent by one that people work; its exact text is kept.
    Send(Send),
    /// Find wording that says nothing, guesses told as facts, fields that are missing, characters that hide.
    Lint(Lint),
}

/// `andon draft send`.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    which: Which,
    /// By which channel: copy, mail, chat … `andon runbook show` lists them.
    #[arg(long)]
    channel: String,
    /// To whom; where it is left out, whom the channel reaches anyway. Addresses with commas between, for mail.
    #[arg(long, default_value = "", hide_default_value = true)]
    to: String,
    /// Why it is sent although it contradicts the agreed statement.
    #[arg(long, value_name = "WHY")]
    over: Option<String>,
    /// Wait until it is accepted; exit 1 where it is not.
    #[arg(long)]
    wait: bool,
}

/// `andon draft lint`.
#[derive(Debug, Args)]
pub struct Lint {
    #[command(flatten)]
    which: Which,
    /// Check this file as the message instead; without a draft, for an audience.
    #[arg(long)]
    file: Option<PathBuf>,
    /// For which audience a file is, where no draft says so.
    #[arg(long, requires = "file")]
    audience: Option<String>,
    /// Exit 1 where something is found.
    #[arg(long)]
    check: bool,
}

/// Which draft.
#[derive(Debug, Args)]
pub struct Which {
    /// INC-7.
    incident: IncidentId,
    /// DRAFT-1; the newest where it is left out.
    draft: Option<DraftId>,
}

/// `andon draft edit`.
#[derive(Debug, Args)]
pub struct Edit {
    #[command(flatten)]
    which: Which,
    /// A field and its text, `impact=41 refunds were paid twice`; may be said again. Fields: workflow, impact, contained,
    /// investigating, owner, next_update, reason, reader_should, agent_did, systems, before_restart, body.
    #[arg(long, value_name = "FIELD=TEXT", required_unless_present = "body_file")]
    set: Vec<String>,
    /// A file with the message.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
}

async fn find(reach: &Reach, which: &Which) -> Result<(IncidentView, incident::Draft), Failed> {
    let view: IncidentView = reach.get(path::incident(which.incident)).await?;
    let draft = match which.draft {
        Some(id) => view.incident.drafts.iter().find(|draft| draft.id == id),
        None => view.incident.drafts.last(),
    };
    match draft.cloned() {
        Some(draft) => Ok((view, draft)),
        None => Err(format!("{} has no such draft; `andon draft new` begins one", which.incident).into()),
    }
}

pub async fn run(reach: &Reach, asked: Draft) -> Result<(), Failed> {
    match asked {
        Draft::New { incident, audience } => reach.ask(incident, IncidentCommand::StartDraft { audience }).await,
        Draft::Show(which) => show(reach, &which).await,
        Draft::Edit(asked) => edit(reach, asked).await,
        Draft::Agree(which) => {
            let (_, draft) = find(reach, &which).await?;
            let agreed = communication::Agreement { draft: draft.id, version: draft.version };
            reach.ask(which.incident, IncidentCommand::AgreeDraft(agreed)).await
        }
        Draft::Send(asked) => send(reach, asked).await,
        Draft::Lint(asked) => lint(reach, asked).await,
    }
}

async fn show(reach: &Reach, which: &Which) -> Result<(), Failed> {
    let (_, draft) = find(reach, which).await?;
    if reach.json {
        return print::json(&draft);
    }
    let state = reach.client().await?.state(reach.world).await?;
    let Some(incident) = state.world.incidents.get(&which.incident) else {
        return Err(
            format!("there is no {} in this world; `andon incidents` lists those there are", which.incident).into()
        );
    };
    let runbook = reach.runbook(Some(&incident.runbook)).await?;
    let Some(template) = runbook.template(&draft.audience) else {
        return Err(format!("the runbook here has no template for {}", draft.audience).into());
    };
    let subject = Subject { incident, world: &state.world, runbook: &runbook, now: now() };
    let message = communication::render(&subject, template, &draft.fields)?;
    let sent = if draft.sent.is_empty() { "not sent" } else { "sent" };
    let agreed = incident.communication.agreed.get(&draft.audience);
    let agreed = agreed.filter(|agreed| (agreed.draft, agreed.version) == (draft.id, draft.version));
    let mark = if agreed.is_some() { ", agreed" } else { "" };
    eprintln!("{} for {}, version {}, {sent}{mark}", draft.id, draft.audience, draft.version);
    if let Some(agreed) = incident.communication.agreed.get(&draft.audience) {
        for differs in communication::contradictions(&runbook.claims, &agreed.fields, &draft.fields) {
            eprintln!("contradicts {}: {}", agreed.draft, print::clean(differs.to_string()));
        }
    }
    eprintln!("Subject: {}", print::clean(&message.subject));
    print::line(Printable::block(message.text.trim_end()).as_str())
}

fn now() -> crate::terms::Time {
    crate::terms::Time::from(chrono::Utc::now())
}

async fn send(reach: &Reach, asked: Send) -> Result<(), Failed> {
    let (_, draft) = find(reach, &asked.which).await?;
    let Send { which, channel, to, over, wait } = asked;
    let ask = IncidentCommand::SendDraft { draft: draft.id, channel, to, over };
    let accepted = reach.submit(Command::OnIncident { incident: which.incident, ask }).await?;
    let numbers: Vec<u32> = accepted
        .events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::DraftSending(sending) => Some(sending.number),
            _ => None,
        })
        .collect();
    if wait && !numbers.is_empty() {
        return settle(reach, which.incident, draft.id, &numbers).await;
    }
    reach.told(&accepted, |kinds| format!("{} {}: {kinds}", which.incident, draft.id))
}

/// How often is looked whether messages arrived.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// Waits until every message of `numbers` is settled, or is to be tried again much later.
async fn settle(reach: &Reach, incident: IncidentId, draft: DraftId, numbers: &[u32]) -> Result<(), Failed> {
    loop {
        let view: IncidentView = reach.get(path::incident(incident)).await?;
        let sent = view.incident.drafts.iter().filter(|one| one.id == draft).flat_map(|one| &one.sent);
        let ours: Vec<&incident::Sent> = sent.filter(|sent| numbers.contains(&sent.number)).collect();
        let open = |sent: &&&incident::Sent| sent.delivery.as_ref().is_some_and(|delivery| delivery.state.is_open());
        if ours.iter().filter(open).count() > 0 {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        reach.show(&ours, |ours| {
            ours.iter().try_for_each(|sent| print::line(print::clean(came_of(draft, sent)).as_str()))
        })?;
        let dead = ours.iter().filter(|sent| sent.told_at().is_none()).count();
        return match dead {
            0 => Ok(()),
            dead => Err(format!("{dead} of {} did not arrive; `andon told {incident}` says why", ours.len()).into()),
        };
    }
}

fn came_of(draft: DraftId, sent: &incident::Sent) -> String {
    let delivery = sent.delivery.as_ref();
    let state = delivery.map_or("carried by hand", |delivery| delivery.state.as_str());
    let said = delivery.and_then(|delivery| delivery.attempts.last()).map(|last| last.status.as_str());
    format!("{draft} message {} to {}: {state} ({})", sent.number, sent.to, said.unwrap_or_default())
}

async fn edit(reach: &Reach, asked: Edit) -> Result<(), Failed> {
    let (_, draft) = find(reach, &asked.which).await?;
    let mut fields = draft.fields.clone();
    for set in &asked.set {
        let (name, text) = set.split_once('=').ok_or_else(|| Failed(format!("{set:?} is no FIELD=TEXT")))?;
        if !fields.set(name.trim(), text.to_owned()) {
            return Err(format!("{name:?} is no field: one of {}", Fields::ALL.join(", ")).into());
        }
    }
    if let Some(file) = &asked.body_file {
        fields.body = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let edit = writing::edit_to(&draft, uuid::Uuid::new_v4().as_u64_pair().0, &fields);
    match edit.map_err(|why| Failed(why.to_string()))? {
        Some(edit) => reach.ask(asked.which.incident, IncidentCommand::WriteDraft { draft: draft.id, edit }).await,
        None => reach.show(&draft, |draft| print::line(format!("{} reads so already", draft.id))),
    }
}

async fn lint(reach: &Reach, asked: Lint) -> Result<(), Failed> {
    let found = find(reach, &asked.which).await;
    let version = found.as_ref().ok().map(|(view, _)| view.incident.runbook.as_str());
    let runbook = reach.runbook(version).await?;
    let findings = match (found, &asked.file) {
        (Ok((_, mut draft)), file) => {
            if let Some(file) = file {
                draft.fields.body = read(file)?;
            }
            communication::lint(&runbook, template(&runbook, &draft.audience)?, &draft.fields)
        }
        // A plain file needs no draft: its words are judged, and what a draft would add is not missed.
        (Err(_), Some(file)) => {
            let audience = asked.audience.as_deref().unwrap_or("customer");
            template(&runbook, audience)?;
            communication::Linter::new(&runbook).field("body", &read(file)?)
        }
        (Err(why), None) => return Err(why),
    };
    reach.show(&findings, |findings| {
        if findings.is_empty() {
            return print::line("nothing to say against it");
        }
        findings.iter().try_for_each(|finding| print::line(words(finding)))
    })?;
    match findings.len() {
        found @ 1.. if asked.check => Err(format!("{found} findings").into()),
        _ => Ok(()),
    }
}

fn read(file: &std::path::Path) -> Result<String, Failed> {
    std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()).into())
}

fn template<'r>(runbook: &'r Runbook, audience: &str) -> Result<&'r Template, Failed> {
    let known = || runbook.templates.iter().map(|one| one.audience.as_str()).collect::<Vec<_>>().join(", ");
    runbook
        .template(audience)
        .ok_or_else(|| format!("the runbook here has no template for {audience:?}: {}", known()).into())
}

/// `body 7-23: “technical issue” vague…; name…; or: …`.
fn words(finding: &Finding) -> String {
    let place = finding.at.map(|place| format!(" {}-{}", place.chars.0, place.chars.1)).unwrap_or_default();
    let phrase = if finding.phrase.is_empty() { String::new() } else { format!(" “{}”", finding.phrase) };
    let offer = finding.offer.as_deref().filter(|offer| !offer.is_empty());
    let offer = offer.map(|offer| format!("; or: {offer}")).unwrap_or_default();
    let line = format!("{}{place}:{phrase} {}; {}{offer}", finding.field, finding.why, finding.instead);
    print::clean(line).as_str().to_owned()
}
