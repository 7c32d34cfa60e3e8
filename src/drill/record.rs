//! An incident that happened, as a recording of it (DRL.2): what agents did from telemetry, what people did as marks.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Conduct, Harm,
    names::Names,
    recording::{Item, Mark, MarkKind, Moment, Recording},
};
use crate::{
    incident::{
        Incident, World,
        containment::ProofState,
        drilled::SPEEDS,
        evidence::{Affected, AffectedKind},
    },
    telemetry::Action,
    terms::{AgentId, NanoUsd, Time},
};

/// What comes before the first sign of it and is played nevertheless.
const BEFORE: i64 = 2 * Time::MINUTE;
/// How long a recording is played where it does not say.
const PLAYS_FOR: f64 = 60_000.0;

impl Recording {
    /// Records an incident of `world` from the `actions` that its evidence pins. Without `keep_names` every name of a
    /// person, an agent, a party or a place is replaced by a stand-in, the same wherever it comes, and the title is left
    /// out. What agents wrote is never carried.
    pub fn of_incident(incident: &Incident, world: &World, actions: Vec<Action>, keep_names: bool) -> Self {
        let declared = || world.agents.values().map(|agent| &agent.declared);
        let mut names = Names::new(keep_names, declared());
        let involved: BTreeSet<AgentId> =
            incident.agents.iter().chain(actions.iter().map(|action| &action.agent)).cloned().collect();
        let agents = declared().filter(|agent| involved.contains(&agent.id));
        let agents = agents.filter_map(|agent| names.declaration(agent)).collect();
        let firings = incident.firings.iter().filter_map(|id| world.firings.get(id));
        let signs = firings.map(|firing| firing.at).chain(incident.harm_at).chain(incident.mttd.action);
        let starts = signs.fold(incident.declared_at, Time::min).plus(-BEFORE);
        let mut recording = Self {
            title: if keep_names { incident.title.clone() } else { "An incident that happened here".into() },
            modelled_on: Some(format!("an incident of severity {}, recorded by andon", incident.severity)),
            published: Some("what telemetry and the log hold".into()),
            set: Some(
                "nothing; what each action harmed is not known: write it into `harm`, and into marks what came of it"
                    .into(),
            ),
            starts,
            agents,
            conduct: conduct(incident, world, &mut names),
            moments: marks(incident, world, &mut names),
            ..Self::default()
        };
        for action in actions.into_iter().filter_map(|action| names.action(action)) {
            if action.at < starts {
                recording.history.push(action);
            } else {
                let item = Item::Action(Box::new(action));
                recording.moments.push(Moment { at: item.at(), item, harm: Harm::NONE });
            }
        }
        recording.history.sort_by_key(|action| action.at);
        recording.moments.sort_by_key(|moment| moment.at);
        let lasts = recording.moments.last().map_or(0, |last| last.at.since(starts));
        recording.speed = Some((lasts as f64 / PLAYS_FOR).round().clamp(1.0, *SPEEDS.end()));
        recording
    }
}

impl Item {
    fn at(&self) -> Time {
        match self {
            Self::Action(action) => action.at,
            Self::Mark(mark) => mark.at,
        }
    }
}

/// An agent that acted past a halt does so again.
fn conduct(incident: &Incident, world: &World, names: &mut Names) -> BTreeMap<AgentId, Conduct> {
    let switches = incident.switches.iter().filter_map(|id| world.switches.get(id));
    let escaped = switches.flat_map(|switch| &switch.halt.agents).filter(|proof| proof.state == ProofState::Escaped);
    let ignores = || Conduct { ignores_stop: true, ..Conduct::default() };
    escaped.filter_map(|proof| Some((names.agent(&proof.id)?, ignores()))).collect()
}

/// What the log holds of people and tripwires.
fn marks(incident: &Incident, world: &World, names: &mut Names) -> Vec<Moment> {
    let mut marks = Vec::new();
    let mut mark = |at: Time, mark: MarkKind, text: String| {
        let item = Item::Mark(Mark { mark, at, text, set: false, deaf: false });
        marks.push(Moment { at, item, harm: Harm::NONE });
    };
    for firing in incident.firings.iter().filter_map(|id| world.firings.get(id)) {
        let Some(agent) = names.agent(&firing.key.agent) else { continue };
        let detail = if names.kept() { firing.key.detail.as_str() } else { "" };
        let about = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        mark(firing.at, MarkKind::Signal, format!("{} fires for {agent}{about}", firing.key.tripwire));
    }
    let by = names.author(&incident.declared_by);
    mark(incident.declared_at, MarkKind::Report, format!("{by} opens the incident"));
    if let Some(at) = incident.mttd.page {
        mark(at, MarkKind::Page, "The first page is delivered".into());
    }
    if let Some(at) = incident.mttd.acknowledgement {
        mark(at, MarkKind::Report, "A person acknowledges it".into());
    }
    for switch in incident.switches.iter().filter_map(|id| world.switches.get(id)) {
        let (by, scope) = (names.author(&switch.by), names.scope(&switch.scope));
        mark(switch.engaged_at, MarkKind::Report, format!("{by} engages {} over {scope}", switch.mode));
    }
    if let Some(at) = incident.contained_at {
        mark(at, MarkKind::Report, "The incident is contained".into());
    }
    let harm: Harm = incident.register.rows.iter().map(harmed).sum();
    if !harm.is_none() {
        let at = marks.iter().map(|moment| moment.at).max().unwrap_or(incident.declared_at);
        let text = "What the register holds in the end".into();
        let item = Item::Mark(Mark { mark: MarkKind::Consequence, at, text, set: true, deaf: false });
        marks.push(Moment { at, item, harm });
    }
    marks
}

/// A row of the register in figures; other currencies count as dollars, in the order of size that a drill needs.
fn harmed(row: &Affected) -> Harm {
    let count = row.count.unwrap_or(0).min(Harm::MOST);
    match row.kind {
        AffectedKind::Record => Harm { records: count, ..Harm::NONE },
        AffectedKind::Person => Harm { people: count, ..Harm::NONE },
        AffectedKind::Money => {
            let money_usd = row.amount.as_ref().and_then(|amount| NanoUsd::from_usd(amount.value)).unwrap_or_default();
            Harm { money_usd, ..Harm::NONE }
        }
        AffectedKind::Regulatory => Harm::NONE,
    }
}
