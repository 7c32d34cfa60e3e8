//! A team's work on an incident: tasks, links, reminders, hand-over, kin (TEAM).

use clap::{Args, Subcommand};

use super::{
    incidents::{self, One},
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    incident::{
        IncidentCommand,
        team::{
            AddLink, AddTask, ChangeTask, EndTask, Kinship, LinkKind, MarkEvent, Merge, Relate, RemoveLink, ReopenTask,
            SetField, Snooze, Split, Task, TaskFrom, TaskState,
        },
    },
    report::handover,
    terms::{AgentId, FiringId, IncidentId, SwitchId, TaskId, Time},
};

/// `andon task`.
#[derive(Debug, Subcommand)]
pub enum Tasks {
    /// Add a task; it blocks closing unless told otherwise.
    Add {
        /// INC-7.
        incident: IncidentId,
        /// What to do, in a line.
        text: String,
        /// Who does it: a person, or a role.
        #[arg(long)]
        owner: Option<String>,
        /// By when: 30m, 4h, 2d from now, or RFC 3339.
        #[arg(long, value_name = "T", value_parser = when::later)]
        due: Option<Time>,
        /// It does not keep the incident from being closed.
        #[arg(long)]
        not_blocking: bool,
    },
    /// List an incident's tasks.
    List(One),
    /// Say that a task is done.
    Done {
        /// INC-7.
        incident: IncidentId,
        /// TASK-2.
        task: TaskId,
        /// With what words.
        #[arg(long)]
        note: Option<String>,
    },
    /// Give a task up, with a reason.
    Drop {
        /// INC-7.
        incident: IncidentId,
        /// TASK-2.
        task: TaskId,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Take an ended task up again.
    Reopen {
        /// INC-7.
        incident: IncidentId,
        /// TASK-2.
        task: TaskId,
    },
    /// Change what a task says, whose it is, or when it is due.
    Change {
        /// INC-7.
        incident: IncidentId,
        /// TASK-2.
        task: TaskId,
        /// What to do.
        #[arg(long)]
        text: Option<String>,
        /// Who does it; empty frees it.
        #[arg(long)]
        owner: Option<String>,
        /// By when: 30m, 4h, 2d from now, or RFC 3339.
        #[arg(long, value_name = "T", value_parser = when::later)]
        due: Option<Time>,
    },
}

pub async fn tasks(reach: &Reach, asked: Tasks) -> Result<(), Failed> {
    let (incident, ask) = match asked {
        Tasks::List(one) => return list(reach, &one).await,
        Tasks::Add { incident, text, owner, due, not_blocking } => {
            let ask = AddTask { text, owner, due_at: due, from: TaskFrom::Person, blocks: !not_blocking };
            (incident, IncidentCommand::AddTask(ask))
        }
        Tasks::Done { incident, task, note } => {
            (incident, IncidentCommand::EndTask(EndTask { task, how: TaskState::Done, note }))
        }
        Tasks::Drop { incident, task, why } => {
            (incident, IncidentCommand::EndTask(EndTask { task, how: TaskState::Dropped, note: Some(why) }))
        }
        Tasks::Reopen { incident, task } => (incident, IncidentCommand::ReopenTask(ReopenTask { task })),
        Tasks::Change { incident, task, text, owner, due } => {
            (incident, IncidentCommand::ChangeTask(ChangeTask { task, text, owner, due_at: due }))
        }
    };
    reach.ask(incident, ask).await
}

async fn list(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    reach.show(&view.incident.tasks, |tasks| {
        if tasks.is_empty() {
            return print::line("no task yet; `andon task add INC TEXT` adds one");
        }
        let row = |task: &Task| {
            let due = task.due_at.map_or_else(|| "–".into(), print::clock);
            let state =
                if task.blocks || !task.is_open() { task.state.to_string() } else { "open, not blocking".into() };
            vec![task.id.to_string(), state, task.owner.clone().unwrap_or_else(|| "–".into()), due, task.text.clone()]
        };
        print::table(&["ID", "STATE", "OWNER", "DUE", "WHAT"], &tasks.iter().map(row).collect::<Vec<_>>())
    })
}

/// `andon link`.
#[derive(Debug, Subcommand)]
pub enum Links {
    /// Add the chat, the bridge, a ticket, a document, a dashboard.
    Add {
        /// INC-7.
        incident: IncidentId,
        /// chat, bridge, ticket, document or dashboard.
        kind: LinkKind,
        /// Its address: https://…, tel:…, sip:…, mailto:….
        url: String,
        /// What it is called.
        #[arg(long)]
        title: Option<String>,
    },
    /// Take a link away.
    Remove {
        /// INC-7.
        incident: IncidentId,
        /// Its address.
        url: String,
    },
    /// List an incident's links.
    List(One),
}

pub async fn links(reach: &Reach, asked: Links) -> Result<(), Failed> {
    match asked {
        Links::Add { incident, kind, url, title } => {
            reach.ask(incident, IncidentCommand::AddLink(AddLink { kind, url, title })).await
        }
        Links::Remove { incident, url } => reach.ask(incident, IncidentCommand::RemoveLink(RemoveLink { url })).await,
        Links::List(one) => {
            let view = incidents::view(reach, one.incident).await?;
            reach.show(&view.incident.team.links, |links| {
                if links.is_empty() {
                    return print::line("no link yet; `andon link add INC chat URL` adds one");
                }
                links.iter().try_for_each(|link| {
                    let title = link.title.as_deref().unwrap_or_default();
                    print::line(print::clean(format!("{:<10} {} {title}", link.kind, link.url)).as_str())
                })
            })
        }
    }
}

/// `andon key`.
#[derive(Debug, Args)]
pub struct Key {
    /// INC-7.
    incident: IncidentId,
    /// The number of the event, as `andon log` shows it.
    seq: u64,
    /// It is none any more.
    #[arg(long)]
    not: bool,
}

pub async fn key(reach: &Reach, asked: &Key) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::MarkEvent(MarkEvent { seq: asked.seq, key: !asked.not })).await
}

/// `andon reminders`.
pub async fn reminders(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    reach.show(&view.reminders, |reminders| {
        if reminders.is_empty() {
            return print::line("nothing calls for anybody now");
        }
        reminders.iter().try_for_each(|one| {
            let off = one.snoozed_until.map(|until| format!(" (off until {})", print::clock(until)));
            let text = format!("{}  {}: {}{}", print::clock(one.at), one.id, one.what, off.unwrap_or_default());
            print::line(print::clean(text).as_str())
        })
    })
}

/// `andon snooze`.
#[derive(Debug, Args)]
pub struct Off {
    /// INC-7.
    incident: IncidentId,
    /// Which reminder, as `andon reminders` names it: "role commander".
    reminder: String,
    /// Until when: 30m, 4h, 2d from now, or RFC 3339.
    #[arg(long, value_name = "T", value_parser = when::later, default_value = "15m")]
    until: Time,
}

pub async fn snooze(reach: &Reach, asked: Off) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Snooze(Snooze { reminder: asked.reminder, until: asked.until })).await
}

/// `andon field`.
#[derive(Debug, Args)]
pub struct Field {
    /// INC-7.
    incident: IncidentId,
    /// A field of the runbook's incidents.toml.
    field: String,
    /// With what; empty clears it.
    value: String,
}

pub async fn field(reach: &Reach, asked: Field) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::SetField(SetField { field: asked.field, value: asked.value })).await
}

/// `andon relate`.
#[derive(Debug, Args)]
pub struct Relation {
    /// INC-7.
    incident: IncidentId,
    /// INC-5.
    to: IncidentId,
    /// related, causes or caused-by.
    #[arg(long, default_value = "related")]
    how: Kinship,
}

pub async fn relate(reach: &Reach, asked: &Relation) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Relate(Relate { to: asked.to, how: asked.how })).await
}

/// `andon merge`.
#[derive(Debug, Args)]
pub struct Pair {
    /// The one that ends.
    incident: IncidentId,
    /// The one that takes it in and goes on.
    into: IncidentId,
}

pub async fn merge(reach: &Reach, asked: &Pair) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Merge(Merge { into: asked.into })).await
}

/// `andon split`.
#[derive(Debug, Args)]
pub struct Part {
    /// INC-7.
    incident: IncidentId,
    /// What is wrong there, in a line.
    title: String,
    /// A firing that goes along; may be said again.
    #[arg(long)]
    firing: Vec<FiringId>,
    /// An agent that goes along; may be said again.
    #[arg(long)]
    agent: Vec<AgentId>,
    /// A switch that goes along; may be said again.
    #[arg(long)]
    switch: Vec<SwitchId>,
}

pub async fn split(reach: &Reach, asked: Part) -> Result<(), Failed> {
    let Part { incident, title, firing: firings, agent: agents, switch: switches } = asked;
    reach.ask(incident, IncidentCommand::Split(Split { title, firings, agents, switches })).await
}

/// `andon handover`.
#[derive(Debug, Args)]
pub struct Handover {
    /// INC-7.
    incident: IncidentId,
    /// The role that changes hands; without it the sheet is only printed.
    #[arg(requires = "who")]
    role: Option<String>,
    /// Who takes it.
    who: Option<String>,
    /// What is said on handing it over.
    #[arg(long, requires = "role")]
    note: Option<String>,
}

pub async fn handover(reach: &Reach, asked: Handover) -> Result<(), Failed> {
    if let Some(role) = asked.role {
        let ask = IncidentCommand::Assign { role, who: asked.who, note: asked.note };
        reach.ask(asked.incident, ask).await?;
    }
    let state = reach.client().await?.state(reach.world).await?;
    let incident =
        state.world.incidents.get(&asked.incident).ok_or_else(|| format!("there is no {}", asked.incident))?;
    let sheet = handover::sheet(incident, &state.world, state.live.now);
    reach.show(&serde_json::json!({ "incident": incident.id, "markdown": sheet }), |_| print::line(sheet.trim_end()))
}
