//! Incidents: declare, list, show, work, resolve.

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
    severity,
};
use crate::{
    api::{IncidentView, path},
    incident::{
        self, Command, Entry, Event, IncidentCommand, Topic, World,
        containment::{BlastRadius, Move},
        first_minutes::Phase,
        team::Source,
    },
    terms::{AgentId, FiringId, IncidentId, Time},
};

/// One incident.
#[derive(Debug, Args)]
pub struct One {
    /// INC-7.
    pub incident: IncidentId,
}

/// An incident and a reason.
#[derive(Debug, Args)]
pub struct Why {
    /// INC-7.
    pub incident: IncidentId,
    /// The reason.
    #[arg(long)]
    pub why: String,
}

/// `andon declare`.
#[derive(Debug, Args)]
pub struct Declare {
    /// What is wrong, in a line.
    title: Option<String>,
    /// A level of the scheme: SEV-1 … SEV-4.
    #[arg(long)]
    severity: Option<String>,
    /// A severity scheme: sev4, s3, critical4.
    #[arg(long)]
    scheme: Option<String>,
    /// The affected workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// An agent that is involved; may be said again.
    #[arg(long)]
    agent: Vec<AgentId>,
    /// The firing it comes from.
    #[arg(long, required_unless_present_any = ["title", "template"])]
    firing: Option<FiringId>,
    /// Since when harm is confirmed (RFC 3339).
    #[arg(long, value_name = "T")]
    harm_at: Option<Time>,
    /// Who noticed first: report, scorecard, anomaly, customer, regulator, partner, press.
    #[arg(long)]
    source: Option<Source>,
    /// When a consequence surfaced, where that is how it was noticed (RFC 3339).
    #[arg(long, value_name = "T")]
    surfaced_at: Option<Time>,
    /// What it begins with: a template of the runbook's incidents.toml.
    #[arg(long)]
    template: Option<String>,
    /// Only these people see it, and you (TEAM.9).
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    restrict_to: Vec<String>,
}

pub async fn declare(reach: &Reach, asked: Declare) -> Result<(), Failed> {
    let declare = incident::Declare {
        unconfirmed: false,
        title: asked.title.unwrap_or_default(),
        severity: asked.severity,
        scheme: asked.scheme,
        workflow: asked.workflow,
        agents: asked.agent,
        firing: asked.firing,
        harm_at: asked.harm_at,
        source: asked.source,
        surfaced_at: asked.surfaced_at,
        template: asked.template,
        restricted_to: asked.restrict_to,
    };
    let accepted = reach.submit(Command::Declare(declare)).await?;
    let id = accepted.events.iter().find_map(|event| match event.stream.topic {
        Topic::Incident(id) => Some(id),
        _ => None,
    });
    match id {
        Some(id) => {
            show(reach, &One { incident: id }).await?;
            // SEV.8: what was agreed for the workflow is shown to whoever declares.
            if reach.json { Ok(()) } else { severity::examples(&reach.get(path::advice(id)).await?) }
        }
        None => reach.told(&accepted, |kinds| kinds),
    }
}

/// `andon incidents`.
#[derive(Debug, Args)]
pub struct List {
    /// Closed and dismissed ones too.
    #[arg(long)]
    all: bool,
}

pub async fn list(reach: &Reach, asked: &List) -> Result<(), Failed> {
    let mut incidents: Vec<IncidentView> = reach.get(path::INCIDENTS).await?;
    incidents.retain(|one| asked.all || one.incident.is_open() || one.incident.status == incident::Status::Resolved);
    reach.show(&incidents, |incidents| {
        if incidents.is_empty() {
            return print::line("no incident is open; `andon declare TITLE` begins one");
        }
        let rows: Vec<Vec<String>> = incidents
            .iter()
            .map(|IncidentView { incident, .. }| {
                let status = if incident.confirmed { incident.status.to_string() } else { "to be confirmed".into() };
                let commander = incident.roles.get("commander").cloned().unwrap_or_else(|| "–".into());
                let id = if incident.drill { format!("DRILL {}", incident.id) } else { incident.id.to_string() };
                vec![
                    id,
                    incident.severity.clone(),
                    status,
                    commander,
                    print::clock(incident.declared_at),
                    match &incident.restricted {
                        Some(_) => format!("[restricted] {}", incident.title),
                        None => incident.title.clone(),
                    },
                ]
            })
            .collect();
        print::table(&["ID", "SEVERITY", "STATUS", "COMMANDER", "DECLARED", "TITLE"], &rows)
    })
}

pub(super) async fn view(reach: &Reach, id: IncidentId) -> Result<IncidentView, Failed> {
    reach.get(path::incident(id)).await
}

pub async fn show(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let view = view(reach, asked.incident).await?;
    reach.show(&view, |IncidentView { incident, clocks, reminders, phase, missing_roles }| {
        let drill = if incident.drill { "DRILL · " } else { "" };
        print::line(
            print::clean(format!("{drill}{} {} · {}", incident.id, incident.severity, incident.title)).as_str(),
        )?;
        let opener = incident.declared_by.opener();
        let confirmed =
            if incident.confirmed { String::new() } else { format!(", opened by {opener}, to be confirmed") };
        print::line(format!(
            "{}{confirmed}, declared {} by {}",
            incident.status,
            print::clock(incident.declared_at),
            print::clean(incident.declared_by.to_string())
        ))?;
        if let Some(phase) = phase {
            next(phase)?;
        }
        for (role, who) in &incident.roles {
            print::line(format!("{role}: {}", print::clean(who)))?;
        }
        if !missing_roles.is_empty() {
            print::line(format!("nobody is {}: {} asks for it", missing_roles.join(", "), incident.severity))?;
        }
        for round in &incident.paging.rounds {
            let begun = &round.begun;
            let answer = match (round.acked_at, &round.acked_by) {
                (Some(at), Some(by)) => format!("acknowledged {} by {}", print::clock(at), by.words()),
                _ => "nobody acknowledged it yet".to_owned(),
            };
            let line = format!("paged {} ({}) {}: {answer}", begun.queue, begun.severity, print::clock(round.at));
            print::line(print::clean(line).as_str())?;
        }
        if !incident.agents.is_empty() {
            let agents: Vec<&str> = incident.agents.iter().map(AgentId::as_str).collect();
            print::line(format!("agents: {}", print::clean(agents.join(", "))))?;
        }
        for clock in clocks {
            let left = match clock.left_s {
                Some(seconds) if seconds < 0.0 => format!("{} over", print::span(seconds)),
                Some(seconds) => format!("{} left", print::span(seconds)),
                None => String::new(),
            };
            print::line(format!("  {:<14} {:<8} {left}", clock.name, clock.state.as_str()))?;
        }
        for checklist in &incident.checklists {
            let done = checklist.steps.iter().filter(|step| step.state != incident::StepState::Open).count();
            let name = print::clean(format!("{} · {}", checklist.title, checklist.target));
            print::line(format!("{} {name}: {done}/{}", checklist.id, checklist.steps.len()))?;
        }
        for task in incident.tasks.iter().filter(|task| task.is_open()) {
            let owner = task.owner.as_deref().unwrap_or("nobody's");
            print::line(print::clean(format!("{} {owner}: {}", task.id, task.text)).as_str())?;
        }
        for link in &incident.team.links {
            print::line(print::clean(format!("{}: {}", link.kind, link.url)).as_str())?;
        }
        for kin in &incident.team.related {
            print::line(format!("{} {}", kin.how, kin.to))?;
        }
        let now = Time::from(chrono::Utc::now());
        for reminder in reminders.iter().filter(|one| one.calls(now)) {
            print::line(print::clean(format!("⚠ {}", reminder.what)).as_str())?;
        }
        for draft in &incident.drafts {
            let sent = if draft.sent.is_empty() { "not sent" } else { "sent" };
            print::line(format!("{} for {}: version {}, {sent}", draft.id, draft.audience, draft.version))?;
        }
        Ok(())
    })
}

/// Where it stands, and what to do next (TEN.2).
pub(super) fn next(phase: &Phase) -> Result<(), Failed> {
    let command = if phase.command.is_empty() { String::new() } else { format!("  ({})", phase.command) };
    print::line(print::clean(format!("{}: {}{command}", phase.phase, phase.next)).as_str())
}

/// `andon log`.
#[derive(Debug, Args)]
pub struct Log {
    /// INC-7.
    incident: IncidentId,
    /// Go on printing what happens.
    #[arg(long)]
    follow: bool,
    /// Only key events.
    #[arg(long)]
    key: bool,
    /// Only lines that hold this text.
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
}

pub async fn log(reach: &Reach, asked: &Log) -> Result<(), Failed> {
    if reach.json {
        let events: Vec<Event> = reach.get(path::incident_events(asked.incident)).await?;
        if !asked.follow {
            return print::json(&events);
        }
        events.iter().try_for_each(print::json)?;
    } else {
        let find = asked.find.as_deref().unwrap_or_default().to_lowercase();
        let wanted = |entry: &&Entry| (entry.key || !asked.key) && entry.text.to_lowercase().contains(&find);
        view(reach, asked.incident).await?.incident.timeline.iter().filter(wanted).try_for_each(entry)?;
    }
    if asked.follow { follow(reach, asked.incident).await } else { Ok(()) }
}

fn entry(entry: &Entry) -> Result<(), Failed> {
    let retracted = if entry.retracted { " (taken back)" } else { "" };
    let key = if entry.key { "★ " } else { "" };
    let (by, text) = (print::clean(entry.by.to_string()), print::clean(&entry.text));
    print::line(format!("{:>4}  {}  {by:<12} {key}{text}{retracted}", entry.seq, print::clock(entry.at)))
}

async fn follow(reach: &Reach, id: IncidentId) -> Result<(), Failed> {
    let follow = |world: &World, event: &Event| {
        if event.stream.topic != Topic::Incident(id) {
            return Ok(());
        }
        match world.incidents.get(&id).and_then(|incident| incident.timeline.last()) {
            _ if reach.json => print::json(event),
            Some(last) => entry(last),
            None => Ok(()),
        }
    };
    reach.follow(follow).await
}

/// `andon note`.
#[derive(Debug, Args)]
pub struct Note {
    /// INC-7.
    incident: IncidentId,
    /// Its text.
    text: String,
    /// When it happened, if not now (RFC 3339).
    #[arg(long, value_name = "T")]
    at: Option<Time>,
}

pub async fn note(reach: &Reach, asked: Note) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Note { text: asked.text, at: asked.at }).await
}

/// `andon assign`.
#[derive(Debug, Args)]
pub struct Assign {
    /// INC-7.
    incident: IncidentId,
    /// commander, deputy, scribe, communications, responder, severity-owner.
    role: String,
    /// Who; nobody frees the role.
    who: Option<String>,
    /// What is said on handing it over.
    #[arg(long)]
    note: Option<String>,
}

pub async fn assign(reach: &Reach, asked: Assign) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Assign { role: asked.role, who: asked.who, note: asked.note }).await
}

/// `andon harm`.
#[derive(Debug, Args)]
pub struct Harm {
    /// INC-7.
    incident: IncidentId,
    /// Since when (RFC 3339); now where it is left out.
    #[arg(long, value_name = "T")]
    at: Option<Time>,
    /// Instead, when the agent's first bad action was (RFC 3339): where detection, windows and the look back begin.
    #[arg(long, value_name = "T", conflicts_with = "at")]
    first_action: Option<Time>,
}

pub async fn harm(reach: &Reach, asked: &Harm) -> Result<(), Failed> {
    let ask = match asked.first_action {
        Some(at) => IncidentCommand::SetEarliestAction { at },
        None => IncidentCommand::ConfirmHarm { at: asked.at },
    };
    reach.ask(asked.incident, ask).await
}

/// `andon blast`.
#[derive(Debug, Args)]
pub struct Blast {
    /// INC-7.
    incident: IncidentId,
    /// Records, messages or payments an hour.
    #[arg(long, value_name = "N")]
    per_hour: f64,
    /// For how many hours it went on.
    #[arg(long, value_name = "H")]
    hours: f64,
    /// How many can be reached at all, where that is known.
    #[arg(long, value_name = "N")]
    reach: Option<f64>,
    /// Record the choice, take-down or narrow, with the figures; without it they are only shown.
    #[arg(long)]
    choose: Option<Move>,
    /// Why.
    #[arg(long)]
    why: Option<String>,
}

pub async fn blast(reach: &Reach, asked: Blast) -> Result<(), Failed> {
    let Blast { incident, per_hour: velocity_per_h, hours, reach: reachable, choose, why } = asked;
    let window_s = hours * 3_600.0;
    if let Some(choice) = choose {
        let ask = IncidentCommand::EstimateBlast { velocity_per_h, window_s, reach: reachable, choice, why };
        return reach.ask(incident, ask).await;
    }
    reach.show(&BlastRadius::of(velocity_per_h, window_s, reachable), |blast| {
        print::line(format!("up to {:.0} affected; advice: {}", blast.affected, blast.advice))
    })
}

pub async fn contained(reach: &Reach, asked: Why) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::DeclareContained { why: asked.why }).await
}

pub async fn confirm(reach: &Reach, asked: &One) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Confirm {}).await
}

pub async fn dismiss(reach: &Reach, asked: Why) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Dismiss { why: asked.why }).await
}

/// `andon resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    /// INC-7.
    incident: IncidentId,
    /// How.
    #[arg(long, default_value = "")]
    note: String,
    /// The reason to resolve over what is not verified or not released.
    #[arg(long, value_name = "WHY")]
    over: Option<String>,
}

pub async fn resolve(reach: &Reach, asked: Resolve) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Resolve { note: asked.note, over: asked.over }).await
}

pub async fn reopen(reach: &Reach, asked: Why) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Reopen { why: asked.why }).await
}

/// `andon close`.
#[derive(Debug, Args)]
pub struct Close {
    /// INC-7.
    incident: IncidentId,
    /// The reason to close over what is open.
    #[arg(long, value_name = "WHY")]
    over: Option<String>,
}

pub async fn close(reach: &Reach, asked: Close) -> Result<(), Failed> {
    reach.ask(asked.incident, IncidentCommand::Close { over: asked.over }).await
}
