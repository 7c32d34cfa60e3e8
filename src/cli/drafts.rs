//! Communication drafts (COM).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{IncidentView, path},
    incident::{self, Fields, IncidentCommand, communication},
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
    /// Mark a draft sent; its exact text is kept.
    Send {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// By which channel: copy, mail, chat …
        #[arg(long)]
        channel: String,
        /// To whom.
        #[arg(long)]
        to: String,
    },
    /// Find wording that says nothing, and fields that are missing.
    Lint {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Check this file as the message instead.
        #[arg(long)]
        file: Option<PathBuf>,
    },
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
    /// investigating, owner, next_update, body.
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
        Draft::Send { which, channel, to } => {
            let (_, draft) = find(reach, &which).await?;
            reach.ask(which.incident, IncidentCommand::SendDraft { draft: draft.id, channel, to }).await
        }
        Draft::Lint { which, file } => lint(reach, &which, file).await,
    }
}

async fn show(reach: &Reach, which: &Which) -> Result<(), Failed> {
    let (view, draft) = find(reach, which).await?;
    reach.show(&draft, |draft| {
        let runbook = reach.settings.runbook()?;
        let Some(template) = runbook.template(&draft.audience) else {
            return Err(format!("the runbook here has no template for {}", draft.audience).into());
        };
        let text = communication::render(template, &view.incident, &draft.fields)?;
        let sent = if draft.sent.is_empty() { "not sent" } else { "sent" };
        eprintln!("{} for {}, version {}, {sent}", draft.id, draft.audience, draft.version);
        print::line(Printable::block(text.trim_end()).as_str())
    })
}

async fn edit(reach: &Reach, asked: Edit) -> Result<(), Failed> {
    let (_, draft) = find(reach, &asked.which).await?;
    let mut fields = draft.fields.clone();
    for set in &asked.set {
        let (name, text) = set.split_once('=').ok_or_else(|| Failed(format!("{set:?} is no FIELD=TEXT")))?;
        if !fields.set(name.trim(), text.to_owned()) {
            return Err(format!("{name:?} is no field: one of {}, body", Fields::NAMES.join(", ")).into());
        }
    }
    if let Some(file) = &asked.body_file {
        fields.body = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let ask = IncidentCommand::EditDraft { draft: draft.id, fields, version: draft.version };
    reach.ask(asked.which.incident, ask).await
}

async fn lint(reach: &Reach, which: &Which, file: Option<PathBuf>) -> Result<(), Failed> {
    let (_, mut draft) = find(reach, which).await?;
    if let Some(file) = file {
        draft.fields.body = std::fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let runbook = reach.settings.runbook()?;
    let Some(template) = runbook.template(&draft.audience) else {
        return Err(format!("the runbook here has no template for {}", draft.audience).into());
    };
    let findings = communication::lint(&runbook, template, &draft.fields);
    reach.show(&findings, |findings| {
        if findings.is_empty() {
            return print::line("nothing to say against it");
        }
        findings.iter().try_for_each(|finding| {
            let phrase = if finding.phrase.is_empty() { String::new() } else { format!(" “{}”", finding.phrase) };
            print::line(format!("{}:{phrase} {}; {}", finding.field, finding.why, finding.instead))
        })
    })
}
